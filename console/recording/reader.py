"""Opens a recording, and gives the session at any moment of it. Never writes, neither to it nor beside it."""

from __future__ import annotations

import os
import stat
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Self, overload

from msgspec.structs import replace

from console import events
from console.recording.chain import Chain, verify
from console.recording.found import Found
from console.recording.packing import session_of, unpack
from console.recording.problems import Problem, RecordingError, taken_line
from console.recording.scan import scan
from console.recording.stride import stride
from console.session import HISTORY, LOG, LogLine, Point, Session, snapshot


class Recording:
    """A session on disk. Positions count events: position n lies after the first n."""

    def __init__(self, path: str, found: Found, data: bytes) -> None:
        self.path = path
        self._data = data
        self.events: Sequence[events.Event] = _Events(found.lines)
        """Every event, decoded when asked for; snapshots only where they stand in for events that are lost."""
        self.times: Sequence[float] = found.times
        """When each event happened, in seconds on the session's clock, never falling."""
        self.points: Sequence[Point] = found.points
        """The whole session's points of the charts."""
        self.log: Sequence[LogLine] = found.log
        """The whole session's narration."""
        self.log_positions: Sequence[int] = found.log_at
        """The position just after the event that each line of `log` narrates."""
        self.problems: tuple[Problem, ...] = tuple(found.problems)
        """What is missing from the file; empty where it is whole."""
        self._found = found
        self._cursor = -1
        self._cursor_session = Session()
        for index in found.standing_in:
            # In the place of events that are lost: whole, so that it does in any fold what it does here.
            whole = snapshot(self._restore(index), whole=True)
            found.lines.replace(found.snapshot_at[index] - 1, events.encode(whole))

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open a recording, plain or gzipped. What can't be read of it is listed in `problems`.

        Raises `RecordingError` where the file is missing, unreadable, empty, no recording, or of a newer format.
        """
        data, problem = _expand(_read(Path(path)))
        found = scan(data, str(path))
        if problem:
            found.problem(data.count(b"\n") + 1, problem)
        return cls(str(path), found, data)

    @classmethod
    def head(cls, path: Path | str) -> Self | None:
        """No more of a recording than its first line, at once; None where that alone tells nothing.

        Raises nothing that `open` does not raise of the same file, and says.
        """
        try:
            first, ends, _ = _expand(_read(Path(path), HEAD), most=HEAD)[0].partition(b"\n")
            return cls(str(path), scan(first + ends, str(path)), first + ends) if ends else None
        except RecordingError:
            return None

    def filled(self) -> Self:
        """With every point of the charts made, which otherwise each minute's are when one of them is asked for."""
        for _ in self.points:
            pass
        return self

    @property
    def header(self) -> events.Header | None:
        """What, where, when and by whom, as the file's first header says; None where that line is damaged."""
        return self._found.rare[0].header if self._found.rare else None

    @cached_property
    def chain(self) -> Chain:
        """Whether the file is as it was written, and where not. Computed when first asked for: 0.3 s for 8 hours."""
        return verify(self._data)

    @property
    def duration(self) -> float:
        """Seconds from the session's begin to its last event."""
        return self.times[-1] if self.times else 0.0

    @property
    def final(self) -> Session:
        """The session after the last event."""
        return self.at_event(len(self.events))

    def position(self, t: float) -> int:
        """How many events had happened at `t` seconds."""
        return bisect_right(self.times, t)

    def at(self, t: float) -> Session:
        """The session at `t` seconds: what every screen showed then."""
        return self.at_event(self.position(t))

    def at_event(self, position: int) -> Session:
        """The session after the first `position` events.

        From the nearest snapshot, or from where the last call ended if that is nearer, so that stepping forward
        costs the step alone. Where events are missing, the first snapshot after them puts the session right.
        """
        found = self._found
        position = max(0, min(position, len(found.lines)))
        index = bisect_right(found.snapshot_at, position)
        start = found.snapshot_at[index - 1] if index else 0
        if start <= self._cursor <= position:
            start, session = self._cursor, self._cursor_session
        elif index:
            session = self._restore(index - 1)
        else:
            session = Session()
        samples = found.kinds[start:position].count(events.Sample)
        session = stride(session, found.lines.between(start, position), samples)
        self._cursor, self._cursor_session = position, session
        return session

    def of(self, *kinds: type[events.Event]) -> Iterator[tuple[int, events.Event]]:
        """The events of these kinds, in order, each with the position just after it."""
        lines = self._found.lines
        for position, kind in enumerate(self._found.kinds, 1):
            if kind in kinds and isinstance(event := _decode(lines[position - 1]), kinds):
                yield position, event

    def held(self) -> Iterator[events.Event]:
        """All that the file holds, in its order: the events, and between them the snapshots."""
        found = self._found
        due = iter([*zip(found.snapshot_at, found.snapshots, strict=True), (-1, None)])
        after, kept = next(due)
        for position, line in enumerate(found.lines.between(0, len(found.lines)), 1):
            event = _decode(line)
            yield event
            while kept is not None and after <= position:
                # One that stands in for lost events is an event itself.
                if not isinstance(event, events.Snapshot):
                    yield unpack(kept)
                after, kept = next(due)

    def copy(self, found: Found) -> Self:
        """A recording that holds something else of the same file, whose chain and problems stay."""
        made = type(self)(self.path, found, self._data)
        made.problems = self.problems
        return made

    def _restore(self, index: int) -> Session:
        """The session at a snapshot, with what snapshots leave out."""
        found = self._found
        position = found.snapshot_at[index]
        session = session_of(found.snapshots[index])
        points = bisect_right(found.point_at, position)
        lines = bisect_right(found.log_at, position)
        known = bisect_right(found.rare_at, position)
        rare = found.rare[known - 1] if known else Session()
        return replace(
            session,
            header=rare.header,
            plan=rare.plan,
            preflight=rare.preflight,
            statements=rare.statements,
            actions=rare.actions,
            keys=rare.keys,
            history=tuple(found.points[max(0, points - HISTORY) : points]),
            log=tuple(found.log[max(0, lines - LOG) : lines]),
        )


