"""Going to a moment of a recording (a time, a phase, an event's number), and marking one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence

from textual import on
from textual.widgets import Input

from console.tui.clock import NoMoment, clock, stopwatch
from console.tui.lines import Line, line, paragraph
from console.tui.replay.places import Span, place
from console.tui.screens.dialog import Dialog
from console.tui.view import View
from console.tui.widgets.buttons import Chip
from console.words import plain


class GoTo(Dialog):
    """Asks where to go."""

    heading = "Go to"
    close_label = "Cancel"

    def __init__(self, phases: Mapping[str, float], events: int) -> None:
        """`phases`: those that were reached, and when each began; `events`: how many there are."""
        super().__init__()
        self._phases = phases
        self._events = events

    def _span(self, view: View) -> Span:
        assert view.playing is not None
        planned = [phase.name for phase in view.session.phases]
        return Span(view.session.header, view.playing.duration, self._events, self._phases, planned, view.now)

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """What can be typed, and what the recording spans."""
        header = view.session.header
        return [
            line(("recorded  ", "label"), str(self._span(view))),
            line(
                ("now at    ", "label"),
                f"{clock(header, view.now)}, {stopwatch(view.now)} after the beginning",
            ),
            Line(),
            *paragraph("14:05 or 14:05:30  a time of day", width),
            *paragraph("12m30s or 4:26     after the beginning", width),
            *paragraph("+30s or -2m        from here", width),
            *paragraph("120                an event's number", width),
            *self._names(width),
        ]

    def _names(self, width: int) -> Sequence[Line]:
        if not self._phases:
            return []
        names = ", ".join(plain(name) for name in self._phases)
        return paragraph(f"{plain(next(iter(self._phases))):<18} a phase, where it began: {names}", width)

    def inputs(self) -> Iterable[Input]:
        """The moment."""
        field = Input(placeholder="a time, a phase, or an event's number", id="typed", select_on_focus=False)
        field.cursor_blink = False
        yield field

    def buttons(self) -> Iterable[Chip]:
        """The button that goes there."""
        yield Chip("go", "", "Go", id="go")

    @property
    def first_focus(self) -> str:
        """Type at once."""
        return "#typed"

    def _reason(self, view: View) -> str:
        typed = self.query_one(Input).value
        if not typed.strip():
            return "nothing is typed yet"
        try:
            place(typed, self._span(view))
        except NoMoment as problem:
            return str(problem)
        return ""

    def verdict(self, view: View) -> tuple[str, str]:
        """Why it can't go there."""
        return self._reason(view), "warn"

    def update(self, view: View) -> None:
        """Grey the button."""
        self.query_one("#go", Chip).say("Go", self._reason(view))

    @on(Input.Submitted)
    def _go(self, event: Input.Submitted) -> None:
        """Enter goes there: nothing is harmed by looking."""
        event.stop()
        event.prevent_default()
        reason = self._reason(self.console_app.view())
        if reason:
            self.console_app.tell(reason, "warning")
        else:
            self.pressed("go")

    def pressed(self, name: str) -> None:
        """Go there."""
        with contextlib.suppress(NoMoment):
            found = place(self.query_one(Input).value, self._span(self.console_app.view()))
            self.console_app.go_to(*(("event", found.event) if found.event else ("t", found.t)))
        self.dismiss(None)


class SetBookmark(Dialog):
    """Asks what a bookmark is for."""

    heading = "Bookmark"
    close_label = "Cancel"

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """Where it will stand, and where it is kept."""
        return [
            line(
                ("at  ", "label"),
                f"{clock(view.session.header, view.now)}, {stopwatch(view.now)} after the beginning",
            ),
            Line(),
            *paragraph("It is kept beside your own sessions. The recording is not written.", width, "label"),
        ]

    def inputs(self) -> Iterable[Input]:
        """What it is for."""
        field = Input(placeholder="what it is for; may be left out", id="typed", select_on_focus=False)
        field.cursor_blink = False
        yield field

    def buttons(self) -> Iterable[Chip]:
        """The button that sets it."""
        yield Chip("set", "", "Set it", id="set")

    @property
    def first_focus(self) -> str:
        """Type at once."""
        return "#typed"

    @on(Input.Submitted)
    def _set(self, event: Input.Submitted) -> None:
        """Enter sets it: B takes it away again."""
        event.stop()
        event.prevent_default()
        self.pressed("set")

    def pressed(self, name: str) -> None:
        """Set it."""
        text = self.query_one(Input).value
        self.dismiss(None)
        if self.console_app.deeds.replay is not None:
            self.console_app.deeds.replay.mark(text)
