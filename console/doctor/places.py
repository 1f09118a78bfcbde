"""Where sessions, sockets and recordings live: rights, lengths of paths, and what is taken away at a logout."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from console import directories
from console.doctor.check import Check

_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p")


def state_folder() -> Check:
    """Whether sessions can be kept, and nobody else may write there."""
    home = directories.home()
    mend = "set COLUMN_CONSOLE_HOME to a folder of your own"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            mode = stat.S_IMODE(home.stat().st_mode)
    except OSError as error:
        return Check("state", "NOT", f"{home} can't be written ({error.strerror})", mend)
    if mode & 0o022:
        return Check("state", "NOT", f"others may write to {home} (mode {mode:04o})", f"chmod 700 {home}")
    if foreign := _foreign(home):
        mend = "set COLUMN_CONSOLE_HOME to a folder of your own, or become that user"
        return Check("state", "NOT", f"{foreign} belongs to another user", mend)
    return Check("state", "OK", f"{home}, mode {mode:04o}")


def socket_path() -> Check:
    """Whether a runner's socket can lie beside its session."""
    home = directories.home()
    longest = directories.session_name("x" * 20, "x" * 20, datetime.now(UTC))
    needed = len(os.fsencode(home / "sessions" / longest / "runner.sock"))
    limit = directories.SOCKET_PATH_BYTES
    if needed <= limit:
        return Check("sockets", "OK", f"paths of up to {needed} bytes under {home}; {limit} are allowed")
    return Check(
        "sockets",
        "NOTE",
        f"paths under {home} may reach {needed} bytes, and {limit} are allowed; then they lie elsewhere",
        "set COLUMN_CONSOLE_HOME to a shorter path, to have each beside its session",
    )


def keeps(environ: Mapping[str, str], mounts: Iterable[str] | None = None) -> Check:
    """Whether what lies there outlives a logout, and is one machine's alone. `mounts`: the lines of /proc/mounts."""
    home = directories.home()
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if runtime and home.is_relative_to(runtime):
        return Check(
            "kept",
            "NOTE",
            f"{home} lies in $XDG_RUNTIME_DIR, which is removed at your last logout",
            "set COLUMN_CONSOLE_HOME to a folder on a disk",
        )
    kind = _kind(home, Path("/proc/mounts").read_text().splitlines() if mounts is None else mounts)
    if kind in _NETWORK:
        return Check(
            "kept",
            "NOTE",
            f"{home} is on a network disk ({kind}): every write waits for it, and other machines list sessions "
            "that only this one can reach",
            "set COLUMN_CONSOLE_HOME to a folder on a disk of this machine",
        )
    if kind == "tmpfs":
        return Check(
            "kept",
            "NOTE",
            f"{home} is in memory ({kind}), so a restart of this machine takes the recordings away",
            "set COLUMN_CONSOLE_HOME to a folder on a disk",
        )
    return Check("kept", "OK", f"{home} is on {kind or 'a disk'}")


def _kind(path: Path, mounts: Iterable[str]) -> str:
    """The kind of file system that a path is on."""
    found = ("", "")
    for line in mounts:
        words = line.split()
        if len(words) > 2 and path.is_relative_to(words[1]) and len(words[1]) >= len(found[0]):
            found = (words[1], words[2])
    return found[1]


def _foreign(home: Path) -> Path | None:
    """What of ours belongs to somebody else."""
    for path in (home, home / "sessions"):
        if path.exists() and path.stat().st_uid != os.geteuid():
            return path
    return None
