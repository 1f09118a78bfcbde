"""The folder that a throwaway cluster lives in: where it may lie, whose it is, who cleans it up.

A folder is alive while somebody holds the `flock` on its file `lock`; the kernel lets go of it whatever way
the holder ends. `sweep` removes the folders that nobody holds, and ends servers that still run there.
"""

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from console.demo.errors import DemoError
from console.demo.runners import end_runners

PREFIX = "column-console-"
LONGEST = 75
"""Bytes that the folder's path may have. A unix socket's address ends at 104 (macOS) or 108 (Linux), and
`/run/.s.PGSQL.5433` follows."""


_ENDED_BY = {"postmaster.pid": signal.SIGQUIT, "mysqld.pid": signal.SIGKILL}
"""The files in which servers write their process, and what ends a server that nobody wants any more."""


class Account(msgspec.Struct, frozen=True):
    """A user of this machine whom servers run as."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """Whom servers run as: None for oneself; for root an unprivileged user, because initdb refuses root.

    It must be a user that exists: initdb looks its own name up.
    """
    if os.geteuid() != 0:
        return None
    for name in ("nobody", "postgres", "daemon"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise DemoError(
        "PostgreSQL does not run as root, and there is no user nobody to run it as: start as another user"
    )


def cache(environ: Mapping[str, str] = os.environ) -> Path:
    """Where programs are kept that were fetched for tests: `COLUMN_CONSOLE_CACHE`, or the user's cache.

    Root's is not in root's home: a server that root starts drops to an unprivileged user, who must get at it.
    """
    if named := environ.get("COLUMN_CONSOLE_CACHE"):
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/cache/column-console")
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "column-console"


def make_directory(kind: str = "demo") -> Path:
    """Make a new, empty folder, short enough for sockets and reachable for the server's account."""
    for base in _bases():
        if os.geteuid() == 0 and not _fit_for_others(base):
            continue
        made = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{kind}-", dir=base))
        if len(os.fsencode(made)) <= LONGEST:
            return made
        made.rmdir()
    raise DemoError(
        "no temporary folder is fit for a database: set TMPDIR to a short path that anyone may traverse"
    )


class Place:
    """A claimed folder. Use `Place.claim`; `remove` it, or `release` it and leave the files."""

    def __init__(self, directory: Path, lock: int) -> None:
        self.directory = directory
        self._lock = lock

    @classmethod
    def claim(cls, directory: Path) -> "Place":
        """Take the folder, making it where it is missing. Raises `DemoError` when somebody else holds it."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory = directory.resolve()
        if len(os.fsencode(directory)) > LONGEST:
            raise DemoError(
                f"{directory} is longer than {LONGEST} bytes, too long for a socket: take a shorter folder"
            )
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise DemoError(f"{directory} is in use by another demo: take another folder") from None
        return cls(directory, lock)

    def room(self, name: str, account: Account | None) -> Path:
        """A folder inside, mode 0700, that belongs to the account. The way to it is opened, not the rest."""
        room = self.directory / name
        room.mkdir(mode=0o700, exist_ok=True)
        if account is not None:
            os.chown(room, account.uid, account.gid)
            self.directory.chmod(0o711)
        return room

    def release(self) -> None:
        """Let go of the folder and leave what is in it."""
        os.close(self._lock)

    def remove(self) -> None:
        """End servers that are left in the folder, remove it, and let go of it."""
        _empty(self.directory)
        self.release()


def sweep(grace_s: float = 60.0, bases: Sequence[Path] | None = None) -> list[Path]:
    """Remove the caller's folders that nobody holds and nothing has changed in for `grace_s` seconds.

    The grace protects a folder that has just been made and not yet been claimed. Looked for where `make_directory`
    makes them, or in `bases`. Returns what was removed.
    """
    return [directory for base in bases or _bases() for directory in _left_in(base, grace_s)]


def remove_if_left(directory: Path) -> bool:
    """Remove one folder unless somebody holds it. False when somebody does, or when it is gone already."""
    try:
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _empty(directory)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


def _bases() -> list[Path]:
    # Folders with names that nobody can guess are made in them, with mode 0700.
    candidates = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"), Path("/run")]  # noqa: S108
    usable = [base.resolve() for base in candidates if base.is_dir() and os.access(base, os.W_OK | os.X_OK)]
    return list(dict.fromkeys(usable))


def _fit_for_others(base: Path) -> bool:
    """Whether somebody else may go there and run programs there: root's servers are copied and run as another."""
    noexec: int = getattr(os, "ST_NOEXEC", 0)  # not known on every system
    traversable = all(folder.stat().st_mode & stat.S_IXOTH for folder in (base, *base.parents))
    return traversable and not os.statvfs(base).f_flag & noexec


def _left_in(base: Path, grace_s: float) -> Iterator[Path]:
    for directory in base.glob(f"{PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):
            found = directory.lstat()
            mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
            if mine and time.time() - found.st_mtime >= grace_s and remove_if_left(directory):
                yield directory


def _empty(directory: Path, patience_s: float = 10.0) -> None:
    """Remove a folder that runners and servers may still be leaving."""
    end_runners(directory)
    for name, number in _ENDED_BY.items():
        for pid_file in directory.glob(f"*/{name}"):
            _end_server(pid_file, number, patience_s)
    deadline = time.monotonic() + patience_s
    while True:
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return
        if time.monotonic() > deadline:
            shutil.rmtree(directory)  # raises, with the reason
        time.sleep(0.05)


def _end_server(pid_file: Path, sent: signal.Signals, patience_s: float) -> None:
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    deadline = time.monotonic() + patience_s
    with contextlib.suppress(ProcessLookupError):
        while _command_line_of(pid).find(str(pid_file.parent)) >= 0:
            os.kill(pid, sent)
            if time.monotonic() > deadline:
                sent = signal.SIGKILL
            time.sleep(0.05)


def _command_line_of(pid: int) -> str:
    """The words of a process, "" when it is gone: a pid may have gone to somebody else's process."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    said = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return said.stdout
