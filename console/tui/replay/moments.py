"""The moments of a recording that a reviewer goes to: phases, actions, throttles, warnings, lock waits. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from console import events, narrate
from console.session import LogLine, Point
from console.tui.replay.tape import Tape
from console.words import plural

Kind = Literal["bookmark", "error", "warning", "note", "phase", "action", "retry", "lock", "throttle"]

WORDS: dict[Kind, tuple[str, str]] = {
    "bookmark": ("B", "bookmark"),
    "error": ("E", "error"),
    "warning": ("W", "warning"),
    "note": ("N", "note"),
    "phase": ("P", "phase"),
    "action": ("A", "action"),
    "retry": ("R", "retry"),
    "lock": ("L", "lock waits"),
    "throttle": ("T", "throttle"),
}
"""The letter and the word of each kind, the one that hides the others in its cell first."""

TROUBLE: tuple[Kind, ...] = ("error", "warning", "retry", "lock", "throttle")
"""What "the next warning" goes to."""


class Moment(NamedTuple):
    """When, after how many events, what kind, and in words."""

    t: float
    position: int
    kind: Kind
    text: str


LOOKED_AT = (
    events.Note,
    events.PhaseBegan,
    events.ActionChanged,
    events.StatementEnded,
    events.Throttled,
)
"""The events of which `_kind` knows more than their level."""


def moments(tape: Tape) -> tuple[Moment, ...]:
    """All of them but the bookmarks, in order."""
    # The many lines that are lines of the log alone are told apart by their level, without a look at their event.
    looked_at = dict(tape.of(*LOOKED_AT))
    told = [
        Moment(line.t, position, kind, line.text)
        for line, position in zip(tape.log, tape.log_positions, strict=True)
        if (kind := _kind(looked_at.get(position), line)) is not None
    ]
    peaks = lock_peaks(tape.points, tape.times)
    untold = [*_retried(tape), *_unanswered(looked_at)]
    return tuple(sorted([*told, *peaks, *untold], key=lambda moment: moment.position))


def _retried(tape: Tape) -> Iterator[Moment]:
    """Batches that were tried again, which the log does not tell one by one."""
    if not tape.at_event(len(tape.events)).totals.batch_retries:
        return
    for position, event in tape.of(events.Batches):
        if isinstance(event, events.Batches) and event.retries:
            yield Moment(event.t, position, "retry", f"batches tried again: {event.retries}")


def _unanswered(looked_at: Mapping[int, events.Event]) -> Iterator[Moment]:
    """What was asked for and has no answer: the runner was gone before, or has not come to it."""
    asked: dict[str, Moment] = {}
    for position, event in looked_at.items():
        if not isinstance(event, events.ActionChanged):
            continue
        if event.state not in events.OPEN_STATES:
            asked.pop(event.id, None)
        elif event.id not in asked:
            text = f"{narrate.asked(event)}: no answer is recorded"
            asked[event.id] = Moment(event.t, position, "action", text)
    yield from asked.values()


def _kind(event: events.Event | None, line: LogLine) -> Kind | None:
    """What a line of the log is to a reviewer; None where it is the usual run of things."""
    match event:
        case events.Note():
            return "note"
        case events.PhaseBegan():
            return "phase"
        case events.ActionChanged(action="note"):
            # The note itself is told.
            return None
        case events.ActionChanged():
            return "action"
        case events.StatementEnded(outcome="lock-timeout" | "queue-guard"):
            return "retry"
        case events.Throttled(reasons=reasons) if any(reason.stops for reason in reasons):
            return "throttle"
    return {"warning": "warning", "error": "error"}.get(line.level)  # type: ignore[return-value]  # two of the kinds


LEAST_WAITING = 2
"""Sessions: a single one that waits for an instant is the usual run of things."""


def lock_peaks(points: Sequence[Point], times: Sequence[float]) -> Iterator[Moment]:
    """The highest point of each pile-up of lock waits that is at least a quarter of the session's highest.

    >>> seconds = [Point(float(t), 0.0, (), waiting=n) for t, n in enumerate((0, 3, 9, 4, 0, 1, 0, 5, 0))]
    >>> [(peak.t, peak.text) for peak in lock_peaks(seconds, [point.t for point in seconds])]
    [(2.0, '9 sessions waited for locks'), (7.0, '5 sessions waited for locks')]
    """
    least = max(LEAST_WAITING, max((point.waiting for point in points), default=0) / 4)
    peak: Point | None = None
    for point in points:
        if point.waiting:
            peak = point if peak is None or point.waiting > peak.waiting else peak
            continue
        if peak is not None and peak.waiting >= least:
            yield _peak(peak, times)
        peak = None
    if peak is not None and peak.waiting >= least:
        yield _peak(peak, times)


def _peak(point: Point, times: Sequence[float]) -> Moment:
    text = f"{plural(point.waiting, 'session')} waited for locks"
    return Moment(point.t, bisect_right(times, point.t), "lock", text)
