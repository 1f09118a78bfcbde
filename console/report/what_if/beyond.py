"""What is left when the recorded readings end: at the usual speed, and only while the window is open. Pure."""

from __future__ import annotations

import datetime

from console.change import Frozen, Window
from console.throttle import is_open, local_time

MOST_DAYS = 1000
"""As many openings of a window are gone through one by one; work that takes longer is modelled as if it were open."""


class Beyond(Frozen, frozen=True):
    """How the rest goes on, in seconds."""

    seconds: float
    closed_s: float = 0.0
    """Of them, those in which the window was closed."""
    closings: int = 0
    """How often it closed before the rest was done."""


def beyond(work: float, unix: float, window: Window | None) -> Beyond:
    """So many seconds of work, from a moment on the wall clock on.

    >>> beyond(60.0, 0.0, None) == Beyond(seconds=60.0)
    True
    >>> night = Window(60, 300)
    >>> beyond(600.0, 0.0, night)
    Beyond(seconds=4200.0, closed_s=3600.0, closings=0)
    >>> beyond(600.0, 299 * 60.0, night)  # a minute is left of it today
    Beyond(seconds=72600.0, closed_s=72000.0, closings=1)
    """
    if window is None or work <= 0:
        return Beyond(seconds=max(0.0, work))
    now, left, closed, closings = unix, work, 0.0, 0
    for _ in range(2 * MOST_DAYS):
        until = _turns(window, now)
        if not is_open(window, now):
            closed += until - now
        elif left <= until - now:
            break
        else:
            left -= until - now
            closings += not is_open(window, until)
        now = until
    return Beyond(seconds=round(now + left - unix, 6), closed_s=round(closed, 6), closings=closings)


def _turns(window: Window, unix: float) -> float:
    """The next moment after `unix` at which the window opens or closes, by the clocks of its zone."""
    here = local_time(window, unix)
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    turns = [
        (midnight + datetime.timedelta(days=day, minutes=minutes)).timestamp()
        for day in (0, 1, 2)
        for minutes in (window.start, window.end)
    ]
    return min(turn for turn in turns if turn > unix)
