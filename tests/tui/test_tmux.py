"""The screen inside tmux, driven as a person drives it: by keys, and by clicks on what tmux shows."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tui.terminals import PATIENCE, ROOT

pytestmark = pytest.mark.slow


class Tmux:
    """A tmux server of its own, with one window."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux.sock")

    def run(self, *arguments: str) -> str:
        """A command of tmux's; what it prints."""
        command = ["tmux", "-S", self._socket, "-f", os.devnull, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        return done.stdout

    def start(self, *arguments: str, size: tuple[int, int] = (120, 40)) -> None:
        """The program in a window of this size; the window stays when it has ended, and says how."""
        program = f"{sys.executable} -m tests.tui.program {' '.join(arguments)}; echo ended with $?; exec sleep 1000"
        given = ["-x", str(size[0]), "-y", str(size[1]), "-c", str(ROOT)]
        self.run(
            "new-session",
            "-d",
            "-s",
            "s",
            *given,
            f"env LANG=C.UTF-8 COLUMNS=77 LINES=33 TERM=tmux-256color sh -c '{program}'",
        )

    def lines(self) -> list[str]:
        """What the window shows."""
        return self.run("capture-pane", "-p", "-t", "s").splitlines()

    def shows(self, *words: str) -> None:
        """Wait until it shows all of these."""
        deadline = time.monotonic() + PATIENCE
        while not all(word in "\n".join(self.lines()) for word in words):
            assert time.monotonic() < deadline, "\n".join(self.lines())
            time.sleep(0.1)

    def hides(self, words: str) -> None:
        """Wait until it no longer shows this."""
        deadline = time.monotonic() + PATIENCE
        while words in "\n".join(self.lines()):
            assert time.monotonic() < deadline, "\n".join(self.lines())
            time.sleep(0.1)

    def keys(self, *keys: str) -> None:
        """Press keys, by tmux's names for them."""
        self.run("send-keys", "-t", "s", *keys)

    def click(self, words: str, *, beside: str = "") -> None:
        """Click on the last place where this stands, in a line where `beside` stands too."""
        rows = self.lines()
        row = max(y for y, text in enumerate(rows) if words in text and beside in text)
        column = rows[row].rindex(words)
        for end in "Mm":
            self.run("send-keys", "-t", "s", "-l", f"\x1b[<0;{column + 2};{row + 1}{end}")


@pytest.fixture
def tmux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tmux]:
    server = Tmux(tmp_path_factory.mktemp("t"))
    yield server
    server.run("kill-server")


def test_keys(tmux: Tmux) -> None:
    tmux.start("waiting")
    tmux.shows("WAITS FOR YOU", "public.orders.placed_on", "LIVE")
    tmux.keys("n")
    tmux.shows("Advance: Add column", "What will run", "Cancel")
    tmux.keys("Enter")
    tmux.hides("What will run")
    tmux.keys("n")
    tmux.shows("What will run")
    tmux.keys("Tab", "Enter")
    tmux.shows("advance done")
    tmux.keys("F1")
    tmux.shows("The work", "Skip gate")
    tmux.keys("Escape")
    tmux.hides("Skip gate")
    tmux.keys("C-p")
    tmux.shows("Search for commands")
    tmux.keys("Escape")
    tmux.hides("Search for commands")
    tmux.keys("q")
    tmux.shows("detached: the runner waits", "column-console attach", "ended with 0")


def test_mouse(tmux: Tmux) -> None:
    tmux.start("waiting", size=(80, 24))
    tmux.shows("WAITS FOR YOU")
    tmux.click("5 Replicas")
    tmux.shows("db3", "STREAMING")
    tmux.click("n Advance")
    tmux.shows("Advance: Add column", "What will run")
    tmux.click("Cancel")
    tmux.hides("What will run")
    tmux.click("n Advance")
    tmux.shows("What will run")
    tmux.click("Advance", beside="Cancel")
    tmux.shows("advance done")
    tmux.click("q Leave")
    tmux.shows("ended with 0")


def test_resizing_the_window(tmux: Tmux) -> None:
    tmux.start("backfill")
    tmux.shows("1 Phases", "5 Replicas", "6 Log")
    tmux.run("resize-window", "-t", "s", "-x", "50", "-y", "12")
    tmux.shows("needs 60 columns", "50 by 12")
    tmux.run("resize-window", "-t", "s", "-x", "80", "-y", "24")
    tmux.shows("2 Backfill", "then Verify")
    tmux.run("resize-window", "-t", "s", "-x", "200", "-y", "60")
    tmux.shows("1 Phases", "application", "6 Log")


def test_tmux_going_away_ends_it(tmux: Tmux) -> None:
    tmux.start("backfill")
    tmux.shows("RUNNING")
    shell = tmux.run("display-message", "-p", "-t", "s", "#{pane_pid}").strip()
    children = Path(f"/proc/{shell}/task/{shell}/children").read_text(encoding="utf-8").split()
    assert children
    tmux.run("kill-server")
    deadline = time.monotonic() + PATIENCE
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)
