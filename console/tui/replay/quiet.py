"""Quiet stretches of a recording, which may be left out while it plays: nothing is ever left out of the file. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

LEAST = 10.0
"""Seconds without a line of the log that make a stretch a quiet one."""
AFTER, BEFORE = 3.0, 2.0
"""Seconds that are played at its begin, and at its end."""


class Quiet:
    """Where nothing is told of."""

    def __init__(self, told: Sequence[float], duration: float) -> None:
        """`told`: when each line of the log was, in order."""
        self._told = [0.0, *told, duration]

    def until(self, t: float) -> float | None:
        """Where to go on playing from `t`; None where it lies in no quiet stretch.

        >>> quiet = Quiet([5.0, 60.0, 62.0], 65.0)
        >>> quiet.until(5.0), quiet.until(8.0), quiet.until(57.9), quiet.until(58.0), quiet.until(62.5)
        (None, 58.0, 58.0, None, None)
        """
        after, ends = self._around(t)
        return ends if after <= t < ends else None

    def begins(self, t: float) -> float:
        """When the quiet stretch begins that comes next at or after `t`; infinite where it does not lie before the
        next line of the log.

        >>> Quiet([5.0, 60.0, 62.0], 65.0).begins(5.5), Quiet([5.0, 60.0, 62.0], 65.0).begins(61.0)
        (8.0, inf)
        """
        after, ends = self._around(t)
        return after if t <= after < ends else float("inf")

    def _around(self, t: float) -> tuple[float, float]:
        """From where to where the gap around `t` may be left out; an empty stretch where it is a short one."""
        at = bisect_right(self._told, t)
        if not 0 < at < len(self._told):
            return float("inf"), 0.0
        begin, end = self._told[at - 1], self._told[at]
        return (begin + AFTER, end - BEFORE) if end - begin >= LEAST else (float("inf"), 0.0)
