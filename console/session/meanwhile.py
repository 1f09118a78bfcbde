"""What happened while nobody looked: the difference between two states of a session, in one line. Pure."""

from __future__ import annotations

from console import events
from console.session.state import Session
from console.words import count, duration, plain, plural

LONG_WAIT = 1.0
"""Seconds that somebody may wait for a lock before it is worth a word."""
MOST_ACTIONS = 3
_THROUGH = ("passed", "skipped", "undone", "failed")


def meanwhile(before: Session, after: Session) -> str:
    """The line, for whoever saw `before` and now sees `after`.

    >>> meanwhile(Session(t=10.0), Session(t=382.0))
    'away 6 min 12 s: no lock wait over 1 s'
    """
    said = [
        *_phases(before, after),
        *_work(before, after),
        *_throttles(before, after),
        _waits(before, after),
        *_actions(before, after),
        *_state(before, after),
    ]
    return f"away {duration(max(0.0, after.t - before.t))}: {', '.join(said)}"


def _phases(before: Session, after: Session) -> list[str]:
    was = {view.name: view.state for view in before.phases}
    return [
        f"{view.name} {view.state}"
        for view in after.phases
        if view.state in _THROUGH and was.get(view.name) != view.state
    ]


def _work(before: Session, after: Session) -> list[str]:
    said = []
    if batches := after.totals.batches - before.totals.batches:
        said.append(plural(batches, "batch"))
    if rows := after.totals.verified_rows - before.totals.verified_rows:
        said.append(f"{count(rows)} rows compared")
    if retries := after.totals.retries - before.totals.retries:
        said.append(plural(retries, "retry"))
    if differences := after.totals.differences - before.totals.differences:
        said.append(plural(differences, "difference"))
    return said


def _throttles(before: Session, after: Session) -> list[str]:
    """How often the backfill was stopped, and for how long in all."""
    number = after.totals.throttles - before.totals.throttles
    return [plural(number, "throttle")] if number > 0 else []


def _waits(before: Session, after: Session) -> str:
    """The longest time for which somebody waited for a lock on the table, as far as the history goes back."""
    longest, since = 0.0, None
    for point in after.history:
        if point.t <= before.t:
            continue
        since = (point.t if since is None else since) if point.waiting else None
        longest = max(longest, point.t - since) if since is not None else longest
    still = [after.t - max(wait.began, before.t) for wait in after.lock_waits if wait.mode]
    longest = max([longest, *still])
    return (
        f"no lock wait over {LONG_WAIT:g} s"
        if longest <= LONG_WAIT
        else f"a lock wait of {duration(longest)}"
    )


def _actions(before: Session, after: Session) -> list[str]:
    known = {action.id: action.state for action in before.actions}
    new = [
        f"{plain(action.action)} by {plain(action.owner.name)} {action.state}"
        for action in after.actions
        if known.get(action.id) != action.state and action.state not in events.OPEN_STATES
    ]
    more = [f"{len(new) - MOST_ACTIONS} more actions"] if len(new) > MOST_ACTIONS else []
    return new[:MOST_ACTIONS] + more


def _state(before: Session, after: Session) -> list[str]:
    if after.ended is not None:
        return [f"{after.ended.outcome}: {plain(after.ended.text)}"] if before.ended is None else []
    if after.state == before.state:
        return []
    return [f"now {after.state}" + (f" ({plain(after.reason)})" if after.reason else "")]
