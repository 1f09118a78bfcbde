"""A command on a real pseudo-terminal, whose screen an emulator keeps."""

import time
from pathlib import Path

import pexpect
import pyte

from tests.cli.command import COMMAND, environment

PATIENCE = 90.0


class OnTerminal:
    """A command with a terminal of its own; `screen()` is what a person would see."""

    def __init__(
        self, *arguments: str | Path, home: Path, size: tuple[int, int] = (120, 40), **more: str
    ) -> None:
        kept = environment(home, **more)
        self._begin(
            [*COMMAND, *map(str, arguments)],
            {name: value for name, value in kept.items() if name != "NO_COLOR"},
            size,
        )

    @classmethod
    def of(
        cls, words: list[str], environment: dict[str, str], size: tuple[int, int] = (120, 40)
    ) -> "OnTerminal":
        """Any command, in this environment."""
        terminal = cls.__new__(cls)
        terminal._begin(words, environment, size)
        return terminal

    def _begin(self, words: list[str], environment: dict[str, str], size: tuple[int, int]) -> None:
        columns, lines = size
        self.heard = 0
        """Characters that came so far."""
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.Stream(self._screen)
        self.process: pexpect.spawn[str] = pexpect.spawn(
            words[0],
            words[1:],
            env={**environment, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
            dimensions=(lines, columns),
            encoding="utf-8",
            timeout=PATIENCE,
        )

    def read(self, seconds: float) -> bool:
        """Feeds the emulator what comes within so many seconds; false at the end."""
        try:
            said = self.process.read_nonblocking(65536, seconds)
            self.heard += len(said)
            self._stream.feed(said)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        return True

    def screen(self) -> str:
        """What is on the screen."""
        return "\n".join(self._screen.display)

    def until(self, *texts: str) -> None:
        """Waits until all of the texts are on the screen."""
        deadline = time.monotonic() + PATIENCE
        while not all(text in self.screen() for text in texts):
            assert time.monotonic() < deadline, f"{texts} not seen in:\n{self.screen()}"
            assert self.read(0.2) or all(text in self.screen() for text in texts), self.screen()

    def press(self, *keys: str) -> None:
        """Types keys, as the terminal sends them."""
        for key in keys:
            self.process.send(key)

    def end(self) -> int:
        """Waits for the command's end; its exit status."""
        deadline = time.monotonic() + PATIENCE
        while self.read(0.2):
            assert time.monotonic() < deadline, self.screen()
        self.process.close()
        assert self.process.exitstatus is not None, self.process.signalstatus
        return int(self.process.exitstatus)
