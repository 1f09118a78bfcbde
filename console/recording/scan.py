"""One pass over the lines of a recording: what can be read, in order, with a problem for all that can't."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from console.recording.found import Found
from console.recording.order import Order
from console.recording.problems import RecordingError
from console.recording.readable import check_head, readable
from console.recording.stretches import take_clean


def scan(data: bytes, path: str) -> Found:
    """All that can be read of a recording's bytes.

    Raises `RecordingError` where it is no recording, or one of a newer format.
    """
    if not data or data.isspace():
        raise RecordingError(f"{path} is empty: nothing was recorded.")
    ends = data.find(b"\n")
    check_head(data[:ends] if ends >= 0 else data, whole=ends >= 0, path=path)
    found = Found(data)
    with _no_collection():
        taken, begins = take_clean(found)
        order = Order(found.problem, line=taken, last=found.s, t=found.t)
        for read in order.check(readable(data, taken, begins, found.problem)):
            found.add(read)
    if not any(session.header for session in found.rare):
        if not order.last:
            raise RecordingError(f"{path} is not a recording of column-console.")
        found.problem(1, "the header can't be read: what was changed, where, when and by whom is not known")
    return found


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without the garbage collector, which would look through a hundred thousand new objects again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        # All that was made goes to the oldest generation at once, instead of being looked through for each younger one.
        gc.freeze()
        gc.unfreeze()
        if enabled:
            gc.enable()
