"""The player of a recording: a play head over its events, with a clock that can be stopped and sped up.

Nothing is written, here or beside the file. `ReplaySource` gives what the player passes as a stream of events,
so that the screen cannot tell a replay from a runner; after a jump it gives a snapshot.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection
from functools import cached_property

from console.events import PhaseBegan
from console.recording.chain import Chain
from console.session import Session
from console.tui.replay.bookmarks import Bookmarks
from console.tui.replay.moments import Kind, Moment, moments
from console.tui.replay.quiet import Quiet
from console.tui.replay.search import Entry, entries
from console.tui.replay.tape import Tape
from console.tui.replay.track import Curves, Track
from console.tui.view import Playing

SPEEDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
INFINITE = float("inf")


class Known:
    """What is made of a recording once, as far as it was read: what happened when, and where it is quiet."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.moments = moments(tape)
        self.quiet = Quiet([line.t for line in tape.log], tape.duration)
        self.curves = Curves(tape.points)
        self.sampled = self.curves.times
        limit = tape.header.limits.get("replication_lag") if tape.header is not None else None
        self.limit = limit

    @cached_property
    def entries(self) -> list[Entry]:
        """What can be found, without the bookmarks."""
        return entries(self.tape, self.moments)

    @cached_property
    def phases(self) -> dict[str, float]:
        """When each phase that was reached began for the first time."""
        began: dict[str, float] = {}
        for _, event in self.tape.of(PhaseBegan):
            if isinstance(event, PhaseBegan):
                began.setdefault(event.phase, event.t)
        return began


