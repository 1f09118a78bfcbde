"""Sends a terminal only the cells that differ from what it shows.

Textual sends whole spans of whatever was refreshed, and never compares them with what stands there already.
Measured at 120x40 with a pile-up of lock waits, once a second: a third of the bytes, for the same processor time.
While a dialog is open, and whenever a message comes or goes, Textual paints all of the screen, each time that anything
changes: 35 kB a second, which becomes 1.

It reaches into Textual: `App._display` and the fields of two classes of its compositor. The test of it compares an
emulated terminal with a full repaint. Where Textual hands over anything else, it is passed on as it is, and what
the terminal shows counts as unknown until the next full picture. That is sent whole after another size, after the
process was stopped and goes on, and on a key, so that a terminal that got it wrong heals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple, cast

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.control import Control
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.events import Resize
from textual.screen import Screen
from textual.strip import Strip

if TYPE_CHECKING:
    Base = App[None]
else:
    Base = object

GAP = 5
"""Unchanged cells that are cheaper to send again than to jump over."""


class Cell(NamedTuple):
    """What stands in a cell: a character (none behind a wide one) and its style."""

    text: str
    style: Style | None


Row = list[Cell]
Run = tuple[int, int, Row]
"""Cells, and the column and the line at which they begin."""


class Changes(CompositorUpdate):
    """Runs of cells, each with its place: what is written instead of an update."""

    def __init__(self, runs: list[Run]) -> None:
        self.runs = runs

    def render_segments(self, console: Console) -> str:
        """As the terminal takes it."""
        return "".join(
            Control.move_to(x, y).segment.text + Strip(list(segments(cells))).render(console)
            for x, y, cells in self.runs
        )


class DiffMixin(Base):
    """Stands before `App` among the bases of an application."""

    _front: list[Row] | None = None
    """What the terminal shows; None where that is not known."""

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        if self._batch_count or self.is_headless or renderable is None:
            super()._display(screen, renderable)
        elif isinstance(renderable, LayoutUpdate):
            shown, self._front = self._front, [cells(line) for line in renderable.strips]
            if shown is None or not same_size(shown, self._front):
                super()._display(screen, renderable)
            else:
                self._display_runs(screen, all_changes(shown, self._front))
        elif isinstance(renderable, ChopsUpdate) and self._front is not None:
            self._display_runs(screen, changes(renderable, self._front))
        else:
            self._front = None
            super()._display(screen, renderable)

    def _display_runs(self, screen: Screen[object], runs: list[Run]) -> None:
        # Textual writes any update of its compositor, though its type says renderable.
        super()._display(screen, cast("RenderableType", Changes(runs)) if runs else None)

    def redraw_all(self) -> None:
        """Send the whole screen again, whatever the terminal shows."""
        self._front = None
        self.refresh(repaint=True, layout=True)
        self.screen.refresh(repaint=True, layout=True)

    def on_resize(self, event: Resize) -> None:
        """The terminal may have lost what it showed; where it comes back with the size that it had, nobody repaints."""
        shown, self._front = self._front, None
        if shown and (len(shown[0]), len(shown)) == (event.size.width, event.size.height):
            self.redraw_all()


def same_size(one: list[Row], other: list[Row]) -> bool:
    """Whether two pictures have the same cells.

    >>> same_size([[], []], [[], []]), same_size([[]], [[], []])
    (True, False)
    """
    return [len(row) for row in one] == [len(row) for row in other]


def all_changes(shown: list[Row], new: list[Row]) -> list[Run]:
    """The runs of cells in which two pictures of the same size differ."""
    return [
        (start, y, row[start:stop])
        for y, (before, row) in enumerate(zip(shown, new, strict=True))
        if before != row
        for start, stop in different(before, row)
    ]


def cells(strips: Iterable[Strip]) -> Row:
    """The cells of strips that stand side by side."""
    row: Row = []
    for strip in strips:
        for text, style, _ in strip:
            if text.isascii():
                row += [Cell(character, style) for character in text]
            else:
                row += _wide(text, style)
    return row


def _wide(text: str, style: Style | None) -> Row:
    row: Row = []
    for character in text:
        width = cell_len(character)
        if width:
            row += [Cell(character, style), *[Cell("", style)] * (width - 1)]
        elif row:
            # What has no width belongs to the character before it, which may be a wide one.
            at = next(n for n in range(len(row) - 1, -1, -1) if row[n].text)
            row[at] = Cell(row[at].text + character, style)
    return row


def changes(update: ChopsUpdate, front: list[Row]) -> list[Run]:
    """The runs of cells that differ from what the terminal shows, which is brought up to date."""
    runs: list[Run] = []
    for y, start, stop in update.spans:
        if y >= len(front):
            continue
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is None or x >= stop or end <= start:
                continue
            new = cells([strip])[: end - x]
            shown = front[y][x : x + len(new)]
            runs += [(x + at, y, new[at:to]) for at, to in different(shown, new)]
            front[y][x : x + len(new)] = new
    return runs


def different(old: Row, new: Row) -> Iterator[tuple[int, int]]:
    """From where to where two rows differ, near ones joined; a wide character is never torn.

    >>> row = lambda text: [Cell(character, None) for character in text]
    >>> list(different(row("age 12s, 4 wait"), row("age 13s, 4 wait")))
    [(5, 6)]
    >>> list(different(row("a.....b........c"), row("x.....y........z")))
    [(0, 7), (15, 16)]
    """
    length = max(len(old), len(new))
    at = 0
    while at < len(new):
        if at < len(old) and old[at] == new[at]:
            at += 1
            continue
        start, stop, same = at, at + 1, 0
        at += 1
        while at < len(new) and same <= GAP:
            if at < len(old) and old[at] == new[at]:
                same += 1
            else:
                stop, same = at + 1, 0
            at += 1
        while start and (not new[start].text or (start < len(old) and not old[start].text)):
            start -= 1
        while stop < length and stop < len(new) and not new[stop].text:
            stop += 1
        yield start, stop


def segments(row: Row) -> Iterator[Segment]:
    """Cells of one style as one segment."""
    text, style = "", None
    for cell in row:
        if cell.style is not style and cell.style != style and text:
            yield Segment(text, style)
            text = ""
        text += cell.text
        style = cell.style
    if text:
        yield Segment(text, style)
