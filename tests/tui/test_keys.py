"""Keys and clicks on the main screen, as a person uses them."""

import pytest

from console import events
from console.tui import deeds
from console.tui.screens.advance import AdvanceDialog
from console.tui.screens.details import EndSession, LogDetails, PhaseDetails, SessionDetails
from console.tui.screens.lists import Help, Menu
from console.tui.screens.small import SmallScreen
from console.tui.widgets.buttons import Chip
from console.tui.widgets.pane import Pane
from tests.tui.screens import LARGE, MEDIUM, SMALL, shown
from tests.tui.sources import StorySource
from tests.tui.stories import STORIES
from tests.tui.story import ANA
from tests.tui.terminals import PATIENCE

pytestmark = pytest.mark.slow

PANELS = {"1": "phases", "2": "current", "3": "charts", "4": "locks", "5": "replicas", "6": "log"}
SIZES = [SMALL, MEDIUM, LARGE, (60, 16), (100, 30), (160, 34)]


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_each_panel_is_reached_by_its_key(size: tuple[int, int]) -> None:
    async with shown(StorySource("pile-up"), size) as screen:
        for key, name in PANELS.items():
            await screen.press(key)
            pane = screen.app.screen.query_one(f"#{name}", Pane)
            assert screen.app.focused is pane
            assert pane.region.width > 0
            assert pane.region.height > 0


@pytest.mark.parametrize("size", [SMALL, (60, 16)], ids=str)
async def test_each_panel_is_reached_by_its_tab(size: tuple[int, int]) -> None:
    async with shown(StorySource("backfill"), size) as screen:
        for name, title in (
            ("phases", "Phases"),
            ("replicas", "Replicas"),
            ("log", "Log"),
            ("locks", "Lock"),
        ):
            row = screen.app.screen.query_one("#tabs", Pane)
            await screen.click("#tabs", offset=(row.lines[0].text.index(title), 0))
            assert screen.app.screen.query_one(f"#{name}").display
            assert screen.app.focused is screen.app.screen.query_one(f"#{name}")


@pytest.mark.parametrize("size", [MEDIUM, LARGE], ids=str)
async def test_each_panel_is_reached_by_a_click(size: tuple[int, int]) -> None:
    async with shown(StorySource("backfill"), size) as screen:
        for name in PANELS.values():
            await screen.click(f"#{name}", offset=(3, 2))
            assert screen.app.focused is screen.app.screen.query_one(f"#{name}")


async def test_the_same_key_again_enlarges_and_escape_puts_back() -> None:
    async with shown(StorySource("pile-up")) as screen:
        pane = screen.app.screen.query_one("#locks", Pane)
        before = pane.region.height
        await screen.press("4", "4")
        assert pane.region.height > before
        assert not screen.app.screen.query_one("#log").display
        await screen.press("escape")
        assert pane.region.height == before
        assert screen.app.screen.query_one("#log").display


@pytest.mark.parametrize("size", [*SIZES, (60, 22)], ids=str)
async def test_an_enlarged_panel_is_put_back_by_the_mouse(size: tuple[int, int]) -> None:
    async with shown(StorySource("pile-up"), size) as screen:
        main = screen.app.screen
        back, pane = main.query_one("#do-back"), main.query_one("#locks", Pane)
        await screen.press("4")
        before = pane.region
        assert not back.display
        await screen.press("4")
        assert "4 Lock waits" in screen.lines[pane.region.y]
        assert main.query_one("#do-leave").region.right <= max(size[0], 80)
        await screen.click("#do-back")
        assert pane.region == before
        assert not back.display
        await screen.press("4")
        await screen.press("4")
        await screen.click("#locks", offset=(3, 0))
        assert pane.region == before


