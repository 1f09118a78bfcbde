"""What people ask of a runner, and the one clear answer to each."""

from __future__ import annotations

import os
import pwd
import uuid
from collections.abc import Callable

import pytest

from console import events
from console.link.once import send_once
from tests.servers.database import Database
from tests.servers.versions import on_one_version
from tests.walk.shops import SHOPS
from tests.walk.walking import Walk

MakeWalk = Callable[..., Walk]
pytestmark = on_one_version
SHOP = SHOPS[0]
COLUMNS = (
    "SELECT attname, attnotnull, atthasdef FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0"
    " AND NOT attisdropped ORDER BY attnum"
)


def started(database: Database, make_walk: MakeWalk, *, limits: str = "") -> Walk:
    database.run(f"{SHOP.create}; {SHOP.fill}")
    walk = make_walk(SHOP.body(), limits=limits)
    walk.start(advance="manual", alone=False)
    walk.wait(lambda s: s.phase == "add-column" and s.waits_for == "advance")
    return walk


def advance_to(walk: Walk, last: str) -> None:
    """Advances through the phases before `last`, and begins it."""
    for phase in ("add-column", "dual-writes", "backfill", "verify", "constraints", "indexes"):
        walk.wait(lambda s: s.phase == phase and s.waits_for == "advance", phase)  # noqa: B023
        answer = walk.ask("advance", phase=phase)
        assert answer.state == "done", answer.text
        if phase == last:
            return


def test_refusals(database: Database, make_walk: MakeWalk) -> None:
    """Each says why, in one sentence."""
    walk = started(database, make_walk)
    said = {
        ("retry",): "it does not wait for retry now, but for advance",
        ("resume",): "it is not paused",
        ("cancel-statement",): "no statement is running just now; pause holds the work",
        (
            "throttle",
            "plenty",
        ): "throttle takes a percentage (50), a rate (2000rows/s) or off, and perhaps: for 10m",
        ("throttle", "0"): "the percentage is from 1 to 100; pause stops altogether",
        ("skip-gate",): "going on against the evidence needs a reason",
        ("note",): "the note is empty",
        ("roll-back", "other"): "'other' is not the table of this change, t",
        ("cancel-session", "x"): "cancel-session takes the session's id and the time at which it started",
    }
    for ask, why in said.items():
        answer = walk.ask(*ask)
        assert (answer.state, answer.text) == (
            "refused",
            why.replace("this change, t", "this change, public.t"),
        )
    moved = walk.ask("advance", phase="backfill")
    assert moved.text == "the walk has moved on: it was at backfill for you, it is at add-column now"
    unknown = walk.ask("explode")
    assert unknown.text.startswith("there is no action 'explode'; there are abort, advance,")


def test_only_controllers_act(database: Database, make_walk: MakeWalk) -> None:
    database.run(f"{SHOP.create}; {SHOP.fill}")
    walk = make_walk(SHOP.body() + "\n[session]\ncontrollers = ['nobody-of-this-name']\n")
    walk.start(advance="manual", alone=False)
    walk.wait(lambda s: s.waits_for == "advance")
    refused = walk.ask("advance")
    assert refused.state == "refused"
    assert "is not among the controllers (nobody-of-this-name)" in refused.text
    assert walk.ask("note", "I may say something").state == "done"


def test_asked_twice_done_once(database: Database, make_walk: MakeWalk) -> None:
    walk = started(database, make_walk)
    ask = events.Ask(id=uuid.uuid4().hex, action="note", arguments=("it is 02:00",))
    answers = [send_once(walk.runner.socket, ask) for _ in range(3)]
    assert answers[0].state == "done"
    assert len({(a.id, a.state, a.text) for a in answers}) == 1
    notes = [e for e in walk.events(events.Note) if isinstance(e, events.Note)]
    assert [n.text for n in notes] == ["it is 02:00"]


def test_pause_throttle_resume(database: Database, make_walk: MakeWalk) -> None:
    """Nothing is filled while paused; the operator's rate bounds what is filled, on the session's own clock."""
    walk = started(database, make_walk, limits="rows_per_second = 2000")
    me = pwd.getpwuid(os.geteuid()).pw_name
    advance_to(walk, "backfill")
    walk.wait(lambda s: s.totals.batches > 0)
    assert walk.ask("pause", reason="looking at something").state == "done"
    paused = walk.wait(lambda s: s.state == "paused")
    assert "looking at something" in paused.reason
    later = walk.wait(lambda s: s.t > paused.t + 2)
    assert later.totals.rows_backfilled == paused.totals.rows_backfilled
    assert walk.ask("throttle", "500rows/s", "for", "1h").state == "done"
    told = walk.wait(
        lambda s: any(reason.owner == me for reason in s.throttle), "the reason, while it is paused"
    )
    assert told.state == "paused"
    assert walk.ask("resume").state == "done"
    going = walk.wait(lambda s: s.state == "running")
    names = walk.wait(lambda s: s.throttle and s.totals.batches > going.totals.batches)
    assert any(reason.owner for reason in names.throttle)
    end = walk.wait(lambda s: s.t > going.t + 3 or s.phase == "verify")
    filled = end.totals.rows_backfilled - going.totals.rows_backfilled
    assert filled <= 500 * (end.t - going.t) + 2 * 500
    assert walk.ask("throttle", "off").state == "done"
    walk.wait(lambda s: s.phase == "verify")


@pytest.mark.parametrize("phase", ["add-column", "backfill", "indexes"])
def test_roll_back(database: Database, make_walk: MakeWalk, phase: str) -> None:
    """From wherever it is, back to the table as it was."""
    walk = started(database, make_walk, limits="rows_per_second = 4000")
    before = database.rows(COLUMNS)
    advance_to(walk, phase)
    walk.wait(lambda s: s.view(phase) and s.view(phase).began is not None)  # type: ignore[union-attr]
    answer = walk.ask("roll-back", "public.t", reason="the release is off")
    assert answer.state == "done", answer.text
    session = walk.end(expected=4)
    assert session.ended is not None
    assert session.ended.outcome == "rolled-back"
    assert database.rows(COLUMNS) == before
    left = "SELECT count(*) FROM pg_class WHERE relname LIKE '%column_console%' OR relname = 'the new index'"
    assert database.rows(left) == [(0,)]
    assert database.rows("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal") == [(0,)]
    database.run("INSERT INTO t (id, source) VALUES (900001, 'goes on')")


def test_abort_keeps_everything(database: Database, make_walk: MakeWalk) -> None:
    walk = started(database, make_walk, limits="rows_per_second = 2000")
    advance_to(walk, "backfill")
    walk.wait(lambda s: s.totals.batches > 0)
    walk.ask("abort", reason="shift ends")
    session = walk.end(expected=1)
    assert session.ended is not None
    assert session.ended.outcome == "parked"
    backfill = session.view("backfill")
    assert backfill is not None
    assert backfill.began is not None
    assert backfill.state == "parked"
    assert backfill.seconds == pytest.approx(session.t - backfill.began, abs=1.0), "what it took is told"
    filled = database.rows("SELECT count(*) FROM t WHERE copy IS NOT NULL")[0][0]
    assert 0 < filled < 8000
    assert filled == session.totals.rows_backfilled
