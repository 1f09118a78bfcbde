"""The maintenance window against the clock and the estimate, on any database."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from console.change import Window
from console.databases.findings import note, warning
from console.facts import Estimate, Finding
from console.words import duration

_DAY = 24 * 60  # minutes


def window_findings(given: Window | None, cost: Estimate) -> list[Finding]:
    """Whether it is open now, and long enough."""
    if given is None:
        return []
    try:
        now = datetime.now(ZoneInfo(given.zone))
    except (ZoneInfoNotFoundError, ValueError):
        return [
            warning(
                "window.zone",
                f"the time zone {given.zone} is not known on this machine",
                "Correct [limits] window",
            )
        ]
    left = minutes_left(given, now.hour * 60 + now.minute)
    if left is None:
        return [
            warning(
                "window.closed",
                f"it is {now:%H:%M} {given.zone}, and the window is {given}",
                "Wait for it to open; the backfill stands still outside it",
            )
        ]
    if cost.seconds_low > left * 60:
        return [
            warning(
                "window.short",
                f"the window closes in {duration(left * 60)}; the backfill takes {duration(cost.seconds_low)} at best",
                "It goes on when the window opens again; or widen [limits] window",
            )
        ]
    return [note("window.open", f"the window ({given}) closes in {duration(left * 60)}")]


def minutes_left(window: Window, minute: int) -> int | None:
    """Minutes until it closes, at a minute of its day; None while it is closed.

    >>> night = Window(start=60, end=300)
    >>> minutes_left(night, 59), minutes_left(night, 60), minutes_left(night, 300)
    (None, 240, None)
    >>> over_midnight = Window(start=1320, end=120)
    >>> minutes_left(over_midnight, 1380), minutes_left(over_midnight, 60), minutes_left(over_midnight, 600)
    (180, 60, None)
    """
    length = (window.end - window.start) % _DAY or _DAY
    since = (minute - window.start) % _DAY
    return length - since if since < length else None
