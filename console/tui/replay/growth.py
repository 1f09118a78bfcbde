"""Whether a recording is still being written, and what it holds by now. It is read anew, never written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from console.recording import Recording, RecordingError
from console.tui.replay.tape import Tape

EACH = 1.0
"""Seconds between two looks at the file's size."""
SHARE = 20.0
"""Reading it anew takes at most a twentieth of the processor's time."""
STILL = 10.0
"""Seconds after its last growth for which it counts as being written: a runner samples each second."""

GONE = "the file is gone, or empty: shown is what was read of it"
SHORTER = "the file is shorter than what was read of it, so it was cut or replaced: shown is what was read"


class Growing(Protocol):
    """A recording that may grow."""

    @property
    def written(self) -> bool:
        """Whether somebody is writing it."""
        ...

    @property
    def lost(self) -> str:
        """What has happened to the file that is no growth, in words; empty: nothing."""
        ...

    async def look(self) -> Tape | None:
        """The recording as it is by now, where it has grown since the last look."""
        ...


class Growth:
    """Watches a recording's file."""

    def __init__(
        self, path: Path, read: Callable[[], Recording], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`read` reads what is to be shown of it, and raises `RecordingError`."""
        self._path = path
        self._read = read
        self.lost = ""
        self._clock = clock
        size, written_before = _size(self._path)
        # What came between opening it and now is found by the first look.
        self._size = 0 if written_before < STILL else size
        self._grew_at = clock() - written_before
        self._next = clock()

    @property
    def written(self) -> bool:
        """Whether it grew a moment ago."""
        return self._clock() - self._grew_at < STILL

    async def look(self) -> Tape | None:
        """The recording as it is by now; None where it has not grown, or can't be read any more."""
        now = self._clock()
        if now < self._next:
            return None
        self._next = now + EACH
        size, _ = _size(self._path)
        self.lost = "" if size >= self._size else GONE if not size else SHORTER
        if size <= self._size:
            return None
        try:
            grown, took = await asyncio.to_thread(_timed, self._read)
        except RecordingError:
            return None
        self._size, self._grew_at = size, self._clock()
        self._next = self._grew_at + max(EACH, SHARE * took)
        return grown


def _timed(read: Callable[[], Recording]) -> tuple[Recording, float]:
    """The recording, and the seconds of processor time that it took to read it and to go along its chain."""
    began = time.thread_time()
    recording = read().filled()
    _ = recording.chain
    return recording, time.thread_time() - began


def _size(path: Path) -> tuple[int, float]:
    """Bytes, and how many seconds ago it was written; neither grows where it can't be looked at."""
    try:
        seen = path.stat()
    except OSError:
        return 0, float("inf")
    return seen.st_size, max(0.0, time.time() - seen.st_mtime)
