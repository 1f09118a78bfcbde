"""Reads recordings of older formats, by turning their lines into lines of the present one.

The format is one whole number (`events.FORMAT`), raised only when a line's meaning changes. For each step there
is one module `format_N`, whose `convert(record)` takes a decoded line of format N and returns one of format N + 1, or
None where the line has no counterpart. They are applied one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from console import events
from console.recording import format_1

Record = dict[str, Any]
Converter = Callable[[Record], Record | None]


CONVERTERS: Mapping[int, Converter] = {1: format_1.convert}
"""By the format that each one reads."""


def convert(line: bytes, written: int, converters: Mapping[int, Converter] = CONVERTERS) -> bytes | None:
    """A line of format `written` as a line of the present format; None where nothing corresponds to it.

    A line of the present format comes back as it is. Raises `ValueError`, or what a converter raises, where it is none.

    >>> convert(b'{"kind":"note"}', events.FORMAT)
    b'{"kind":"note"}'
    >>> convert(b'{"kind":"remark"}', events.FORMAT - 1, {events.FORMAT - 1: lambda r: {**r, "kind": "note"}})
    b'{"kind":"note"}'
    """
    if written == events.FORMAT:
        return line
    record: Record | None = msgspec.json.decode(line, type=Record)
    for step in range(written, events.FORMAT):
        if record is None:
            return None
        record = converters[step](record)
    return None if record is None else msgspec.json.encode(record)
