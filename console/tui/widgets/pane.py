"""A pane of lines, which repaints only what changed: whatever changes each second is drawn by one of these.

Textual's stock widgets send themselves whole when one cell changes. A pane compares its new lines with the old
ones and refreshes the spans that differ; with whole seconds and fixed widths that is a few cells a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from console.tui.lines import Line, Span
from console.tui.theme import LOOKS, look
from console.tui.view import View

Draw = Callable[[View, int, int], Sequence[Line]]


class Pane(ScrollView, can_focus=True):
    """Lines drawn from a view by a pure function. A line with a key can be picked."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "move(-10)", "Page up", show=False),
        Binding("pagedown", "move(10)", "Page down", show=False),
        Binding("home", "move(-100000)", "First", show=False),
        Binding("end", "move(100000)", "Last", show=False),
        Binding("enter", "open", "Open", show=False),
    ]

    class Opened(Message):
        """A line was picked and opened, by Enter or by a click on the picked line."""

        def __init__(self, pane: Pane, key: str) -> None:
            super().__init__()
            self.pane = pane
            self.key = key

        @property
        def control(self) -> Pane:
            """The pane."""
            return self.pane

    class Clicked(Message):
        """A line was clicked for the first time, and is picked now."""

        def __init__(self, pane: Pane, key: str) -> None:
            super().__init__()
            self.pane = pane
            self.key = key

        @property
        def control(self) -> Pane:
            """The pane."""
            return self.pane

    def __init__(self, draw: Draw, *, id: str | None = None, classes: str = "") -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._draw = draw
        self._lines: list[Line] = []
        self._view: View | None = None
        self._styles: dict[str, Style] = {}
        self._titles = ("", "")
        self.picked = ""
        """The key of the picked line; empty where none is."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """What it shows."""
        return tuple(self._lines)

    def show(self, view: View) -> None:
        """Draw the view, and refresh what changed."""
        self._view = view
        width, height = self.room.width, self.room.height
        if width <= 0 or height <= 0 or not self.display:
            return
        new = list(self._draw(view, width, height))
        old, self._lines = self._lines, new
        if len(old) != len(new):
            self.virtual_size = Size(width, len(new))
        self._keep_pick()
        top = self.scroll_offset.y
        changed = []
        for y, (before, after) in enumerate(zip_longest(old, new)):
            if 0 <= y - top < height and before != after:
                start, end = difference(before or Line(), after or Line())
                if end > start:
                    changed.append(Region(start, y - top, min(end, width) - start, 1))
        if changed:
            self.refresh(*changed)

    @property
    def room(self) -> Size:
        """The cells for lines: what the frame and the scroll bar leave."""
        return self.scrollable_content_region.size

    def redraw(self) -> None:
        """Draw the last view again."""
        if self._view is not None:
            self.show(self._view)

    def on_resize(self, event: events.Resize) -> None:
        """Another width makes other lines."""
        self._lines = []
        self.redraw()
        self.refresh()

    def on_show(self) -> None:
        """It was hidden, and did not draw."""
        self._lines = []
        self.redraw()
        self.refresh()

    def notify_style_update(self) -> None:
        """Another theme, or focus, makes other styles."""
        self._styles.clear()
        super().notify_style_update()

    def title(self, text: str, note: str = "") -> None:
        """The words in the pane's frame."""
        if self._titles != (text, note):
            self._titles = (text, note)
            self.border_title = Content(text)
            self.border_subtitle = Content(note)

    # -- Picking a line

    def _keys(self) -> list[str]:
        return [row.key for row in self._lines if row.key]

    def _keep_pick(self) -> None:
        if self.picked and self.picked not in self._keys():
            self.picked = ""

    def action_move(self, by: int) -> None:
        """Pick another line; scroll where no line can be picked."""
        keys = self._keys()
        if not keys:
            self.scroll_to(y=self.scroll_offset.y + by, animate=False)
            return
        if self.picked in keys:
            self.pick(keys[max(0, min(len(keys) - 1, keys.index(self.picked) + by))])
        else:
            self.pick(keys[-1] if by > 10 else keys[0])

    def pick(self, key: str) -> None:
        """Make the line with this key the picked one, and scroll to it."""
        before, self.picked = self.picked, key
        for y, row in enumerate(self._lines):
            if row.key and row.key in (before, key):
                self.refresh_line(y)
            if row.key == key:
                self.scroll_to_region(Region(0, y, 1, 1), animate=False, force=True)

    def action_open(self) -> None:
        """Open the picked line."""
        if self.picked:
            self.post_message(self.Opened(self, self.picked))

    async def on_click(self, event: events.Click) -> None:
        """A click picks a line; one more opens it."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        index = offset.y + self.scroll_offset.y
        key = self._lines[index].key if 0 <= index < len(self._lines) else ""
        if not key:
            return
        if key == self.picked:
            self.action_open()
        else:
            self.pick(key)
            self.post_message(self.Clicked(self, key))

    def watch_has_focus(self, value: bool) -> None:
        """The picked line is marked only while the pane has the focus."""
        super().watch_has_focus(value)
        self.refresh()

    # -- Rendering

    def render_line(self, y: int) -> Strip:
        """One line, in the styles of the theme."""
        width = self.size.width
        index = y + self.scroll_offset.y
        base = self._style("")
        if index >= len(self._lines):
            return Strip.blank(width, base)
        row = self._lines[index]
        picked = bool(row.key) and row.key == self.picked and self.has_focus
        segments = [
            Segment(span.text, self._style("cursor") if picked else self._style(span.style))
            for span in row.spans
        ]
        fill = self._style("cursor") if picked else base
        return Strip(segments, row.width).adjust_cell_length(width, fill)

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            variables = self.app.theme_variables
            ink, ground, _ = LOOKS[name]
            ansi = self.app.native_ansi_color
            base = self.visual_style.rich_style
            style = look(name, base, variables.get(ink, ""), variables.get(ground, ""), ansi=ansi)
            self._styles[name] = style
        return style


def difference(before: Line, after: Line) -> tuple[int, int]:
    """The cells, from and to, in which two lines differ; their styles count.

    >>> difference(Line((Span("age 12s"),)), Line((Span("age 13s"),)))
    (5, 6)
    >>> difference(Line((Span("a"),)), Line((Span("a"),)))
    (0, 0)
    >>> difference(Line((Span("running"),)), Line((Span("run", "ok"),)))
    (0, 7)
    """
    if before.spans == after.spans:
        return 0, 0
    one, two = _cells(before), _cells(after)
    start = 0
    for old, new in zip(one, two, strict=False):
        if old != new:
            break
        start += 1
    end = 0
    if len(one) == len(two):
        while end < len(one) - start and one[-1 - end] == two[-1 - end]:
            end += 1
    return start, max(len(one), len(two)) - end


def _cells(given: Line) -> list[Span]:
    """The line cell by cell; a wide character is followed by an empty cell."""
    cells: list[Span] = []
    for text, style in given.spans:
        if text.isascii():
            cells += [Span(character, style) for character in text]
            continue
        for character in text:
            wide = cell_len(character)
            if wide:
                cells += [Span(character, style), *([Span("", style)] * (wide - 1))]
            elif cells:
                cells[-1] = Span(cells[-1].text + character, cells[-1].style)
    return cells
