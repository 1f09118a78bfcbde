"""A reviewer at a replay of an eventful session: jumping, finding, marking, and asking what was on the screen."""

from pathlib import Path

import pytest

from console import events
from console.recording import Recording
from console.tui import actions
from console.tui.draw import timeline
from console.tui.glyphs import ASCII
from console.tui.player import Player
from console.tui.replay.moments import WORDS
from console.tui.replay.source import ReplaySource
from console.tui.screens.about import About
from console.tui.screens.desk import AtTheScreen
from console.tui.screens.find import Find
from console.tui.screens.moments import SetBookmark
from console.tui.widgets.pane import Pane
from tests.link.harness import eventually
from tests.tui.nights import night
from tests.tui.playing import Clock
from tests.tui.screens import LARGE, MEDIUM, SMALL, Shown, shown
from tests.tui.stories import opening
from tests.tui.tapes import record
from tests.tui.test_goldens import SIZES, check

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return record(night(), tmp_path_factory.mktemp("tape") / "night.jsonl")


def source(tape: Recording, at: float = 0.0) -> ReplaySource:
    player = Player(tape, clock=Clock())
    player.seek(at)
    return ReplaySource(player, "night.jsonl")


def player_of(screen: Shown) -> Player:
    assert isinstance(screen.app.source, ReplaySource)
    return screen.app.source.player


def rows(screen: Shown) -> list[str]:
    return [row.text for row in screen.app.screen.query_one("#timeline", Pane).lines]


@pytest.mark.parametrize("size", SIZES)
async def test_screen(tape: Recording, size: str) -> None:
    async with shown(source(tape, 660.0), SIZES[size]) as screen:
        check(f"night-{size}", screen.text)


@pytest.mark.parametrize(("size", "count"), [((80, 20), 1), (SMALL, 2), (MEDIUM, 3), (LARGE, 4)])
async def test_the_time_line_fits_each_size(tape: Recording, size: tuple[int, int], count: int) -> None:
    async with shown(source(tape, 660.0), size) as screen:
        drawn = rows(screen)
        assert len(drawn) == count == timeline.rows(size[1])
        assert all(row.width <= size[0] for row in screen.app.screen.query_one("#timeline", Pane).lines)
        assert {"T", "W"} <= set(drawn[-1])
        if count == 2:
            # The lag was over its limit: seen without colours too.
            assert "!" in drawn[0]
        if count == 4:
            assert "backfill" in drawn[0]
        assert "q Leave" in screen.lines[-1]


async def test_the_time_line_without_utf8(tape: Recording) -> None:
    async with shown(source(tape, 660.0), glyphs=ASCII) as screen:
        assert screen.text.isascii()


@pytest.mark.parametrize("size", [SMALL, MEDIUM, LARGE], ids=str)
async def test_a_click_on_any_row_goes_there(tape: Recording, size: tuple[int, int]) -> None:
    async with shown(source(tape), size) as screen:
        track = rows(screen)[-1]
        for y in range(timeline.rows(size[1])):
            await screen.press("g")
            await screen.click("#timeline", offset=(track.index("T"), y))
            stopped = next(m for m in player_of(screen).moments if m.kind == "throttle")
            cell = tape.duration / (len(track) - 30)
            assert abs(player_of(screen).position - stopped.t) <= cell


async def test_jumps_go_to_each_kind_and_say_where_there_is_none(tape: Recording) -> None:
    async with shown(source(tape), SMALL) as screen:
        player = player_of(screen)
        seen = []
        for key in ("w", "a", "p", "w", "w", "j", "a", "w"):
            await screen.press(key)
            seen += [moment.kind for moment in player.moments if moment.position == player.index]
        assert seen == ["warning", "action", "phase", "lock", "retry", "note", "action", "throttle"]
        assert screen.toasts == []
        # The log stands where several panels share a place.
        assert "throttle stops the backfill" in screen.text
        await screen.press("w", "w")
        assert screen.toasts == ["there is no warning after this moment"]
        await screen.press("W", "J", "A", "P")
        assert player.index < player.moments[-1].position


async def test_a_sample_forward_and_back(tape: Recording) -> None:
    async with shown(source(tape, 100.0)) as screen:
        await screen.press("greater_than_sign", "greater_than_sign", "less_than_sign")
        assert player_of(screen).position == 101.0
        assert screen.app.session == tape.at(101.0)


async def test_words_are_found_as_they_are_typed(tape: Recording) -> None:
    async with shown(source(tape)) as screen:
        await screen.press("slash")
        assert isinstance(screen.app.screen, Find)
        assert f"of {len(player_of(screen).entries())} places" in screen.text
        await screen.type("note release")
        assert "the release goes out [b]now[/b]" in screen.text
        assert "of 2 places" in screen.text
        await screen.type(" zebra")
        assert "nothing that happened has these words" in screen.text
        await screen.press("enter")
        assert isinstance(screen.app.screen, Find)
        await screen.press(*["backspace"] * 6, "up", "up", "enter")
        assert len(screen.app.screen_stack) == 1
        assert screen.app.session.log[-1].text.startswith("note by ben: the release")


async def test_what_was_found_is_picked_by_arrows_and_by_the_mouse(tape: Recording) -> None:
    async with shown(source(tape)) as screen:
        await screen.press("slash")
        await screen.type("phase begins")
        await screen.press("down", "enter")
        assert screen.app.session.log[-1].text == "add-column: begins"
        await screen.press("slash")
        await screen.type("phase begins")
        await screen.click("#text", offset=(20, 2))
        assert screen.app.session.log[-1].text == "backfill: begins"


