"""The main screen, live and in replay: header, phases, current phase, charts, lock waits, replicas, log, buttons.

It is drawn from a view and from nothing else. Three layouts by breakpoints (`style.tcss`): on a small terminal
the phases are a strip and the lower panels share a place, on a large one all stand side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.geometry import Size
from textual.screen import Screen

from console.tui import actions
from console.tui.draw import charts, current, header, locks, log, phases, readings, tabs, timeline
from console.tui.lines import Line, Part, line, sides
from console.tui.view import View
from console.tui.widgets.buttons import Chip
from console.tui.widgets.pane import Pane
from console.tui.widgets.tail import Tail

if TYPE_CHECKING:
    from console.tui.app import ConsoleApp

PANELS: tuple[tuple[str, str, str], ...] = (
    ("1", "Phases", "phases"),
    ("2", "Phase", "current"),
    ("3", "Charts", "charts"),
    ("4", "Lock waits", "locks"),
    ("5", "Replicas", "replicas"),
    ("6", "Log", "log"),
)
SMALL = ("current", "charts", "tabs", "phases", "locks", "replicas", "log")
MEDIUM = ("phases", "current", "replicas", "charts", "tabs", "locks", "log")
LARGE = ("phases", "current", "charts", "replicas", "tabs", "locks", "log")
"""The order of the panels in each layout."""
LOWER = ("phases", "locks", "replicas", "log")
"""The panels that share a place on a small terminal; on a flat one the charts do too."""
WORK = ("slower", "faster", "pause", "advance", "retry", "skip-rows", "skip-gate")
SOMETIMES = ("retry", "skip-rows", "skip-gate")
"""Buttons that are there only while they can be used."""
HINTS = (("y", "copy"), ("d", "details"), ("tab", "next"), ("1-6", "panels"), ("^p", "palette"))
"""What stands at the right of the buttons, the least important first."""
ROOMY = ("slow-down", "speed-up", "at-the-screen")
"""Buttons for which a narrow terminal has no room; their keys work all the same."""
TRANSPORT = ("previous", "play", "next", "slow-down", "speed-up", "go-to", "find", "at-the-screen")


def _bindings(*modes: str) -> list[BindingType]:
    return [
        Binding(action.key, f"press('{action.name}')", action.label, show=False, id=action.name)
        for action in actions.ACTIONS
        if set(modes) & set(action.modes)
    ]


class MainScreen(Screen[None]):
    """The one main screen; `LiveScreen` and `ReplayScreen` differ in their keys alone."""

    # Textual declares these two as instance variables.
    HORIZONTAL_BREAKPOINTS = [
        (0, "-narrow"),
        (100, "-medium"),
        (160, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [
        (0, "-flat"),
        (22, "-short"),
        (34, "-tall"),
        (50, "-huge"),
    ]
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self.shown = "locks"
        """Which of the lower panels is shown on a small terminal."""
        self.zoomed = ""

    @property
    def console_app(self) -> ConsoleApp:
        """The application, with its session."""
        return cast("ConsoleApp", self.app)

    def compose(self) -> ComposeResult:
        """Everything there is; the style sheet decides what is shown where."""
        self._settle(self.app.size)
        yield Pane(header.draw, id="header")
        yield Pane(lambda view, width, height: [phases.strip(view, width)], id="strip")
        panels = {
            "phases": Pane(phases.draw, id="phases", classes="panel lower"),
            "current": Pane(current.draw, id="current", classes="panel"),
            "replicas": Pane(readings.replicas, id="replicas", classes="panel lower"),
            "charts": Pane(charts.draw, id="charts", classes="panel"),
            "tabs": Pane(self._draw_tabs, id="tabs"),
            "locks": Pane(locks.draw, id="locks", classes="panel lower"),
            "log": Tail(log.draw, id="log", classes="panel lower"),
        }
        panels[self.shown].add_class("-shown")
        with Container(id="body"):
            yield from map(panels.__getitem__, self._order(self.app.size))
        track = Pane(timeline.draw, id="timeline")
        track.styles.height = timeline.rows(self.app.size.height)
        yield track
        with Horizontal(id="buttons"):
            mode = self.console_app.source.mode
            for name in (*(TRANSPORT if mode == "replay" else WORK), "back", "menu", "help", "leave"):
                action = actions.BY_NAME[name]
                classes = "-sometimes" if name in SOMETIMES else "-roomy" if name in ROOMY else ""
                yield Chip(name, action.shown_key, action.label, id=f"do-{name}", classes=classes)
            yield Pane(self._draw_hints, id="hints")

    def _settle(self, size: Size) -> None:
        """Take the classes of this size now, which Textual gives with the first layout, so that one layout does."""
        self.set_class(self.console_app.source.mode == "replay", "-replay")
        for length, breakpoints in (
            (size.width, self.HORIZONTAL_BREAKPOINTS),
            (size.height, self.VERTICAL_BREAKPOINTS),
        ):
            self.add_class([name for least, name in breakpoints if length >= least][-1])

    def on_mount(self) -> None:
        """Only panels and buttons take the focus."""
        for name in ("header", "strip", "tabs", "timeline", "hints"):
            self.query_one(f"#{name}", Pane).can_focus = False
        # Each draws as soon as it knows its size.
        self.redraw()

    # -- Drawing

    def redraw(self, view: View | None = None) -> None:
        """Draw the view in every panel; each refreshes what changed."""
        view = view or self.console_app.view()
        titles = {panel: f"{number} {name}" for number, name, panel in PANELS}
        titles["current"] = f"2 {current.title(view)}"
        # While it opens or closes, not all of them are there.
        for pane in self.query(Pane):
            pane.show(view)
            if pane.id in titles:
                pane.title(titles[pane.id], pane.note if isinstance(pane, Tail) else "")
        # Once more: it tells of the log, which stands below it.
        for pane in self.query("#tabs").results(Pane):
            pane.show(view)
        crowded = any(not self.console_app.why_not(name) for name in SOMETIMES)
        for row in self.query("#buttons"):
            row.set_class(crowded, "-crowded")
        for chip in self.query(Chip):
            action = actions.BY_NAME[chip.name or ""]
            reason = self.console_app.why_not(action.name)
            chip.say(self._label(action, view), reason, self.console_app.help_of(action))
            chip.set_class(action.name in ("advance", "retry") and not reason, "-call")

    def _label(self, action: actions.Action, view: View) -> str:
        if action.name == "play" and view.playing is not None and view.playing.running:
            return "Pause"
        return actions.label(action, view.session)

    def _draw_tabs(self, view: View, width: int, height: int) -> Sequence[Line]:
        return [tabs.draw(view, width, self._tabs(), self.shown)]

    def _tabs(self) -> list[tabs.Tab]:
        lower = (*LOWER, "charts") if self.has_class("-flat") else LOWER
        log_note = [pane.note for pane in self.query(Tail)]
        newer = log_note[0] if log_note else ""
        return [
            (key, f"{name} ({newer})" if newer and panel == self.shown == "log" else name, panel)
            for key, name, panel in PANELS
            if panel in lower
        ]

    def _draw_hints(self, view: View, width: int, height: int) -> Sequence[Line]:
        for drop in range(len(HINTS)):
            parts: list[Part] = []
            for keys, words in HINTS[drop:]:
                parts += [(keys, "key"), (f" {words}  ", "label")]
            shown = line(*parts)
            if shown.width < width:
                return [sides(line(""), shown, width)]
        return []

    # -- Getting about

    def go_to(self, panel: str) -> None:
        """Focus a panel; enlarge it where it has the focus, put it back where it is enlarged."""
        pane = self.query_one(f"#{panel}", Pane)
        if self.zoomed:
            again = self.zoomed == panel
            self._zoom("" if again else panel)
        elif pane.has_focus:
            self._zoom(panel)
        if panel in [name for _, _, name in self._tabs()]:
            self.bring_up(panel)
        pane.focus()

    def _zoom(self, panel: str) -> None:
        self.zoomed = panel
        self.set_class(bool(panel), "-enlarged")
        self.query_one("#body").set_class(bool(panel), "-zoom")
        for pane in self.query(".panel"):
            pane.set_class(pane.id == panel, "-zoomed")

    def bring_up(self, panel: str) -> None:
        """Show this one of the panels that share a place on a small terminal."""
        self.shown = panel
        for name in (*LOWER, "charts"):
            self.query_one(f"#{name}").set_class(name == panel, "-shown")
        self.call_after_refresh(self.redraw)

    def on_resize(self, event: events.Resize) -> None:
        """Each layout has its panels in an order of its own; a grid fills its cells in that order."""
        height = event.size.height
        self.query_one("#timeline").styles.height = timeline.rows(height)
        self._arrange(self._order(event.size))
        if self.shown == "charts" and height >= self.VERTICAL_BREAKPOINTS[1][0]:
            self.bring_up("locks")
        # The panels draw themselves; what stands in their frames depends on all of them.
        self.call_after_refresh(self.redraw)

    def _order(self, size: Size) -> Sequence[str]:
        columns, rows = self.HORIZONTAL_BREAKPOINTS, self.VERTICAL_BREAKPOINTS
        if size.width < columns[1][0] or size.height < rows[2][0]:
            return SMALL
        return LARGE if size.width >= columns[2][0] and size.height >= rows[3][0] else MEDIUM

    def _arrange(self, order: Sequence[str]) -> None:
        body = self.query_one("#body")
        for place, name in enumerate(order):
            if body.children[place].id != name:
                body.move_child(body.query_one(f"#{name}"), before=place)

    def out(self) -> None:
        """Out of whatever is transient: an enlarged panel, a picked line, the focus."""
        pane = self.focused
        if self.zoomed:
            self._zoom("")
        elif isinstance(pane, Pane) and pane.picked:
            pane.picked = ""
            pane.refresh()
        else:
            self.set_focus(None)

    # -- Keys and clicks

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What can't be used now is shown greyed."""
        if action == "press" and parameters:
            return None if self.console_app.why_not(str(parameters[0])) else True
        return super().check_action(action, parameters)

    def on_screen_resume(self) -> None:
        """What covered it is closed."""
        self.console_app.tell_screen()

    def action_press(self, name: str) -> None:
        """Do what a key stands for."""
        self.console_app.press(name)

    def on_key(self, event: events.Key) -> None:
        """The key of a greyed action says why not."""
        mode = self.console_app.source.mode
        for action in actions.of_mode(mode):
            if event.key in action.key.split(",") and self.console_app.why_not(action.name):
                event.stop()
                self.console_app.press(action.name)
                return

    @on(Chip.Pressed)
    def _pressed(self, event: Chip.Pressed) -> None:
        event.stop()
        self.console_app.press(event.chip.name or "")

    @on(Pane.Opened)
    def _opened(self, event: Pane.Opened) -> None:
        event.stop()
        self.console_app.open(event.key)

    def on_click(self, event: events.Click) -> None:
        """A click on a tab shows its panel, one on a panel's title enlarges it and puts it back, one on the time line
        goes there."""
        view = self.console_app.view()
        if event.widget is self.query_one("#tabs"):
            panel = tabs.at(self._tabs(), view, int(event.x))
            if panel is not None:
                self.go_to(panel)
        elif isinstance(pane := event.widget, Pane) and pane.has_class("panel"):
            if int(event.y) < pane.gutter.top:
                self.go_to(pane.id or "")
        elif event.widget is (track := self.query_one("#timeline", Pane)):
            moment = timeline.moment(view, track.size.width, int(event.x))
            if moment is not None:
                self.console_app.go_to("t", moment)


class LiveScreen(MainScreen):
    """On a runner."""

    BINDINGS: ClassVar[list[BindingType]] = _bindings("live")


class ReplayScreen(MainScreen):
    """On a recording."""

    BINDINGS: ClassVar[list[BindingType]] = _bindings("replay")
