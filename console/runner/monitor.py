"""Takes every reading once a second, tells what changed, and keeps the newest of each for the throttle.

Each reading goes its own way: one that fails or is late holds up none of the others. A failed one is told once, tried
again after 1, 2, 4, ... 30 seconds, and told once more when it is back. Each second one `Sample` tells all figures,
with the time at which each was read; lock waits are told when they begin, change and end.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path

from msgspec.structs import replace

from console import events
from console.databases.base import DatabaseError, Refused, Watcher
from console.runner.application import ApplicationFigures, read_application
from console.runner.holders import Holders
from console.runner.waits import Waits
from console.throttle import Readings

EVERY = 1.0
"""Seconds between two readings."""

PATIENCE = 0.4
"""Seconds that a sample waits for the readings of its second; a later one is in the next."""

LONGEST_PAUSE = 30.0
"""Seconds between two tries of a reading that fails."""

TPS_OVER = 4
"""Readings of the transaction counter that a rate is taken over: servers count in steps of a second."""

COUNTED_LATE = 100
"""Transactions by which the counter may go back: ours are taken off at once, and counted by the server later."""

REMEMBERED = 60
"""Readings of the active sessions that are kept, for the throttle to learn what is ordinary."""


class _Reading:
    """One reading's schedule: when it is due, whether it runs, whether it failed."""

    def __init__(self, name: events.ReadingName, take: Callable[[], Awaitable[None]]) -> None:
        self.name = name
        self.take = take
        self.task: asyncio.Task[None] | None = None
        self.due = float("-inf")
        self.pause = 0.0
        self.failure: tuple[str, str] | None = None
        """Why it can't be had, and what mends it, as told last."""


