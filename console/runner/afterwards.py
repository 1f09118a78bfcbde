"""Leaves the report of a run in the session's folder when it ends, for whoever was not there."""

from __future__ import annotations

import sys

from console.directories import SessionDirectory
from console.recording import Recorder, Recording
from console.words import plain


def leave_report(directory: SessionDirectory, recorder: Recorder) -> None:
    """Writes the page that `report --format html` would, with the recording's final hash, over that of an earlier run.

    Never raises: a run that has come to its end has. Blocks for a second where the recording is a long one.
    """
    try:
        from console.report import render  # noqa: PLC0415 - nobody shall wait for it when a session begins

        directory.write_report(render(Recording.open(recorder.path), "html"))
    except Exception as error:  # noqa: BLE001 - the report can be made again from the recording at any time
        sys.stderr.write(
            f"the report was not written ({plain(str(error))}): `column-console report` makes it\n"
        )
