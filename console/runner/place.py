"""Where this run is kept: a session of its own, or the unfinished one of the same change, taken up again."""

from __future__ import annotations

from pathlib import Path

import msgspec

from console import events
from console.change import Change
from console.directories import DirectoryError, SessionDirectory, home, list_sessions, new_session, outcome_of

OPEN_OUTCOMES = ("", "parked", "failed")
"""Of a session that another run goes on with; empty: its runner died."""


class Place:
    """A session's folder, and its recording, which may lie elsewhere."""

    def __init__(self, directory: SessionDirectory, recording: Path) -> None:
        self.directory = directory
        self.recording = recording


def find(change: Change, recording: str | None) -> Place:
    """The place for a run of `change`. Raises DirectoryError where it can't be had.

    A session of the same change that has not come to its end, and has no runner, is taken up again: in the
    recording that is named, or else the latest of this machine.
    """
    if recording is not None:
        return _named(change, Path(recording))
    for listed in list_sessions():
        if listed.state == "live" or listed.outcome not in OPEN_OUTCOMES:
            continue
        header = _header(Path(listed.session.recording))
        if header is not None and header.change_key == change.key and header.title == change.title:
            return Place(SessionDirectory(Path(listed.directory)), Path(listed.session.recording))
    directory = new_session(change.table.name, change.column)
    return Place(directory, directory.recording)


def _named(change: Change, recording: Path) -> Place:
    if not recording.exists() or recording.stat().st_size == 0:
        return Place(new_session(change.table.name, change.column), recording)
    header = _header(recording)
    if header is None:
        raise DirectoryError(f"{recording} is there already and is no recording: name another file.")
    if header.change_key != change.key:
        raise DirectoryError(
            f"{recording} holds a session of another change, {header.title}: name another file."
        )
    if outcome_of(recording) not in OPEN_OUTCOMES:
        raise DirectoryError(f"{recording} holds a session that has come to its end: name another file.")
    path = home() / "sessions" / header.session
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Place(SessionDirectory(path), recording)


def _header(recording: Path) -> events.Header | None:
    """The header on the first line; None where there is none."""
    try:
        with recording.open("rb") as file:
            event = events.decode(file.readline(1_000_000))
    except (OSError, msgspec.DecodeError):
        return None
    return event if isinstance(event, events.Header) else None
