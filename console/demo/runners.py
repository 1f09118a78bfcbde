"""The runners of a demo: they go when its folder goes.

Their sessions are kept in that folder; those of a demo that is kept (`--keep`) lie where all sessions of the user do.
Whatever way the demo's command ends, the world outlives it by a moment and ends them; they would look for their
servers for ever.
"""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from console import directories

HOME = "home"
"""The folder of sessions in a demo's folder: `COLUMN_CONSOLE_HOME` of its runners."""


class _SessionFile(msgspec.Struct):
    pid: int
    change_file: str


def end_runners(directory: Path, patience_s: float = 5.0) -> None:
    """End the runners of the demo in a folder, kindly at first, and wait until they are gone."""
    running = list(_running(directory))
    for sent in (signal.SIGTERM, signal.SIGKILL):
        for lock, pid in running:
            if _held(lock):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sent)
        deadline = time.monotonic() + patience_s
        while any(_held(lock) for lock, _ in running) and time.monotonic() < deadline:
            time.sleep(0.05)


def _running(directory: Path) -> Iterator[tuple[Path, int]]:
    for home in (directory / HOME, directories.home()):
        for file in (home / "sessions").glob("*/session.json"):
            lock = file.with_name("runner.lock")
            if not _held(lock):
                continue
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                session = msgspec.json.decode(file.read_bytes(), type=_SessionFile)
                if Path(session.change_file).parent == directory.resolve():
                    yield lock, session.pid


def _held(lock: Path) -> bool:
    """Whether the runner lives: the kernel lets go of its lock whatever way it ends."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
