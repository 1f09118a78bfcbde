"""Tells the runner what stands on the screen, so that a replay can show it: the dialog that is open, what was pressed.

Titles and labels of our own, never what is typed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual.screen import ModalScreen

from console.tui.source import Source, Witness

if TYPE_CHECKING:
    from textual.app import App

    Base = App[None]
else:
    Base = object

REPEATED = 0.3
"""Seconds within which the same press is that of a key held down, and told once."""


class WitnessMixin(Base):
    """Stands before `App` among the bases of an application."""

    source: Source
    _told_dialog = ""
    _told_press = ("", 0.0)

    def tell_screen(self, pressed: str = "") -> None:
        """Tell it, where it changed or something was pressed."""
        if not isinstance(self.source, Witness):
            return
        dialog = self.open_dialog
        before, at = self._told_press
        now = time.monotonic()
        if pressed and pressed == before and now - at < REPEATED:
            pressed = ""
        if pressed or dialog != self._told_dialog:
            self._told_dialog = dialog
            self._told_press = (pressed, now) if pressed else self._told_press
            self.source.screen(dialog, pressed)

    @property
    def open_dialog(self) -> str:
        """The title of the dialog on top, empty where none is open."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, ModalScreen):
                return str(getattr(screen, "heading", "") or "Palette")
        return ""
