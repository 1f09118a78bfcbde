"""What the terminal can do, and what to do when it goes away. Imports no Textual: this is asked before it is loaded.

Textual draws on standard error and reads standard input, so both must be terminals. When the terminal hangs up, its
input thread would spin on the end of the file; when the terminal stops reading, its event loop stands still. A
watchdog thread sees to it that the process is gone two seconds after its terminal all the same.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FrameType

from console.tui.glyphs import ASCII, UNICODE, Glyphs

FEW_COLOURS = ("xterm", "linux", "screen", "vt100", "vt220", "ansi", "cygwin", "rxvt", "")
"""Names in TERM of terminals that promise 16 colours at most."""

LOOK = 0.25
"""Seconds between two looks at whether the terminal is still there."""

GRACE = 1.2
"""Seconds that the screen has to leave by itself, once it was told to."""

# Normal screen, cursor, no mouse, no bracketed paste, no focus events, line wrap, kitty keys off.
RESTORE = (
    b"".join(b"\x1b[?%dl" % mode for mode in (1000, 1002, 1003, 1006, 1015, 2004, 1004, 1049))
    + b"\x1b[?7h\x1b[<u\x1b[?25h"
)


class TerminalError(Exception):
    """There is no terminal that a screen can be drawn on; one sentence, with the mend."""


@dataclass(frozen=True)
class Terminal:
    """What the terminal can do."""

    glyphs: Glyphs
    few_colours: bool
    """16 colours, or none: NO_COLOR is set."""
    mouse: bool


def inspect(
    environment: Mapping[str, str] | None = None, *, instead: str = "use --headless or --json"
) -> Terminal:
    """What this terminal can do, by its environment and its encoding.

    Raises `TerminalError` where there is none, which says what to do `instead`.
    """
    environment = os.environ if environment is None else environment
    if not (_is_terminal(sys.__stdin__) and _is_terminal(sys.__stderr__)):
        raise TerminalError(
            f"a screen needs a terminal on standard input and standard error: leave out the redirection, or {instead}"
        )
    term = environment.get("TERM", "")
    if term == "dumb":
        raise TerminalError(f"TERM=dumb can't show a screen: {instead}, or set TERM to what the terminal is")
    return Terminal(
        glyphs=UNICODE if speaks_utf8(environment, getattr(sys.__stderr__, "encoding", "")) else ASCII,
        few_colours=has_few_colours(environment),
        mouse=environment.get("COLUMN_CONSOLE_MOUSE", "1") not in ("0", "off", "no"),
    )


def speaks_utf8(environment: Mapping[str, str], encoding: str) -> bool:
    """Whether lines and dots may be drawn: the locale says UTF-8, and we write UTF-8.

    >>> speaks_utf8({"LANG": "de_DE.UTF-8"}, "utf-8"), speaks_utf8({"LANG": "C"}, "utf-8"), speaks_utf8({}, "utf-8")
    (True, False, False)
    >>> speaks_utf8({"LANG": "de_DE.UTF-8", "LC_ALL": "POSIX"}, "utf-8"), speaks_utf8({"LANG": "C.utf8"}, "ascii")
    (False, False)
    >>> speaks_utf8({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "utf-8"), speaks_utf8({"LC_CTYPE": "UTF-8"}, "utf-8")
    (False, True)
    """
    if encoding.lower().replace("-", "") != "utf8":
        return False
    given = dict(environment)
    plain = given.get("LANG", "") in ("", "C", "POSIX")
    if plain and given.get("LC_CTYPE") in ("C.UTF-8", "C.utf8"):
        # Python puts this there itself where the locale is plain C (PEP 538): it says nothing of the terminal.
        del given["LC_CTYPE"]
    # The first of these that is set decides, as in the C library.
    names = (given.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next((name for name in names if name), "").lower().replace("-", "")
    return "utf8" in locale


def has_few_colours(environment: Mapping[str, str]) -> bool:
    """Whether to keep to the terminal's own 16 colours.

    >>> has_few_colours({"TERM": "xterm-256color"}), has_few_colours({"TERM": "linux"}), has_few_colours({})
    (False, True, True)
    >>> has_few_colours({"TERM": "xterm", "COLORTERM": "truecolor"})
    False
    >>> has_few_colours({"TERM": "xterm-256color", "NO_COLOR": "1"})
    True
    """
    if environment.get("NO_COLOR"):
        return True
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return False
    term = environment.get("TERM", "")
    return "256" not in term and "direct" not in term and term.split("-", maxsplit=1)[0] in FEW_COLOURS


def _is_terminal(stream: object) -> bool:
    try:
        return bool(stream is not None and stream.isatty())  # type: ignore[attr-defined]  # any stream
    except ValueError:
        return False


class Watchdog:
    """Sees to it that the process leaves when its terminal has gone, or when it is told to end."""

    def __init__(self, leave: Callable[[int], None], *, descriptor: int = 0) -> None:
        """`leave` asks the screen to leave, with an exit status; it may be called from another thread."""
        self._leave = leave
        self._descriptor = descriptor
        self._told: int | None = None
        self._deadline = float("inf")
        self._over = threading.Event()
        self._restore: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        try:
            attributes = termios.tcgetattr(descriptor)
        except termios.error:
            return
        self._restore = lambda: termios.tcsetattr(descriptor, termios.TCSANOW, attributes)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch while the screen is up; SIGHUP and SIGTERM make it leave."""
        old = {number: signal.signal(number, self._signalled) for number in (signal.SIGHUP, signal.SIGTERM)}
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            for number, handler in old.items():
                signal.signal(number, handler)

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        self.tell(128 + number)

    def tell(self, status: int) -> None:
        """Leave, with this exit status; at the latest when the grace is over."""
        if self._told is None:
            self._told = status
            self._deadline = time.monotonic() + GRACE
            self._leave(status)

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, 0)
        while not self._over.wait(LOOK):
            if any(what & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, what in poll.poll(0)):
                self.tell(128 + signal.SIGHUP)
            if time.monotonic() > self._deadline:
                self._give_up()

    def _give_up(self) -> None:
        """The screen does not leave: its loop stands still, because nobody reads what it writes."""
        with contextlib.suppress(OSError, termios.error):
            os.set_blocking(2, False)
            self._restore()
            os.write(2, RESTORE)
        os._exit(self._told if self._told is not None else 1)
