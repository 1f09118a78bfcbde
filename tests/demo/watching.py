"""Waiting for something to become true, and looking for what is left of a demo."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil

Seen = TypeVar("Seen")


def eventually(look: Callable[[], Seen | None], what: str, timeout_s: float = 60.0) -> Seen:
    """Look until what is seen is true, and return it. The time is a limit for hanging, not a measure."""
    deadline = time.monotonic() + timeout_s
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not seen within {timeout_s:.0f} s: {what}"
        time.sleep(0.05)
    return seen


def processes_of(directory: Path) -> list[str]:
    """The command lines of living processes that name a folder or work in it."""
    found = []
    for process in psutil.process_iter():
        try:
            command = " ".join(process.cmdline())
            if process.status() != psutil.STATUS_ZOMBIE and (
                str(directory) in command or process.cwd().startswith(str(directory))
            ):
                found.append(f"{process.pid}: {command}")
        except psutil.Error:
            continue
    return found


def nothing_left_of(directory: Path) -> None:
    """Wait until neither a process nor a file of a demo is there."""
    eventually(lambda: not processes_of(directory), f"no process of {directory}")
    eventually(lambda: not directory.exists(), f"{directory} removed")
