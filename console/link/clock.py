"""The session's clock on this machine: told by the runner's words, carried on by our own monotonic clock."""

from __future__ import annotations

import time
from collections.abc import Callable

WINDOW = 60.0
"""Seconds after which an old comparison no longer counts, so that two clocks may drift."""


class SessionClock:
    """Every word of the runner's says what its clock showed when it spoke; the word that travelled fastest tells
    best how the two clocks stand, so the greatest difference of the last minute or two counts.

    >>> local = iter([100.0, 101.5, 102.0, 103.0])
    >>> clock = SessionClock(local=lambda: next(local))
    >>> clock.heard(7.0); clock.heard(8.0)
    >>> clock.now(), clock.now()
    (9.0, 10.0)
    """

    def __init__(self, *, local: Callable[[], float] = time.monotonic) -> None:
        self._local = local
        self._before: float | None = None
        self._best: float | None = None
        self._since = 0.0

    def heard(self, t: float) -> None:
        """The runner said that its clock shows `t` seconds."""
        here = self._local()
        if self._best is None:
            self._since = here
        elif here - self._since > WINDOW:
            self._before, self._best, self._since = self._best, None, here
        difference = t - here
        self._best = difference if self._best is None else max(self._best, difference)

    def now(self) -> float:
        """What the runner's clock shows now, in seconds; 0 before anything was heard."""
        known = [difference for difference in (self._before, self._best) if difference is not None]
        return self._local() + max(known) if known else 0.0
