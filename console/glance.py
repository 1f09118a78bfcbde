"""What a recording says at a glance: its first line and its last ones, however long it is. For lists of sessions.

Knows no more of a recording than that its lines are JSON and begin with their kind, so that a list is quick to make.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec

from console.change import Frozen

HEAD_BYTES = 16 * 1024
TAIL_BYTES = 16 * 1024
"""The last lines are short: snapshots, which are long, stand before them."""
LONGEST_TAIL_BYTES = 1 << 20
_HEADER = b'{"kind":"header"'
_ENDED = b'{"kind":"ended"'
_T = re.compile(rb'"t":([0-9.e+-]+),"s":\d+')


class Glance(Frozen, frozen=True):
    """What can be told; empty where it can't."""

    table: str = ""
    column: str = ""
    operator: str = ""
    """The login name that started the session."""
    host: str = ""
    """The machine of its runner."""
    server: str = ""
    outcome: str = ""
    """How the last run ended; empty: it has not."""
    seconds: float | None = None
    """From the begin to the last line, pauses between two runs included."""


class _Server(msgspec.Struct, frozen=True):
    name: str = ""


class _Header(msgspec.Struct):
    table: str = ""
    column: str = ""
    owner: str = ""
    host: str = ""
    server: _Server = _Server()


class _Ended(msgspec.Struct):
    outcome: str


def glance(recording: str | Path) -> Glance:
    """Reads the head and the tail of a recording. Never raises."""
    try:
        with Path(recording).open("rb") as file:
            first = file.read(HEAD_BYTES)
            size = os.fstat(file.fileno()).st_size
            wanted = TAIL_BYTES
            while True:
                file.seek(max(0, size - wanted))
                lines = file.read(wanted).split(b"\n")
                if size > wanted:
                    # It began in the middle of a line.
                    del lines[0]
                seconds = _last_time(lines)
                if seconds is not None or wanted >= min(size, LONGEST_TAIL_BYTES):
                    break
                wanted *= 8
    except (OSError, ValueError):
        return Glance()
    header = _header(first.partition(b"\n")[0])
    return Glance(
        table=header.table,
        column=header.column,
        operator=header.owner,
        host=header.host,
        server=header.server.name,
        outcome=_outcome(lines),
        seconds=seconds,
    )


def _header(line: bytes) -> _Header:
    if not line.startswith(_HEADER):
        return _Header()
    try:
        return msgspec.json.decode(line, type=_Header)
    except ValueError:
        return _Header()


def _last_time(lines: list[bytes]) -> float | None:
    """The time on the last line that has one; a torn line may have lost it."""
    for line in reversed(lines):
        if found := _T.findall(line):
            try:
                return float(found[-1])
            except ValueError:
                continue
    return None


def _outcome(lines: list[bytes]) -> str:
    for line in reversed(lines):
        if line.startswith(_ENDED):
            try:
                return msgspec.json.decode(line, type=_Ended).outcome
            except ValueError:
                return ""
        if line.startswith(_HEADER):
            return ""
    return ""
