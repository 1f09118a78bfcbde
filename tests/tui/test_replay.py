"""The same screen on a recording."""

from pathlib import Path

import pytest

from console.recording import Recording
from console.tui.app import ConsoleApp
from console.tui.clock import NoMoment
from console.tui.player import Player
from console.tui.replay.source import ReplaySource
from console.tui.run import begin
from console.tui.screens.moments import GoTo
from console.tui.widgets.buttons import Chip
from console.tui.widgets.pane import Pane
from tests.tui.playing import Clock
from tests.tui.screens import MEDIUM, SMALL, Shown, shown
from tests.tui.sources import StorySource
from tests.tui.tapes import record
from tests.tui.test_goldens import SIZES, check

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return record("completed", tmp_path_factory.mktemp("tape") / "completed.jsonl")


def player_of(screen: Shown) -> Player:
    assert isinstance(screen.app.source, ReplaySource)
    return screen.app.source.player


def source(tape: Recording, at: float = 60.0) -> tuple[ReplaySource, Clock]:
    clock = Clock()
    player = Player(tape, clock=clock)
    player.seek(at)
    return ReplaySource(player, "completed.jsonl"), clock


@pytest.mark.parametrize("size", SIZES)
async def test_screen(tape: Recording, size: str) -> None:
    replay, _ = source(tape)
    async with shown(replay, SIZES[size]) as screen:
        assert "REPLAY" in screen.lines[0]
        assert "completed.jsonl" in screen.lines[1]
        assert "ana has control" in screen.lines[1]
        check(f"replay-{size}", screen.text)


async def test_the_panels_are_those_of_the_live_screen(tape: Recording) -> None:
    """One screen: at the same moment, live and replay show the same in every panel."""
    replay, _ = source(tape, tape.duration)
    panels = ("phases", "current", "charts", "locks", "replicas", "log")
    async with shown(StorySource("completed", later=0.0)) as screen:
        live = {name: screen.app.screen.query_one(f"#{name}", Pane) for name in panels}
        told = {name: (pane._view, pane._draw) for name, pane in live.items()}
        lines = {name: pane.lines for name, pane in live.items()}
    async with shown(replay) as screen:
        for name in panels:
            pane = screen.app.screen.query_one(f"#{name}", Pane)
            if name in ("phases", "replicas", "current"):
                assert pane.lines == lines[name]
            view, draw = told[name]
            assert view is not None
            assert pane._view is not None
            assert view.session == pane._view.session
            assert draw is pane._draw


async def test_what_needs_a_runner_is_greyed(tape: Recording) -> None:
    replay, _ = source(tape)
    async with shown(replay) as screen:
        for key in ("n", "minus", "plus", "r", "b", "x", "s", "k", "o", "v"):
            await screen.press(key)
        assert len(screen.app.screen_stack) == 1
        assert set(screen.toasts) == {"replay: a recording is only looked at"}


async def test_play_pause_and_speed(tape: Recording) -> None:
    replay, clock = source(tape)
    async with shown(replay) as screen:
        player = player_of(screen)
        assert "PAUSED" in screen.text
        await screen.press("space")
        assert player.running
        assert screen.app.screen.query_one("#do-play", Chip).label == "Pause"
        clock.now += 4.0
        replay.moved(jumped=False)
        await screen.settle()
        await screen.redraw()
        assert screen.app.session.t > 63.0
        assert "PLAYING  1x" in screen.text
        await screen.press("right_curly_bracket", "right_curly_bracket", "left_curly_bracket", "space")
        assert player.speed == 2.0
        assert not player.running


async def test_events_forward_and_back(tape: Recording) -> None:
    replay, _ = source(tape)
    async with shown(replay) as screen:
        player = player_of(screen)
        at = player.index
        await screen.press("full_stop")
        assert (player.index, screen.app.session.s) == (at + 1, at + 1)
        await screen.press("comma", "comma")
        assert (player.index, screen.app.session.s) == (at - 1, at - 1)
        lines = len(screen.app.session.log)
        await screen.press("right_square_bracket")
        assert len(screen.app.session.log) == lines + 1
        await screen.press("left_square_bracket")
        assert len(screen.app.session.log) == lines
        await screen.press("G")
        assert screen.app.session == tape.final
        assert "COMPLETED" in screen.text
        await screen.press("g")
        assert screen.app.session == tape.at(0.0)


@pytest.mark.parametrize(
    ("typed", "t"),
    [("02:01:05", 60.0), ("1m", 60.0), ("1m30s", 90.0), ("+10s", 70.0), ("-10s", 50.0), ("02:00", 0.0)],
)
async def test_go_to_a_time(tape: Recording, typed: str, t: float) -> None:
    replay, _ = source(tape)
    async with shown(replay) as screen:
        await screen.press("t")
        assert isinstance(screen.app.screen, GoTo)
        await screen.type(typed)
        await screen.press("enter")
        assert player_of(screen).position == t
        assert screen.app.session == tape.at(t)
        assert len(screen.app.screen_stack) == 1


