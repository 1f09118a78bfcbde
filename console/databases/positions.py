"""The position clock: how far behind a replica is, on one clock, ours. Pure.

Each look at the primary notes where its log stood and when: a position in the log, a number of transactions, a beat
of a heartbeat, anything that only grows. A replica that has replayed up to some position lags as long as the primary
has been past it. This needs no clock but the runner's; and it goes on counting where the servers' own figures freeze,
which PostgreSQL's `replay_lag` does as soon as a standby stops answering.
"""

from __future__ import annotations

from bisect import bisect_right

LONGEST = 36_000
"""Positions that are kept: ten hours of one a second. A replica further behind lags at least that long."""


class Positions:
    """Where the primary's log stood, and when (seconds on any steady clock).

    >>> clock = Positions()
    >>> for second, position in enumerate([100, 100, 200, 300, 300]):
    ...     clock.note(position, float(second))
    >>> [clock.lag(replayed, now=5.0) for replayed in (300, 200, 150, 99)]
    [0.0, 2.0, 3.0, 5.0]
    """

    def __init__(self) -> None:
        self._positions: list[int] = []
        self._times: list[float] = []

    def note(self, position: int, now: float) -> None:
        """The primary's log stands at `position`. Only growth is remembered."""
        if not self._positions or position > self._positions[-1]:
            self._positions.append(position)
            self._times.append(now)
        if len(self._positions) > LONGEST:
            del self._positions[: LONGEST // 10], self._times[: LONGEST // 10]

    def lag(self, replayed: int, now: float, server_lag: float | None = None) -> float:
        """Seconds that a replica is behind, which has replayed up to `replayed`.

        Known to within the time between two looks. The server's own figure decides within that, and nowhere
        else: an older one may be left over from another hour.

        >>> clock = Positions()
        >>> clock.note(100, 0.0); clock.note(200, 1.0)
        >>> clock.lag(100, now=1.0, server_lag=0.25), clock.lag(100, now=1.0, server_lag=60.0)
        (0.25, 1.0)
        >>> clock.lag(100, now=9.0, server_lag=0.004), clock.lag(200, now=9.0, server_lag=5.0)
        (8.0, 0.0)
        """
        first = bisect_right(self._positions, replayed)
        if first == len(self._positions):
            return 0.0
        at_least = now - self._times[first]
        if server_lag is None:
            return at_least
        # Where we did not look yet when the primary passed it, only the server can tell.
        at_most = now - self._times[first - 1] if first else float("inf")
        return min(at_most, max(at_least, server_lag))
