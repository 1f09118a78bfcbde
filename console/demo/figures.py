"""What the application says of itself once a second, in a file that others read."""

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

FILE = "application.json"


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The last second of the application.

    Latencies are milliseconds from the moment a request was due, so that a request which waited for a free
    connection counts in full. Requests that still wait are in them with their age so far.
    """

    at: float
    """When, in seconds of the Unix clock."""
    version: str
    tps: float
    """Requests answered per second."""
    target_tps: float
    """Requests that came in per second."""
    waiting: int
    """Requests that have come in and are not answered."""
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    errors: int
    """Requests that failed, since the start."""
    last_error: str
    """One line; "" when there was none."""


def publish(path: Path, figures: Figures) -> None:
    """Write the file so that a reader finds the old figures or the new ones, never half of them."""
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.write_bytes(msgspec.json.encode(figures))
    unfinished.replace(path)


def read(path: Path) -> Figures | None:
    """The newest figures, None when there are none yet or no longer."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Figures)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def percentile(ascending: Sequence[float], percent: float) -> float:
    """The value that `percent` of the values do not exceed (nearest rank); 0 of none.

    >>> percentile([1, 2, 3, 4], 50), percentile([1, 2, 3, 4], 99), percentile([7], 50), percentile([], 50)
    (2, 4, 7, 0.0)
    """
    if not ascending:
        return 0.0
    return ascending[max(math.ceil(percent / 100 * len(ascending)) - 1, 0)]