async def test_a_bookmark_is_set_shown_found_and_taken_away(tape: Recording) -> None:
    async with shown(source(tape, 400.0)) as screen:
        await screen.press("B")
        assert isinstance(screen.app.screen, SetBookmark)
        await screen.type("why so long?")
        await screen.press("enter")
        assert "bookmark set" in screen.toasts
        await screen.press("g")
        assert "B" in rows(screen)[-1]
        await screen.press("j", "j")
        assert player_of(screen).position == 400.0
        await screen.press("g", "slash")
        await screen.type("bookmark why")
        await screen.press("enter")
        assert player_of(screen).position == 400.0
        await screen.press("B", "g")
        assert "B" not in rows(screen)[-1]


async def test_what_was_on_the_operators_screen(tape: Recording) -> None:
    opened = next(event.t for _, event in tape.of(events.ScreenChanged))
    async with shown(source(tape, opened + 2.0)) as screen:
        await screen.press("O")
        assert isinstance(screen.app.screen, AtTheScreen)
        assert "ana has control" in screen.text
        assert "Add column: open for 2s" in screen.text
        assert "pressed last: Advance" in screen.text
        check("dialog-at-the-screen", screen.text)


async def test_what_each_statement_blocked(tape: Recording) -> None:
    async with shown(source(tape, 20.0), LARGE) as screen:
        await screen.press("O")
        assert "LOCK TIMEOUT after 1.0 s" in screen.text
        assert "blocked 1 session, for up to 700 ms:" in screen.text
        assert "pid 801 (app, shop, active) for 700 ms" in screen.text
        assert "held up by pid 700 (app, report, active)" in screen.text
        assert "blocked nobody" in screen.text


async def test_a_reading_that_was_old_says_since_when(tmp_path: Path) -> None:
    story = opening()
    story.wait(20.0)
    story.tell(events.ReadingFailed, reading="locks", why="permission denied")
    story.tell(events.Sample, locks_at=story.t - 9.0, activity_at=story.t)
    async with shown(source(record(story, tmp_path / "old.jsonl"), story.t), LARGE) as screen:
        await screen.press("O")
        lines = [row.text for row in screen.app.screen.query_one("#text", Pane).lines]
        assert "  locks       read  9s ago  OLD since 02:00:21" in lines
        assert "    CAN'T READ since 02:00:27: permission denied" in lines
        assert "  activity    read  0s ago  fresh" in lines
        assert "  replication not read" in lines


def damage(tape: Recording, path: Path) -> Recording:
    """The same, with a line that can't be read, and a torn last one."""
    lines = Path(tape.path).read_bytes().splitlines(keepends=True)
    lines[40] = b"\xff" * 30 + b"\n"
    path.write_bytes(b"".join(lines)[:-30])
    return Recording.open(path)


def tear(tape: Recording, path: Path) -> Recording:
    """The same, as a killed machine leaves it."""
    path.write_bytes(Path(tape.path).read_bytes()[:-30])
    return Recording.open(path)


async def test_a_damaged_recording_says_what_is_missing(tape: Recording, tmp_path: Path) -> None:
    damaged = damage(tape, tmp_path / "r.jsonl")
    async with shown(source(damaged, 100.0)) as screen:
        await eventually(lambda: player_of(screen).chain)
        await screen.redraw()
        assert "NOT AS WRITTEN" in screen.lines[0]
        await screen.press("i")
        assert isinstance(screen.app.screen, About)
        for problem in damaged.problems:
            assert str(problem)[:40] in screen.text
        text = " ".join(screen.text.split())
        assert "the chain of hashes is broken" in text
    async with shown(source(tape, 100.0)) as screen:
        await eventually(lambda: player_of(screen).chain)
        await screen.redraw()
        assert "INCOMPLETE" not in screen.text
        assert "NOT AS WRITTEN" not in screen.text
        await screen.press("i")
        assert "all of it can be read" in screen.text
        assert "the chain of hashes is whole over" in screen.text


async def test_a_torn_recording_is_incomplete_and_as_it_was_written(tape: Recording, tmp_path: Path) -> None:
    torn = tear(tape, tmp_path / "r.jsonl")
    async with shown(source(torn, 100.0)) as screen:
        await eventually(lambda: player_of(screen).chain)
        await screen.redraw()
        assert "INCOMPLETE" in screen.lines[0]
        await screen.press("i")
        assert "the last line is cut off" in screen.text


async def test_quiet_is_said_to_be_left_out(tape: Recording) -> None:
    async with shown(source(tape)) as screen:
        await screen.press("z")
        assert player_of(screen).skips
        assert "skips quiet" in rows(screen)[-1]
        await screen.press("z")
        assert not player_of(screen).skips


async def test_the_menu_of_a_replay_greys_every_action_of_the_runner_with_its_reason(tape: Recording) -> None:
    async with shown(source(tape), (120, 60)) as screen:
        await screen.press("m")
        lines = screen.app.screen.query_one("#text", Pane).lines
        greyed = {row.key for row in lines if "not now: replay: a recording is only looked at" in row.text}
        wanted = {a.name for a in actions.of_mode("replay") if a.needs_runner}
        assert greyed == wanted
        shown_keys = {row.key for row in lines}
        assert {a.name for a in actions.ACTIONS if a.group == "replay"} <= shown_keys


async def test_the_help_of_a_replay_explains_the_letters(tape: Recording) -> None:
    async with shown(source(tape), (120, 90)) as screen:
        await screen.press("question_mark")
        text = " ".join(screen.text.split())
        for letter, word in WORDS.values():
            assert f"{letter} {word}" in text
