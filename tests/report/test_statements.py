"""Statements in the report: their tries and times, their locks, and who was made to wait."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from console import events
from console.facts import Estimate
from console.recording import Recording
from console.report import render, summarise
from tests.recording.streams import header, plan
from tests.report.story import failed, finished, sent, story


def _numbered(told: list[tuple[float, events.Event]]) -> list[events.Event]:
    return [replace(event, t=t, s=s) for s, (t, event) in enumerate(told, 1)]


def _wait(pid: int, began: float, *by: int, ours: bool = False) -> events.LockWait:
    session = events.ServerSession(pid=pid, ours=ours)
    return events.LockWait(session=session, blocked_by=by, mode="AccessShareLock", began=began)


def test_a_try_that_was_not_sent_belongs_to_its_statement(
    recorded: Callable[[list[events.Event]], Recording],
) -> None:
    told: list[tuple[float, events.Event]] = [
        (0.0, header()),
        (0.1, events.Planned(plan=plan())),
        (1.0, sent("add-column", 1)),
        (1.5, failed("add-column", 1, queued=0)),
        (2.0, replace(failed("add-column", 2, queued=0), text="not sent", seconds=0.0)),
        (3.0, sent("add-column", 3)),
        (3.1, finished("add-column", 3)),
    ]
    (one,) = summarise(recorded(_numbered(told))).statements
    assert (one.tries, one.outcome, one.tried_s, one.queue, one.waiting_s) == (3, "done", 1.01, 0, 0.0)
    assert one.lock == "ACCESS EXCLUSIVE"
    assert one.conflicts == "everything", "from the plan"


def test_who_stood_behind_a_statement_is_told_from_the_lock_waits(
    recorded: Callable[[list[events.Event]], Recording],
) -> None:
    """Two sessions, one behind the other, and one that waits for somebody else."""
    told: list[tuple[float, events.Event]] = [
        (0.0, header()),
        (0.1, events.Planned(plan=plan())),
        (1.0, events.LockWaitsChanged(began=(_wait(9, 0.5, 77),))),
        (2.0, replace(sent("index", 1), pid=40)),
        (
            3.0,
            events.LockWaitsChanged(
                began=(_wait(40, 2.1, 77, ours=True), _wait(5, 2.2, 40), _wait(6, 2.5, 5))
            ),
        ),
        (4.0, events.LockWaitsChanged(ended=(5,), began=(_wait(6, 2.5, 40),))),
        (6.0, replace(finished("index", 1), seconds=4.0)),
        (7.0, events.LockWaitsChanged(ended=(6, 9, 40))),
        (8.0, replace(sent("next", 1), pid=40)),
        (9.0, finished("next", 1)),
    ]
    index, after = summarise(recorded(_numbered(told))).statements
    assert (index.queue, index.waiting_s) == (2, 3.5)
    assert (after.queue, after.waiting_s) == (0, 0.0)


def test_a_queue_that_nobody_saw_waited_no_longer_than_the_try(
    recorded: Callable[[list[events.Event]], Recording],
) -> None:
    report = summarise(recorded(story()))
    (one, _) = report.statements
    assert (one.queue, one.waiting_s) == (4, 1.0)
    assert report.max_lock_queue_s == 1.0


def test_a_backfill_that_took_longer_than_expected_is_told(
    recorded: Callable[[list[events.Event]], Recording],
) -> None:
    guess = Estimate(rows=5000, wal_bytes=0, disk_bytes=0, seconds_low=1.0, seconds_high=9.0)
    for high, told in ((9.0, True), (10.96, False), (12.0, False)):
        stream = [
            replace(event, preflight=replace(event.preflight, estimate=replace(guess, seconds_high=high)))
            if isinstance(event, events.PreflightDone)
            else event
            for event in story()
        ]
        said = "The backfill took 11.0 s; preflight expected 9.0 s at most."
        found = [one for one in summarise(recorded(stream)).deviations if "preflight expected" in one]
        assert found == ([said] if told else []), "11.0 s is no longer than 10.96 s in words"


def test_tries_that_were_not_sent_have_their_own_times(
    recorded: Callable[[list[events.Event]], Recording],
) -> None:
    """The lock was taken by the last one: that is the moment to look at."""
    blocker = events.ServerSession(pid=77, user="report", application="psql")
    failed = events.StatementEnded(
        phase="add-column", name="add", outcome="lock-timeout", attempts=31, holders=(blocker,)
    )
    text = "not sent while an old transaction holds the table"
    stream: list[events.Event] = [
        *story()[:6],
        *(replace(failed, attempt=n, text=text, t=100.0 + n) for n in (1, 2, 3)),
        events.StatementBegan(
            phase="add-column", name="add", sql="ALTER", lock="ACCESS EXCLUSIVE", attempt=4, pid=9, t=150.0
        ),
        events.StatementEnded(
            phase="add-column", name="add", outcome="done", attempt=4, seconds=0.5, t=150.5
        ),
    ]
    recording = recorded([replace(event, s=n) for n, event in enumerate(stream, 1)])
    one = summarise(recording).statements[-1]
    assert [tried.t for tried in one.each_try] == [101.0, 102.0, 103.0, 150.0]
    assert (one.t, one.tries, one.conflicts != "") == (101.0, 4, bool(one.lock and _conflicts(recording)))
    assert [(tried.began, tried.attempt) for tried in recording.final.statements] == [
        (101.0, 1),
        (102.0, 2),
        (103.0, 3),
        (150.0, 4),
    ]
    assert "decided" in render(recording, "markdown")


def _conflicts(recording: Recording) -> str:
    plan = recording.final.plan
    assert plan is not None
    found = [one.conflicts for phase in plan.phases for one in phase.statements if one.name == "add"]
    return found[0] if found else ""
