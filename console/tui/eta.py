"""When it will be done: a range, from how fast the work went lately, against the end of the window. Pure."""

from __future__ import annotations

from console.session import PhaseView, Session
from console.words import duration

STOP = 3.0
"""Seconds without a row after which the work counts as stopped: batches alone make shorter gaps."""

WINDOW = 90.0
"""Seconds of the past that the range is taken from."""

LEAST = 5
"""Seconds of work below which no range is given."""


def eta(session: Session, now: float) -> tuple[float, float] | None:
    """The soonest and the latest, in seconds from now, at which the current phase is through.

    The rate is that of the last 90 seconds: its upper quartile gives the soonest, its lower one the latest. Time
    before and in a stop does not count: it says nothing of how fast the work is now. None where too little was done
    to tell.
    """
    view = session.current
    if view is None or view.state != "running" or view.total <= 0 or view.done >= view.total:
        return None
    left = view.total - view.done
    rates = _rates(session, view, now)
    if rates is None:
        return None
    slow, fast = rates
    if fast <= 0:
        return None
    latest = left / slow if slow > 0 else float("inf")
    return left / fast, latest


def _rates(session: Session, view: PhaseView, now: float) -> tuple[float, float] | None:
    since = max(now - WINDOW, view.began or 0.0)
    seen = sorted(_moving([(p.t, p.rows_per_second) for p in session.history if p.t > since]))
    if len(seen) >= LEAST and view.unit in ("", "rows"):
        # A quartile hides a change that lasts; the mean of the whole window does not.
        mean = sum(seen) / len(seen)
        # Where batches take longer than a second, that quartile is of seconds between two of them.
        low = min(seen[len(seen) // 4] or mean / 2, mean)
        high = max(seen[-1 - len(seen) // 4], mean)
        # Even a steady rate is no promise.
        return low * 0.95, high * 1.05
    spent = now - (view.began if view.began is not None else now)
    if view.done > 0 and spent >= LEAST:
        rate = view.done / spent
        return rate * 0.8, rate * 1.25
    return None


def _moving(points: list[tuple[float, float]]) -> list[float]:
    """The rates since the last stop; of all the time outside stops, where that is too short yet.

    >>> _moving([(1, 50), (2, 0), (3, 0), (4, 0), (5, 0), *((t, 400) for t in range(6, 11))])
    [400, 400, 400, 400, 400]
    >>> _moving([(1, 50), (2, 0), (3, 50), (4, 0), (5, 0), (6, 0), (7, 0)])
    [50, 0, 50]
    """
    runs: list[list[float]] = [[]]
    last = points[0][0] if points else 0.0
    gap: list[float] = []
    for t, rate in points:
        if rate > 0:
            if t - last > STOP and gap:
                runs.append([])
            else:
                runs[-1] += gap
            runs[-1].append(rate)
            gap, last = [], t
        else:
            gap.append(rate)
    return runs[-1] if len(runs[-1]) >= LEAST else [rate for run in runs for rate in run]


def words(found: tuple[float, float]) -> str:
    """A range in words.

    >>> words((55.2, 71)), words((60, 61)), words((600, float("inf")))
    ('about 55 s to 1 min 11 s', 'about 1 min', 'not before 10 min')
    """
    low, high = found
    if high == float("inf"):
        return f"not before {_whole(low)}"
    if _whole(low) == _whole(high) or high - low < 2:
        return f"about {_whole(low)}"
    return f"about {_whole(low)} to {_whole(high)}"


def _whole(seconds: float) -> str:
    """Whole seconds below ten minutes, whole minutes above."""
    whole = round(seconds)
    if whole >= 36000:
        return f"{round(whole / 3600)} h"
    if whole >= 3600:
        return duration(whole)
    if whole >= 600:
        return f"{whole // 60} min"
    if whole >= 60:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole} s"
