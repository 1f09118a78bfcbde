"""Where a person wants to go in a recording, as they type it: `--at`, and the dialog *Go to*. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from console.events import Header
from console.tui.clock import NoMoment, clock, parse_moments, stopwatch

HOW = "14:05:30 (time of day), 12m30s or 4:26 (from the beginning), 120 (an event) or a phase"


class Span(NamedTuple):
    """What there is to go to."""

    header: Header | None
    duration: float
    events: int
    phases: Mapping[str, float]
    """Those that were reached, and when each began."""
    planned: Collection[str] = ()
    """The names of all phases."""
    now: float | None = None
    """The play head, from which `+30s` and `-2m` count; None where there is none yet."""

    def __str__(self) -> str:
        first, last = clock(self.header, 0.0), clock(self.header, self.duration)
        return f"{first} to {last}, {stopwatch(self.duration)} long"


class Place(NamedTuple):
    """Seconds on the session's clock, or an event by its number."""

    t: float = 0.0
    event: int = 0


def place(text: str, span: Span) -> Place:
    """Where the text points. A phase's name may be cut short as long as it fits one alone.

    Raises NoMoment, with one sentence, where it points nowhere.

    >>> span = Span(None, 600.0, 120, {"backfill": 30.0, "finish": 580.0}, now=100.0)
    >>> [place(text, span).t for text in ("Back", "4:26", "+1h", "00:09", "12m30")]
    Traceback (most recent call last):
    console.tui.clock.NoMoment: 12m30 lies outside the recording: 00:00:00 to 00:10:00, 10:00 long
    >>> [place(text, span).t for text in ("Back", "4:26", "+1h", "00:09")], place("#12", span).event
    ([30.0, 266.0, 600.0, 540.0], 12)
    """
    text = text.strip()
    if found := re.fullmatch(r"(?:#|event\s*)?(\d+)", text, re.IGNORECASE):
        return _event(int(found[1]), span)
    name = text.casefold().replace(" ", "-")
    fitting = [one for one in span.phases if one == name] or [
        one for one in span.phases if name and one.startswith(name)
    ]
    if len(fitting) == 1:
        return Place(t=span.phases[fitting[0]])
    if name in span.planned and name not in span.phases:
        raise NoMoment(f"{text} was never begun")
    return Place(t=_time(text, span))


def _event(number: int, span: Span) -> Place:
    if not 1 <= number <= span.events:
        raise NoMoment(f"there is no event {number}: the recording has {span.events}")
    return Place(event=number)


def _time(text: str, span: Span) -> float:
    if text[:1] in ("+", "-") and span.now is None:
        raise NoMoment(f"{text} counts from a play head, and there is none yet: write {HOW}")
    moments = parse_moments(text, span.header, span.now or 0.0)
    if not moments:
        raise NoMoment(f"{text} is no time, no phase and no event: write {HOW}")
    if text[:1] in ("+", "-"):
        return max(0.0, min(span.duration, moments[0]))
    # The last whole second stands for what is left of it.
    within = [moment for moment in moments if 0.0 <= moment < span.duration + 1.0]
    if not within:
        raise NoMoment(f"{text} lies outside the recording: {span}")
    return min(within[0], span.duration)
