"""What a screen shows, as text: for tests that read it as a person does."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual import events
from textual._compositor import LayoutUpdate
from textual.keys import _character_to_key, _get_unicode_name_from_key
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.strip import Strip

from console.tui.app import ConsoleApp
from console.tui.glyphs import UNICODE, Glyphs
from console.tui.source import Source, Trouble
from console.tui.widgets.pane import Pane

SMALL, MEDIUM, LARGE = (80, 24), (120, 40), (200, 60)


class Shown:
    """An app that runs, without a terminal."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def lines(self) -> list[str]:
        """The screen's lines, without what is blank at their ends."""
        app = self.app
        update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
        assert isinstance(update, LayoutUpdate)
        return [Strip.join(strips).text.rstrip() for strips in update.strips]

    @property
    def text(self) -> str:
        """The whole screen."""
        return "\n".join(self.lines)

    async def settle(self) -> None:
        """Until what was posted has been handled and drawn.

        By the queues of messages, not by seconds and not by how idle the processor is: others may be using it.
        """
        for _ in range(3):
            await self._until_quiet()
            # What waits for the next repaint is handled by one, and may post more.
            await self.pilot.pause(0)

    async def _until_quiet(self) -> None:
        quiet = 0
        for rounds in range(600):
            # At first as fast as it goes; what takes longer waits for a timer.
            await asyncio.sleep(0 if rounds < 200 else 0.005)
            quiet = quiet + 1 if self._is_quiet() else 0
            if quiet > 4:
                return

    def _is_quiet(self) -> bool:
        screens = self.app.screen_stack
        pumps: list[MessagePump] = [self.app]
        for screen in screens:
            pumps += screen.walk_children(with_self=True)
        waiting = sum(pump._message_queue.qsize() + len(pump._next_callbacks) for pump in pumps)
        return waiting == 0 and not any(screen._callbacks for screen in screens)

    async def press(self, *keys: str) -> None:
        """Press keys, one after another, and see each drawn."""
        for key in keys:
            name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
            try:
                character: str | None = unicodedata.lookup(_get_unicode_name_from_key(name))
            except KeyError:
                character = key if len(key) == 1 else None
            event = events.Key(name, character)
            event.set_sender(self.app)
            assert self.app._driver is not None
            self.app._driver.send_message(event)
            await self.settle()

    async def click(self, selector: str, offset: tuple[int, int] = (1, 0)) -> None:
        """Click on a widget."""
        await self.pilot.click(selector, offset=offset)
        await self.settle()

    async def type(self, text: str) -> None:
        """Type text into what has the focus."""
        await self.press(*("space" if character == " " else character for character in text))

    async def resize(self, width: int, height: int) -> None:
        """Another size of the terminal."""
        await self.pilot.resize_terminal(width, height)
        for _ in range(200):
            await self.pilot.pause(0.01)
            if self.app.screen.size == (width, height):
                break
        await self.settle()

    async def redraw(self) -> None:
        """What the tick does."""
        self.app.redraw()
        await self.settle()

    @property
    def toasts(self) -> list[str]:
        """What was told in the corner."""
        return [notification.message for notification in self.app._notifications]


@asynccontextmanager
async def shown(
    source: Source,
    size: tuple[int, int] = MEDIUM,
    *,
    trouble: Trouble | None = None,
    glyphs: Glyphs = UNICODE,
    few_colours: bool = False,
) -> AsyncIterator[Shown]:
    """The app on a source, at a size."""
    app = ConsoleApp(source, trouble=trouble, glyphs=glyphs, few_colours=few_colours)
    async with app.run_test(size=size, notifications=True) as pilot:
        screen = Shown(app, pilot)
        await screen.settle()
        await screen.redraw()
        yield screen


def said(screen: Shown) -> str:
    """Everything that stands in the dialog that is open, scrolled to or not."""
    return "\n".join(row.text for row in screen.app.screen.query_one("#text", Pane).lines)
