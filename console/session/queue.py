"""Who stands behind whom in the lock queue. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from console import events


def behind(waits: Mapping[int, events.LockWait], ours: Iterable[int]) -> set[int]:
    """The sessions that wait for one of `ours`, directly or behind others that do.

    >>> def wait(pid, *by):
    ...     return events.LockWait(session=events.ServerSession(pid=pid), blocked_by=by, mode="AccessShareLock")
    >>> sorted(behind({2: wait(2, 1), 3: wait(3, 2), 4: wait(4, 9)}, [1]))
    [2, 3]
    """
    ours = set(ours)
    found = set(ours)
    while True:
        more = {pid for pid, wait in waits.items() if found.intersection(wait.blocked_by)} - found
        if not more:
            return found - ours
        found |= more


class Stood(NamedTuple):
    """A wait behind a statement, and for how many seconds of it."""

    wait: events.LockWait
    seconds: float


class Queue:
    """The sessions that stand behind a statement which began at `began`, from look to look."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._waiting: dict[int, events.LockWait] = {}
        self._stood: dict[tuple[int, float], Stood] = {}

    def look(self, waits: Mapping[int, events.LockWait], ours: Iterable[int], now: float) -> None:
        """Take in the lock waits as they are now; `ours` are the sessions that run it."""
        queue = {pid for pid in behind(waits, ours) if waits[pid].mode}
        for pid in self._waiting.keys() - queue:
            self._leave(self._waiting.pop(pid), now)
        for pid in queue:
            self._waiting.setdefault(pid, waits[pid])

    def over(self, now: float) -> list[Stood]:
        """All who stood in it as far as `now`, the longest first."""
        for wait in self._waiting.values():
            self._leave(wait, now)
        return sorted(self._stood.values(), key=lambda stood: -stood.seconds)

    def _leave(self, wait: events.LockWait, now: float) -> None:
        seconds = max(0.0, now - max(wait.began, self._began))
        self._stood[wait.session.pid, wait.began] = Stood(wait, seconds)
