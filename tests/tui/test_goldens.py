"""The whole screen as text, for each story at each size: what a person sees, readable in a diff.

`COLUMN_CONSOLE_GOLDEN=write` writes them anew; look at what changed before you commit it.
"""

import os
from pathlib import Path

import pytest

from console.tui.glyphs import ASCII
from tests.tui.screens import LARGE, MEDIUM, SMALL, shown
from tests.tui.sources import StorySource
from tests.tui.stories import STORIES

GOLDEN = Path(__file__).parent / "golden"
SIZES = {f"{width}x{height}": (width, height) for width, height in (SMALL, MEDIUM, LARGE)}
EACH = [
    "120x40",
    pytest.param("80x24", marks=pytest.mark.slow),
    pytest.param("200x60", marks=pytest.mark.slow),
]


def check(name: str, text: str) -> None:
    """Compare with the golden file, or write it."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("COLUMN_CONSOLE_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    assert text + "\n" == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("size", EACH)
@pytest.mark.parametrize("story", STORIES)
async def test_main_screen(story: str, size: str) -> None:
    async with shown(StorySource(story), SIZES[size]) as screen:
        check(f"{story}-{size}", screen.text)


@pytest.mark.parametrize("size", EACH)
async def test_advance_panel(size: str) -> None:
    async with shown(StorySource("waiting"), SIZES[size]) as screen:
        await screen.press("n")
        check(f"advance-{size}", screen.text)


@pytest.mark.parametrize(
    ("name", "story", "key"),
    [
        ("help", "backfill", "question_mark"),
        ("menu", "pile-up", "m"),
        ("findings", "waiting", "f"),
        ("session", "pile-up", "h"),
        ("details", "pile-up", "d"),
        ("roll-back", "backfill", "b"),
        ("skip-gate", "gate", "s"),
        ("skip-rows", "parked", "S"),
        ("throttle", "throttled", "v"),
        ("stop", "backfill", "x"),
    ],
)
async def test_dialog(name: str, story: str, key: str) -> None:
    async with shown(StorySource(story)) as screen:
        await screen.press(key)
        check(f"dialog-{name}", screen.text)


async def test_without_utf8() -> None:
    async with shown(StorySource("pile-up"), SMALL, glyphs=ASCII) as screen:
        assert screen.text.isascii()
        check("ascii-pile-up", screen.text)
    async with shown(StorySource("backfill"), MEDIUM, glyphs=ASCII) as screen:
        assert screen.text.isascii()
        check("ascii-backfill", screen.text)


async def test_too_small() -> None:
    async with shown(StorySource("backfill"), (40, 10)) as screen:
        check("too-small", screen.text)
