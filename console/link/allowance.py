"""How much of something a client may do: at once a burst, and then so many a second. Pure, on the clock it is given."""

from __future__ import annotations

import time
from collections.abc import Callable


class Allowance:
    """A bucket of tokens that fills by itself.

    >>> clock = iter([0.0, 0.0, 0.0, 0.5, 9.0])
    >>> some = Allowance(burst=2, per_second=1.0, clock=lambda: next(clock))
    >>> [some.take() for _ in range(4)]
    [0.0, 0.0, 0.5, 0.0]
    """

    def __init__(self, *, burst: int, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = float(burst)
        self._rate = per_second
        self._clock = clock
        self._tokens = self._burst
        self._at = clock()

    def take(self) -> float:
        """Take one: 0, or else the seconds until there is one to take; then nothing is taken."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._rate
