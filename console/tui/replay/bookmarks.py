"""A reviewer's own bookmarks. They lie in the reviewer's state folder: a recording is evidence, and never written."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from console.directories import SESSION_ID, home
from console.events import Header
from console.words import plain

MOST = 500
LONGEST = 200


class Bookmark(msgspec.Struct, frozen=True):
    """A moment that a reviewer marked, on the session's clock `t`, and what for."""

    t: float
    text: str = ""


class Bookmarks:
    """Those of one session. Without a path they last as long as the player."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.marks: tuple[Bookmark, ...] = _read(path)

    @classmethod
    def of(cls, header: Header | None, recording: str) -> Bookmarks:
        """Of a session, by its name; where the recording has no header, by the recording's path."""
        name = header.session if header is not None else ""
        if not SESSION_ID.fullmatch(name):
            name = hashlib.sha256(f"{name} {Path(recording).absolute()}".encode()).hexdigest()[:32]
        return cls(home() / "bookmarks" / f"{name}.json")

    def at(self, t: float) -> Bookmark | None:
        """The one that stands here, to the second."""
        return next((mark for mark in self.marks if abs(mark.t - t) < 0.5), None)

    def put(self, t: float, text: str) -> str:
        """Set one, in the place of one that stands here. Why it could not be kept; empty where it could."""
        others = [mark for mark in self.marks if mark != self.at(t)]
        new = Bookmark(round(t, 3), plain(text).strip()[:LONGEST])
        self.marks = tuple(sorted([*others, new], key=lambda mark: mark.t)[:MOST])
        return self._write()

    def remove(self, t: float) -> str:
        """Take away the one that stands here. As `put`."""
        gone = self.at(t)
        self.marks = tuple(mark for mark in self.marks if mark != gone)
        return self._write()

    def _write(self) -> str:
        if self._path is None:
            return ""
        new = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(self.marks))
            new.replace(self._path)
        except OSError as error:
            return f"it lasts until you leave only: {self._path} can't be written ({error.strerror})"
        return ""


def _read(path: Path | None) -> tuple[Bookmark, ...]:
    """What was kept; nothing where there is none, or what is there is no list of bookmarks."""
    if path is None:
        return ()
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[Bookmark, ...])[:MOST]
    except (OSError, ValueError):
        return ()
