"""Going to a moment of a recording (a time, a phase, an event's number), and marking one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from textual import on
from textual.widgets import Input

from console.tui.clock import clock, parse_moment, stopwatch
from console.tui.lines import Line, line, paragraph
from console.tui.screens.dialog import Dialog
from console.tui.view import View
from console.tui.widgets.buttons import Chip
from console.words import plain


def target(text: str, view: View, phases: Mapping[str, float]) -> tuple[str, float] | None:
    """Where the text points: `("t", seconds)` or `("event", number)`; None where it points nowhere.

    `phases`: when each began. Its name may be cut short as long as it fits one alone.
    """
    found = re.fullmatch(r"(?:#|event\s*)?(\d+)", text.strip(), re.IGNORECASE)
    if found:
        return "event", float(found[1])
    name = text.strip().casefold().replace(" ", "-")
    fitting = [one for one in phases if one == name] or [
        one for one in phases if name and one.startswith(name)
    ]
    if len(fitting) == 1:
        return "t", phases[fitting[0]]
    moment = parse_moment(text, view.session.header, view.now)
    return None if moment is None else ("t", moment)


class GoTo(Dialog):
    """Asks where to go."""

    heading = "Go to"
    close_label = "Cancel"

    def __init__(self, phases: Mapping[str, float]) -> None:
        """`phases`: those that were reached, and when each began."""
        super().__init__()
        self._phases = phases

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """What can be typed, and what the recording spans."""
        playing = view.playing
        assert playing is not None
        header = view.session.header
        first, last = clock(header, 0.0), clock(header, playing.duration)
        return [
            line(("recorded  ", "label"), f"{first} to {last}, {stopwatch(playing.duration)} long"),
            line(
                ("now at    ", "label"),
                f"{clock(header, view.now)}, {stopwatch(view.now)} after the beginning",
            ),
            Line(),
            *paragraph("14:05 or 14:05:30  a time of day", width),
            *paragraph("12m30s             after the beginning", width),
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
        return "" if target(typed, view, self._phases) else self._nowhere(typed.strip(), view)

    def _nowhere(self, typed: str, view: View) -> str:
        planned = [phase.name for phase in view.session.phases]
        if typed in planned:
            return f"{typed} was never begun"
        return f"{typed} is no time, no phase and no event"

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
        found = target(self.query_one(Input).value, self.console_app.view(), self._phases)
        if found is not None:
            self.console_app.go_to(*found)
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