class Monitor:
    """Takes the readings from `start` to `stop`.

    `emit` gets the events; `now` is the session's clock `t`; `rows_per_second` is asked for what the backfill does.
    Without an `application_file` nothing is said of the application.
    """

    def __init__(
        self,
        watcher: Watcher,
        emit: Callable[[events.Event], None],
        now: Callable[[], float],
        *,
        application_file: Path | None = None,
        rows_per_second: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._watcher = watcher
        self._emit = emit
        self._now = now
        self._application_file = application_file
        self._rows_per_second = rows_per_second
        self._latest = Readings()
        self._sample = events.Sample()
        self._application: ApplicationFigures | None = None
        self._ours: frozenset[int] = frozenset()
        self._waits = Waits()
        self._counted: deque[tuple[float, int]] = deque(maxlen=TPS_OVER)
        self._active: deque[int] = deque(maxlen=REMEMBERED)
        self._task: asyncio.Task[None] | None = None
        self._tables: tuple[str, ...] = ()
        self._holders = Holders()
        self._readings = [
            _Reading("locks", self._locks),
            _Reading("holders", self._read_holders),
            _Reading("activity", self._activity),
            _Reading("replication", self._replication),
        ]
        if application_file is not None:
            self._readings.append(_Reading("application", self._read_application))

    def start(self) -> None:
        """Begin. Needs a running event loop."""
        self._task = asyncio.create_task(self._run(), name="monitor")

    async def stop(self) -> None:
        """End, readings under way included."""
        tasks = [task for task in (self._task, *(r.task for r in self._readings)) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._task = None

    def set_ours(self, *pids: int) -> None:
        """The server's ids of our working sessions, instead of those before; 0 is none."""
        self._ours = frozenset(pid for pid in pids if pid)

    def look_at(self, *tables: str) -> None:
        """The tables (as SQL) whose holders are told from now on; none: nothing is about to lock any."""
        self._tables = tables
        reading = self._reading("holders")
        # Whoever decides now does not wait for the end of a pause.
        reading.due, reading.pause = float("-inf"), 0.0
        if not tables:
            told = self._holders.forget() or (events.TableHeld() if reading.failure else None)
            # The fold forgets with it why they could not be read: nobody knows whether they can be by now.
            reading.failure = None
            self._emit_held(told)

    def readings(self) -> Readings:
        """The newest of each reading."""
        return replace(self._latest, rows_per_second=self._rows_per_second())

    def active_seen(self) -> tuple[int, ...]:
        """The active sessions of the last minute, a number for each reading."""
        return tuple(self._active)

    @staticmethod
    def unix() -> float:
        """The wall clock, for the maintenance window."""
        return time.time()

    # -- The rhythm

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        tick = loop.time()
        while True:
            for reading in self._readings:
                if (reading.task is None or reading.task.done()) and reading.due <= tick + EVERY / 2:
                    reading.task = asyncio.create_task(self._take(reading), name=f"reading {reading.name}")
            running = [r.task for r in self._readings if r.task is not None and not r.task.done()]
            if running:
                await asyncio.wait(running, timeout=PATIENCE)
            self._emit(self._figures())
            # Where the host slept or was too busy, seconds are left out rather than made up for.
            tick = max(tick + EVERY, loop.time())
            await asyncio.sleep(tick - loop.time())

    async def _take(self, reading: _Reading) -> None:
        try:
            await reading.take()
        except DatabaseError as error:
            self._failed(reading, error.text, error.remedy)
        except ValueError as error:
            self._failed(reading, str(error), "")
        except Exception as error:  # noqa: BLE001 - a defect in one reading is told, and takes no other away
            self._failed(reading, f"a defect of the console: {error!r}", "")
        else:
            reading.pause = 0.0

    def _failed(self, reading: _Reading, why: str, remedy: str) -> None:
        reading.pause = min(LONGEST_PAUSE, reading.pause * 2 or EVERY)
        reading.due = asyncio.get_running_loop().time() + reading.pause
        if reading.name == "replication":
            self._latest = replace(self._latest, replication_failure=why)
        self._tell(reading.name, why, remedy)

    def _reading(self, name: events.ReadingName) -> _Reading:
        return next(reading for reading in self._readings if reading.name == name)

    def _told(self, name: events.ReadingName) -> tuple[str, str] | None:
        """Why a reading can't be had, as told last."""
        return self._reading(name).failure

    def _tell(self, name: events.ReadingName, why: str, remedy: str = "") -> None:
        """That a reading can't be had, or (no `why`) that it can; only where that is news."""
        reading = self._reading(name)
        failure = (why, remedy) if why else None
        if failure == reading.failure:
            return
        if failure is None:
            self._emit(events.ReadingMended(reading=name))
        else:
            self._emit(events.ReadingFailed(reading=name, why=why, remedy=remedy))
        reading.failure = failure

    # -- The readings

    async def _locks(self) -> None:
        waits = await self._watcher.lock_waits(self._ours)
        now = self._now()
        changed = self._waits.update(waits)
        if changed is not None:
            self._emit(changed)
        self._latest = replace(self._latest, locks_at=now, behind_us=self._waits.behind_us(now))
        self._sample = replace(
            self._sample,
            locks_at=now,
            waiting=self._waits.waiting,
            queued_behind_us=len(self._waits.queued_behind_us()),
        )
        self._tell("locks", *self._watcher.lacking("locks"))

    async def _read_holders(self) -> None:
        tables, found = self._tables, list[events.ServerSession]()
        try:
            for table in tables:
                found += await self._watcher.holders(table)
                if tables != self._tables:
                    return
        except Exception as error:
            if tables != self._tables:
                return
            # What was known of them says nothing any more.
            self._emit_held(self._holders.forget())
            # What hides the holders may hide the waits as well, and is told there.
            if isinstance(error, Refused) and self._told("locks") == (error.text, error.remedy):
                return
            raise
        if tables:
            self._emit_held(self._holders.update(tables, found, self._now()))
            self._tell("holders", "")

    def _emit_held(self, news: events.TableHeld | None) -> None:
        if news is not None:
            self._emit(news)

    async def _activity(self) -> None:
        activity = await self._watcher.activity()
        now = self._now()
        if self._counted and activity.transactions < self._counted[-1][1] - COUNTED_LATE:
            self._counted.clear()  # the server was restarted, or its statistics were reset
        self._counted.append((now, activity.transactions))
        if activity.active is not None:
            self._active.append(activity.active)
        self._latest = replace(self._latest, activity_at=now, active=activity.active)
        self._sample = replace(
            self._sample,
            activity_at=now,
            transactions_per_second=rate(self._counted),
            active=activity.active,
            connections=activity.connections,
            history=activity.history,
            oldest_transaction=activity.oldest.transaction_began if activity.oldest else None,
        )
        self._tell("activity", activity.why, activity.remedy)

    async def _replication(self) -> None:
        replicas = await self._watcher.replicas()
        now = self._now()
        self._latest = replace(self._latest, replication_at=now, replicas=replicas, replication_failure="")
        self._sample = replace(
            self._sample, replication_at=now, replicas=tuple(rounded(replica) for replica in replicas)
        )
        self._tell("replication", *self._watcher.lacking("replication"))

    async def _read_application(self) -> None:
        assert self._application_file is not None
        # A stat and a read of a small local file: shorter than handing it to a thread.
        figures = read_application(self._application_file)
        if self._application is None or figures.at != self._application.at:
            self._application = figures
            self._sample = replace(
                self._sample,
                application_at=round(self._now() - max(0.0, time.time() - figures.at), 3),
                application_version=figures.version,
                application_tps=tenths(figures.tps),
                p50_ms=tenths(figures.p50_ms),
                p95_ms=tenths(figures.p95_ms),
                p99_ms=tenths(figures.p99_ms),
            )
        self._tell("application", "")

    def _figures(self) -> events.Sample:
        return replace(self._sample, rows_per_second=round(self._rows_per_second(), 1))


def rate(counted: deque[tuple[float, int]]) -> float | None:
    """Per second, between the first and the last of (time, counter); None where there is no time between.

    >>> rate(deque([(1.0, 100), (2.0, 180), (3.0, 300)])), rate(deque([(1.0, 100)])), rate(deque([(1.0, 9), (2.0, 7)]))
    (100.0, None, 0.0)
    """
    if len(counted) < 2 or counted[-1][0] <= counted[0][0]:
        return None
    return max(0.0, round((counted[-1][1] - counted[0][1]) / (counted[-1][0] - counted[0][0]), 1))


def rounded(replica: events.Replica) -> events.Replica:
    """With milliseconds, which is more than the position clock knows, and shorter lines."""
    return replace(
        replica,
        lag=None if replica.lag is None else round(replica.lag, 3),
        server_lag=None if replica.server_lag is None else round(replica.server_lag, 3),
    )


def tenths(figure: float | None) -> float | None:
    """A figure with one decimal."""
    return None if figure is None else round(figure, 1)
