"""Somebody holds the table: our statements wait no longer than the lock timeout, and nobody longer behind them."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pymysql
import pytest

from console.events import StatementBegan, StatementEnded
from tests.servers.mysql_database import MySqlDatabase
from tests.walk.mysql.shops import SHOPS, Application, application
from tests.walk.traffic import Traffic
from tests.walk.walking import Walk

MakeWalk = Callable[..., Walk]
SHOP = SHOPS[0]
LIMITS = 'lock_timeout = "500ms"\nlock_retries = 5\n'
# Shorter than what young transactions have left: behind a longer try they would all queue, and it would get its lock.
SHORT_TRIES = LIMITS.replace("500ms", "200ms")


def tries(walk: Walk, name: str) -> list[StatementEnded]:
    return [e for e in walk.events(StatementEnded) if isinstance(e, StatementEnded) and e.name == name]


def test_a_reader_that_holds_the_table(mysql_database: MySqlDatabase, make_walk: MakeWalk) -> None:
    """Seen before the statement is sent: it never waits, so nobody waits behind it; a retry goes through."""
    _record_metadata_locks(mysql_database)
    SHOP.make(mysql_database)
    walk = make_walk(SHOP.body(), limits=LIMITS)
    with (
        mysql_database.connect("app") as holder,
        holder.cursor() as cursor,
        Traffic(application(mysql_database), Application(SHOP).deeds, threads=4) as traffic,
    ):
        walk.start(advance="manual", alone=False)
        walk.wait(lambda s: s.waits_for == "advance" and s.phase == "add-column")
        cursor.execute("SELECT CONNECTION_ID()")
        ((pid,),) = cursor.fetchall()
        holder.begin()
        cursor.execute("SELECT COUNT(*) FROM t")
        walk.wait(
            lambda s: s.held and [h.pid for h in s.held.holders] == [pid], "told before anybody advances"
        )
        assert walk.ask("advance", phase="add-column").state == "done"
        session = walk.wait(lambda s: s.state == "parked", "parked after the last try")
        assert "got no lock in 6 tries" in session.reason
        told = tries(walk, "add-column")
        assert [e.attempt for e in told] == [1, 2, 3, 4, 5, 6]
        assert all(pid in [h.pid for h in e.holders] for e in told)
        assert all(e.outcome == "lock-timeout" and e.seconds < 0.5 for e in told)
        walk.wait(
            lambda s: s.held and [h.pid for h in s.held.holders] == [pid], "told before anybody retries"
        )
        holder.commit()
        walk.wait(lambda s: s.held and not s.held.holders, "told that it has gone")
        assert walk.ask("retry").state == "done"
        walk.wait(lambda s: s.phase == "dual-writes" and s.waits_for == "advance")
        traffic.settle()
    assert traffic.errors == []
    assert _has_column(mysql_database)


def test_a_reader_who_is_not_seen(mysql_database: MySqlDatabase, make_walk: MakeWalk) -> None:
    """Transactions that are young when we look: each try gives up within its own time, also below a second."""
    SHOP.make(mysql_database)
    walk = make_walk(SHOP.body(), limits=SHORT_TRIES)
    walk.start(advance="manual", alone=False)
    walk.wait(lambda s: s.waits_for == "advance" and s.phase == "add-column")
    with _young_transactions(mysql_database):
        walk.ask("advance", phase="add-column")
        walk.wait(lambda _: len(tries(walk, "add-column")) >= 3, "three tries")
    told = tries(walk, "add-column")[:3]
    assert [e.outcome for e in told] == ["lock-timeout"] * 3
    walk.wait(lambda s: s.phase == "dual-writes" and s.waits_for == "advance", "the column added")
    assert _has_column(mysql_database)


@pytest.mark.parametrize(
    ("table", "name"),
    [("t", "index-the new index"), ("parents", "foreign-key")],
    ids=["index", "foreign key"],
)
def test_a_reader_that_holds_what_a_build_needs(
    mysql_database: MySqlDatabase, make_walk: MakeWalk, table: str, name: str
) -> None:
    """As with the column: the build is not sent, on the parent's account too, and no statement waits behind it."""
    _record_metadata_locks(mysql_database)
    SHOP.make(mysql_database)
    mysql_database.run(
        "CREATE TABLE parents (id varchar(60) PRIMARY KEY) CHARACTER SET utf8mb4;"
        " INSERT INTO parents SELECT DISTINCT UPPER(source) FROM t UNION SELECT 'none'"
    )
    reference = "[references]\ntable = 'parents'\ncolumn = 'id'\n"
    walk = make_walk(SHOP.body() + reference, limits='lock_timeout = "500ms"\nlock_retries = 1\n')
    walk.start(advance="manual", alone=False)
    for phase in ("add-column", "dual-writes", "backfill", "verify"):
        walk.wait(lambda s: s.waits_for == "advance" and s.phase == phase, phase)  # noqa: B023
        walk.ask("advance", phase=phase)
    walk.wait(lambda s: s.waits_for == "advance" and s.phase == "indexes")
    with (
        mysql_database.connect("app") as holder,
        holder.cursor() as cursor,
        Traffic(
            lambda: mysql_database.connect("app", init_command="SET SESSION lock_wait_timeout = 3"),
            [_reading("t"), _reading("parents")],
        ) as traffic,
    ):
        holder.begin()
        cursor.execute(f"SELECT COUNT(*) FROM {table}")
        time.sleep(2.5)  # an old transaction, by the runner's measure
        walk.ask("advance", phase="indexes")
        walk.wait(lambda s: s.state == "parked", "parked after the last try")
        told = tries(walk, name)
        assert [e.outcome for e in told] == ["lock-timeout"] * 2
        assert all(e.text.startswith("not sent") and e.holders for e in told)
        holder.commit()
        walk.ask("retry")
        walk.wait(lambda s: s.phase == "reads", "the gate of the readers")
        traffic.settle()
    assert traffic.errors == []


