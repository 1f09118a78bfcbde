"""Sees to it that a recording's events stand in their order: what does not is left out, and said.

The events of a session are numbered 1, 2, 3, ..., and a snapshot bears the number of the event before it. So a
repeated line, a missing one, and a number or a time with a damaged digit all show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from console import events
from console.recording.packed import Kept

CLOCK_SLACK = 1.0
"""Seconds by which an event may be stamped later than the next one, or earlier than the one before; more is a damaged
digit."""


class Read(NamedTuple):
    """A line of a recording and what it holds, packed where it is."""

    number: int
    begins: int
    """Its place in the file's bytes; -1 where another line stands there, of which this one was made."""
    line: bytes
    event: events.Event

    @property
    def is_snapshot(self) -> bool:
        """It adds nothing to the events before it."""
        return isinstance(self.event, Kept)


class Order:
    """Lets the lines pass that stand in order. `problem` takes a line's number and what is wrong with it."""

    def __init__(
        self, problem: Callable[[int, str], None], *, line: int = 0, last: int = 0, t: float = 0.0
    ) -> None:
        """Goes on behind so many lines, whose last event has the number `last` and the time `t`."""
        self.last = last
        """The number of the last event that passed."""
        self._problem = problem
        self._line = line
        self._last_t = t
        self._explained = 0

    def check(self, reads: Iterable[Read]) -> Iterator[Read]:
        """The reads that stand in order. Each is judged once the one after it is known."""
        held: Read | None = None
        for read in reads:
            if held is not None:
                event = held.event
                # Nearly all lines: the next number, and no later than the line after it.
                if event.s == self.last + 1 and self._last_t <= event.t <= read.event.t:
                    self.last, self._last_t = event.s, event.t
                    self._explained = 0
                    yield held
                elif self._passes(held, read):
                    yield held
            # Lines that could not be read at all lie between; they account for as many events.
            self._explained += read.number - 1 - (held.number if held is not None else self._line)
            held = read
        if held is not None and self._passes(held, None):
            yield held

    def _passes(self, read: Read, after: Read | None) -> bool:
        event = read.event
        wrong = ""
        if event.s and (event.s < self.last or (event.s == self.last and not read.is_snapshot)):
            wrong = f"event {event.s} stands in the wrong place, and is left out"
        elif after is not None and self._number_damaged(read, after):
            wrong = f"event {event.s} has a damaged number, and is left out"
        elif self._time_damaged(event.t, after):
            wrong = f"event {event.s} has a damaged time, and is left out"
        if wrong:
            self._problem(read.number, wrong)
            self._explained += 1
            return False
        if event.s:
            self._look_for_gap(read)
        self.last, self._last_t = max(self.last, event.s), max(self._last_t, event.t)
        self._explained = 0
        return True

    def _number_damaged(self, read: Read, after: Read) -> bool:
        if after.event.s <= self.last:
            return False
        if read.is_snapshot and not after.is_snapshot:
            return read.event.s >= after.event.s
        return read.event.s > after.event.s

    def _time_damaged(self, t: float, after: Read | None) -> bool:
        if after is not None and after.event.t < self._last_t:
            # The one before was stamped too late, rather than all from here on too early.
            return False
        too_early = t < self._last_t - CLOCK_SLACK
        return too_early or (after is not None and after.event.t < t - CLOCK_SLACK)

    def _look_for_gap(self, read: Read) -> None:
        first = self.last + 1
        last = read.event.s - (0 if read.is_snapshot else 1)
        missing = last - first + 1
        if missing <= 0:
            return
        if missing > self._explained:
            said = f"event {first} is" if missing == 1 else f"events {first} to {last} are"
            self._problem(read.number, f"{said} missing before this line")
