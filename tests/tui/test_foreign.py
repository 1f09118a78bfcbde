"""Text from outside is text: in every panel, every dialog, every message, it is neither markup nor a command to the
terminal, and no length of it breaks anything."""

import pytest
from rich.cells import cell_len

from console import events
from console.tui.glyphs import ASCII
from console.tui.widgets.pane import Pane
from tests.tui.hostile import HOSTILE, hostile
from tests.tui.screens import LARGE, MEDIUM, SMALL, Shown, said, shown
from tests.tui.sources import StorySource
from tests.tui.stories import backfill, up_to
from tests.tui.story import Story
from tests.tui.test_dialogs import Demo

pytestmark = pytest.mark.slow


def check(screen: Shown, size: tuple[int, int]) -> None:
    """The screen is whole, and every cell of it harmless."""
    lines = screen.lines
    assert len(lines) == size[1]
    for row in lines:
        assert cell_len(row) <= size[0]
        assert row.isprintable(), repr(row)


async def test_all_of_it_at_once() -> None:
    source = StorySource(hostile(" ".join(text[:400] for text in HOSTILE.values())))
    async with shown(source, SMALL) as screen:
        for key in "123456":
            await screen.press(key)
            check(screen, SMALL)


@pytest.mark.parametrize("size", [SMALL, MEDIUM, LARGE], ids=str)
@pytest.mark.parametrize("kind", HOSTILE)
async def test_every_panel(kind: str, size: tuple[int, int]) -> None:
    source = StorySource(hostile(HOSTILE[kind]))
    async with shown(source, size) as screen:
        check(screen, size)
        for key in "1234566":
            await screen.press(key)
            check(screen, size)


@pytest.mark.parametrize("kind", HOSTILE)
async def test_every_dialog(kind: str) -> None:
    source = StorySource(hostile(HOSTILE[kind]))
    async with shown(source, MEDIUM, trouble=Demo()) as screen:
        for key in ("m", "question_mark", "f", "d", "h", "b", "x", "S", "v", "o", "T"):
            await screen.press(key)
            assert len(screen.app.screen_stack) == 2, key
            check(screen, MEDIUM)
            await screen.press("end", "escape")
            assert len(screen.app.screen_stack) == 1, key
        await screen.press("6", "up", "up", "enter")
        check(screen, MEDIUM)
        await screen.press("escape")
        # Everything that can be clicked is clicked: nothing in a text does anything.
        for y in range(3, MEDIUM[1] - 1, 2):
            await screen.pilot.click(offset=(30, y))
        await screen.settle()
        assert source.asked == []
        assert screen.app.is_running


async def test_markup_stands_there_as_it_is() -> None:
    text = "[@click=app.leave]press me[/] [/b]"
    async with shown(StorySource(hostile(text)), LARGE) as screen:
        assert text in screen.text
        await screen.press("f")
        assert text in said(screen)
        await screen.press("escape")
        row = next(y for y, line in enumerate(screen.lines) if "press me" in line)
        await screen.pilot.click(offset=(screen.lines[row].index("press me") + 2, row))
        await screen.settle()
        assert screen.app.is_running
        assert not screen.app._exit


async def test_messages_and_reasons_are_text_too() -> None:
    text = HOSTILE["action"] + HOSTILE["escapes"]
    source = StorySource("backfill")
    source.answer, source.answer_text = "refused", text
    async with shown(source) as screen:
        await screen.press("space")
        check(screen, MEDIUM)
        assert "[@click=app.leave]press me[/]" in screen.toasts[0]
        assert "\x1b" not in screen.toasts[0]
        source.lost = text
        source.more()
        await screen.settle()
        await screen.redraw()
        check(screen, MEDIUM)
        assert "\x1b" not in screen.toasts[-1]


async def test_a_statement_is_shown_whole_however_long() -> None:
    sql = "SELECT " + ", ".join(f"column_{number}" for number in range(3000))
    story = up_to("backfill")
    story.tell(events.PhaseBegan, phase="backfill")
    story.tell(events.StateChanged, state="running")
    blocker = events.ServerSession(pid=7, query=sql, user="shop")
    story.tell(events.LockWaitsChanged, began=(events.LockWait(session=blocker, blocked_by=(), on="t"),))
    async with shown(StorySource(story)) as screen:
        await screen.press("h")
        assert "column_2999" in said(screen)


async def test_ascii_stays_ascii_where_our_own_text_is() -> None:
    async with shown(StorySource("throttled"), MEDIUM, glyphs=ASCII) as screen:
        for key in ("m", "question_mark", "f", "d", "b", "x", "v", "o"):
            await screen.press(key)
            assert screen.text.isascii(), key
            await screen.press("escape")


@pytest.mark.parametrize("fields", [[], ["batches"], ["header"], ["plan"], ["sample"]])
async def test_half_a_session_is_drawn_too(fields: list[str]) -> None:
    """A recording may begin in the middle, and a link may tell only part."""
    left_out: dict[str, type[events.Event]] = {
        "header": events.Header,
        "plan": events.Planned,
        "sample": events.Sample,
    }
    story = up_to("backfill")
    backfill(story, 0.1)
    kinds: tuple[type[events.Event], ...] = tuple(left_out.get(name, events.Batches) for name in fields)
    story.events = [event for event in story.events if not isinstance(event, kinds)]
    for size in (SMALL, MEDIUM, LARGE):
        async with shown(StorySource(story), size) as screen:
            check(screen, size)
            for key in ("d", "h", "m", "b"):
                await screen.press(key, "escape")
    empty = StorySource(Story())
    async with shown(empty, SMALL) as screen:
        check(screen, SMALL)
        assert isinstance(screen.app.screen.query_one("#log"), Pane)
