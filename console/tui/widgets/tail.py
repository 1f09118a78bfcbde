"""A pane that follows its end: the newest line stays in sight until someone scrolls up, and it says what is missed."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from console.tui.view import View
from console.tui.widgets.pane import Pane


class Tail(Pane):
    """Follows its last line; after scrolling up, End follows again."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("end", "follow", "Newest", show=False)]
    following = True
    """Whether the newest line is kept in sight."""

    def show(self, view: View) -> None:
        """Draw the view; stay at the end, or where the reader is."""
        before = self.virtual_size
        super().show(view)
        # It may have been added to, or become lower or higher.
        moved = before != self.virtual_size or self.scroll_offset.y < self.max_scroll_y
        if moved and self.display and self.following and not self.picked:
            self.call_after_refresh(self._to_end)

    def _to_end(self) -> None:
        if self.following and not self.picked:
            self.scroll_end(animate=False, immediate=True)

    @property
    def note(self) -> str:
        """How many lines lie below what is seen; empty while it follows."""
        newer = len(self._lines) - self.scroll_offset.y - self.room.height
        return f"{newer} newer: End" if newer > 0 and not (self.following and not self.picked) else ""

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Only scrolling moves it: lines that are added below don't."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.following = new_value >= self.max_scroll_y

    def action_move(self, by: int) -> None:
        """Pick another line; below the newest it follows again."""
        keys = self._keys()
        if keys and by > 0 and self.picked in ("", keys[-1]):
            self.action_follow()
        elif keys and not self.picked:
            self.pick(keys[-1])
        else:
            super().action_move(by)

    def action_follow(self) -> None:
        """Let go of the picked line, and go to the newest."""
        self.picked = ""
        self.following = True
        self.scroll_end(animate=False)
        self.refresh()
