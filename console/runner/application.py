"""What the application says of itself: a small file, written by the application or anything that watches it.

One JSON object, replaced as a whole once a second (write another file, then rename it): `at` (Unix seconds), and any
of `version`, `tps`, `p50_ms`, `p95_ms`, `p99_ms`. Other fields are ignored.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

LARGEST = 65_536
"""Bytes of the file that are read: it is no log."""


class ApplicationFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures as read. None: not given."""

    at: float
    """When they were taken, Unix seconds."""
    version: str = ""
    tps: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


def read_application(path: Path) -> ApplicationFigures:
    """The newest figures. Raises ValueError, in one sentence, where there are none.

    A file that is not there yet, is not readable, or holds something else is such a case; old figures are not:
    their age shows by `at`.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST)
        return msgspec.json.decode(raw, type=ApplicationFigures)
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise ValueError(f"{path} is not what it should be: {error}") from None
