"""What all dialogs have in common: live lines, perhaps something to type, and buttons of which Cancel is the first.

A dialog is drawn from the same view as the screen behind it, each time that is drawn, so nothing in it is older
than what it covers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input

from console.tui.lines import Line, line
from console.tui.view import View
from console.tui.widgets.buttons import Chip
from console.tui.widgets.pane import Pane

if TYPE_CHECKING:
    from console.tui.app import ConsoleApp

CLOSE = "close"


class Dialog(ModalScreen[None]):
    """A box over the screen. Subclasses say what stands in it, what can be typed and what its buttons do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False),
        Binding("left", "app.focus_previous", "Before", show=False),
        Binding("right", "app.focus_next", "After", show=False),
        Binding("up", "scroll(-1)", "Up", show=False),
        Binding("down", "scroll(1)", "Down", show=False),
        Binding("pageup", "scroll(-10)", "Page up", show=False),
        Binding("pagedown", "scroll(10)", "Page down", show=False),
    ]
    heading = ""
    """The title in the frame."""
    danger = "none"
    close_label = "Close"
    enter_acts = False
    """Whether Enter in what is typed presses the button: where that can be taken back."""

    @property
    def console_app(self) -> ConsoleApp:
        """The application, with its session."""
        return cast("ConsoleApp", self.app)

    # -- What subclasses say

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """What stands in the dialog."""
        return []

    def inputs(self) -> Iterable[Input]:
        """What can be typed."""
        return ()

    def buttons(self) -> Iterable[Chip]:
        """The buttons beside Cancel."""
        return ()

    def verdict(self, view: View) -> tuple[str, str]:
        """What keeps the last button from being pressed, and its style; empty where nothing does."""
        return "", ""

    def pressed(self, name: str) -> None:
        """A button other than Cancel was pressed."""

    # -- How it is made

    def compose(self) -> ComposeResult:
        """A frame with lines, inputs and buttons."""
        with Vertical(id="box", classes=f"-{self.danger}"):
            yield Pane(self._draw, id="text")
            yield from self.inputs()
            yield Pane(self._draw_verdict, id="verdict")
            with Horizontal(id="buttons"):
                yield Chip(CLOSE, "", self.close_label, id=CLOSE)
                yield from self.buttons()

    def on_mount(self) -> None:
        """Draw it once it has a size."""
        # What was told before would stand over the question.
        self.app.clear_notifications()
        self.query_one("#box").border_title = Content(self.heading)
        verdict = self.query_one("#verdict", Pane)
        verdict.can_focus = False
        verdict.display = self._judges
        text = self.query_one("#text", Pane)
        text.can_focus = self.picks
        self.query_one(self.first_focus).focus()
        self.call_after_refresh(self.redraw)
        self.console_app.tell_screen()

    def on_screen_resume(self) -> None:
        """What covered it is closed."""
        self.console_app.tell_screen()

    picks = False
    """Whether a line of the text can be picked."""

    @property
    def first_focus(self) -> str:
        """What has the focus at first: Cancel, so that Enter does nothing."""
        return f"#{CLOSE}"

    def on_resize(self) -> None:
        """Fit into the terminal."""
        self._tallest = 0
        self.call_after_refresh(self.redraw)

    _tallest = 0

    @property
    def _judges(self) -> bool:
        """Whether it has a verdict, which takes two lines."""
        return type(self).verdict is not Dialog.verdict

    def _draw(self, view: View, width: int, height: int) -> Sequence[Line]:
        return self.lines(view, width, height)

    def _draw_verdict(self, view: View, width: int, height: int) -> Sequence[Line]:
        said, style = self.verdict(view)
        return [line((said, style))]

    def redraw(self, view: View | None = None) -> None:
        """Draw the view; the box grows with its text, up to the terminal's height, and never shrinks."""
        # While it opens or closes, it has nothing to draw on, or only part of it.
        if not self.display or not self.query("#text"):
            return
        view = view or self.console_app.view()
        text = self.query_one("#text", Pane)
        if text.size.width:
            needed = len(self.lines(view, text.size.width, 10_000))
            self._tallest = max(self._tallest, needed)
            other = (7 if self._judges else 5) + 3 * len(list(self.query(Input)))
            height = max(1, min(self._tallest, self.size.height - other))
            if text.styles.height is None or text.styles.height.value != height:
                text.styles.height = height
        text.show(view)
        self.query_one("#verdict", Pane).show(view)
        self.update(view)

    def update(self, view: View) -> None:
        """Bring the buttons up to date."""

    # -- What can be done with it

    def action_close(self) -> None:
        """Close it without doing anything."""
        self.dismiss(None)

    def action_scroll(self, by: int) -> None:
        """Scroll the text."""
        self.query_one("#text", Pane).action_move(by)

    @on(Chip.Pressed)
    def _pressed(self, event: Chip.Pressed) -> None:
        event.stop()
        self.console_app.tell_screen(event.chip.label + (" (greyed)" if event.chip.reason else ""))
        if event.chip.name == CLOSE:
            self.action_close()
            return
        if event.chip.reason:
            self.console_app.tell(event.chip.reason, "warning")
            return
        self.pressed(event.chip.name or "")

    @on(Input.Changed)
    def _changed(self) -> None:
        self.redraw()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        """Enter closes it where nothing is typed, as Cancel would; else it goes on to the button. It presses the
        button only where that is harmless."""
        event.stop()
        self.redraw()
        if not event.value.strip():
            self.action_close()
            return
        chips = [chip for chip in self.query(Chip) if chip.name != CLOSE]
        if chips and not chips[-1].reason:
            if self.enter_acts:
                self.pressed(chips[-1].name or "")
            else:
                chips[-1].focus()