def _reading(table: str) -> Callable[[Any, random.Random], None]:
    def read(connection: Any, _: random.Random) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {table} LIMIT 1")

    return read


def test_a_reader_that_holds_the_table_of_an_outdated_trigger(
    mysql_database: MySqlDatabase, make_walk: MakeWalk
) -> None:
    """It is dropped under the try's lock timeout; a wait for it counts as a try."""
    SHOP.make(mysql_database)
    walk = make_walk(SHOP.body(), limits=SHORT_TRIES)
    walk.start(advance="manual", alone=False)
    walk.wait(lambda s: s.waits_for == "advance" and s.phase == "add-column")
    walk.ask("advance", phase="add-column")
    session = walk.wait(lambda s: s.waits_for == "advance" and s.phase == "dual-writes")
    assert session.plan is not None
    clear = session.plan.phase("dual-writes").statements[0].clear
    name = clear.rpartition("`.`")[2].rstrip("`")
    mysql_database.run(f"CREATE TRIGGER `{name}` BEFORE INSERT ON t FOR EACH ROW SET NEW.source = NEW.source")
    with (
        _young_transactions(mysql_database),
        Traffic(
            lambda: mysql_database.connect("app", init_command="SET SESSION lock_wait_timeout = 3"),
            [_reading("t")],
        ) as traffic,
    ):
        walk.ask("advance", phase="dual-writes")
        walk.wait(lambda _: len(tries(walk, "sync-insert")) >= 2, "two tries")
        traffic.settle()
        assert traffic.errors == []
    assert [e.outcome for e in tries(walk, "sync-insert")[:2]] == ["lock-timeout"] * 2
    began = [e for e in walk.events(StatementBegan) if isinstance(e, StatementBegan)]
    assert [e.name for e in began if "sync-insert" in e.name][:2] == ["clear-sync-insert"] * 2
    walk.wait(lambda s: s.waits_for == "advance" and s.phase == "backfill", "both triggers in place")


def test_rows_that_others_hold(mysql_database: MySqlDatabase, make_walk: MakeWalk) -> None:
    """The backfill goes round rows that are held and comes back: it neither waits nor ends in a deadlock."""
    SHOP.make(mysql_database)
    walk = make_walk(SHOP.body())
    with mysql_database.connect("app") as holder, holder.cursor() as cursor:
        walk.start(advance="manual", alone=False)
        for phase in ("add-column", "dual-writes"):
            walk.wait(lambda s: s.waits_for == "advance" and s.phase == phase, phase)  # noqa: B023
            walk.ask("advance", phase=phase)
        walk.wait(lambda s: s.waits_for == "advance" and s.phase == "backfill")
        holder.begin()
        cursor.execute("SELECT * FROM t WHERE id IN (700, 100) FOR UPDATE")
        walk.ask("advance", phase="backfill")
        # A batch that waited for 100 while this transaction asks for rows of the batch would be a deadlock.
        for row in range(1, 300):
            cursor.execute(f"SELECT * FROM t WHERE id = {row} FOR UPDATE")
        walk.wait(lambda s: any("stay locked" in line.text for line in s.log), "the batch that can't be done")
        cursor.execute("UPDATE t SET source = 'mine' WHERE id = 700")
        holder.commit()
        walk.wait(lambda s: s.waits_for == "advance" and s.phase == "verify", "the backfill done")
    assert mysql_database.rows("SELECT copy FROM t WHERE id = 700") == [("MINE",)]
    assert mysql_database.rows(SHOP.wrong_rows()) == [(0,)]


