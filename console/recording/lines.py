"""The lines of a recording that hold an event, by number: places in the file's bytes, so that none is kept twice."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload


class Lines(Sequence[bytes]):
    """Grows at its end. A line that does not stand in the file so (converted, or made up) is kept by itself."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._begins = array("q")
        self._own: dict[int, bytes] = {}

    def append(self, begins: int) -> None:
        """A line of the file, by the byte at which it begins."""
        self._begins.append(begins)

    def extend(self, begins: Iterable[int]) -> None:
        """Lines of the file, by the bytes at which they begin."""
        self._begins.extend(begins)

    def append_own(self, line: bytes) -> None:
        """A line that the file does not have."""
        self._own[len(self._begins)] = line
        self.append(-1)

    def replace(self, index: int, line: bytes) -> None:
        """Another line in the place of this one."""
        self._own[index] = line

    def between(self, first: int, last: int) -> Iterator[bytes]:
        """The lines from the first, up to and without the last."""
        return (self[index] for index in range(first, last))

    def pick(self, indices: Iterable[int]) -> list[bytes]:
        """The lines with these numbers, none of which is kept by itself or is the last of a file that is torn there."""
        data, begins = self._data, self._begins
        return [data[begins[index] : data.find(b"\n", begins[index])] for index in indices]

    def __len__(self) -> int:
        return len(self._begins)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self._begins)
        if self._own and index in self._own:
            return self._own[index]
        begins = self._begins[index]
        ends = self._data.find(b"\n", begins)
        return self._data[begins : ends if ends >= 0 else None]
