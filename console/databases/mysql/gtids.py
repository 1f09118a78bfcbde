"""How many of the primary's transactions a server has, told by GTIDs. Pure.

MySQL prints a set of intervals for each server that ever wrote, and each tag (8.3); MariaDB the last sequence number
of each replication domain. Either way the number of transactions only grows, and is a position for the position clock
(`console.databases.positions`): no writes, no rights, and right in every kind of stall.
"""

from __future__ import annotations

from itertools import pairwise

Intervals = list[tuple[int, int]]
"""Disjoint, in order, both ends inclusive."""


def transactions(primary: str, *, mariadb: bool) -> int:
    """How many transactions the primary has written.

    >>> transactions("0-1-30,5-2-12", mariadb=True), transactions("a:1-5:9, b:1-2", mariadb=False)
    (42, 8)
    """
    if mariadb:
        return sum(_domains(primary).values())
    return sum(_size(intervals) for intervals in gtid_set(primary).values())


def missing(primary: str, replica: str, *, mariadb: bool) -> int:
    """How many of the primary's transactions a replica lacks; its own ones don't count.

    >>> missing("0-1-30,5-2-12", "0-1-28,5-2-12,7-7-7", mariadb=True), missing("0-1-30", "", mariadb=True)
    (2, 30)
    >>> missing("a:1-10:12, b:1-2", "a:1-4:6, c:1-9", mariadb=False), missing("a:1-3:x:1-9", "a:1-3", mariadb=False)
    (8, 9)
    """
    if mariadb:
        reached = _domains(replica)
        return sum(max(0, last - reached.get(domain, 0)) for domain, last in _domains(primary).items())
    has = gtid_set(replica)
    return sum(
        _size(intervals) - _common(intervals, has.get(writer, []))
        for writer, intervals in gtid_set(primary).items()
    )


def gtid_set(text: str) -> dict[str, Intervals]:
    """MySQL's GTID set by writer, or by writer and tag.

    >>> gtid_set("a:1-3:7:fast:2,\\nb:9")
    {'a': [(1, 3), (7, 7)], 'a:fast': [(2, 2)], 'b': [(9, 9)]}
    """
    found: dict[str, Intervals] = {}
    for part in text.replace("\n", "").split(","):
        writer, *pieces = part.strip().split(":")
        key = writer
        for piece in pieces:
            if not piece[:1].isdigit():
                key = f"{writer}:{piece}"
                continue
            first, _, last = piece.partition("-")
            found.setdefault(key, []).append((int(first), int(last or first)))
    for intervals in found.values():
        intervals.sort()
        assert all(one[1] < other[0] for one, other in pairwise(intervals))
    return found


def _domains(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in text.replace("\n", "").split(","):
        if part.strip():
            domain, _, number = part.strip().split("-")
            found[domain] = max(found.get(domain, 0), int(number))
    return found


def _size(intervals: Intervals) -> int:
    return sum(last - first + 1 for first, last in intervals)


def _common(some: Intervals, others: Intervals) -> int:
    """How many numbers are in both."""
    total, one, other = 0, 0, 0
    while one < len(some) and other < len(others):
        first, last = max(some[one][0], others[other][0]), min(some[one][1], others[other][1])
        total += max(0, last - first + 1)
        if some[one][1] < others[other][1]:
            one += 1
        else:
            other += 1
    return total