async def test_go_to_an_event_and_nowhere(tape: Recording) -> None:
    replay, _ = source(tape)
    async with shown(replay) as screen:
        await screen.press("t")
        await screen.type("42")
        await screen.click("#go")
        assert screen.app.session.s == 42
        await screen.press("t")
        await screen.type("soon")
        assert "soon is no time, no phase and no event" in screen.text
        await screen.press("enter")
        assert isinstance(screen.app.screen, GoTo)
        await screen.press("escape")
        assert screen.app.session.s == 42


@pytest.mark.parametrize(
    ("typed", "phase"), [("backfill", "backfill"), ("Add column", "add-column"), ("veri", "verify")]
)
async def test_go_to_a_phase_by_its_name(tape: Recording, typed: str, phase: str) -> None:
    replay, _ = source(tape)
    async with shown(replay) as screen:
        await screen.press("t")
        assert "a phase, where it began: preflight, add-column" in screen.text
        await screen.type(typed)
        await screen.press("enter")
        assert len(screen.app.screen_stack) == 1
        view = screen.app.session.view(phase)
        assert view is not None
        assert (view.state, view.began) == ("running", player_of(screen).position)


async def test_a_phase_that_was_never_begun_says_so(tmp_path: Path) -> None:
    replay, _ = source(record("parked", tmp_path / "parked.jsonl"))
    async with shown(replay) as screen:
        await screen.press("t")
        await screen.type("finish")
        assert "finish was never begun" in screen.text


@pytest.mark.parametrize("size", [SMALL, MEDIUM], ids=str)
async def test_what_is_told_leaves_the_time_line_free(tape: Recording, size: tuple[int, int]) -> None:
    replay, _ = source(tape)
    async with shown(replay, size) as screen:
        await screen.press("J", "J", "J", "J")
        assert len(screen.app.screen.query("Toast")) == 1, "each takes the place of the one before"
        line = screen.app.screen.query_one("#timeline", Pane)
        for toast in screen.app.screen.query("Toast"):
            assert not toast.region.overlaps(line.region)
            assert toast.region.bottom <= line.region.y


async def test_a_line_of_the_log_goes_to_its_moment(tape: Recording) -> None:
    replay, _ = source(tape, tape.duration)
    async with shown(replay) as screen:
        await screen.press("6", "up", "up", "up", "up", "enter")
        moment = screen.app.session.log[-1].t
        assert player_of(screen).position == moment < tape.duration


@pytest.mark.parametrize("size", [SMALL, MEDIUM], ids=str)
async def test_a_click_on_the_time_line_goes_there(tape: Recording, size: tuple[int, int]) -> None:
    replay, _ = source(tape)
    async with shown(replay, size) as screen:
        row = screen.app.screen.query_one("#timeline", Pane)
        head = row.lines[-1].text.index("●")
        await screen.click("#timeline", offset=(head + 10, 0))
        assert player_of(screen).position > 61.0
        assert row.lines[-1].text.index("●") == head + 10


async def test_buttons_of_the_replay(tape: Recording) -> None:
    replay, _ = source(tape)
    async with shown(replay) as screen:
        player = player_of(screen)
        lines = len(screen.app.session.log)
        await screen.click("#do-next")
        assert len(screen.app.session.log) == lines + 1
        await screen.click("#do-speed-up")
        assert player.speed == 2.0
        await screen.click("#do-play")
        assert player.running


@pytest.mark.parametrize(
    ("at", "t"),
    [
        ("02:01:05", 60.0),
        ("02:01:05.5", 60.5),
        ("{date}T02:01:05+00:00", 60.0),
        ("12", None),
        ("1m", 60.0),
        ("1:00", 60.0),
        ("0m30", 30.0),
        ("backfill", None),
        ("Dual Writes", None),
        ("90s", 90.0),
    ],
)
def test_where_a_replay_begins(tape: Recording, at: str, t: float | None) -> None:
    player = Player(tape)
    assert tape.header is not None
    begin(player, at.format(date=tape.header.started[:10]))
    if t is not None:
        assert player.position == t
    elif at == "12":
        assert player.index == 12
    else:
        assert player.session().phase == at.lower().replace(" ", "-")


@pytest.mark.parametrize(
    ("at", "why"),
    [
        ("soon", "is no time, no phase and no event"),
        ("99999", "there is no event 99999: the recording has"),
        ("0", "there is no event 0"),
        ("25:61", "lies outside the recording"),
        ("1h", "1h lies outside the recording: 02:00:05 to 02:"),
        ("18:00:00", "lies outside the recording"),
        ("2027-01-01 02:00", "lies outside the recording"),
        ("-1m", "counts from a play head"),
    ],
)
def test_where_a_replay_can_t_begin(tape: Recording, at: str, why: str) -> None:
    with pytest.raises(NoMoment, match=why):
        begin(Player(tape), at)


async def test_a_torn_recording_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "torn.jsonl"
    record("backfill", path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    torn = Recording.open(path)
    assert torn.problems
    replay, _ = source(torn, torn.duration)
    async with shown(replay) as screen:
        assert isinstance(screen.app, ConsoleApp)
        assert "Backfill" in screen.text
