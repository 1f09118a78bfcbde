"""How large the next batch is, and how long to wait after one.

A batch's size is a latency setting: it bounds how long a row stays locked. So the size follows the time that
batches take, and the speed is set by the pauses between them. Pure: nothing here reads a clock.
"""

from __future__ import annotations

import math
from collections import deque

from console.throttle import Decision, percentile

START, LEAST, MOST = 1_000, 100, 50_000
"""Rows. Between 100 and 50,000 the time decides (measured: larger gains no speed, smaller costs much)."""

SPLIT_LEAST = 10
"""Rows. The least that the time decides on where batches have failed."""

LAST = 10
"""Batches that the size is judged by."""

FAR_OVER = 5
"""A batch that takes so many times the target cuts the size at once."""


class BatchSize:
    """The rows that the next batch aims at; `target` is the seconds that it should take."""

    def __init__(self, target: float, start: int = START) -> None:
        self.target = target
        self.size = max(LEAST, min(MOST, start))
        self._seconds_per_row: deque[float] = deque(maxlen=LAST)

    def took(self, scanned: int, filled: int, seconds: float) -> None:
        """Learn from a committed batch: rows in its range, rows filled, and the seconds it took.

        Judged by the 90th percentile of the last ten, so that one slow batch in ten changes nothing; the step
        is at most x1.5 up and x0.5 down. A batch of five times the target cuts at once, as far as it was over.
        A batch that found most of its rows filled already says nothing about what filling costs, and does not
        make the next one larger: else a stretch of filled rows would end in one huge batch.
        """
        if seconds > FAR_OVER * self.target:
            self._set(self.size * max(0.1, self.target / seconds))
            self._seconds_per_row.clear()
        elif scanned and 2 * filled >= scanned:
            self._seconds_per_row.append(seconds / filled)
            expected = percentile(self._seconds_per_row, 0.9) * self.size
            self._set(self.size * min(1.5, max(0.5, self.target / max(expected, 1e-9))))

    def cut(self) -> None:
        """Someone waits behind us: half, and learn anew."""
        self._set(self.size * 0.5)
        self._seconds_per_row.clear()

    def failed(self) -> int:
        """The batch came back undone (lock timeout, deadlock, statement timeout): half of it, down to one row.

        >>> batch = BatchSize(0.1)
        >>> [batch.failed() for _ in range(11)]
        [500, 250, 125, 62, 31, 15, 10, 5, 2, 1, 1]
        """
        half = self.size // 2
        self.size = max(1, SPLIT_LEAST if half < SPLIT_LEAST < self.size else half)
        self._seconds_per_row.clear()
        return self.size

    def _set(self, size: float) -> None:
        # Time alone never goes below LEAST. Where a failure has, it stays in charge until the size is back there.
        least = LEAST if self.size >= LEAST else min(self.size, SPLIT_LEAST)
        self.size = int(max(least, min(MOST, math.ceil(size))))


class Pacer:
    """The pauses between batches: for the pace, and for the rows per second that people allow."""

    def __init__(self) -> None:
        self._due = 0.0

    def wait(self, rows: int, began: float, ended: float, decision: Decision) -> float:
        """Seconds to wait after a batch of `rows` that ran from `began` to `ended` (session's clock).

        A pace of 0.5 is a pause as long as the batch took. With a bound on the rows per second a batch uses up
        `rows / bound` seconds from its beginning; what was used up before its time still counts, what was left
        unused does not, so no stretch of time sees more than the bound and one batch.

        >>> free = Decision(stop=False, pace=1.0, rows_per_second=0, cut=False, reasons=())
        >>> half = Decision(stop=False, pace=0.5, rows_per_second=0, cut=False, reasons=())
        >>> slow = Decision(stop=False, pace=1.0, rows_per_second=500, cut=False, reasons=())
        >>> [Pacer().wait(1000, 7.0, 7.25, decision) for decision in (free, half, slow)]
        [0.0, 0.25, 1.75]
        """
        pause = (ended - began) * (1 / decision.pace - 1)
        if decision.rows_per_second <= 0:
            self._due = 0.0
            return pause
        self._due = max(self._due, began) + rows / decision.rows_per_second
        return max(pause, self._due - ended)

    @staticmethod
    def most_rows(decision: Decision) -> int:
        """The rows that a batch may have, so that a low bound is spread over time: one second's worth.

        >>> slow = Decision(stop=False, pace=1.0, rows_per_second=50, cut=False, reasons=())
        >>> Pacer.most_rows(slow)
        50
        """
        return max(1, int(decision.rows_per_second)) if decision.rows_per_second > 0 else MOST