class _Events(Sequence[events.Event]):
    def __init__(self, lines: Sequence[bytes]) -> None:
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, index: int) -> events.Event: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[events.Event]: ...
    def __getitem__(self, index: int | slice) -> events.Event | Sequence[events.Event]:
        if isinstance(index, slice):
            return _Events(self._lines[index])
        return _decode(self._lines[index])


def _decode(line: bytes) -> events.Event:
    """The event on a line that was taken in."""
    return unpack(taken_line(line))


HEAD = 1 << 16
"""Bytes: more than any first line has."""


def _read(path: Path, most: int = -1) -> bytes:
    """The file's bytes, at most so many. Raises RecordingError."""
    try:
        # Without O_NONBLOCK a named pipe would wait for a writer.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise RecordingError(
            f"There is no recording at {path}: `column-console sessions` lists what there is."
        ) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise RecordingError(f"The recording {path} can't be read: {why}.") from None
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISDIR(mode):
            inside = path / "recording.jsonl"
            which = f"name the file {inside}" if inside.exists() else "name a file in it"
            raise RecordingError(f"{path} is a folder, not a recording: {which}.")
        if not stat.S_ISREG(mode):
            raise RecordingError(f"{path} is no ordinary file: copy the recording into one.")
        with os.fdopen(fd, "rb", closefd=False) as file:
            return file.read(most)
    except OSError as error:
        raise RecordingError(f"The recording {path} can't be read: {error.strerror}.") from None
    finally:
        os.close(fd)


def _expand(data: bytes, most: int = 0) -> tuple[bytes, str]:
    """The plain bytes of a gzipped recording, as far as they can be had, and what is wrong with the rest.

    With `most`, about so many bytes of the first member alone.
    """
    out = []
    while data.startswith(b"\x1f\x8b"):
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            out.append(member.decompress(data, most))
        except zlib.error:
            out.append(_salvage(data))
            return b"".join(out), "the compressed file is damaged from here on"
        if not member.eof:
            return b"".join(out), "the compressed file ends early"
        data = member.unused_data
    if not out:
        return data, ""
    return b"".join(out), "something else follows what is compressed" if data and not most else ""


def _salvage(data: bytes) -> bytes:
    """What comes out of a damaged member before the damage, in small bites."""
    member = zlib.decompressobj(zlib.MAX_WBITS | 16)
    out = bytearray()
    try:
        for start in range(0, len(data), 512):
            out += member.decompress(data[start : start + 512])
    except zlib.error:
        return bytes(out)
    return bytes(out)