class Player:
    """Where the play head is, and the session as it was there."""

    def __init__(
        self,
        tape: Tape,
        *,
        speed: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        bookmarks: Bookmarks | None = None,
    ) -> None:
        """`clock` gives seconds, of any beginning. Without `bookmarks`, those that are set last as long as this."""
        self.speed = max(SPEEDS[0], min(SPEEDS[-1], speed))
        self.running = False
        self.skips = False
        """Whether quiet stretches are left out while it plays."""
        self.written = False
        """Whether the recording is still being written."""
        self.lost = ""
        """What has happened to the recording's file since it was read; empty: nothing but growth."""
        self.opening = ""
        """What is still to be read of the recording, in words; empty: nothing."""
        self.follows = False
        """Whether the play head stays at the end of a recording that is still being written."""
        self.index = 0
        """Events passed."""
        self.bookmarks = bookmarks or Bookmarks()
        self.chain: Chain | None = None
        """Whether the recording is as it was written, once that was looked at."""
        self._clock = clock
        self._position = 0.0
        self._since = clock()
        self.load(tape)

    def load(self, tape: Tape) -> None:
        """Take the recording as it is by now: it begins with what was known of it."""
        self.tape = tape
        self.duration = tape.duration
        self.known = Known(tape)
        self.mark()
        if self.follows:
            self._move(self.duration)

    def mark(self) -> None:
        """Lay out the time line anew, for bookmarks that were set or taken away."""
        times = self.tape.times
        own = [
            Moment(mark.t, bisect_right(times, mark.t), "bookmark", mark.text or "bookmark")
            for mark in self.bookmarks.marks
        ]
        self.moments = tuple(sorted([*self.known.moments, *own], key=lambda moment: moment.position))
        self.track = Track(self.moments, self.known.curves, self.duration, self.known.limit)

    # -- The clock

    @property
    def position(self) -> float:
        """The play head, in seconds on the session's clock."""
        if not self.running or self.follows:
            return self._position
        return min(self.duration, self._position + (self._clock() - self._since) * self.speed)

    @property
    def at_end(self) -> bool:
        """Whether everything has been passed."""
        return self.position >= self.duration and self.index >= len(self.tape.events)

    def due(self) -> float:
        """Seconds until the next event, at this speed; infinite after the last."""
        if self.index >= len(self.tape.times):
            return INFINITE
        return (self.tape.times[self.index] - self.position) / self.speed

    def left(self) -> float:
        """Seconds until the end, at this speed."""
        return max(0.0, self.duration - self.position) / self.speed

    def until_quiet(self) -> float:
        """Seconds until a stretch that is left out, at this speed; infinite where none comes or none is left out."""
        if not self.skips or self.follows:
            return INFINITE
        return max(0.0, self.known.quiet.begins(self.position) - self.position) / self.speed

    def skip_quiet(self) -> bool:
        """Jump over the quiet stretch that the play head is in, where those are left out; whether it was in one."""
        goes_on = self.known.quiet.until(self.position) if self.skips and self.running else None
        if goes_on is None or self.follows:
            return False
        self._go(goes_on)
        return True

    def behind(self) -> int:
        """Events whose time has come, and that have not been passed."""
        return bisect_right(self.tape.times, self.position) - self.index

    def catch_up(self) -> None:
        """Pass every event whose time has come."""
        self.index = bisect_right(self.tape.times, self.position)

    def _move(self, position: float) -> None:
        self._position = max(0.0, min(self.duration, position))
        self._since = self._clock()

    def _go(self, t: float) -> None:
        self._move(t)
        self.index = bisect_right(self.tape.times, self._position)

    def _stop(self) -> None:
        self._move(self.position)
        self.running = self.follows = False

    # -- Playing

    def play(self) -> None:
        """Let the clock run; at the end, from the beginning, or with what is still being written."""
        if self.at_end and self.written:
            self.follow()
            return
        if self.at_end:
            self._go(0.0)
        self._move(self.position)
        self.running = True

    def pause(self) -> None:
        """Stop the clock."""
        self._stop()

    def follow(self) -> None:
        """Go to the end, and stay there while the recording grows."""
        self._go(self.duration)
        self.running = self.follows = True

    def ends(self) -> None:
        """It came to the end: it stops, or follows what is still being written."""
        if self.written:
            self.follow()
        else:
            self.pause()

    def faster(self, by: int) -> None:
        """So many steps up the ladder of speeds, or down."""
        nearest = min(range(len(SPEEDS)), key=lambda n: abs(SPEEDS[n] - self.speed))
        self.set_speed(SPEEDS[max(0, min(len(SPEEDS) - 1, nearest + by))])

    def set_speed(self, speed: float) -> None:
        """Seconds of the recording to a second, from the next moment on."""
        self._move(self.position)
        self.speed = speed

    # -- Going somewhere

    def seek(self, t: float) -> None:
        """Go to a time: every event up to it has been passed."""
        self.follows = False
        self._go(t)

    def go_to_event(self, number: int) -> None:
        """Go to an event, by its place in the file: it and all before it have been passed."""
        self.follows = False
        self.index = max(0, min(len(self.tape.events), number))
        self._move(self.tape.times[self.index - 1] if self.index else 0.0)

    def step(self, by: int) -> None:
        """So many events on, or back; the clock stops."""
        self._stop()
        self.go_to_event(max(1, self.index + by))

    def sample(self, by: int) -> None:
        """So many samples on, or back; the clock stops."""
        self._stop()
        last = bisect_right(self.known.sampled, self.position) - 1
        between = last < 0 or self.known.sampled[last] < self.position
        # Between two samples, the one before is a step back.
        at = last + by + (1 if by < 0 and between else 0)
        if 0 <= at < len(self.known.sampled):
            self._go(self.known.sampled[at])
        else:
            self._go(0.0 if at < 0 else self.duration)

    def jump(self, by: int) -> None:
        """To the next event (1) or the one before (-1) that the log tells of; the clock stops."""
        self._stop()
        told = self.tape.log_positions
        if by > 0:
            found = bisect_right(told, self.index)
            position = told[found] if found < len(told) else len(self.tape.events)
        else:
            found = bisect_left(told, self.index) - 1
            position = told[found] if found >= 0 else 1
        self.go_to_event(position)

    def jump_to(self, kinds: Collection[Kind], by: int) -> Moment | None:
        """To the next moment (1) of these kinds, or the one before (-1), where there is one; the clock stops."""
        here = [moment for moment in self.moments if moment.kind in kinds]
        if by > 0:
            found = next((moment for moment in here if moment.position > self.index), None)
        else:
            found = next((moment for moment in reversed(here) if moment.position < self.index), None)
        if found is not None:
            self._stop()
            self.go(found)
        return found

    def go(self, to: Moment | Entry) -> None:
        """To a moment, or to what was found: its event has been passed."""
        self.go_to_event(to.position)
        if isinstance(to, Moment) and to.kind == "bookmark":
            self._move(to.t)

    def phases(self) -> dict[str, float]:
        """When each phase that was reached began for the first time."""
        return self.known.phases

    # -- What is shown

    def entries(self) -> list[Entry]:
        """What can be found, bookmarks among it."""
        own = [moment for moment in self.moments if moment.kind == "bookmark"]
        marked = [Entry(moment.t, moment.position, "bookmark", moment.text) for moment in own]
        return sorted([*self.known.entries, *marked], key=lambda entry: entry.position)

    def session(self) -> Session:
        """The session as it was where the play head is."""
        return self.tape.at_event(self.index)

    def playing(self) -> Playing:
        """Where it is, for the time line."""
        return Playing(
            running=self.running,
            speed=self.speed,
            position=self.position,
            duration=self.duration,
            event=self.index,
            events=len(self.tape.events),
            track=self.track,
            skips=self.skips,
            written=self.written,
            follows=self.follows,
            problems=(*(str(problem) for problem in self.tape.problems), *([self.lost] if self.lost else ())),
            chain=self.chain,
            opening=self.opening,
        )
