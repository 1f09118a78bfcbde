"""Somebody holds the table: our statements wait no longer than the lock timeout, and nobody longer behind them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import psycopg
import pytest

from console.events import StatementBegan, StatementEnded
from console.session import Session
from tests.servers.database import Database
from tests.walk.shops import SHOPS, Application
from tests.walk.traffic import Traffic, as_shop
from tests.walk.walking import Walk

MakeWalk = Callable[..., Walk]
SHOP = SHOPS[1]
LIMITS = 'lock_timeout = "500ms"\nlock_retries = 5\n'


def tries(walk: Walk, name: str) -> list[StatementEnded]:
    return [e for e in walk.events(StatementEnded) if isinstance(e, StatementEnded) and e.name == name]


def _held_by(*applications: str) -> Callable[[Session], bool]:
    return lambda s: s.held is not None and tuple(h.application for h in s.held.holders) == applications


def test_a_reader_that_holds_the_table(database: Database, make_walk: MakeWalk) -> None:
    """The holder is shown at each try; after the last one the operator decides; a retry goes through.

    The application gives up waiting for a lock after the lock timeout and some, and never has to: the server
    itself watches the bound.
    """
    database.run(f"{SHOP.create}; {SHOP.fill}")
    walk = make_walk(SHOP.body(), limits=LIMITS)
    application = Application(SHOP)
    deeds = application.deeds
    with (
        database.connect() as holder,
        Traffic(as_shop(database, lock_timeout=0.5 + 0.5), deeds, threads=4) as traffic,
    ):
        holder.execute("SET application_name = 'nightly report'")
        walk.start(advance="manual", alone=False)
        walk.wait(lambda s: s.waits_for == "advance" and s.phase == "add-column")
        with holder.transaction():
            holder.execute("SELECT count(*) FROM t")
            walk.wait(_held_by("nightly report"), "told before anybody advances")
            assert walk.ask("advance", phase="add-column").state == "done"
            session = walk.wait(lambda s: s.state == "parked", "parked after the last try")
            assert "got no lock in 6 tries" in session.reason
            assert "nightly report" in session.reason
            told = tries(walk, "add-column")
            assert [e.attempt for e in told] == [1, 2, 3, 4, 5, 6]
            assert all("nightly report" in [h.application for h in e.holders] for e in told)
            assert all(e.outcome == "lock-timeout" for e in told)
            walk.wait(_held_by("nightly report"), "told before anybody retries")
        walk.wait(_held_by(), "told that it has gone")
        assert walk.ask("retry").state == "done"
        walk.wait(lambda s: s.phase == "dual-writes" and s.waits_for == "advance")
        traffic.settle()
    assert traffic.errors == []
    assert database.rows(
        "SELECT count(*) FROM pg_attribute WHERE attname = 'copy' AND attrelid = 't'::regclass"
    ) == [(1,)]


def test_a_prepared_transaction_that_holds_the_table_is_told(database: Database, make_walk: MakeWalk) -> None:
    """It has no session, and no beginning that can be read: still nobody advances into it unwarned."""
    database.run(f"{SHOP.create}; {SHOP.fill}")
    walk = make_walk(SHOP.body(), limits=LIMITS)
    walk.start(advance="manual", alone=False)
    walk.wait(lambda s: s.waits_for == "advance" and s.phase == "add-column")
    walk.wait(_held_by(), "nobody told")
    with database.connect() as link:
        link.autocommit = True
        link.execute("BEGIN; SELECT count(*) FROM t; PREPARE TRANSACTION 'left behind'")
        try:
            walk.wait(_held_by("prepared transaction"), "told before anybody advances")
        finally:
            link.execute("ROLLBACK PREPARED 'left behind'")
    walk.wait(_held_by(), "told that it has gone")


def test_a_queue_behind_our_statement_is_let_go(database: Database, make_walk: MakeWalk) -> None:
    """More than `lock_queue` sessions behind us: cancelled at once, long before the lock timeout."""
    database.run(f"{SHOP.create}; {SHOP.fill}")
    walk = make_walk(SHOP.body(), limits='lock_timeout = "30s"\nlock_queue = 3\nlock_retries = 40\n')
    walk.start(advance="manual", alone=False)
    walk.wait(lambda s: s.waits_for == "advance" and s.phase == "add-column")
    walk.ask("advance")
    walk.wait(lambda s: s.waits_for == "advance" and s.phase == "dual-writes")
    with (
        database.connect() as holder,
        Traffic(as_shop(database), Application(SHOP).deeds, threads=12) as traffic,
    ):
        with holder.transaction():
            # A writer that sits there: CREATE TRIGGER waits for it, and every other writer for CREATE TRIGGER.
            holder.execute("UPDATE t SET source = source WHERE id = 1000003")
            walk.ask("advance")
            walk.wait(lambda s: any(e.outcome == "queue-guard" for e in s.statements), "the queue guard")
            traffic.settle()
        walk.wait(lambda s: s.phase == "backfill", "the trigger in place")
    guarded = next(e for e in tries(walk, "sync-trigger") if e.outcome == "queue-guard")
    assert guarded.queued > 3
    assert guarded.next_try is not None
    assert traffic.errors == []


def test_cancel_statement(database: Database, make_walk: MakeWalk) -> None:
    """An index build that waits for a transaction is cancelled by the operator; the retry clears its leftover."""
    database.run(f"{SHOP.create}; {SHOP.fill}")
    walk = make_walk(SHOP.body())
    with database.connect() as holder:
        walk.start(advance="manual", alone=False)
        for phase in ("add-column", "dual-writes", "backfill", "verify", "constraints"):
            walk.wait(lambda s: s.waits_for == "advance" and s.phase == phase, phase)  # noqa: B023
            walk.ask("advance", phase=phase)
        walk.wait(lambda s: s.waits_for == "advance" and s.phase == "indexes")
        with holder.transaction():
            holder.execute("UPDATE t SET source = source WHERE id = 1000003")
            walk.ask("advance")
            walk.wait(
                lambda s: "waits for" in (s.current.doing if s.current else ""), "the build's culprit shown"
            )
            answer = walk.ask("cancel-statement")
            assert answer.state == "done", answer.text
            session = walk.wait(lambda s: s.state == "parked")
            assert "cancelled by" in session.reason
            invalid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('\"the new index\"')"
            assert database.rows(invalid) == [(False,)]
        walk.ask("retry")
        walk.wait(lambda s: s.phase == "reads", "the gate of the readers")
    assert database.rows(invalid) == [(True,)]
    sent = [
        e
        for e in walk.events(StatementBegan)
        if isinstance(e, StatementBegan) and e.name == "index-the new index"
    ]
    assert len(sent) == 2


@pytest.mark.parametrize("how", ["cancel-session", "terminate-session"])
def test_a_picked_holder_is_ended(database: Database, make_walk: MakeWalk, how: str) -> None:
    """Only the session that the operator picked, and only while it is the one that was seen."""
    database.run(f"{SHOP.create}; {SHOP.fill}")
    walk = make_walk(SHOP.body(), limits=LIMITS)
    with contextlib.suppress(psycopg.errors.AdminShutdown), database.connect() as holder:
        walk.start(advance="manual", alone=False)
        walk.wait(lambda s: s.waits_for == "advance" and s.phase == "add-column")
        holder.execute("BEGIN; LOCK TABLE t IN ACCESS SHARE MODE")
        walk.ask("advance")
        walk.wait(lambda s: s.statement and s.statement.holders, "the holder shown")
        session = walk.session()
        assert session.statement is not None
        seen = session.statement.holders[0]
        wrong = walk.ask(how, str(seen.pid), str(seen.started - 60))
        assert wrong.state == "refused"
        assert "is not the one it was" in wrong.text
        right = walk.ask(how, str(seen.pid), repr(seen.started))
        assert right.state == "done", right.text
        if how == "terminate-session":
            walk.wait(lambda s: s.phase == "dual-writes")
