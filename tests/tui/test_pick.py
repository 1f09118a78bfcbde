"""The picker of past sessions: what it lists, how it is thinned out, and what it opens."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from textual.widgets import Input

from console.directories import SessionFile, new_session
from console.tui.past import Past, matching, past_sessions
from console.tui.pick import PickApp
from console.tui.widgets.pane import Pane
from tests.cli.terminal import OnTerminal
from tests.tui.stories import STORIES
from tests.tui.tapes import record


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three sessions: completed, parked, and one whose runner was killed and whose recording is lost."""
    monkeypatch.setenv("COLUMN_CONSOLE_HOME", str(tmp_path))
    for number, (story, title) in enumerate(
        (
            ("completed", "public.orders.placed_on"),
            ("parked", "public.[b]bills[/b].due"),
            ("", "shop.carts.x"),
        )
    ):
        directory = new_session(title.split(".")[1], "c")
        if story:
            record(story, directory.recording)
        directory.write(
            SessionFile(
                id=directory.id,
                title=title,
                change_file="x.toml",
                recording=str(directory.recording),
                socket=str(directory.path / "runner.sock"),
                pid=1,
                started=f"2026-11-2{9 - number}T02:00:05+00:00",
            )
        )
    return tmp_path


def lines(app: PickApp) -> list[str]:
    return [row.text for row in app.query_one("#list", Pane).lines]


def test_what_is_known_of_each(home: Path) -> None:
    completed, parked, lost = past_sessions()
    assert (completed.title, completed.outcome, completed.operator) == (
        "public.orders.placed_on",
        "completed",
        "ana",
    )
    assert completed.began is not None
    assert completed.began.astimezone(UTC) == datetime(2026, 11, 29, 2, 0, 5, tzinfo=UTC)
    assert completed.seconds == pytest.approx(STORIES["completed"]().t, abs=1)
    assert (parked.outcome, parked.operator) == ("runner gone", "ana")
    assert (lost.outcome, lost.operator, lost.seconds) == ("runner gone", "", None)


def test_a_damaged_one_can_be_picked_where_its_recording_is_there(home: Path) -> None:
    there = home / "sessions" / "torn-1"
    there.mkdir()
    record("completed", there / "recording.jsonl")
    (home / "sessions" / "empty-1").mkdir()
    *_, damaged = past_sessions()
    assert len(past_sessions()) == 4
    assert (damaged.id, damaged.outcome, damaged.title) == ("torn-1", "damaged", "session.json is missing")
    assert damaged.recording == str(there / "recording.jsonl")


def test_words_of_table_day_outcome_and_operator(home: Path) -> None:
    known = past_sessions()
    assert [past.title for past in matching(known, "ORDERS")] == ["public.orders.placed_on"]
    assert [past.title for past in matching(known, "completed ana")] == ["public.orders.placed_on"]
    assert len(matching(known, "2026-11-2")) == 3
    assert matching(known, "orders gone") == []


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
async def test_it_lists_thins_out_and_gives_what_was_picked(home: Path, size: tuple[int, int]) -> None:
    known = past_sessions()
    app = PickApp(known)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert len(lines(app)) == 3
        assert "COMPLETED" in lines(app)[0]
        assert "public.[b]bills[/b].due" in lines(app)[1]
        app.query_one(Input).value = "bills"
        await pilot.pause()
        assert len(lines(app)) == 1
        app.query_one(Input).value = "zebra"
        await pilot.pause()
        assert lines(app) == ["   no session has these words"]
        await pilot.press("enter")
        app.query_one(Input).value = ""
        await pilot.pause()
        await pilot.press("down", "down", "up", "enter")
    assert app.return_value == known[1]


async def test_left_without_picking(home: Path) -> None:
    app = PickApp(past_sessions())
    async with app.run_test() as pilot:
        await pilot.press("escape")
        assert app._exit
    assert app.return_value is None


async def test_a_click_opens(home: Path) -> None:
    known = past_sessions()
    app = PickApp(known)
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.click("#list", offset=(10, 2))
    assert app.return_value == known[2]


def test_a_thousand_sessions_are_a_list_like_any_other() -> None:
    known = [Past(f"s-{n}", "", f"public.t{n}.c", None, 1.0, "completed", "ana") for n in range(1000)]
    assert [past.id for past in matching(known, "t77.")] == ["s-77"]


@pytest.mark.slow
def test_on_a_terminal_replay_without_a_name_opens_what_is_picked(home: Path) -> None:
    terminal = OnTerminal("replay", home=home, size=(80, 24))
    terminal.until("Replay a session", "COMPLETED", "public.orders.placed_on")
    terminal.press("orders")
    terminal.until("1 session")
    terminal.press("\r")
    terminal.until("REPLAY", "phase 1 of 10")
    terminal.press("q")
    assert terminal.end() == 0
    for key in ("\x03", "\x1b"):
        left = OnTerminal("replay", home=home, size=(80, 24))
        left.until("Replay a session")
        left.press(key)
        assert left.end() == 0


@pytest.mark.slow
def test_on_a_terminal_without_sessions_it_says_so(tmp_path: Path) -> None:
    none = OnTerminal("replay", home=tmp_path, size=(120, 24))
    none.until("there are no sessions in")
    assert none.end() == 2
