"""What someone who meets the screen for the first time runs into: tails, toasts, lost links, leaving the demo."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.widgets import Input

from console import events
from console.tui.back import advice
from console.tui.draw import phases
from console.tui.run import farewell
from console.tui.screens.asks import LeaveDemo, RollBack, Throttle
from console.tui.screens.lists import Help, TroubleMenu
from console.tui.view import View
from console.tui.widgets.buttons import Chip
from console.tui.widgets.pane import Pane
from console.tui.widgets.tail import Tail
from tests.tui.screens import MEDIUM, SMALL, Shown, shown
from tests.tui.sources import StorySource
from tests.tui.stories import completed, opening, session
from tests.tui.story import Story

pytestmark = pytest.mark.slow


class World:
    """A demo with two troubles."""

    async def status(self) -> Mapping[str, Any]:
        """None of them is going on."""
        names = ("hold-lock", "slow-replica")
        return {
            "ok": True,
            "troubles": [{"name": name, "title": name, "help": "", "active": False} for name in names],
        }

    async def do(self, name: str, **args: Any) -> Mapping[str, Any]:
        """It can."""
        return {"ok": True, "text": f"did {name}"}


async def note(screen: Shown, source: StorySource, text: str) -> None:
    """A line of the log."""
    source.story.tell(events.Log, level="info", text=text)
    source.more()
    await screen.settle()
    await screen.redraw()


@pytest.mark.parametrize("size", [SMALL, MEDIUM], ids=str)
async def test_the_log_follows_unless_someone_scrolled_up(size: tuple[int, int]) -> None:
    source = StorySource("backfill")
    async with shown(source, size) as screen:
        await note(screen, source, "before it is shown")
        await screen.press("6")
        log = screen.app.screen.query_one("#log", Tail)
        assert "before it is shown" in screen.text
        log.scroll_to(y=0, animate=False)
        await screen.settle()
        await note(screen, source, "while someone reads")
        assert "while someone reads" not in screen.text
        newer = f"{len(log.lines) - log.room.height} newer: End"
        assert log.border_subtitle == newer
        assert newer in screen.text
        await screen.press("end")
        await screen.redraw()
        assert "while someone reads" in screen.text
        assert "newer: End" not in screen.text
        await note(screen, source, "and again")
        assert "and again" in screen.text


async def test_an_enlarged_panel_fills_the_height() -> None:
    async with shown(StorySource("backfill")) as screen:
        await screen.press("6", "6")
        log, body = screen.app.screen.query_one("#log", Tail), screen.app.screen.query_one("#body")
        assert log.region == body.region
        assert log.following


async def test_a_message_covers_no_button_of_a_dialog() -> None:
    source = StorySource("backfill")
    async with shown(source, SMALL) as screen:
        screen.app.tell("told before the question")
        await screen.press("x")
        assert screen.toasts == []
        for number in range(3):
            screen.app.tell(
                f"told meanwhile, {number}, at some length, so that it needs a second line or two"
            )
        await screen.settle()
        await screen.pilot.pause(0.1)
        assert "told meanwhile, 2" in screen.text
        buttons = screen.app.screen.query_one("#buttons").region
        assert any("Stop here" in line for line in screen.lines[buttons.y : buttons.bottom])
        await screen.click("#confirm")
        assert [ask[0] for ask in source.asked] == ["abort"]


async def test_a_lost_link_freezes_the_picture_and_says_the_whole_way_back() -> None:
    source = StorySource("backfill")
    async with shown(source, SMALL) as screen:
        source.lost = "The runner hung up without a word"
        source.more()
        await screen.settle()
        await screen.redraw()
        before = screen.lines
        source.clock += 60
        await screen.redraw()
        assert screen.lines == before
        said = " ".join(screen.text.split())
        assert "NO LINK" in said
        assert "column-console attach 20261129-020005-placed_on" in said
        assert "column-console run placed_on.toml" in said


def test_the_way_back_goes_by_whether_the_runner_lives(tmp_path: Path) -> None:
    header = session("backfill").header
    assert header is not None
    here = replace(header, host=socket.gethostname(), pid=os.getpid(), change_file="my change.toml")
    assert advice(here, "s1") == "The runner lives. To come back: column-console attach s1"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, gone.pid, os.WEXITED | os.WNOWAIT)
    # Dead, and not buried yet.
    dead = replace(here, pid=gone.pid)
    assert advice(dead, "s1").endswith("column-console run 'my change.toml'")
    assert "attach" not in advice(dead, "s1")
    gone.wait()
    assert advice(dead, "s1").endswith("column-console run 'my change.toml'")
    text, status = farewell(replace(session("backfill"), header=dead), "s1", "the link is gone: reset.")
    assert status == 1
    assert text.startswith("the link is gone: reset. The runner is gone")


async def test_a_demo_that_ends_with_its_screen_asks_once() -> None:
    source = StorySource("backfill")
    async with shown(source, trouble=World()) as screen:
        screen.app.ends_demo = True
        await screen.press("ctrl+c")
        assert screen.toasts == ["q leaves and takes the demo down"]
        await screen.press("question_mark")
        assert isinstance(screen.app.screen, Help)
        said = "\n".join(row.text for row in screen.app.screen.query_one("#text", Pane).lines)
        assert "take the demo down" in said
        assert "the runner goes on" not in said
        await screen.press("escape", "q")
        assert isinstance(screen.app.screen, LeaveDemo)
        await screen.press("enter")
        assert not screen.app._exit
        await screen.resize(40, 10)
        assert "that takes the demo down" in " ".join(screen.text.split())
        await screen.resize(*MEDIUM)
        await screen.press("q", "tab", "enter")
        assert screen.app._exit


async def test_a_demo_that_is_through_is_left_at_once() -> None:
    async with shown(StorySource("completed"), trouble=World()) as screen:
        screen.app.ends_demo = True
        await screen.press("q")
        assert screen.app._exit


async def test_a_trouble_is_picked_at_once() -> None:
    async with shown(StorySource("backfill"), trouble=World()) as screen:
        await screen.press("T")
        assert isinstance(screen.app.screen, TroubleMenu)
        assert screen.app.screen.query_one("#text", Pane).picked == "hold-lock"
        await screen.press("down", "enter")
        assert "did slow-replica" in screen.text


async def test_enter_on_nothing_cancels_and_never_rolls_back() -> None:
    source = StorySource("backfill")
    async with shown(source) as screen:
        await screen.press("b")
        assert isinstance(screen.app.screen, RollBack)
        assert isinstance(screen.app.focused, Input)
        await screen.press("enter")
        assert len(screen.app.screen_stack) == 1
        await screen.press("b")
        await screen.type("public.orders")
        await screen.press("enter")
        assert source.asked == []


@pytest.mark.parametrize(("key", "typed", "asked"), [("v", "50%", "throttle"), ("o", "seen", "note")])
async def test_enter_acts_where_it_can_be_taken_back(key: str, typed: str, asked: str) -> None:
    source = StorySource("backfill")
    async with shown(source) as screen:
        await screen.press(key)
        await screen.type(typed)
        await screen.press("enter")
        assert [ask[0] for ask in source.asked] == [asked]
        assert len(screen.app.screen_stack) == 1


async def test_enter_on_what_is_no_throttle_stays() -> None:
    source = StorySource("backfill")
    async with shown(source) as screen:
        await screen.press("v")
        await screen.type("fast")
        await screen.press("enter")
        assert isinstance(screen.app.screen, Throttle)
        assert source.asked == []


async def test_the_end_greys_the_buttons_of_the_work() -> None:
    story = completed()
    ended = story.events.pop()
    source = StorySource(story)
    async with shown(source) as screen:
        source.story.events.append(ended)
        source.more()
        await screen.settle()
        for name in ("slower", "faster", "pause", "advance"):
            chip = screen.app.screen.query_one(f"#do-{name}", Chip)
            assert chip.has_class("-off")
            assert chip.reason == "the session has ended: completed"


def test_names_of_phases_are_whole_in_a_narrow_list() -> None:
    story: Story = opening()
    now = session("backfill")
    for width in (31, 33, 40):
        text = "\n".join(row.text for row in phases.draw(View(now, story.t), width, 20))
        assert "Add column" in text
        assert "Dual writes" in text
        assert "…" not in text
