"""What every phase works with: the database's hands and eyes, the stream of events, and the wishes of people."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from console import events
from console.change import ChangeFile
from console.databases.base import (
    ConnectionLost,
    DatabaseError,
    Evidences,
    RunnerLockHeld,
    Unreachable,
    Watcher,
    Worker,
)
from console.plan import Plan
from console.runner.control import Control
from console.runner.monitor import Monitor
from console.runner.stream import Stream
from console.throttle import Decision, Throttle

T = TypeVar("T")
LONGEST_PAUSE = 15.0
"""Seconds between two tries to connect again, at most."""


class Stage:
    """The things that phases share. It decides nothing."""

    def __init__(
        self,
        *,
        file: ChangeFile,
        plan: Plan,
        stream: Stream,
        control: Control,
        worker: Worker,
        watcher: Watcher,
        evidences: Evidences,
        monitor: Monitor,
        throttle: Throttle,
        advance: str,
        alone: bool,
    ) -> None:
        self.file = file
        self.plan = plan
        self.stream = stream
        self.control = control
        self.worker = worker
        self.watcher = watcher
        self.evidences = evidences
        self.monitor = monitor
        self.throttle = throttle
        self.advance = advance
        self.alone = alone
        """Nobody is there to decide: where a person would be asked, the session ends, parked."""
        self.random = random.Random()  # noqa: S311 - jitter, not a secret
        self._last_pid = 0
        self.rows_per_second: Callable[[], float] = lambda: 0.0

    @property
    def auto(self) -> bool:
        """Whether phases begin, and gates pass on their evidence, without a person."""
        return self.advance == "auto"

    def throttled(self) -> Decision:
        """What the throttle says of the newest readings."""
        return self.throttle.decide(self.monitor.readings(), self.stream.now(), self.monitor.unix())

    def worked(self, phase: str) -> float:
        """Seconds since the phase began; 0 where it is not at work, since none of them are its own."""
        view = self.stream.session.view(phase)
        if view is None or view.state != "running" or view.began is None:
            return 0.0
        return round(max(0.0, self.stream.now() - view.began), 3)

    async def connect(self) -> None:
        """Connects the worker, however long that takes, heeding people meanwhile.

        Raises Stopped, and RunnerLockHeld where another runner has taken the change over.
        """
        pause = 0.5
        before = self._last_pid
        while True:
            try:
                await self.worker.connect(waiting=lambda text: self.stream.log(text, "warning"))
            except RunnerLockHeld as error:
                # Our own session of before the connection was lost, which the server has not missed yet.
                if error.holder is None or error.holder.pid != before:
                    raise
                self.stream.log(f"our lost session {before} still holds the lock; waiting", "warning")
                await self.control.sleep(pause)
            except (Unreachable, ConnectionLost) as error:
                said = f"no connection to the database: {error}; next try in {pause:.1f} s"
                self.stream.emit(events.StateChanged(state="running", reason=said))
                self.stream.log(said, "warning")
                await self.control.sleep(pause * self.random.uniform(0.8, 1.2))
                pause = min(LONGEST_PAUSE, pause * 2)
            else:
                if self.stream.session.reason:
                    self.stream.emit(events.StateChanged(state="running"))
                self._last_pid = self.worker.pid
                self.monitor.set_ours(self.worker.pid)
                return

    async def steady(self, work: Callable[[], Awaitable[T]]) -> T:
        """Does `work`, again after each lost connection: for what is harmless to repeat."""
        while True:
            try:
                return await work()
            except ConnectionLost as error:
                self.stream.log(f"{error.text}; connecting again", "warning")
                await self.connect()

    async def holds(self, query: str) -> bool:
        """Whether the database says so, asked again after each lost connection."""
        return await self.steady(lambda: self.worker.holds(query))

    async def close(self) -> None:
        """Closes all connections."""
        await self.monitor.stop()
        for thing in (self.evidences, self.worker, self.watcher):
            with contextlib.suppress(DatabaseError):
                await thing.close()
