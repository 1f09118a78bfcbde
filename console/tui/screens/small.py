"""What stands in while the terminal is too small: one sentence, and how to leave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import Screen

from console.tui.lines import Line, paragraph
from console.tui.view import View
from console.tui.widgets.pane import Pane

if TYPE_CHECKING:
    from console.tui.app import ConsoleApp

COLUMNS, ROWS = 60, 16
"""What the main screen needs."""


def too_small(size: Size) -> bool:
    """Whether the main screen would be broken at this size."""
    return size.width < COLUMNS or size.height < ROWS


class SmallScreen(Screen[None]):
    """One sentence. Whatever was open stands behind it, and comes back."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "app.press('leave')", "Leave", show=False)]

    def compose(self) -> ComposeResult:
        """One pane."""
        yield Pane(self._draw, id="small")

    def on_mount(self) -> None:
        """Say it at once."""
        self.call_after_refresh(self.redraw)

    def _draw(self, view: View, width: int, height: int) -> Sequence[Line]:
        size = self.app.size
        need = f"The console needs {COLUMNS} columns by {ROWS} lines; this terminal has {size.width} by {size.height}."
        rest = "the recording stays as it is" if view.mode == "replay" else "the runner goes on"
        if cast("ConsoleApp", self.app).ends_demo:
            rest = "that takes the demo down"
        return [
            *paragraph(need, width, "warn"),
            *paragraph(f"Enlarge it, or press q to leave: {rest}.", width),
        ]

    def redraw(self, view: View | None = None) -> None:
        """Say the size as it is now."""
        self.query_one(Pane).show(view or cast("ConsoleApp", self.app).view())
