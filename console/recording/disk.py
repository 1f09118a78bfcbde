"""Brings a recording from the page cache to the disk: once a second, off the caller's thread.

What `os.write` has taken survives the death of the process; `fdatasync` is for the death of the machine. It
costs 0.1 ms on a good disk and seconds on a bad one, so the runner's event loop never calls it.
"""

from __future__ import annotations

import os
import threading

PERIOD = 1.0
"""Seconds between two syncs, while something is written."""


class DiskSync:
    """A thread that syncs one file descriptor. Its owner closes it before the descriptor."""

    def __init__(self, fd: int, *, period: float = PERIOD) -> None:
        self._fd = fd
        self._period = period
        self._changed = threading.Condition()
        self._written = 0
        self._synced = 0
        self._wanted = 0
        self._closing = False
        self._error = ""
        self._thread = threading.Thread(target=self._run, name="recording-sync", daemon=True)
        self._thread.start()

    def wrote(self) -> None:
        """Something was written: sync it within the period."""
        with self._changed:
            self._written += 1
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Sync what is written at once, and wait for it for at most `seconds`: whether it is on the disk."""
        with self._changed:
            self._wanted = target = self._written
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._synced >= target, seconds)

    def error(self) -> str:
        """What the disk said since this was last asked; empty where all went well."""
        with self._changed:
            error, self._error = self._error, ""
            return error

    def close(self) -> None:
        """Sync what is left, and end the thread. Waits for the disk."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._written > self._synced or self._closing)
                self._changed.wait_for(lambda: self._wanted > self._synced or self._closing, self._period)
                target, closing = self._written, self._closing
            if target > self._synced:
                self._sync(target)
            if closing:
                return

    def _sync(self, target: int) -> None:
        error = ""
        try:
            os.fdatasync(self._fd)
        except OSError as failure:
            error = failure.strerror or str(failure)
        with self._changed:
            # A failed sync counts as tried: the kernel has dropped the pages, and asking again would lie.
            self._synced = target
            self._error = error or self._error
            self._changed.notify_all()