@pytest.mark.parametrize("size", [SMALL, MEDIUM, LARGE], ids=str)
async def test_a_click_on_a_title_enlarges_the_panel(size: tuple[int, int]) -> None:
    async with shown(StorySource("pile-up"), size) as screen:
        charts, body = screen.app.screen.query_one("#charts"), screen.app.screen.query_one("#body")
        before = charts.region
        await screen.click("#charts", offset=(3, 2))
        assert charts.region == before
        await screen.click("#charts", offset=(3, 0))
        assert charts.region == body.region
        await screen.click("#charts", offset=(3, 0))
        assert charts.region == before


async def test_what_became_of_a_press_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each press is one from where it is.
    monkeypatch.setattr(deeds, "ANSWERED", 0.0)
    source = StorySource("backfill")
    async with shown(source) as screen:
        # The answer overtakes the events that tell of it.
        await screen.press("minus")
        for state in ("running", "done"):
            source.story.tell(events.ActionChanged, id="asked-1", action="throttle", state=state, owner=ANA)
            source.more()
            await screen.settle()
        assert screen.toasts == ["throttle 75% done"]
        source.answer = "running"
        await screen.press("minus")
        for state in ("running", "done"):
            source.story.tell(events.ActionChanged, id="asked-2", action="throttle", state=state, owner=ANA)
            source.more()
            await screen.settle()
        assert screen.toasts[1:] == ["throttle 75% running", "throttle done"]


