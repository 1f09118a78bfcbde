"""What the screen tells its runner of itself, so that a replay can show it; and what it does not tell."""

import pytest

from tests.tui.screens import shown
from tests.tui.sources import StorySource

pytestmark = pytest.mark.slow


class Watched(StorySource):
    """A source that wants to know."""

    def __init__(self, story: str) -> None:
        super().__init__(story)
        self.told: list[tuple[str, str]] = []

    def screen(self, dialog: str, pressed: str = "") -> None:
        self.told.append((dialog, pressed))


async def test_dialogs_and_presses_are_told_and_what_is_typed_is_not() -> None:
    source = Watched("waiting")
    async with shown(source) as screen:
        await screen.press("n")
        title = screen.app.open_dialog
        await screen.press("escape", "b")
        await screen.type("hunter2")
        await screen.press("escape", "r")
    assert title
    assert source.told == [
        ("", "Advance"),
        (title, ""),
        ("", ""),
        ("", "Roll back"),
        ("Roll back", ""),
        ("", ""),
        ("", "Retry (greyed)"),
    ]


async def test_buttons_in_dialogs_are_told() -> None:
    source = Watched("waiting")
    async with shown(source) as screen:
        await screen.press("n")
        await screen.click("#close")
    assert source.told[-2:] == [(source.told[1][0], "Cancel"), ("", "")]


async def test_a_key_that_is_held_down_is_told_once() -> None:
    source = Watched("waiting")
    async with shown(source) as screen:
        for _ in range(5):
            screen.app.tell_screen("Slower")
    assert source.told == [("", "Slower")]


async def test_a_source_that_does_not_want_to_know_is_left_alone() -> None:
    async with shown(StorySource("waiting")) as screen:
        await screen.press("n", "escape")
        assert screen.toasts == []
