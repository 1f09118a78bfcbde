"""A watcher that reads what a test says, and what a monitor with it told, on a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from console import events
from console.databases.base import Activity, BuildProgress, DatabaseError
from console.events import LockWait, Replica, ServerSession
from console.runner.monitor import Monitor
from tests.runner.jumping import run


class Scripted:
    """A watcher whose readings do what the test says, where a real server can't be made to on command.

    A script is called with the number of the call, from 1. `asked` holds the loop's time of each call.
    """

    def __init__(
        self,
        *,
        locks: Callable[[int], tuple[LockWait, ...]] = lambda _: (),
        active: Callable[[int], Activity] | None = None,
        standbys: Callable[[int], tuple[Replica, ...]] = lambda _: (),
        holders: Callable[[str, int], tuple[ServerSession, ...]] = lambda table, call: (),
        slow: dict[str, float] | None = None,
        lacks: Callable[[events.ReadingName, int], tuple[str, str]] = lambda reading, call: ("", ""),
    ) -> None:
        self._locks, self._active, self._standbys = locks, active or counting, standbys
        self._holders = holders
        self._slow = slow or {}
        self._lacks = lacks
        self.asked: dict[str, list[float]] = {"locks": [], "activity": [], "replication": []}

    async def _call(self, name: str) -> int:
        self.asked[name].append(round(asyncio.get_running_loop().time(), 3))
        await asyncio.sleep(self._slow.get(name, 0))
        return len(self.asked[name])

    async def lock_waits(self, ours: frozenset[int]) -> tuple[LockWait, ...]:
        return self._locks(await self._call("locks"))

    async def activity(self) -> Activity:
        return self._active(await self._call("activity"))

    async def replicas(self) -> tuple[Replica, ...]:
        return self._standbys(await self._call("replication"))

    async def blockers(self, pid: int) -> tuple[ServerSession, ...]:
        raise NotImplementedError

    async def queued_behind(self, pid: int) -> int:
        raise NotImplementedError

    async def progress(self, pid: int) -> BuildProgress | None:
        raise NotImplementedError

    async def holders(self, table: str) -> tuple[ServerSession, ...]:
        self.asked.setdefault(f"holders of {table}", []).append(round(asyncio.get_running_loop().time(), 3))
        return self._holders(table, len(self.asked[f"holders of {table}"]))

    async def cancel(self, session: ServerSession) -> bool:
        raise NotImplementedError

    async def cancel_ours(self, pid: int) -> bool:
        raise NotImplementedError

    async def terminate(self, session: ServerSession) -> bool:
        raise NotImplementedError

    def lacking(self, reading: events.ReadingName) -> tuple[str, str]:
        return self._lacks(reading, len(self.asked[reading]))

    async def close(self) -> None:
        raise NotImplementedError


def counting(call: int, *, why: str = "", remedy: str = "") -> Activity:
    active = None if why else call
    return Activity(
        transactions=100 * call,
        active=active,
        connections=7,
        oldest=None,
        oldest_began=None,
        why=why,
        remedy=remedy,
    )


def failing(calls: range, error: DatabaseError | Exception) -> Callable[[int], None]:
    def check(call: int) -> None:
        if call in calls:
            raise error

    return check


class Run:
    """What a monitor told and did over some seconds of a clock that jumps."""

    def __init__(
        self,
        watcher: Scripted,
        seconds: float,
        *,
        path: Path | None = None,
        looking: dict[float, str] | None = None,
    ) -> None:
        """`looking`: at which second it is told to look at which table; empty: at none any more."""
        self.watcher = watcher
        self._looking = looking or {}
        self.told: list[tuple[float, events.Event]] = []
        self.left: set[str] = set()
        self.monitor: Monitor
        run(self._go(seconds, path))

    async def _go(self, seconds: float, path: Path | None) -> None:
        loop = asyncio.get_running_loop()

        def emit(event: events.Event) -> None:
            self.told.append((round(loop.time(), 3), event))

        self.monitor = Monitor(
            self.watcher,
            emit,
            lambda: round(loop.time(), 3),
            application_file=path,
            rows_per_second=lambda: 41.96,
        )
        self.monitor.start()
        for second, table in self._looking.items():
            await asyncio.sleep(second - loop.time())
            self.monitor.look_at(*([table] if table else []))
        await asyncio.sleep(seconds - loop.time())
        await self.monitor.stop()
        self.left = {task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()}}

    def samples(self) -> list[events.Sample]:
        return [event for _, event in self.told if isinstance(event, events.Sample)]

    def others(self) -> list[events.Event]:
        return [event for _, event in self.told if not isinstance(event, events.Sample)]
