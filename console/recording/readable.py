"""Reads a recording's lines one by one: what each holds, converted to the present format, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from console import events
from console.recording.convert import convert
from console.recording.order import Read
from console.recording.problems import UNREADABLE, RecordingError, read_line
from console.words import plural

HEADER = b'{"kind":"header"'


class _Head(msgspec.Struct):
    kind: str
    format: int = 0


def check_head(first: bytes, *, whole: bool, path: str) -> None:
    """Raises `RecordingError` where the first line says that a newer version wrote it, or is cut off."""
    try:
        head = msgspec.json.decode(first, type=_Head)
    except UNREADABLE:
        if not whole and first.startswith(HEADER[: len(first)]):
            raise RecordingError(
                f"{path} was cut off in its first line: nothing of it can be shown."
            ) from None
        return
    if head.kind == "header" and head.format > events.FORMAT:
        raise RecordingError(f"{path} was {_newer(head.format)}.")


def _newer(written: int) -> str:
    return (
        f"written by a newer column-console (format {written}, this one reads up to {events.FORMAT}): update"
    )


def readable(data: bytes, before: int, begins: int, problem: Callable[[int, str], None]) -> Iterator[Read]:
    """The lines that hold an event, from the one on that begins at this byte, after so many lines.

    Those before it are of the present format. `problem` takes a line's number and what is wrong with it.
    """
    written = events.FORMAT
    lines = data[begins:].split(b"\n")
    tail = before + len(lines) if lines[-1] else 0
    ends = begins - 1
    for number, line in enumerate(lines, before + 1):
        begins = ends + 1
        ends = begins + len(line)
        if not line:
            if number < before + len(lines):
                problem(number, "the line is empty: what it said is lost")
            continue
        if line.startswith(HEADER):
            written = _format(line, written)
            if written > events.FORMAT:
                problem(number, f"from here on it was {_newer(written)}")
                return
        present = line if written == events.FORMAT else _convert(line, written)
        if present is None:
            continue
        event = read_line(present)
        if event is not None:
            yield Read(number, begins if present is line else -1, present, event)
        elif number == tail:
            problem(
                number, f"the last line is cut off after {plural(len(line), 'byte')}: what it said is lost"
            )
        else:
            problem(number, f"{plural(len(line), 'byte')} can't be read: what they said is lost")


def _convert(line: bytes, written: int) -> bytes | None:
    try:
        return convert(line, written)
    except (*UNREADABLE, LookupError):
        return line


def _format(line: bytes, otherwise: int) -> int:
    try:
        return msgspec.json.decode(line, type=_Head).format
    except UNREADABLE:
        return otherwise