async def test_throttle_by_keys_and_clicks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pressed twice in haste it goes two steps, although the first has not come back yet."""
    monkeypatch.setattr(deeds, "ANSWERED", PATIENCE)
    source = StorySource("backfill")
    async with shown(source) as screen:
        await screen.press("minus")
        await screen.click("#do-slower")
        assert [ask[:2] for ask in source.asked] == [("throttle", ("75%",)), ("throttle", ("50%",))]
        assert screen.toasts == ["throttle 75% done", "throttle 50% done"]
        source.story.tell(events.OperatorThrottle, percent=75, rows_per_second=0, by="ana")
        source.more()
        await screen.settle()
        await screen.press("minus", "plus")
        assert [ask[1] for ask in source.asked[2:]] == [("50%",), ("75%",)]


async def test_pause_and_resume_are_one_key() -> None:
    source = StorySource("backfill")
    async with shown(source) as screen:
        await screen.press("space")
        source.story.tell(events.StateChanged, state="paused", reason="paused by ana", waits_for="resume")
        source.more()
        await screen.settle()
        assert "PAUSED" in screen.text
        assert screen.app.screen.query_one("#do-pause", Chip).label == "Resume"
        await screen.click("#do-pause")
        assert [ask[0] for ask in source.asked] == ["pause", "resume"]


async def test_a_press_says_what_the_presser_saw() -> None:
    source = StorySource("parked")
    async with shown(source) as screen:
        await screen.press("r")
        assert source.asked == [("retry", (), "", "backfill", source.story.events[-1].s)]


@pytest.mark.parametrize(
    ("story", "key", "reason"),
    [
        ("backfill", "n", "Backfill is running: the next phase comes after it"),
        ("backfill", "plus", "nothing of yours holds it back: 100 %"),
        ("backfill", "r", "nothing is parked"),
        ("backfill", "s", "no gate waits for evidence"),
        ("backfill", "k", "no statement is running"),
        ("backfill", "h", "nobody waits for a lock"),
        ("waiting", "space", "nothing runs: it waits for you"),
        ("completed", "n", "the session has ended: completed"),
        ("backfill", "T", "trouble can be caused in the demo only"),
    ],
)
async def test_a_greyed_key_says_why(story: str, key: str, reason: str) -> None:
    source = StorySource(story)
    async with shown(source) as screen:
        await screen.press(key)
        assert screen.toasts == [reason] or reason in screen.toasts
        assert source.asked == []
        assert len(screen.app.screen_stack) == 1


async def test_a_greyed_button_says_why() -> None:
    source = StorySource("backfill")
    async with shown(source) as screen:
        chip = screen.app.screen.query_one("#do-advance", Chip)
        assert chip.has_class("-off")
        await screen.click("#do-advance")
        assert screen.toasts == ["Backfill is running: the next phase comes after it"]
        assert screen.app.screen.check_action("press", ("advance",)) is None
        assert screen.app.screen.check_action("press", ("pause",)) is True


async def test_refused_is_told_with_its_reason() -> None:
    source = StorySource("backfill")
    source.answer, source.answer_text = "refused", "an observer may look, and leave notes"
    async with shown(source) as screen:
        await screen.press("space")
        assert screen.toasts == ["pause refused: an observer may look, and leave notes"]


async def test_a_result_that_comes_later_is_told() -> None:
    source = StorySource("backfill")
    source.answer = "armed"
    async with shown(source) as screen:
        await screen.press("space")
        owner = events.Owner(name="ana")
        for state in ("armed", "done"):
            source.story.tell(
                events.ActionChanged, id="asked-1", action="pause", state=state, owner=owner, text="paused"
            )
            source.more()
            await screen.settle()
        assert screen.toasts == ["pause armed", "pause done: paused"]


async def test_a_lost_link_is_said_and_greys_what_needs_a_runner() -> None:
    source = StorySource("backfill")
    async with shown(source) as screen:
        source.lost = "connection reset"
        source.more()
        await screen.settle()
        await screen.redraw()
        assert "NO LINK" in screen.text
        assert "the link is gone: connection reset" in screen.text
        await screen.press("space")
        assert source.asked == []
        assert screen.toasts[-1] == "the link is gone: connection reset"


async def test_lines_are_picked_and_opened() -> None:
    async with shown(StorySource("pile-up")) as screen:
        await screen.press("4", "down", "down", "enter")
        assert isinstance(screen.app.screen, SessionDetails)
        assert "Session 4802" in screen.text
        await screen.press("escape", "1", "down", "down", "enter")
        assert isinstance(screen.app.screen, PhaseDetails)
        await screen.press("escape", "6", "up", "up", "enter")
        assert isinstance(screen.app.screen, LogDetails)


async def test_a_second_click_opens_a_line() -> None:
    async with shown(StorySource("pile-up")) as screen:
        row = next(y for y, line in enumerate(screen.lines) if "4711 clerk" in line)
        top = screen.app.screen.query_one("#locks").region.y
        await screen.click("#locks", offset=(10, row - top))
        assert len(screen.app.screen_stack) == 1
        await screen.click("#locks", offset=(10, row - top))
        assert isinstance(screen.app.screen, SessionDetails)
        assert "Session 4711" in screen.text


async def test_the_holder_is_ended_only_after_a_second_question() -> None:
    source = StorySource("pile-up")
    async with shown(source) as screen:
        await screen.press("h", "right", "right", "enter")
        assert isinstance(screen.app.screen, EndSession)
        assert "End session 4711" in screen.text
        await screen.press("enter")
        assert source.asked == []
        assert isinstance(screen.app.screen, SessionDetails)
        # Back on the button that was pressed.
        await screen.press("enter", "right", "enter")
        action, arguments, *_ = source.asked[0]
        assert action == "terminate-session"
        wait = screen.app.session.lock_waits[0]
        assert (int(arguments[0]), float(arguments[1])) == (4711, wait.session.started)


async def test_our_own_session_is_not_ended_from_the_tree() -> None:
    source = StorySource("pile-up")
    async with shown(source) as screen:
        await screen.press("4", "down", "down", "enter", "right", "enter")
        assert screen.toasts == ["it is ours: k cancels our statement"]
        assert isinstance(screen.app.screen, SessionDetails)


async def test_copy_takes_the_picked_query_else_the_statement() -> None:
    async with shown(StorySource("pile-up")) as screen:
        await screen.press("y")
        assert screen.app.clipboard.startswith("/* column-console */ ALTER TABLE public.orders")
        await screen.press("4", "down", "y")
        assert screen.app.clipboard.startswith("SELECT id, status, note FROM orders")


@pytest.mark.parametrize("story", STORIES)
async def test_every_key_can_be_pressed_in_every_story(story: str) -> None:
    """Nothing that is pressed in passing asks the runner for something dangerous, and nothing crashes."""
    source = StorySource(story)
    async with shown(source, SMALL) as screen:
        looks = [key for opens in ["d", "f", "h", "m", "v", "b", "x"] for key in (opens, "escape")]
        for key in [*"1234566", "escape", *looks, "y"]:
            await screen.press(key)
        assert {ask[0] for ask in source.asked} == set()


async def test_too_small_says_so_and_everything_comes_back() -> None:
    source = StorySource("waiting")
    async with shown(source) as screen:
        await screen.press("n")
        assert isinstance(screen.app.screen, AdvanceDialog)
        await screen.resize(40, 10)
        assert isinstance(screen.app.screen, SmallScreen)
        assert "needs 60 columns by 16" in " ".join(screen.text.split())
        assert "40 by 10" in " ".join(screen.text.split())
        await screen.press("n", "space")
        assert source.asked == []
        await screen.resize(*MEDIUM)
        assert isinstance(screen.app.screen, AdvanceDialog)
        assert "What will run" in screen.text


async def test_layouts_change_with_the_size() -> None:
    async with shown(StorySource("backfill"), SMALL) as screen:
        for size in (LARGE, MEDIUM, SMALL, LARGE, SMALL):
            await screen.resize(*size)
            panels = [pane for pane in screen.app.screen.query(".panel") if pane.display]
            assert len(panels) == (3 if size == SMALL else 6)
            assert all(pane.region.height > 0 for pane in panels)
            # Nothing overlaps.
            for one in panels:
                assert [other for other in panels if one.region.overlaps(other.region)] == [one]


async def test_menu_shows_reasons_and_does_what_is_picked() -> None:
    source = StorySource("parked")
    async with shown(source) as screen:
        await screen.press("m")
        assert isinstance(screen.app.screen, Menu)
        assert "not now: it is parked: retry, or skip" in screen.text
        row = next(y for y, line in enumerate(screen.lines) if "Retry" in line and "try again" in line)
        pane = screen.app.screen.query_one("#text", Pane)
        await screen.click("#text", offset=(4, row - pane.region.y))
        assert [ask[0] for ask in source.asked] == ["retry"]


async def test_a_greyed_line_of_the_menu_says_why() -> None:
    source = StorySource("waiting")
    async with shown(source) as screen:
        await screen.press("m", *["down"] * 3, "enter")
        assert screen.toasts == ["nothing runs: it waits for you"]
        assert isinstance(screen.app.screen, Menu)
        assert source.asked == []


async def test_help_lists_every_key() -> None:
    async with shown(StorySource("backfill"), LARGE) as screen:
        await screen.press("question_mark")
        assert isinstance(screen.app.screen, Help)
        said = "\n".join(row.text for row in screen.app.screen.query_one("#text", Pane).lines)
        for words in ("Slower", "Skip gate", "Roll back", "Lock waits", "OURS", "CONFLICT"):
            assert words in said
        assert "Trouble" not in said


async def test_palette_finds_actions_and_keeps_their_reasons() -> None:
    source = StorySource("backfill")
    async with shown(source) as screen:
        names = {command.title: command.help for command in screen.app.get_system_commands(screen.app.screen)}
        assert names["Retry"] == "not now: nothing is parked"
        assert names["Pause"].startswith("pause at the end")
        await screen.press("ctrl+p")
        await screen.type("pause")
        await screen.pilot.pause(0.5)
        await screen.press("enter")
        assert [ask[0] for ask in source.asked] == ["pause"]


async def test_leaving_and_ctrl_c() -> None:
    source = StorySource("backfill")
    async with shown(source) as screen:
        await screen.press("ctrl+c")
        assert screen.toasts == ["q leaves the view; the runner goes on"]
        await screen.press("q")
        assert screen.app._exit
    assert source.closed
    assert source.asked == []
