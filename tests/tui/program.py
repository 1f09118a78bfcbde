"""The screen as a program of its own, for tests that give it a real terminal: `python -m tests.tui.program WHAT ...`.

STORY           a story, told on in real time
crash           a screen that fails while it draws, once something was pressed, in a frame that knows a password
still STORY     a story on a clock that stands still
replay FILE     a recording
record STORY FILE   writes one, and ends
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from console.events import Event
from console.recording import Recording
from console.tui import TerminalError, run_live, run_replay
from tests.tui.hostile import HOSTILE, hostile
from tests.tui.sources import StorySource
from tests.tui.stories import STORIES
from tests.tui.tapes import record


class RunningSource(StorySource):
    """A story whose clock goes on, with a sample each second."""

    def __init__(self, name: str) -> None:
        super().__init__(STORIES[name](), later=0.0)
        self._began = time.monotonic()

    def now(self) -> float:
        """The clock, going on."""
        return self.clock + time.monotonic() - self._began

    async def events(self) -> AsyncIterator[Event]:
        """The story, then a sample each second."""
        for event in list(self.story.events):
            yield event
        while not self.closed:
            await asyncio.sleep(1.0)
            self.story.t = self.now()
            self.story.sample()
            yield self.story.events[-1]


class FailingSource(RunningSource):
    """Fails once something was pressed, with a secret in its frame."""

    broken = False

    async def ask(self, *args: Any, **named: Any) -> Any:
        """Break the clock."""
        self.broken = True
        return await super().ask(*args, **named)

    def now(self) -> float:
        """The clock, until it breaks."""
        password = "hunter" + "2"  # the value that must be seen nowhere
        if self.broken and password:
            raise RuntimeError("the clock broke")
        return super().now()


def main() -> int:
    """The exit status."""
    what, *rest = sys.argv[1:]
    if what == "record":
        record(rest[0], Path(rest[1]))
        return 0
    try:
        if what == "replay":
            recording = Recording.open(rest[0])
            at = rest[1] if len(rest) > 1 else None
            return run_replay(recording, lambda: Recording.open(rest[0]), at=at, speed=1.0)
        if what == "still":
            told = hostile(HOSTILE[rest[1]]) if rest[0] == "hostile" else rest[0]
            return run_live(StorySource(told))
        return run_live(FailingSource("backfill") if what == "crash" else RunningSource(what))
    except TerminalError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
