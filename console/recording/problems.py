"""What can be wrong with a recording: with the whole of it (an error), or with a line of it (a problem)."""

from __future__ import annotations

import msgspec

from console import events
from console.recording import packed, packing

UNREADABLE = (ValueError, TypeError, OverflowError, RecursionError, AttributeError)
"""What decoding or applying damaged text may raise; `msgspec.DecodeError` is a ValueError."""


LATEST = 1e9
"""Seconds of a session's clock that none reaches: thirty years."""


class RecordingError(Exception):
    """The recording can't be opened or written; the text is one sentence that says why and what to do."""


class Problem(msgspec.Struct, frozen=True):
    """Something that is missing from a recording that can be read all the same."""

    line: int
    """Counted from 1; where the trouble was met."""
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


def read_line(line: bytes) -> events.Event | None:
    """What a line of the present format holds, packed where it is; None where it can't be an event.

    >>> read_line(b'{"kind":"log","level":"info","text":"hello"}').text
    'hello'
    >>> read_line(b'{"kind":"log","level":"inf') is read_line(b'[' * 99999) is None
    True
    """
    try:
        event = packed.decode(line)
    except UNREADABLE:
        return None
    # A time or place beyond that is a damaged digit.
    if not (0 <= event.t < LATEST and 0 <= event.s < 1 << 53):
        return None
    return event


def taken_line(line: bytes) -> events.Event:
    """The same of a line that the recording took in; where it can't be an event after all, a log line that says so.

    The lines of a sealed stretch are taken in unread: they are as they were written, by whomever.

    >>> taken_line(b'{"kind":"sample","v":"seven","t":2.5,"s":9}')
    Log(level='warning', text='event 9 can not be read', t=2.5, s=9)
    """
    event = read_line(line)
    if event is not None:
        return event
    try:
        when = msgspec.json.decode(line, type=_When)
    except UNREADABLE:
        when = _When()
    return events.Log(level="warning", text=f"event {when.s} can not be read", t=when.t, s=when.s)


class _When(msgspec.Struct):
    t: float = 0.0
    s: int = 0


def read_event(line: bytes) -> events.Event | None:
    """The event on a line of the present format; None where it can't be one."""
    found = read_line(line)
    return None if found is None else packing.unpack(found)
