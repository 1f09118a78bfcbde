"""The points of a recording's charts. Those of a stretch that was taken in unread are made when they are asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import overload

from console.session import Point


class Points(Sequence[Point]):
    """Grows at its end, by points and by promises of points."""

    def __init__(self) -> None:
        self._parts: list[list[Point] | Callable[[], list[Point]]] = []
        self._firsts: list[int] = []
        """The number of the first point of each part."""
        self._count = 0

    def extend(self, points: Iterable[Point]) -> None:
        """Points that are there."""
        known = [*points]
        last = self._parts[-1] if self._parts else None
        if isinstance(last, list):
            last += known
            self._count += len(known)
        else:
            self._put(known, len(known))

    def promise(self, count: int, make: Callable[[], list[Point]]) -> None:
        """So many points, which `make` gives."""
        self._put(make, count)

    def _put(self, part: list[Point] | Callable[[], list[Point]], count: int) -> None:
        if count:
            self._parts.append(part)
            self._firsts.append(self._count)
            self._count += count

    def _part(self, index: int) -> list[Point]:
        part = self._parts[index]
        if not isinstance(part, list):
            part = self._parts[index] = part()
        return part

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Point]:
        for index in range(len(self._parts)):
            yield from self._part(index)

    @overload
    def __getitem__(self, index: int) -> Point: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Point]: ...
    def __getitem__(self, index: int | slice) -> Point | Sequence[Point]:
        if isinstance(index, slice):
            return self._between(*index.indices(self._count))
        if index < 0:
            index += self._count
        if not 0 <= index < self._count:
            raise IndexError(index)
        part = bisect_right(self._firsts, index) - 1
        return self._part(part)[index - self._firsts[part]]

    def _between(self, first: int, last: int, step: int) -> list[Point]:
        if step != 1:
            return [self[index] for index in range(first, last, step)]
        found: list[Point] = []
        part = max(0, bisect_right(self._firsts, first) - 1)
        while part < len(self._parts) and self._firsts[part] < last:
            begins = self._firsts[part]
            found += self._part(part)[max(0, first - begins) : last - begins]
            part += 1
        return found
