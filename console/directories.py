"""Where sessions live on this machine, and which there are.

Each session has a folder of its own, for its owner alone: what it is (`session.json`), its recording, its
runner's socket, lock and log, and the report when a run has ended. Nothing secret is kept there. Imports little, so
that `sessions` and `send` are quick.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from console.change import Frozen
from console.glance import glance

SESSION_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}")
SOCKET_PATH_BYTES = 107
"""The longest path that a unix socket can have (`sun_path`, less its final zero byte)."""
LOCK_TRIES = 20
LOCK_PAUSE = 0.05
"""Seconds between tries: whoever lists sessions holds the lock for an instant."""

State = Literal["live", "ended", "dead"]


class DirectoryError(Exception):
    """The folder of sessions can't be used, or there is no such session: one sentence, with the mend."""


class AmbiguousName(DirectoryError):
    """The name fits several sessions; the text lists them."""


class SessionFile(Frozen, frozen=True):
    """What `session.json` says of a session."""

    id: str
    title: str
    change_file: str
    recording: str
    socket: str
    pid: int
    """The runner's process, when it last started."""
    started: str
    """When the session began, on the wall clock, ISO 8601 with offset."""
    outcome: str = ""
    """How it ended, for those who may not read the recording; empty while it has not."""


class Listed(Frozen, frozen=True):
    """A session as the list shows it."""

    session: SessionFile
    directory: str
    state: State
    """`live`: its runner runs; `ended`: it came to its end; `dead`: its runner is gone and it did not."""
    outcome: str = ""
    """Of an ended session."""
    table: str = ""
    column: str = ""
    operator: str = ""
    """The login name that began it."""
    host: str = ""
    server: str = ""
    seconds: float | None = None
    """From its begin to the last line of its recording; None where that can't be read."""


