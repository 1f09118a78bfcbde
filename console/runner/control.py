"""What people have decided, as the work sees it: where it may go on, must pause, or must stop.

The work calls `checkpoint` between batches, statements and tries, and `decide` where it needs a person. Actions
set what is wanted here (`console.runner.desk`) and never touch the work itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection

from console import events
from console.change import Frozen
from console.runner.stream import Stream

LOOK = 0.5
"""Seconds between two looks at the readings while the work is held for people; a reading comes each second."""


class Stopped(Exception):
    """A person ended the session here: `abort` keeps everything as it is, `roll-back` undoes it."""

    def __init__(self, how: str, by: str, reason: str) -> None:
        super().__init__(how)
        self.how = how
        self.by = by
        self.reason = reason


class Parked(Exception):
    """The work can't go on by itself. Everything is kept; a person must look."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = f"{reason}. {remedy}" if remedy else reason


class Decision(Frozen, frozen=True):
    """What a person decided at a place where the work waits."""

    action: str
    by: str
    reason: str = ""
    id: str = ""
    """Of the action that it came from."""


class Control:
    """The wishes of people, and the work's way of heeding them."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._changed = asyncio.Event()
        self._stop: Stopped | None = None
        self._stop_id = ""
        self.decision: Decision | None = None
        """Made, and not taken up yet."""
        self._pause_id = ""
        """The action that asks for the pause, until the work has come to it."""
        self.settle: Callable[[str, events.ActionState, str], None] = lambda id_, state, text: None
        """Told of what became of an action: its id, its result, and words where there are others than usual."""
        self.paused_by: str = ""
        self.pause_reason: str = ""
        self.accepts: frozenset[str] = frozenset()
        """The decisions that the work waits for just now."""
        self._offered: frozenset[str] = frozenset()
        self.held: Callable[[], object] = lambda: None
        """Called each `LOOK` while the work is held for people: what is told of it must not grow old meanwhile."""
        self.cancelled_by: str = ""
        """Who cancelled the statement that runs, until it has come back."""

    # -- Set by actions

    def pause(self, by: str, reason: str = "", *, id_: str = "") -> None:
        """Pauses at the next checkpoint."""
        self.paused_by, self.pause_reason, self._pause_id = by, reason, id_
        self._notify()

    def unpause(self, id_: str) -> None:
        """Takes a pause back that the work has not come to."""
        if id_ == self._pause_id:
            self._pause_id = self.paused_by = self.pause_reason = ""
            self._notify()

    def resume(self) -> None:
        """Goes on."""
        self._came_to_nothing("resumed before the work came to it")
        self.paused_by = self.pause_reason = ""
        self._notify()

    def stop(self, how: str, by: str, reason: str, *, id_: str = "") -> None:
        """Ends at the next checkpoint: `abort` or `roll-back`."""
        if self._stop is not None:
            self.settle(self._stop_id, "cancelled", f"{how} by {by} came instead")
        self._stop, self._stop_id = Stopped(how, by, reason), id_
        # Whoever ends it does not want it to wait for a resume first.
        self._came_to_nothing(f"{how} came first")
        self.paused_by = self.pause_reason = ""
        self._notify()

    def go_on(self, id_: str) -> None:
        """Takes an end back that the work has not come to."""
        if self._stop is not None and id_ == self._stop_id:
            self._stop, self._stop_id = None, ""

    def decided(self, decision: Decision) -> None:
        """Hands the work what it waits for; the caller has looked at `accepts`."""
        self._superseded()
        self.decision = decision
        self.accepts = frozenset()
        self._notify()

    def undecided(self, id_: str) -> None:
        """Takes a decision back that the work has not taken up; where it waits, it offers the choice again."""
        if self.decision is not None and self.decision.id == id_:
            self.decision = None
            self.accepts = self._offered
            self._notify()

    def _came_to_nothing(self, why: str) -> None:
        pause, self._pause_id = self._pause_id, ""
        self.settle(pause, "cancelled", why)

    def _superseded(self) -> None:
        """A decision that nobody took up is one no more."""
        if self.decision is not None:
            self.settle(self.decision.id, "refused", "the walk had moved on by then")
            self.decision = None

    @property
    def stopping(self) -> bool:
        """Whether someone has asked to end."""
        return self._stop is not None

    def by_whom(self) -> str:
        """Who cancelled the statement that came back cancelled; asked once."""
        by, self.cancelled_by = self.cancelled_by, ""
        return f"by {by}" if by else "from outside"

    def _notify(self) -> None:
        self._changed.set()

    # -- Called by the work

    async def checkpoint(self) -> None:
        """Where the work may be stopped or held. Raises Stopped; waits while paused."""
        self._raise_if_stopped()
        if not self.paused_by:
            return
        while self.paused_by:
            why = f" because {self.pause_reason}" if self.pause_reason else ""
            reason = f"paused by {self.paused_by}{why}"
            if self._stream.session.state != "paused" or self._stream.session.reason != reason:
                self._stream.emit(events.StateChanged(state="paused", reason=reason, waits_for="resume"))
            pause, self._pause_id = self._pause_id, ""
            self.settle(pause, "done", "")
            await self._wait_held()
            self._raise_if_stopped()
        self.working()

    def working(self) -> None:
        """Says that the work goes on."""
        if self._stream.session.state != "running":
            self._stream.emit(events.StateChanged(state="running"))

    async def sleep(self, seconds: float) -> None:
        """Sleeps, or less where people decide something meanwhile; then a checkpoint."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wait(), seconds)
        await self.checkpoint()

    async def decide(
        self, accepts: Collection[str], *, state: events.RunnerState, reason: str, waits_for: str
    ) -> Decision:
        """Waits for one of the decisions. Raises Stopped."""
        self._superseded()
        self._stream.emit(events.StateChanged(state=state, reason=reason, waits_for=waits_for))
        self.accepts = self._offered = frozenset(accepts)
        try:
            while True:
                self._raise_if_stopped()
                decision: Decision | None = self.decision
                if decision is not None:
                    self.took(decision)
                    return decision
                await self._wait_held()
        finally:
            self.accepts = self._offered = frozenset()

    def offer(self, accepts: Collection[str]) -> None:
        """Lets people decide while the work goes on watching; `made` tells what they did."""
        self._offered = frozenset(accepts)
        self.accepts = frozenset() if self.decision is not None else self._offered

    def made(self) -> Decision | None:
        """The decision made since `offer`; then comes `took` or `turned_down`. Raises Stopped."""
        self._raise_if_stopped()
        return self.decision

    def took(self, decision: Decision) -> None:
        """The work goes by it."""
        self.decision = None
        self.settle(decision.id, "done", "")

    def turned_down(self, decision: Decision, why: str) -> None:
        """The work can't go by it any more."""
        self.decision = None
        self.settle(decision.id, "refused", why)

    def nothing_decided(self) -> None:
        """Where the work begins to wait: what was decided for an earlier place does not count here."""
        self._raise_if_stopped()
        self._superseded()

    async def _wait_held(self) -> None:
        """Waits for people; `held` looks meanwhile."""
        self._changed.clear()
        while not self._changed.is_set():
            self.held()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), LOOK)

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _raise_if_stopped(self) -> None:
        if self._stop is not None:
            stop, self._stop = self._stop, None
            id_, self._stop_id = self._stop_id, ""
            self.settle(id_, "done", "")
            raise stop
