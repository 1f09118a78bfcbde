"""Counts batches as they commit, and tells of them once a second: one event for all of a second's batches."""

from __future__ import annotations

from collections import deque

from console import events
from console.databases.base import Cursor, Filled
from console.runner.stream import Stream
from console.words import plain

INTERVAL = 1.0
RATE_WINDOW = 5.0
"""Seconds over which rows per second are counted."""


class Tally:
    """The batches since the last event, and the rate of the last few seconds."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._rows: list[int] = []
        self._milliseconds: list[float] = []
        self._retries = 0
        self._told = stream.now()
        self._cursor = Cursor()
        self._size = 0
        self._total = 0
        self._recent: deque[tuple[float, int]] = deque()

    def add(self, filled: Filled, seconds: float, *, size: int, total: int, retries: int) -> None:
        """Counts a committed batch; tells where the last telling is a second ago."""
        now = self._stream.now()
        self._rows.append(filled.rows)
        self._milliseconds.append(round(seconds * 1000, 1))
        self._retries += retries
        self._cursor, self._size, self._total = filled.cursor, size, total
        self._recent.append((now, filled.rows))
        if now - self._told >= INTERVAL:
            self.flush()

    def flush(self) -> None:
        """Tells of the batches not told yet, if there are any."""
        if not self._rows:
            return
        self._stream.emit(
            events.Batches(
                rows=tuple(self._rows),
                milliseconds=tuple(self._milliseconds),
                size=self._size,
                done=self._cursor.rows,
                scanned=self._cursor.scanned,
                total=self._total,
                cursor=plain(", ".join(self._cursor.after or ())),
                retries=self._retries,
            )
        )
        self._rows, self._milliseconds, self._retries = [], [], 0
        self._told = self._stream.now()

    def rows_per_second(self) -> float:
        """Rows filled a second, over the last few seconds."""
        now = self._stream.now()
        while self._recent and self._recent[0][0] < now - RATE_WINDOW:
            self._recent.popleft()
        return sum(rows for _, rows in self._recent) / RATE_WINDOW
