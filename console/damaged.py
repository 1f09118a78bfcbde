"""Sessions that can't be listed as one, because what their folder says of them can't be read: which, and why."""

from __future__ import annotations

from pathlib import Path

import msgspec

from console.change import Frozen
from console.directories import SessionFile, session_folders


class Damaged(Frozen, frozen=True):
    """A session's folder without a `session.json` that can be read."""

    id: str
    why: str
    recording: str = ""
    """Its recording, where it lies in the folder: that can be replayed all the same."""

    def __str__(self) -> str:
        mend = (
            f"its recording is there all the same: column-console replay {self.recording}"
            if self.recording
            else "there is no recording in it"
        )
        return f"session {self.id} is damaged ({self.why}); {mend}"


def damaged_sessions() -> list[Damaged]:
    """Those of this user on this machine, by name. Raises `DirectoryError`."""
    found = []
    for folder in session_folders():
        why = _why(folder.path)
        # A runner that begins has its lock before it says what it is.
        if why and not folder.locked:
            recording = str(folder.recording) if folder.recording.is_file() else ""
            found.append(Damaged(id=folder.id, why=why, recording=recording))
    return sorted(found, key=lambda one: one.id)


def _why(folder: Path) -> str:
    """What is wrong with a session's file; empty where nothing is, and of what is no folder at all."""
    if not folder.is_dir():
        return ""
    try:
        msgspec.json.decode((folder / "session.json").read_bytes(), type=SessionFile)
    except FileNotFoundError:
        return "session.json is missing"
    except OSError as error:
        return f"session.json can't be read: {error.strerror}"
    except ValueError as error:
        # msgspec's words, and those of a text that is no UTF-8.
        return f"session.json: {str(error)[:200]}"
    return ""
