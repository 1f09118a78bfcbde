"""Writes a recording: one JSON line for each event, one `os.write` for each line.

The recorder folds what it is given, so `Recorder.session` is the session as it stands, for whoever serves it. It
never stops a run: where the disk is full it says so once, goes on trying, and when it can write again begins with
a whole snapshot, so that only the events in between are missing from the file.

Measured: what one `os.write` to an O_APPEND descriptor has taken survives SIGKILL, at worst with the last line
torn; a buffered file lost up to seven records.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Self

from msgspec.structs import replace

from console import events
from console.recording.chain import chained, last_link
from console.recording.disk import DiskSync
from console.recording.packing import pack, pack_snapshot
from console.recording.problems import RecordingError
from console.recording.reader import Recording
from console.recording.stretches import SNAPSHOT, seal
from console.session import Session, apply, snapshot

SNAPSHOT_EACH = 60.0
"""Seconds of the session's clock between two snapshots."""
RETRY_EACH = 1.0
"""Seconds of the session's clock between two tries to write to a full disk."""
SYNC_PATIENCE = 0.25
"""Seconds that an action may wait for the disk before the run goes on without it."""

SYNCED = (events.ActionChanged, events.PhaseBegan, events.PhaseEnded, events.Ended)
_HEADER = b'{"kind":"header"'


def _silent(text: str) -> None:
    """Nobody wants to know."""