def test_a_global_read_lock_before_anything_is_made(
    mysql_database: MySqlDatabase, make_walk: MakeWalk
) -> None:
    """Our own table is tried again as the application's is, and the walk goes on when the lock has gone."""
    SHOP.make(mysql_database)
    walk = make_walk(SHOP.body(), limits=LIMITS.replace("5\n", "30\n"))
    with (
        mysql_database.cluster.primary.connect("root", mysql_database.name) as backup,
        backup.cursor() as cursor,
    ):
        walk.start(advance="manual", alone=False)
        walk.wait(lambda s: s.waits_for == "advance" and s.phase == "add-column")
        cursor.execute("FLUSH TABLES WITH READ LOCK")
        assert walk.ask("advance", phase="add-column").state == "done"
        walk.wait(lambda _: len(tries(walk, "create-progress")) >= 2, "two tries")
        cursor.execute("UNLOCK TABLES")
        walk.wait(lambda s: s.phase == "dual-writes" and s.waits_for == "advance", "the column added")
    assert _has_column(mysql_database)


def test_a_build_is_cancelled(mysql_database: MySqlDatabase, make_walk: MakeWalk) -> None:
    """An index build that waits for young transactions is cancelled by the operator; a retry builds it."""
    SHOP.make(mysql_database)
    # Shorter than the holders' transactions: behind a longer try they would all queue, and it would get its lock.
    walk = make_walk(SHOP.body(), limits='lock_timeout = "1s"\n')
    walk.start(advance="manual", alone=False)
    for phase in ("add-column", "dual-writes", "backfill", "verify"):
        walk.wait(lambda s: s.waits_for == "advance" and s.phase == phase, phase)  # noqa: B023
        walk.ask("advance", phase=phase)
    walk.wait(lambda s: s.waits_for == "advance" and s.phase == "indexes")
    with _young_transactions(mysql_database, lasting=1.5):
        walk.ask("advance", phase="indexes")
        # Between two tries nothing runs that could be cancelled.
        walk.wait(lambda _: walk.ask("cancel-statement").state == "done", "a try cancelled")
        session = walk.wait(lambda s: s.state == "parked")
        assert "cancelled by" in session.reason
    walk.ask("retry")
    walk.wait(lambda s: s.phase == "reads", "the gate of the readers")


@pytest.mark.parametrize("how", ["cancel-session", "terminate-session"])
def test_a_picked_holder_is_ended(mysql_database: MySqlDatabase, make_walk: MakeWalk, how: str) -> None:
    """Only the session that the operator picked, and only while it is the one that was seen."""
    _record_metadata_locks(mysql_database)
    SHOP.make(mysql_database)
    walk = make_walk(SHOP.body(), limits=LIMITS)
    holder = mysql_database.connect("app")
    with holder.cursor() as cursor:
        walk.start(advance="manual", alone=False)
        walk.wait(lambda s: s.waits_for == "advance" and s.phase == "add-column")
        holder.begin()
        cursor.execute("SELECT COUNT(*) FROM t")
        walk.ask("advance")
        walk.wait(lambda s: s.statement and s.statement.holders, "the holder shown")
        statement = walk.session().statement
        assert statement is not None
        seen = statement.holders[0]
        wrong = walk.ask(how, str(seen.pid), str(seen.started - 60))
        assert wrong.state == "refused"
        right = walk.ask(how, str(seen.pid), repr(seen.started))
        assert right.state == "done", right.text
        if how == "terminate-session":
            walk.wait(lambda s: s.phase == "dual-writes")
            with pytest.raises(pymysql.Error):
                cursor.execute("SELECT 1")
        else:
            holder.close()


@contextlib.contextmanager
def _young_transactions(database: MySqlDatabase, lasting: float = 0.6) -> Iterator[None]:
    """One or other always holds the table, none for long: `lasting` seconds, which some of them have just begun.

    The servers tell a transaction's beginning in whole seconds: one of 1.1 s can look as old as 2.
    """
    stop = threading.Event()

    def hold() -> None:
        with database.connect("app") as link, link.cursor() as cursor:
            while not stop.is_set():
                link.begin()
                cursor.execute("SELECT COUNT(*) FROM t")
                stop.wait(lasting)
                link.commit()

    holders = [threading.Thread(target=hold) for _ in range(8)]
    for thread in holders:
        thread.start()
        time.sleep(lasting / len(holders))
    try:
        yield
    finally:
        stop.set()
        for thread in holders:
            thread.join(10)


def _record_metadata_locks(database: MySqlDatabase) -> None:
    """MariaDB does not, unless it is told to."""
    with database.connect("root") as link, link.cursor() as cursor:
        cursor.execute(
            "UPDATE performance_schema.setup_instruments SET ENABLED = 'YES' WHERE NAME = 'wait/lock/metadata/sql/mdl'"
        )


def _has_column(database: MySqlDatabase) -> bool:
    return bool(
        database.rows(
            "SELECT 1 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND COLUMN_NAME = 'copy'"
        )
    )