class RunnerLock:
    """Held by a session's runner while it lives; let go by the kernel however it dies."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def release(self) -> None:
        """Let another runner take the session up."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class SessionDirectory:
    """The folder of one session."""

    def __init__(self, path: Path, group: int | None = None) -> None:
        self.path = path
        self.group = group
        """Of the system, whose members may reach the socket (`console.sharing`); None: the owner alone."""

    @property
    def id(self) -> str:
        """The session's id, which is the folder's name."""
        return self.path.name

    @property
    def recording(self) -> Path:
        """Where the recording is, unless the operator named another file."""
        return self.path / "recording.jsonl"

    @property
    def log(self) -> Path:
        """Where the runner's own messages go."""
        return self.path / "runner.log"

    @property
    def report(self) -> Path:
        """Where the runner leaves the report when a run ends."""
        return self.path / "report.html"

    @property
    def lock_file(self) -> Path:
        """The file whose lock the runner holds."""
        return self.path / "runner.lock"

    @property
    def locked(self) -> bool:
        """Whether a runner holds it."""
        return _locked(self.lock_file)

    def socket_path(self) -> Path:
        """A path for the runner's socket: here, or in a folder of its own elsewhere where this one lies too deep.

        Raises `DirectoryError` where no short enough place can be made.
        """
        here = self.path / "runner.sock"
        if len(os.fsencode(here)) <= SOCKET_PATH_BYTES:
            return here
        if self.group is not None:
            raise _too_deep(here)
        known = self.read()
        before = Path(known.socket) if known and known.socket else None
        if before is not None and _is_private(before.parent):
            return before
        # What is made in them has mode 0700 and an unguessable name.
        parents = [Path(p) for p in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp") if p]  # noqa: S108
        for parent in parents:
            if len(os.fsencode(parent)) > SOCKET_PATH_BYTES - 40:
                continue
            try:
                return Path(tempfile.mkdtemp(prefix="column-console-", dir=parent)) / "runner.sock"
            except OSError:
                continue
        raise _too_deep(here)

    def lock(self) -> RunnerLock:
        """Become this session's runner. Raises `DirectoryError` where it has one."""
        with _writing(self.lock_file):
            fd = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for attempt in range(LOCK_TRIES):
            if attempt:
                time.sleep(LOCK_PAUSE)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            return RunnerLock(fd)
        os.close(fd)
        held = self.read()
        who = f" (process {held.pid})" if held else ""
        raise DirectoryError(
            f"Session {self.id} has a runner already{who}: `column-console attach {self.id}` shows it."
        )

    def write(self, session: SessionFile) -> None:
        """Say what the session is; a reader sees the old file or the new one, never half of one."""
        data = msgspec.json.format(msgspec.json.encode(session)) + b"\n"
        target = self.path / "session.json"
        with _writing(target):
            _write_atomically(target, data, self.group)

    def write_report(self, page: str) -> None:
        """Leave the report, for the owner alone; a reader sees the one of before or this one."""
        with _writing(self.report):
            _write_atomically(self.report, page.encode())

    def read(self) -> SessionFile | None:
        """What the session is; None where that can't be read."""
        try:
            return msgspec.json.decode((self.path / "session.json").read_bytes(), type=SessionFile)
        except (OSError, ValueError):
            return None


def home() -> Path:
    """The folder of everything that is kept: `$COLUMN_CONSOLE_HOME`, or the user's state folder (XDG)."""
    named = os.environ.get("COLUMN_CONSOLE_HOME")
    if named:
        return Path(named).absolute()
    state = os.environ.get("XDG_STATE_HOME", "")
    # The XDG specification has relative paths ignored.
    base = Path(state) if Path(state).is_absolute() else Path("~/.local/state").expanduser()
    return base.absolute() / "column-console"


def new_session(table: str, column: str) -> SessionDirectory:
    """Make the folder of a new session. Raises `DirectoryError` where that is impossible."""
    sessions = home() / "sessions"
    base = session_name(table, column, datetime.now(UTC))
    try:
        with _writing(sessions):
            sessions.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise DirectoryError(f"{sessions} is a file: {_MEND}.") from None
    for number in range(1, 1000):
        path = sessions / (base if number == 1 else f"{base[:60]}-{number}")
        try:
            with _writing(path):
                path.mkdir(mode=0o700)
        except FileExistsError:
            continue
        return SessionDirectory(path)
    raise DirectoryError(f"{sessions} holds a thousand sessions of this second: remove what is not needed.")


def session_name(table: str, column: str, at: datetime) -> str:
    """A session's id: its table and column as far as they are letters and digits, and the time.

    >>> session_name("orders", "placed_on", datetime(2026, 11, 28, 2, 15, tzinfo=UTC))
    'orders-placed_on-20261128-021500'
    >>> session_name("Bestellungen für ☃", "../x", datetime(2026, 11, 28, 2, 15, tzinfo=UTC))
    'Bestellungen_f_r-x-20261128-021500'
    """
    words = [re.sub(r"[^A-Za-z0-9_]+", "_", word).strip("_")[:20] or "x" for word in (table, column)]
    return f"{words[0]}-{words[1]}-{at:%Y%m%d-%H%M%S}"


def list_sessions() -> list[Listed]:
    """All sessions of this user on this machine, newest first."""
    found = []
    for directory in session_folders():
        session = directory.read()
        if session is not None:
            found.append(_listed(directory, session))
    return sorted(found, key=lambda listed: (listed.session.started, listed.session.id), reverse=True)


def find_session(name: str = "") -> Listed:
    """The session called `name`, or the only one whose id begins so; without a name, the only live one, or else
    the latest.

    Raises `DirectoryError`, which says what there is.
    """
    if name and not SESSION_ID.fullmatch(name):
        raise DirectoryError(
            f"{name!r} is no session: ids are made of letters, digits, '_', '.' and '-'; "
            "`column-console sessions` lists them."
        )
    sessions = list_sessions()
    if not sessions:
        raise DirectoryError(
            f"There are no sessions in {home() / 'sessions'}: `column-console run` begins one."
        )
    if not name:
        live = [listed for listed in sessions if listed.state == "live"]
        if len(live) > 1:
            raise DirectoryError(f"{len(live)} sessions are live, so name one: {_names(live)}.")
        return (live or sessions)[0]
    matching = [listed for listed in sessions if listed.session.id == name]
    matching = matching or [listed for listed in sessions if listed.session.id.startswith(name)]
    if len(matching) > 1:
        raise AmbiguousName(f"{name} fits {len(matching)} sessions, so name one whole: {_names(matching)}.")
    if not matching:
        raise DirectoryError(f"There is no session {name}; there are {_names(sessions)}.")
    return matching[0]


def answers(socket_path: str | Path) -> bool:
    """Whether somebody listens on the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(os.fspath(socket_path))
        except BlockingIOError:
            # It listens, and its queue of callers is full.
            return True
        except (OSError, ValueError):
            return False
    return True


def outcome_of(recording: str | Path) -> str:
    """How the session in a recording ended; empty where it has not. Reads its end alone."""
    return glance(recording).outcome


def _listed(directory: SessionDirectory, session: SessionFile) -> Listed:
    seen = glance(session.recording)
    outcome = ""
    if answers(session.socket) or directory.locked:
        state: State = "live"
    else:
        outcome = seen.outcome or session.outcome
        state = "ended" if outcome else "dead"
    return Listed(
        session=session,
        directory=str(directory.path),
        state=state,
        outcome=outcome if state == "ended" else "",
        table=seen.table,
        column=seen.column,
        operator=seen.operator,
        host=seen.host,
        server=seen.server,
        seconds=seen.seconds,
    )


def _locked(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
    return False


def session_folders() -> list[SessionDirectory]:
    """The folders of all sessions, in no order. Raises `DirectoryError`."""
    sessions = home() / "sessions"
    try:
        paths = list(sessions.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DirectoryError(f"{sessions} can't be read ({error.strerror}): {_MEND}.") from None
    return [SessionDirectory(path) for path in paths if SESSION_ID.fullmatch(path.name)]


def _names(listed: list[Listed]) -> str:
    shown = ", ".join(one.session.id for one in listed[:5])
    return shown + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")


_MEND = "set COLUMN_CONSOLE_HOME to a folder of your own"


def _is_private(path: Path) -> bool:
    """A folder of ours that nobody else may enter."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turns trouble with writing below our folder into one sentence. FileExistsError passes."""
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        mend = "make room on that disk" if error.errno in (errno.ENOSPC, errno.EDQUOT) else _MEND
        raise DirectoryError(f"{path} can't be written ({error.strerror}): {mend}.") from None


def _too_deep(socket_path: Path) -> DirectoryError:
    return DirectoryError(
        f"The path of {socket_path} is too long for a socket ({SOCKET_PATH_BYTES} bytes at most): "
        "set COLUMN_CONSOLE_HOME to a shorter one."
    )


def _write_atomically(target: Path, data: bytes, group: int | None = None) -> None:
    fd, name = tempfile.mkstemp(prefix=".session-", dir=target.parent)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            if group is not None:
                os.fchown(file.fileno(), -1, group)
                os.fchmod(file.fileno(), 0o640)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
