"""What stands on a real terminal after many small updates is what a full repaint would put there."""

import functools
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from console.tui.diff import Cell, cells, different, segments
from tests.tui.terminals import Terminal, terminal

KEYS = [
    *("4", "\x1b[B", "\x1b[B", "\r", "\x1b", "m", "\x1b[B", "\x1b[B", "\x1b[B", "\x1b", "4", "4", "\x1b"),
    *("6", "\x1b[A", "\x1b[A", "\x1b[A", "2", "1", "3", "5", "?", "\x1b[6~", "\x1b", "d", "\x1b", "\t", "\t"),
    *("b", "o", "r", "\x1b"),
]


def settled(shown: Terminal) -> list[str]:
    """Everything that the terminal shows, with its colours, once nothing more comes."""
    before = -1
    while before != len(shown.written):
        before = len(shown.written)
        shown.read(0.4)
    return [
        "".join(
            f"{cell.data}|{cell.fg}|{cell.bg}|{cell.bold}|{cell.reverse} " for _, cell in sorted(row.items())
        )
        for _, row in sorted(shown.screen.buffer.items())
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("story", "size"),
    [
        (("pile-up",), (120, 40)),
        (("throttled",), (80, 24)),
        (("backfill",), (200, 60)),
        (("hostile", "cjk"), (120, 40)),
    ],
    ids=str,
)
def test_small_updates_add_up_to_the_whole(story: tuple[str, ...], size: tuple[int, int]) -> None:
    with terminal("still", *story, size=size) as shown:
        shown.shows("1 Phases")
        settled(shown)
        for number, key in enumerate(KEYS):
            shown.send(key)
            shown.read(0.25)
            if number % 8 == 3 or key == "\x1b":
                added_up = settled(shown)
                shown.send("\x0c")
                assert settled(shown) == added_up, f"after {KEYS[: number + 1]}"
        # A message comes and goes.
        shown.send("\x03")
        shown.shows("q leaves the view")
        shown.until(lambda: "q leaves the view" not in shown.text)
        added_up = settled(shown)
        shown.send("\x0c")
        assert settled(shown) == added_up
        shown.resize(size[0] - 7, size[1] - 2)
        shown.read(0.5)
        added_up = settled(shown)
        shown.send("\x0c")
        assert settled(shown) == added_up


def clock(shown: Terminal) -> str:
    """The clock in the header."""
    return shown.text.splitlines()[1].split()[-1]


def ticked(shown: Terminal, before: str) -> bool:
    return clock(shown) != before


@pytest.mark.slow
def test_a_second_costs_little() -> None:
    """Design: under 1.5 kB/s at 120x40 while lock waits change."""
    with terminal("pile-up", size=(120, 40)) as shown:
        shown.shows("OURS", "8 sessions waiting")
        marks: list[int] = []
        # By the clock on the screen, so that a busy machine measures the same.
        for _ in range(12):
            shown.until(functools.partial(ticked, shown, clock(shown)))
            marks.append(len(shown.written))
        assert (marks[-1] - marks[2]) / (len(marks) - 3) < 1500


@pytest.mark.slow
def test_a_second_costs_little_while_a_dialog_is_open_too() -> None:
    """Textual paints all of the screen then, each time that anything changes; the terminal gets what is new of it."""
    with terminal("pile-up", size=(120, 40)) as shown:
        shown.shows("OURS", "8 sessions waiting")
        shown.send("m")
        shown.shows("─ Menu ")
        marks: list[int] = []
        for _ in range(8):
            shown.until(functools.partial(ticked, shown, clock(shown)))
            marks.append(len(shown.written))
        assert (marks[-1] - marks[2]) / (len(marks) - 3) < 1500


@pytest.mark.slow
def test_a_terminal_that_lost_its_picture_gets_it_whole() -> None:
    with terminal("still", "pile-up") as shown:
        shown.shows("1 Phases")
        before = settled(shown)
        for again in ("on a key", "after a stop"):
            shown.screen.erase_in_display(2)
            assert settled(shown) != before
            if again == "on a key":
                shown.send("\x0c")
            else:
                shown.process.send_signal(signal.SIGCONT)
            assert settled(shown) == before


TEXT = st.text(st.sampled_from("ab .表\u0301é"), max_size=30)
STYLES = st.sampled_from([None, Style(bold=True), Style(color="red")])
STRIPS = st.lists(st.tuples(TEXT, STYLES), max_size=6)


def strip(parts: list[tuple[str, Style | None]]) -> Strip:
    return Strip([Segment(text, style) for text, style in parts])


@given(STRIPS)
def test_cells_are_as_many_as_the_strip_is_wide(parts: list[tuple[str, Style | None]]) -> None:
    # A mark at the very beginning of a text stands on nothing, and has no cell.
    parts = [(text.lstrip("\u0301"), style) for text, style in parts]
    row = cells([strip(parts)])
    assert len(row) == strip(parts).cell_length
    assert "".join(cell.text for cell in row) == "".join(text for text, _ in parts)
    assert cells([Strip(list(segments(row)))]) == row


@given(STRIPS, STRIPS)
def test_writing_the_differences_makes_the_new_row(
    before: list[tuple[str, Style | None]], after: list[tuple[str, Style | None]]
) -> None:
    old, new = cells([strip(before)]), cells([strip(after)])
    width = min(len(old), len(new))
    # Rows of one width, in which no wide character is cut in two.
    while width and (
        (new[width - 1 :] and not new[width - 1].text) or (width < len(new) and not new[width].text)
    ):
        width -= 1
    old = [cell if cell.text else Cell(" ", cell.style) for cell in old[:width]]
    new = new[:width]
    written = list(old)
    for start, stop in different(old, new):
        assert new[start].text
        written[start:stop] = new[start:stop]
    assert written == new
