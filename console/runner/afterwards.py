"""Leaves the report of a run in the session's folder when it ends, for whoever was not there."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from console.directories import SessionDirectory
from console.recording import Recording
from console.words import plain


def leave_report(directory: SessionDirectory, recording: Path, size: int) -> None:
    """Writes the page that `report --format html` would, with the recording's final hash, over that of an earlier run.

    Not where the recording has more than its `size` bytes of this run's end: then another run has taken the session up,
    and will leave its own. Never raises: a run that has come to its end has. Takes seconds where it is a long one.
    """
    try:
        from console.report import render  # noqa: PLC0415 - nobody shall wait for it when a session begins

        page = render(Recording.open(recording), "html")
        if recording.stat().st_size == size:
            directory.write_report(page)
    except Exception as error:  # noqa: BLE001 - the report can be made again from the recording at any time
        with contextlib.suppress(OSError):
            sys.stderr.write(
                f"the report was not written ({plain(str(error))}): `column-console report` makes it\n"
            )
