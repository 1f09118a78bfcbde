"""What can be told of who waits for whom, on any database. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def related(touched: Iterable[int], blocked_by: Mapping[int, Iterable[int]]) -> set[int]:
    """All that are tied to one of `touched` by waiting, in either direction and over any number of steps.

    >>> sorted(related({2}, {1: (), 2: (1,), 3: (2,), 8: (9,), 9: ()}))
    [1, 2, 3]
    """
    ties: dict[int, set[int]] = {}
    for pid, blockers in blocked_by.items():
        for blocker in blockers:
            ties.setdefault(pid, set()).add(blocker)
            ties.setdefault(blocker, set()).add(pid)
    found: set[int] = set()
    ahead = list(touched)
    while ahead:
        pid = ahead.pop()
        if pid not in found:
            found.add(pid)
            ahead += ties.get(pid, set())
    return found


def above(pid: int, blocked_by: Mapping[int, Iterable[int]]) -> set[int]:
    """All that hold `pid` up, directly or not.

    >>> sorted(above(3, {3: (2,), 2: (1,), 4: (1,)}))
    [1, 2]
    """
    found: set[int] = set()
    ahead = list(blocked_by.get(pid, ()))
    while ahead:
        blocker = ahead.pop()
        if blocker not in found and blocker != pid:
            found.add(blocker)
            ahead += blocked_by.get(blocker, ())
    return found


def behind(pid: int, blocked_by: Mapping[int, Iterable[int]]) -> set[int]:
    """All that stand behind `pid`, directly or not.

    >>> sorted(behind(1, {3: (2,), 2: (1,), 4: (1,), 5: (9,)}))
    [2, 3, 4]
    """
    return {waiter for waiter in blocked_by if waiter != pid and pid in above(waiter, blocked_by)}
