"""Finding a moment of a recording by what was said then: what is typed thins out the list of all that happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Input

from console.tui.clock import clock
from console.tui.lines import Line, fit, left, line
from console.tui.player import Player
from console.tui.replay.search import Entry, search
from console.tui.screens.dialog import Dialog
from console.tui.view import View
from console.tui.widgets.buttons import Chip
from console.tui.widgets.pane import Pane
from console.words import plural

MOST = 500
"""Lines that are shown; what is typed thins them out."""
STYLES = {
    "error": "err",
    "warning": "warn",
    "retry": "warn",
    "throttle": "warn",
    "lock waits": "warn",
    "phase": "strong",
    "action": "replay",
    "bookmark": "key",
}


class Find(Dialog):
    """Asks for words, and lists where they are."""

    heading = "Find"
    close_label = "Cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "pick(-1)", "Up", show=False),
        Binding("down", "pick(1)", "Down", show=False),
        Binding("pageup", "pick(-10)", "Page up", show=False),
        Binding("pagedown", "pick(10)", "Page down", show=False),
    ]

    def __init__(self, player: Player) -> None:
        super().__init__()
        self._player = player
        self._known = player.entries()
        self._found: list[Entry] = self._known
        self._picked = 0

    def inputs(self) -> Iterable[Input]:
        """The words."""
        field = Input(
            placeholder="words of a statement, a line of the log, a note; or action, phase, warning, retry, note",
            id="typed",
            select_on_focus=False,
        )
        field.cursor_blink = False
        yield field

    def buttons(self) -> Iterable[Chip]:
        """The button that goes there."""
        yield Chip("go", "", "Go", id="go")

    @property
    def first_focus(self) -> str:
        """Type at once."""
        return "#typed"

    def on_mount(self) -> None:
        """Begin where the play head is. (Textual calls `Dialog.on_mount` too.)"""
        self._near()
        self.call_after_refresh(self._show)

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """When, what kind, and what was said; those around the picked one where there are very many."""
        header = view.session.header
        rows = []
        first = self._first()
        for number, entry in enumerate(self._found[first : first + MOST], first):
            here = number == self._picked
            rows.append(
                fit(
                    line(
                        (view.glyphs.cursor if here else " ", "key"),
                        (f" {clock(header, entry.t)} ", "cursor" if here else "label"),
                        (left(entry.what, 11), STYLES.get(entry.what, "label")),
                        (entry.text, "strong" if here else ""),
                        key=str(number),
                    ),
                    width,
                    view.glyphs.ellipsis,
                )
            )
        return rows

    def _first(self) -> int:
        return max(0, min(self._picked - MOST // 2, len(self._found) - MOST))

    def _near(self) -> None:
        """Pick what was told last before the play head."""
        index = self._player.index
        before = [number for number, entry in enumerate(self._found) if entry.position <= index]
        self._picked = before[-1] if before else 0

    def _show(self) -> None:
        """Draw it, with the picked line in sight."""
        self.redraw()
        # The list may have been given its height just now.
        self.call_after_refresh(self._in_sight)

    def _in_sight(self) -> None:
        pane = self.query_one("#text", Pane)
        pane.scroll_to(y=max(0, self._picked - self._first() - pane.size.height // 2), animate=False)

    def verdict(self, view: View) -> tuple[str, str]:
        """How many there are."""
        if not self._found:
            return "nothing that happened has these words", "warn"
        most = f", the nearest {MOST} of them shown" if len(self._found) > MOST else ""
        return (
            f"{self._picked + 1} of {plural(len(self._found), 'place')}{most}; arrows pick, Enter goes",
            "label",
        )

    def update(self, view: View) -> None:
        """Grey the button where there is nowhere to go."""
        self.query_one("#go", Chip).say("Go", "" if self._found else "nothing was found")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.prevent_default()
        self._found = search(self._known, event.value)
        self._near()
        self._show()

    @on(Input.Submitted)
    def _go(self, event: Input.Submitted) -> None:
        """Enter goes there: nothing is harmed by looking."""
        event.stop()
        event.prevent_default()
        self.pressed("go")

    @on(Pane.Clicked)
    def _clicked(self, event: Pane.Clicked) -> None:
        """A click goes there."""
        event.stop()
        self._picked = int(event.key)
        self.pressed("go")

    def action_pick(self, by: int) -> None:
        """Pick another one."""
        self._picked = max(0, min(len(self._found) - 1, self._picked + by))
        self._show()

    def pressed(self, name: str) -> None:
        """Go there."""
        if self._found:
            # By its event: several may have happened at one time.
            entry = self._found[self._picked]
            self.console_app.go_to(
                *(("t", entry.t) if entry.what == "bookmark" else ("event", entry.position))
            )
            self.dismiss(None)
