"""One server process of a throwaway cluster: launched, awaited, stopped; it ends when we end.

What a PostgreSQL and a MySQL server have in common. Each database's `node` says what is run and how it is asked.
"""

import abc
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from console.demo.errors import DemoError
from console.demo.place import Account

_PR_SET_PDEATHSIG = 1


class Server(abc.ABC):
    """One server: its folder, its log, and its process once launched.

    Start it from the main thread: the kernel ends it when the *thread* that launched it ends.
    """

    death: signal.Signals
    """What the kernel sends the server when we end, whatever way."""
    orderly: signal.Signals
    """What asks the server to stop, and to end its sessions."""
    at_once: Sequence[signal.Signals]
    """What stops it without saving anything, the harshest last."""

    def __init__(self, name: str, *, home: Path, log: Path, account: Account | None) -> None:
        self.name = name
        self.home = home
        self.log = log
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None
        self._tool: subprocess.Popen[bytes] | None = None

    @abc.abstractmethod
    def command(self) -> list[str | Path]:
        """What starts the server in the foreground."""

    @abc.abstractmethod
    def refusal(self) -> str:
        """Why the server does not answer; "" when it does."""

    @abc.abstractmethod
    def path(self) -> str:
        """PATH for the server and its tools."""

    @property
    def running(self) -> bool:
        """Whether the server's process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The server's process, None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def run(self, program: Path, *arguments: str, reads: IO[bytes] | None = None) -> str:
        """Run a program of the installation as the server's account, and return what it said.

        `reads` becomes its standard input. Raises `DemoError` with the end of what it said when it failed.
        """
        try:
            tool: subprocess.Popen[bytes] = subprocess.Popen(
                [program, *arguments],
                stdin=reads or subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                **self._surroundings(),
            )
        except OSError as error:
            whom = "you" if self._account is None else self._account.name
            raise DemoError(f"{program} can't be run as {whom}: {error}") from None
        self._tool = tool
        said = tool.communicate()[0].decode(errors="replace")
        self._tool = None
        if tool.returncode:
            raise DemoError(f"{program.name} failed with status {tool.returncode}: {tail(said)}")
        return said

    def interrupt(self) -> None:
        """End the program that `run` is waiting for in another thread, if there is one."""
        tool = self._tool
        if tool is not None:
            tool.kill()

    def launch(self) -> None:
        """Start the server's process and come back at once. It ends when the calling thread does."""
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError(
                "launch servers from the main thread: they end with the thread that launched them"
            )
        if self.running:
            return
        with self.log.open("ab") as log, warnings.catch_warnings():
            # From 3.12 on Python warns that a fork beside threads may hang in the child. What runs there is
            # one system call, on a function looked up beforehand.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # the terminal's Ctrl-C is for us, not for the server
                preexec_fn=_end_with_parent(self.death),  # noqa: PLW1509  (see above)
                **self._surroundings(),
            )

    def wait_until_ready(self, timeout_s: float = 60.0) -> None:
        """Wait until the server answers. Raises `DemoError` with the end of its log when it does not."""
        deadline = time.monotonic() + timeout_s
        while True:
            if not self.running:
                raise DemoError(f"the {self.name} did not start: {self.last_words()}")
            reason = self.refusal()
            if not reason:
                return
            if time.monotonic() > deadline:
                raise DemoError(f"the {self.name} did not answer within {timeout_s:.0f} s: {reason}")
            time.sleep(0.02)

    def start(self, timeout_s: float = 60.0) -> None:
        """Launch the server and wait until it answers."""
        self.launch()
        self.wait_until_ready(timeout_s)

    def stop(self, *, at_once: bool = False, patience_s: float = 20.0) -> None:
        """Stop the server; its sessions are ended. `at_once`: without saving, for data nobody wants.

        Harsher signals follow when it has not ended within `patience_s` seconds.
        """
        if self._process is None:
            return
        for step in self.at_once if at_once else (self.orderly, *self.at_once):
            if self._process.poll() is None:
                self._process.send_signal(step)
            try:
                self._process.wait(patience_s)
            except subprocess.TimeoutExpired:
                continue
            break
        self._process = None

    def last_words(self) -> str:
        """The end of the server's log."""
        try:
            return tail(self.log.read_text(encoding="utf-8", errors="replace"))
        except FileNotFoundError:
            return "it wrote no log"

    def _surroundings(self) -> dict[str, Any]:
        """Who, where and with which environment a program runs; nothing of ours is passed on."""
        home = str(self.home)
        around: dict[str, Any] = {
            "cwd": home,
            "env": {"PATH": self.path(), "LC_ALL": "C", "TZ": "UTC", "HOME": home},
        }
        if self._account is not None:
            around |= {"user": self._account.uid, "group": self._account.gid, "extra_groups": []}
        return around


def _end_with_parent(death: signal.Signals) -> Callable[[], None] | None:
    """What the child does before it becomes the server: ask the kernel to end it when we end (Linux only).

    Set after the change of user, which would clear it.
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def in_the_child() -> None:
        prctl(_PR_SET_PDEATHSIG, int(death), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)  # we ended in between, so the signal will never come

    return in_the_child


def tail(text: str) -> str:
    """The last lines of what a program said, on one line."""
    return " | ".join(text.strip().splitlines()[-5:]) or "it said nothing"
