"""Takes in a recording by stretches from snapshot to snapshot, as long as nothing is wrong with them.

That is nearly every line of nearly every file. What `readable` and `Order` ask of each line is asked of a stretch as a
whole: a night has a hundred thousand lines, and five hundred stretches. Where the snapshot at its end bears the
stretch's seal, it is as it was written; then its samples, batches and lock waits are not even decoded.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import accumulate, repeat
from operator import add, attrgetter
from typing import NamedTuple

import msgspec

from console import events
from console.recording import packed
from console.recording.found import SILENT, Found
from console.recording.order import Read
from console.recording.problems import LATEST, UNREADABLE

SNAPSHOT = b'{"kind":"snapshot"'
"""How the line of a snapshot begins."""
_KINDS = {str(kind.__struct_config__.tag): kind for kind in packed.KINDS}
_kind, _time, _number = attrgetter("kind"), attrgetter("t"), attrgetter("s")


class _Mark(msgspec.Struct, gc=False):
    """What every line says."""

    kind: str
    t: float = 0.0
    s: int = 0


class _End(msgspec.Struct, gc=False):
    """What the snapshot after a stretch says of it."""

    t: float = 0.0
    s: int = 0
    seal: int = -1


class _Stretch(NamedTuple):
    begins: int
    """Its place in the file's bytes."""
    text: bytes
    """A snapshot, but for the first stretch, and the events until the next one: each line with its newline."""
    end: _End


_marks = msgspec.json.Decoder(_Mark)
_end = msgspec.json.Decoder(_End)


def seal(data: bytes) -> int:
    """The seal of the last stretch of a recording that is being written.

    >>> line, snapshot = b'{"kind":"log"}\\n', b'{"kind":"snapshot"}\\n'
    >>> seal(line + snapshot + line) == seal(snapshot + line) != seal(line)
    True
    """
    return zlib.crc32(data[data.rfind(b"\n" + SNAPSHOT) + 1 :])


def take_clean(found: Found) -> tuple[int, int]:
    """Take in the stretches from the first on, as long as nothing is wrong. The last one is left.

    Says how many lines it took, and at which byte the next one begins.
    """
    taken = begins = 0
    for stretch in _stretches(found.data):
        count = _take(found, stretch, taken)
        if not count:
            break
        taken += count
        begins = stretch.begins + len(stretch.text)
    found.settle()
    return taken, begins


def _stretches(data: bytes) -> Iterator[_Stretch]:
    begins = 0
    while (before := data.find(b"\n" + SNAPSHOT, begins)) >= 0:
        ends = before + 1
        newline = data.find(b"\n", ends)
        try:
            end = _end.decode(data[ends : newline if newline >= 0 else None])
        except UNREADABLE:
            return
        yield _Stretch(begins, data[begins:ends], end)
        begins = ends


def _take(found: Found, stretch: _Stretch, before: int) -> int:
    """Take a stretch in, which stands after so many lines. Says how many it has; none where it must be looked at."""
    lines = stretch.text.split(b"\n")[:-1]
    marks = _read(stretch, len(lines))
    if not marks:
        return 0
    kinds: list[type[events.Event]] = [*map(_KINDS.get, map(_kind, marks), repeat(events.Event))]
    first = int(kinds[0] is packed.Kept)
    if (
        events.Event in kinds
        or kinds.count(packed.Kept) != first
        or not _in_order(found, stretch, marks, first)
    ):
        return 0
    try:
        told = {
            index: packed.decoder.decode(lines[index])
            for index, kind in enumerate(kinds)
            if kind not in SILENT
        }
    except UNREADABLE:
        return 0
    if any(isinstance(event, events.Header) and event.format != events.FORMAT for event in told.values()):
        return 0
    if first:
        found.add(Read(before + 1, stretch.begins, lines[0], told.pop(0)))
    # Each is behind the lines before it, and a newline for each of those.
    begins = [*map(add, accumulate(map(len, lines), initial=stretch.begins), range(len(lines)))]
    found.add_all(
        begins[first:],
        kinds[first:],
        [*map(_time, marks[first:])],
        {index - first: event for index, event in told.items()},
    )
    return len(lines)


def _read(stretch: _Stretch, count: int) -> list[_Mark]:
    """What each of its so many lines says; nothing where one is not an event, and nothing but that."""
    # An event does not hold these three bytes outside of a text, and there a newline is written otherwise: where all
    # newlines stand so, each ends a line that begins and ends as it should.
    if stretch.text.count(b"}\n{") != count - 1 or not stretch.text.startswith(b"{"):
        return []
    try:
        marks = _marks.decode_lines(stretch.text)
        if stretch.end.seal != zlib.crc32(stretch.text):
            whole = packed.decoder.decode_lines(stretch.text)
            if [*map(type, whole)] != [_KINDS.get(mark.kind) for mark in marks]:
                return []
    except UNREADABLE:
        return []
    return marks if len(marks) == count else []


def _in_order(found: Found, stretch: _Stretch, marks: list[_Mark], first: int) -> bool:
    """Whether its lines come one after the other, after what was found before, and before the snapshot at its end."""
    begin = found.s + 1 - first
    times = [found.t, *map(_time, marks), stretch.end.t]
    return (
        [*map(_number, marks)] == [*range(begin, begin + len(marks))]
        and stretch.end.s == marks[-1].s
        and times == sorted(times)
        and times[-1] < LATEST
    )