class Recorder:
    """Appends events to a recording. Made by `Recorder.create`, ended by `close`."""

    def __init__(
        self, fd: int, path: Path, session: Session, on_problem: Callable[[str], None], held: bytes = b""
    ) -> None:
        self._fd = fd
        self._link = last_link(held)
        self._lines = held.count(b"\n")
        self._hash = hashlib.sha256(held)
        self._seal = seal(held)
        self._path = path
        self._session = session
        self._on_problem = on_problem
        self._end = os.fstat(fd).st_size
        self._disk = DiskSync(fd)
        self._snapshot_at = session.t
        self._lost = 0
        self._tried_at = 0.0
        self._torn = False
        self._slow_disk = False
        self._closed = False

    @classmethod
    def create(
        cls, path: Path | str, *, session_id: str = "", on_problem: Callable[[str], None] = _silent
    ) -> Self:
        """Begin a recording at `path`, readable by its owner alone, or go on with the one of `session_id`.

        A runner that takes a session up again names its id: a torn last line is cut off, `session` is what the
        file adds up to, and the runner numbers its events on from `session.s` and `session.t`. `on_problem` is
        called, in the thread of `append`, with one sentence when recording fails and when it works again.

        Raises `RecordingError` where the folder is missing, the file can't be written, another runner writes
        it, or it holds something else.
        """
        path = Path(path)
        fd = _open(path)
        try:
            session = _take_up(fd, path, session_id)
            return cls(fd, path, session, on_problem, _contents(fd))
        except BaseException:
            os.close(fd)
            raise

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def session(self) -> Session:
        """What the events so far add up to, those of an earlier run included."""
        return self._session

    @property
    def failing(self) -> bool:
        """Events are being lost at this moment."""
        return self._lost > 0

    def append(self, event: events.Event, *, sync: bool = False) -> None:
        """Write an event. Actions and phases, and what is marked with `sync`, are on the disk before this
        returns; a disk that takes longer than a quarter of a second for it is reported, and not waited for.

        Never raises: a recording that can't be written must not stop a migration.
        """
        self._session = apply(self._session, event)
        if self._lost:
            self._recover()
            return
        why = self._write(pack(event))
        if why:
            self._lost = 1
            self._tried_at = self._session.t
            self._on_problem(
                f"The recording {self._path} can't be written ({why}): the run goes on, and tries again each second."
            )
            return
        if self._snapshot_due(event):
            self._write_snapshot()
        sync = sync or isinstance(event, SYNCED)
        if sync and not self._slow_disk and not self._disk.wait(SYNC_PATIENCE):
            self._slow_disk = True
            self._on_problem(
                f"The disk under {self._path} is slow: actions no longer wait until they are on it."
            )
        error = self._disk.error()
        if error:
            self._on_problem(f"The disk under {self._path} failed to keep the recording: {error}.")

    @property
    def lines(self) -> int:
        """The lines in the file, those of an earlier run included."""
        return self._lines

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file, in hexadecimal digits: what `sha256sum` says of it at this moment."""
        return self._hash.hexdigest()

    def close(self) -> None:
        """Bring all to the disk, and close the file. Later events are folded and not written."""
        if self._closed:
            return
        self._closed = True
        self._disk.close()
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _snapshot_due(self, event: events.Event) -> bool:
        if isinstance(event, events.PhaseBegan | events.PhaseEnded):
            return True
        return self._session.t - self._snapshot_at >= SNAPSHOT_EACH and not isinstance(event, events.Ended)

    def _write_snapshot(self) -> None:
        """Without what the reader puts together from the rare events while it opens the file."""
        self._snapshot_at = self._session.t
        lean = replace(self._session, statements=(), actions=(), keys=(), history=(), log=())
        self._write(self._snapshot(lean, whole=False))

    def _snapshot(self, session: Session, *, whole: bool) -> bytes:
        event = snapshot(replace(session, lock_waits=()), whole=whole)
        return pack_snapshot(event, session.lock_waits, seal=self._seal)

    def _recover(self) -> None:
        """Write a whole snapshot in the place of what was lost."""
        self._lost += 1
        if self._session.t - self._tried_at < RETRY_EACH and self._session.ended is None:
            return
        self._tried_at = self._session.t
        if self._write(self._snapshot(self._session, whole=True)):
            return
        lost, self._lost = self._lost, 0
        self._snapshot_at = self._session.t
        self._on_problem(f"Recording to {self._path} goes on; {lost} events in between are missing from it.")

    def _write(self, line: bytes) -> str:
        """Write a whole line, chained to the one before, or nothing of it: then why."""
        if self._closed:
            return "it is closed"
        line, link = chained(self._link, line)
        data = line + b"\n"
        if self._torn:
            data = b"\n" + data
        try:
            written = os.write(self._fd, data)
        except OSError as error:
            return error.strerror or str(error)
        if written < len(data):
            self._cut_back(written, data)
            return "the disk is full"
        self._end += written
        self._link = link
        self._count(data)
        self._torn = False
        self._disk.wrote()
        return ""

    def _count(self, data: bytes) -> None:
        self._lines += data.count(b"\n")
        self._hash.update(data)
        self._seal = zlib.crc32(data, 0 if data.startswith(SNAPSHOT) else self._seal)

    def _cut_back(self, written: int, data: bytes) -> None:
        """Take a line that was written in part out again."""
        try:
            os.ftruncate(self._fd, self._end)
        except OSError:
            self._end += written
            self._count(data[:written])
            self._torn = True


def _open(path: Path) -> int:
    try:
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except FileNotFoundError:
        raise RecordingError(
            f"The recording {path} can't be written: there is no folder {path.parent}; make it first."
        ) from None
    except IsADirectoryError:
        raise RecordingError(
            f"The recording can't be written to {path}, which is a folder: name a file in it."
        ) from None
    except OSError as error:
        raise RecordingError(
            f"The recording {path} can't be written ({error.strerror}): name another file."
        ) from None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise RecordingError(f"The recording can't be written to {path}, which is no ordinary file.")
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise RecordingError(
            f"The recording {path} is being written by another runner: name another file."
        ) from None
    except BaseException:
        os.close(fd)
        raise
    return fd


def _take_up(fd: int, path: Path, session_id: str) -> Session:
    """The session that the file holds, cut back to its last whole line; an empty one for a new file."""
    if os.fstat(fd).st_size == 0:
        os.fchmod(fd, 0o600)
        return Session()
    if session_id and os.pread(fd, len(_HEADER), 0) == _HEADER and not _whole_lines(fd):
        # Killed while it wrote its first line: nothing is there yet.
        os.ftruncate(fd, 0)
        return Session()
    held = Recording.open(path)
    holder = held.header.session if held.header else ""
    if not session_id or holder != session_id:
        whose = f"the recording of session {holder}" if holder else "a recording"
        raise RecordingError(f"{path} holds {whose} already, and is not overwritten: name another file.")
    os.ftruncate(fd, _whole_lines(fd))
    return Recording.open(path).final


def _contents(fd: int) -> bytes:
    """All of a file, whose descriptor stands wherever it stands."""
    size = os.fstat(fd).st_size
    out = bytearray()
    while len(out) < size and (piece := os.pread(fd, size - len(out), len(out))):
        out += piece
    return bytes(out)


def _whole_lines(fd: int) -> int:
    """Bytes up to and with the last newline."""
    end = os.fstat(fd).st_size
    while end:
        start = max(0, end - 65536)
        found = os.pread(fd, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
