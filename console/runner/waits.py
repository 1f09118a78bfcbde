"""The lock waits as told so far: what changed since, and who stands behind us. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from console.events import LockWait, LockWaitsChanged

SAME = 1.0
"""Seconds by which the beginning of a wait may be corrected without being news."""


class Waits:
    """The tree of lock waits, as the last reading had it and as it was told."""

    def __init__(self) -> None:
        self._told: dict[int, LockWait] = {}

    @property
    def waiting(self) -> int:
        """Sessions that wait; roots only hold."""
        return sum(1 for wait in self._told.values() if wait.mode)

    def update(self, waits: Iterable[LockWait]) -> LockWaitsChanged | None:
        """Take in a new reading: what to tell of it, or None where nothing changed."""
        now = {wait.session.pid: self._steady(wait) for wait in waits}
        began = tuple(wait for pid, wait in now.items() if self._told.get(pid) != wait)
        ended = tuple(pid for pid in self._told if pid not in now)
        self._told = now
        return LockWaitsChanged(began=began, ended=ended) if began or ended else None

    def queued_behind_us(self) -> set[int]:
        """The sessions that wait for one of ours, directly or behind others that do."""
        behind = {pid for pid, wait in self._told.items() if wait.session.ours}
        ours = frozenset(behind)
        while True:
            more = {pid for pid, wait in self._told.items() if behind.intersection(wait.blocked_by)} - behind
            if not more:
                return behind - ours
            behind |= more

    def behind_us(self, now: float) -> float:
        """The longest that a session has been standing behind one of ours, in seconds."""
        queued = (self._told[pid] for pid in self.queued_behind_us())
        return max((max(0.0, now - wait.began) for wait in queued if wait.mode), default=0.0)

    def _steady(self, wait: LockWait) -> LockWait:
        """The wait as told before, where all that differs is no news: a corrected beginning, a root's next query."""
        told = self._told.get(wait.session.pid)
        if told is None:
            return wait
        same = replace(
            wait,
            session=replace(wait.session, query=told.session.query),
            began=told.began if abs(wait.began - told.began) < SAME else wait.began,
        )
        return told if same == told else wait
