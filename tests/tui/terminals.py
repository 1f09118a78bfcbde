"""A real pseudo-terminal around a program, and an emulator that tells what it shows."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pyte

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds that a busy machine may need for what takes one."""


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], master: int, size: tuple[int, int]) -> None:
        self.process = process
        self.master = master
        self.written = b""
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self.open = True

    @property
    def text(self) -> str:
        """What the terminal shows."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def read(self, seconds: float) -> None:
        """Read what comes within that time."""
        until = time.monotonic() + seconds
        while self.open and (left := until - time.monotonic()) > 0:
            ready, _, _ = select.select([self.master], [], [], left)
            if not ready:
                return
            try:
                data = os.read(self.master, 65536)
            except OSError:
                data = b""
            if not data:
                self.open = False
                return
            self.written += data
            self._stream.feed(plain_for_pyte(data))

    def until(self, condition: Callable[[], bool]) -> None:
        """Read until something holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.text
            assert self.open, self.written[-2000:]
            self.read(0.1)

    def shows(self, *words: str) -> None:
        """Read until the terminal shows all of these."""
        self.until(lambda: all(word in self.text for word in words))

    def send(self, keys: str) -> None:
        """Type."""
        os.write(self.master, keys.encode())

    def click(self, column: int, row: int) -> None:
        """Press and release the left button; columns and rows from 0."""
        for end in "Mm":
            self.send(f"\x1b[<0;{column + 1};{row + 1}{end}")

    def resize(self, columns: int, rows: int) -> None:
        """Another size."""
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)

    def hang_up(self) -> None:
        """The terminal goes away."""
        os.close(self.master)
        self.master = -1
        self.open = False

    def wait(self) -> int:
        """The exit status, once it has ended; reads on meanwhile, so that it is not kept from ending."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "it does not end"
            if self.open:
                self.read(0.1)
            else:
                time.sleep(0.02)
        self.read(0.2)
        return self.process.returncode

    def cpu(self) -> float:
        """Seconds of processor time that it has used."""
        with contextlib.suppress(psutil.NoSuchProcess):
            times = psutil.Process(self.process.pid).cpu_times()
            return float(times.user + times.system)
        return 0.0


def plain_for_pyte(data: bytes) -> bytes:
    """Without the sequences that pyte prints instead of passing over them."""
    for known in (b"\x1b[>25u", b"\x1b[<u", b"\x1b[?2026$p", b"\x1b[?2048$p"):
        data = data.replace(known, b"")
    return data


@contextlib.contextmanager
def terminal(
    *arguments: str,
    size: tuple[int, int] = (120, 40),
    environment: Mapping[str, str] | None = None,
    controlling: bool = True,
) -> Iterator[Terminal]:
    """A program of `tests.tui.program` on a terminal. `controlling`: it is told by SIGHUP when that hangs up."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    given = {
        name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM", "LC_ALL")
    }
    given |= {
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "COLUMNS": "77",
        "LINES": "33",
        **(environment or {}),
    }
    given = {name: value for name, value in given.items() if value}

    def adopt() -> None:
        os.setsid()
        if controlling:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [sys.executable, "-m", "tests.tui.program", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=ROOT,
        env=given,
        preexec_fn=adopt,  # noqa: PLW1509  (the only way to a controlling terminal)
    )
    os.close(slave)
    shown = Terminal(process, master, size)
    try:
        yield shown
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if shown.master >= 0:
            os.close(shown.master)
