"""The server's wall clock against ours."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable


class Skew:
    """How far the server's wall clock is ahead of this host's, so that its times can stand on the session's clock.

    Taken anew only where it moved by more than `STEP`, so that a time told twice is the same time.
    """

    STEP = 0.25
    """Seconds; below that the clocks agree, or their difference is the time that the answer took."""
    EVERY = 60.0
    """Seconds between two looks."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._next = float("-inf")

    def corrected(self, to_session: Callable[[float], float]) -> Callable[[float], float]:
        """`to_session` for times of the server."""
        return lambda unix: to_session(unix - self.seconds)

    async def measure(self, ask: Callable[[], Awaitable[float]]) -> None:
        """Look at the server's clock, which `ask` gives in Unix seconds, unless that was a short while ago."""
        if time.monotonic() < self._next:
            return
        asked = time.time()
        there = await ask()
        answered = time.time()
        seconds = there - (asked + answered) / 2
        if answered - asked < self.STEP and abs(seconds - self.seconds) > self.STEP:
            self.seconds = seconds
        self._next = time.monotonic() + self.EVERY