def easy(name: str) -> str:
    """A table's name as it is typed easily: without the quotes that the name does not need.

    >>> easy("`shop`.`orders`"), easy("`shop`.`my orders`"), easy("public.orders")
    ('shop.orders', 'shop.`my orders`', 'public.orders')
    """
    return re.sub(r"`(\w+)`", r"\1", name)


class Asking(Dialog):
    """A dialog that asks the runner for something, once what it needs has been typed."""

    action = ""
    confirm_label = "OK"
    close_label = "Cancel"
    prompt = ""
    """What to type; empty where nothing is typed."""
    must_match = ""
    """What must be typed, with or without its quotes; empty where anything will do."""
    carries_phase = False

    def __init__(self) -> None:
        super().__init__()
        self.phase = ""

    def on_mount(self) -> None:
        """Remember the phase that the asker sees. (Textual calls `Dialog.on_mount` too.)"""
        self.phase = self.console_app.session.phase

    @property
    def first_focus(self) -> str:
        """What must be typed; Enter there presses nothing."""
        return "#typed" if self.prompt else super().first_focus

    def inputs(self) -> Iterable[Input]:
        """One line, where something is typed."""
        if self.prompt:
            field = Input(placeholder=self.prompt, id="typed", select_on_focus=False)
            field.cursor_blink = False
            yield field

    def buttons(self) -> Iterable[Chip]:
        """The button that does it."""
        yield Chip("confirm", "", self.confirm_label, id="confirm", classes=f"-{self.danger}")

    @property
    def typed(self) -> str:
        """What has been typed."""
        return self.query_one("#typed", Input).value.strip() if self.prompt else ""

    def why_not(self, view: View) -> str:
        """Why it can't be asked for now; empty where it can."""
        refused = self.console_app.why_not(self.action)
        if refused:
            return refused
        if self.carries_phase and view.session.phase != self.phase:
            return f"it has moved on to {view.session.phase}: look again"
        if self.must_match and self.typed not in (self.must_match, easy(self.must_match)):
            return f"type {easy(self.must_match)} to go on"
        if self.prompt and not self.typed:
            return "nothing is typed yet"
        return ""

    def verdict(self, view: View) -> tuple[str, str]:
        """Why it can't be asked for now."""
        reason = self.why_not(view)
        return reason, "warn"

    def update(self, view: View) -> None:
        """Grey the button while it can't be pressed."""
        self.query_one("#confirm", Chip).say(self.confirm_label, self.why_not(view))

    def arguments(self) -> tuple[str, ...]:
        """What is sent along with the action."""
        return ()

    def reason(self) -> str:
        """Why the operator asks for it."""
        return ""

    def pressed(self, name: str) -> None:
        """Ask for it, and close."""
        phase = self.phase if self.carries_phase else ""
        self.console_app.ask(self.action, self.arguments(), reason=self.reason(), phase=phase)
        self.dismiss(None)
