"""Who stands behind whom in the lock queue. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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
