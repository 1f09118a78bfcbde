"""The picker: the sessions that can be replayed, thinned out by what is typed; gives the one that is picked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from console.session import Session
from console.tui import theme
from console.tui.clock import stopwatch
from console.tui.glyphs import UNICODE, Glyphs
from console.tui.lines import Line, fit, left, line, right
from console.tui.past import Past, matching
from console.tui.view import View
from console.tui.widgets.pane import Pane
from console.words import plural

OUTCOMES = {"completed": "ok", "live": "ok", "parked": "warn", "rolled-back": "warn"}
"""The styles of the outcomes; any other is trouble."""
ASKS = "type a table, a day, an outcome, a name; arrows pick, Enter opens, Esc leaves"


class PickApp(App[Past], inherit_bindings=False):
    """Returns what was picked, None where it was left."""

    CSS_PATH = "style.tcss"
    TITLE = "column-console"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+c", "leave", "Leave", show=False, priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("pageup", "move(-10)", "Page up", show=False, priority=True),
        Binding("pagedown", "move(10)", "Page down", show=False, priority=True),
    ]

    def __init__(self, known: Sequence[Past], *, glyphs: Glyphs = UNICODE, few_colours: bool = False) -> None:
        super().__init__()
        self.known = known
        self.found = list(known)
        self.picked = 0
        self.view = View(session=Session(), now=0.0, mode="replay", glyphs=glyphs)
        for one in theme.themes():
            self.register_theme(one)
        self.theme = theme.PLAIN if few_colours else theme.RICH

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our variables."""
        return theme.ANSI_VARIABLES if self.current_theme.ansi else theme.VARIABLES

    def compose(self) -> ComposeResult:
        """A line above, what is typed, and the list."""
        yield Pane(self._draw_head, id="header")
        field = Input(placeholder="all sessions", id="typed", select_on_focus=False, compact=True)
        field.cursor_blink = False
        yield field
        yield Pane(self._draw_names, id="strip")
        yield Pane(self._draw_list, id="list")

    def on_mount(self) -> None:
        """Type at once."""
        self.set_class(self.view.glyphs.name == "ascii", "-ascii")
        for pane in self.query(Pane):
            pane.can_focus = False
        self.query_one(Input).focus()
        self.call_after_refresh(self.redraw)

    def redraw(self) -> None:
        """Draw what changed, with the picked line in sight."""
        for pane in self.query(Pane):
            pane.show(self.view)
        shown = self.query_one("#list", Pane)
        shown.scroll_to(y=max(0, self.picked - shown.size.height // 2), animate=False)

    def _draw_head(self, view: View, width: int, height: int) -> Sequence[Line]:
        count = plural(len(self.found), "session")
        return [line((" Replay a session  ", "title"), (count, "label")), line((f" {ASKS}", "label"))]

    def _draw_names(self, view: View, width: int, height: int) -> Sequence[Line]:
        return [line((f"   {'began':<17}{'outcome':<13}{'length':>8}  {'by':<10}change", "dim"))]

    def _draw_list(self, view: View, width: int, height: int) -> Sequence[Line]:
        if not self.found:
            return [line(("   no session has these words", "warn"))]
        return [self._row(view, number, past, width) for number, past in enumerate(self.found)]

    def _row(self, view: View, number: int, past: Past, width: int) -> Line:
        here = number == self.picked
        began = f"{past.began:%Y-%m-%d %H:%M}" if past.began else "?"
        length = stopwatch(past.seconds) if past.seconds is not None else "lost"
        return fit(
            line(
                (f" {view.glyphs.cursor if here else ' '} ", "key"),
                (left(began, 17), "strong" if here else "label"),
                (left(past.outcome.upper(), 12) + " ", OUTCOMES.get(past.outcome, "err")),
                right(length, 8),
                "  ",
                (left(past.operator, 9) + " ", "label"),
                (past.title, "strong" if here else ""),
                (f"   {past.id}", "dim"),
                key=str(number),
            ),
            width,
            view.glyphs.ellipsis,
        )

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self.found = matching(self.known, event.value)
        self.picked = 0
        self.redraw()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self._open()

    @on(Pane.Clicked)
    def _clicked(self, event: Pane.Clicked) -> None:
        self.picked = int(event.key)
        self._open()

    def action_move(self, by: int) -> None:
        """Pick another one."""
        self.picked = max(0, min(len(self.found) - 1, self.picked + by))
        self.redraw()

    def action_leave(self) -> None:
        """Pick none."""
        self.exit()

    def on_resize(self) -> None:
        """Another size shows other lines."""
        self.call_after_refresh(self.redraw)

    def _open(self) -> None:
        if self.found:
            self.exit(self.found[self.picked])
