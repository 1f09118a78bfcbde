"""What stands beside the curves: stretches in which the throttle stopped the work, and single moments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from console import events
from console.change import Frozen
from console.recording import Recording
from console.words import plain

Kind = Literal["retry", "warning", "lock waits"]


class Stretch(Frozen, frozen=True):
    """From when to when, on the session's clock, and why."""

    begins: float
    ends: float
    text: str


class Moment(Frozen, frozen=True):
    """When, on the session's clock, and what."""

    t: float
    kind: Kind
    text: str


class Stop(Frozen, frozen=True):
    """A time in which the throttle stopped the backfill."""

    at: str
    """When it began, on the wall clock."""
    t: float
    """The same on the session's clock."""
    seconds: float
    why: str
    """The reasons that held when it began, each with its reading."""


def listed(stretches: tuple[Stretch, ...], wall: Callable[[float], str]) -> tuple[Stop, ...]:
    """Stretches as a report lists them; `wall` gives the wall clock."""
    return tuple(
        Stop(at=wall(one.begins), t=one.begins, seconds=round(one.ends - one.begins, 3), why=plain(one.text))
        for one in stretches
    )


def stops(recording: Recording) -> tuple[Stretch, ...]:
    """The stretches in which the throttle stopped the backfill, each with its first reasons."""
    found: list[Stretch] = []
    began: float | None = None
    why = ""
    for _, event in recording.of(events.Throttled, events.Header):
        reasons = event.reasons if isinstance(event, events.Throttled) else ()
        stopping = [reason for reason in reasons if reason.stops]
        if stopping and began is None:
            began, why = event.t, "; ".join(f"{reason.name}: {reason.reading}" for reason in stopping)
        elif not stopping and began is not None:
            found.append(Stretch(begins=began, ends=max(began, event.t), text=why))
            began = None
    if began is not None:
        found.append(Stretch(begins=began, ends=recording.duration, text=why))
    return tuple(found)


def pauses(recording: Recording) -> tuple[Stretch, ...]:
    """The stretches in which people, or trouble, held the work."""
    found: list[Stretch] = []
    open_: events.StateChanged | None = None
    for _, event in recording.of(events.StateChanged, events.Header, events.Ended):
        if open_ is not None:
            text = f"{open_.state}: {open_.reason}" if open_.reason else open_.state
            found.append(Stretch(begins=open_.t, ends=max(open_.t, event.t), text=text))
            open_ = None
        if isinstance(event, events.StateChanged) and event.state in ("paused", "parked"):
            open_ = event
    if open_ is not None:
        found.append(Stretch(begins=open_.t, ends=recording.duration, text=f"{open_.state}: {open_.reason}"))
    return tuple(found)


def moments(recording: Recording) -> tuple[Moment, ...]:
    """Tries that failed for want of a lock, warnings, and the moment at which most sessions waited for one."""
    found: list[Moment] = []
    most: tuple[int, float] = (0, 0.0)
    for _, event in recording.of(events.StatementEnded, events.Log, events.ReadingFailed, events.Sample):
        match event:
            case events.StatementEnded(outcome="lock-timeout" | "queue-guard"):
                found.append(Moment(t=event.t, kind="retry", text=f"{event.name}, try {event.attempt}"))
            case events.Log(level="warning" | "error", text=text):
                found.append(Moment(t=event.t, kind="warning", text=text))
            case events.ReadingFailed(reading=reading, why=why):
                found.append(Moment(t=event.t, kind="warning", text=f"reading {reading} failed: {why}"))
            case events.Sample(waiting=waiting) if waiting > most[0]:
                most = (waiting, event.t)
            case _:
                pass
    if most[0]:
        found.append(Moment(t=most[1], kind="lock waits", text=f"{most[0]} sessions waited for a lock"))
    return tuple(sorted(found, key=lambda moment: moment.t))
