"""A source for the tests: a story's events, a clock that stands still until it is moved, and answers that are given."""

import asyncio
from collections.abc import AsyncIterator

from console.events import ActionChanged, Ended, Event
from console.tui.source import Mode
from tests.tui.stories import STORIES
from tests.tui.story import ANA, Story


class StorySource:
    """A runner that has told its story so far, and tells more when the test says so."""

    mode: Mode = "live"
    me = ""

    def __init__(self, story: Story | str, *, later: float = 0.4) -> None:
        """`later`: seconds that have gone by since the story's last event."""
        self.story = STORIES[story]() if isinstance(story, str) else story
        self.title = "20261129-020005-placed_on"
        self.clock = self.story.t + later
        self.asked: list[tuple[str, tuple[str, ...], str, str, int]] = []
        self.answer = "done"
        self.answer_text = ""
        self.lost: str | None = None
        """The link is lost with this reason, once `more` is called."""
        self.closed = False
        self._told = 0
        self._more = asyncio.Event()

    def more(self) -> None:
        """Let the screen hear what the story has told meanwhile."""
        self._more.set()

    async def events(self) -> AsyncIterator[Event]:
        """The story, then whatever is added to it."""
        while not self.closed:
            while self._told < len(self.story.events):
                self._told += 1
                yield self.story.events[self._told - 1]
            if self.lost is not None:
                raise ConnectionError(self.lost)
            if self.story.events and isinstance(self.story.events[-1], Ended):
                return
            await self._more.wait()
            self._more.clear()

    async def ask(
        self,
        action: str,
        arguments: tuple[str, ...] = (),
        reason: str = "",
        phase: str = "",
        seq: int = 0,
    ) -> ActionChanged:
        """Remembered, and answered as the test wants it."""
        if self.lost is not None:
            raise ConnectionError(self.lost)
        self.asked.append((action, arguments, reason, phase, seq))
        return ActionChanged(
            id=f"asked-{len(self.asked)}",
            action=action,
            state=self.answer,  # type: ignore[arg-type]  # one of the states
            owner=ANA,
            arguments=arguments,
            reason=reason,
            text=self.answer_text,
        )

    def now(self) -> float:
        """Where the clock stands."""
        return self.clock

    async def close(self) -> None:
        """It ends."""
        self.closed = True
        self._more.set()
