"""A sighting that stays good for a while: what was seen a moment ago need not be seen in every look."""

from __future__ import annotations

LATELY = 60.0
"""Seconds for which a sighting counts."""


class Lately:
    """Keeps the last sighting. What is told of it stays the same while it is seen again and again."""

    def __init__(self) -> None:
        self._seen = ""
        self._at = float("-inf")

    def see(self, seen: str, now: float) -> str:
        """What was seen lately, given what is seen now (empty: nothing) and the time in seconds; empty: nothing.

        >>> lately = Lately()
        >>> lately.see("session 7", 0.0), lately.see("", 30.0), lately.see("session 8", 50.0)
        ('session 7', 'session 7', 'session 7')
        >>> lately.see("", 110.0), lately.see("", 110.1), lately.see("session 8", 200.0)
        ('session 7', '', 'session 8')
        """
        if seen:
            self._seen = self._current(now) or seen
            self._at = now
        return self._current(now)

    def _current(self, now: float) -> str:
        return self._seen if now - self._at <= LATELY else ""
