"""Each statement of the plan as it was carried out: its tries, the lock it held, whom it made wait."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from console import events
from console.change import Frozen
from console.plan import Plan
from console.recording import Recording
from console.report.parts import WallClock
from console.report.waiting import Waiting, waiting

HOLDERS = 10
"""Names of those who held the lock that are kept."""


TRIES = 100
"""Tries of one statement that are kept, the first and the last of them."""


class Try(Frozen, frozen=True):
    """One try of a statement."""

    at: str
    """When it was sent, on the wall clock; of one that was not sent, when that was decided."""
    t: float
    """The same on the session's clock."""
    outcome: events.StatementOutcome
    seconds: float
    text: str


class StatementDone(Frozen, frozen=True):
    """A statement of the plan, over all its tries."""

    phase: str
    name: str
    outcome: events.StatementOutcome | Literal["unfinished"]
    at: str
    """When it was first tried, on the wall clock."""
    t: float
    """The same on the session's clock."""
    seconds: float
    """Of the try that decided."""
    tries: int
    tried_s: float
    """Over all tries, without the pauses between them: as long as it stood in a lock queue or at work."""
    lock: str
    conflicts: str
    """What that lock holds up, in words, as the plan says."""
    queue: int
    """The most sessions that stood behind one of its tries."""
    waiting_s: float
    """The longest that one of them waited, as seen; where none was seen, no longer than the try took."""
    held_by: tuple[str, ...]
    """Who held the lock at the tries that failed."""
    text: str
    sql: str
    each_try: tuple[Try, ...] = ()


def statements(recording: Recording, plan: Plan | None, wall: WallClock) -> tuple[StatementDone, ...]:
    """Each statement in the order of its first try; tries of one statement, one after the other, are one."""
    made_wait = waiting(recording)
    conflicts = (
        {(str(phase.name), one.name): one.conflicts for phase in plan.phases for one in phase.statements}
        if plan
        else {}
    )
    done: list[StatementDone] = []
    running = False
    at, t = "", 0.0
    for position, event in recording.of(events.StatementBegan, events.StatementEnded):
        if isinstance(event, events.StatementBegan):
            if event.attempt > 1 and done and _same(done[-1], event):
                lock = done[-1].lock or event.lock
                done[-1] = replace(
                    done[-1],
                    tries=event.attempt,
                    sql=done[-1].sql or event.sql,
                    lock=lock,
                    conflicts=conflicts.get((event.phase, event.name), "") if lock else "",
                )
            else:
                done.append(_begun(event, wall(position, event.t), conflicts))
            running = True
            at, t = wall(position, event.t), event.t
        elif isinstance(event, events.StatementEnded):
            tried_again = event.attempt > 1 and bool(done) and _same(done[-1], event)
            if not (tried_again or (running and done and _same(done[-1], event))):
                # It was never sent: the catalog showed it done already, or somebody held the table.
                began = events.StatementBegan(
                    t=event.t, phase=event.phase, name=event.name, sql="", attempt=event.attempt
                )
                done.append(_begun(began, wall(position, event.t), conflicts))
            if not running:
                at, t = wall(position, event.t), event.t
            done[-1] = _ended(done[-1], event, made_wait.get(position, Waiting()))
            tried = Try(at=at, t=t, outcome=event.outcome, seconds=round(event.seconds, 3), text=event.text)
            each = done[-1].each_try
            done[-1] = replace(done[-1], each_try=(*each[: TRIES - 1], tried))
            running = False
    return tuple(done)


def _same(statement: StatementDone, event: events.StatementBegan | events.StatementEnded) -> bool:
    return (statement.phase, statement.name) == (event.phase, event.name)


def _begun(event: events.StatementBegan, at: str, conflicts: dict[tuple[str, str], str]) -> StatementDone:
    return StatementDone(
        phase=event.phase,
        name=event.name,
        outcome="unfinished",
        at=at,
        t=event.t,
        seconds=0.0,
        tries=event.attempt,
        tried_s=0.0,
        lock=event.lock,
        conflicts=conflicts.get((event.phase, event.name), "") if event.lock else "",
        queue=0,
        waiting_s=0.0,
        held_by=(),
        text="",
        sql=event.sql,
    )


def _ended(statement: StatementDone, event: events.StatementEnded, seen: Waiting) -> StatementDone:
    held = list(statement.held_by)
    for holder in event.holders:
        name = " ".join(word for word in (f"pid {holder.pid}", holder.user, holder.application) if word)
        if name not in held and len(held) < HOLDERS:
            held.append(name)
    queue = max(event.queued, seen.sessions)
    waited = seen.longest_s if seen.sessions else (event.seconds if event.queued else 0.0)
    return replace(
        statement,
        outcome=event.outcome,
        seconds=round(event.seconds, 3),
        tries=max(statement.tries, event.attempt),
        tried_s=round(statement.tried_s + event.seconds, 3),
        queue=max(statement.queue, queue),
        waiting_s=round(max(statement.waiting_s, waited), 3),
        held_by=tuple(held),
        text=event.text,
    )
