"""The application: follows a source's events, keeps the session, draws it once a second and when something happens.

One worker reads the source and folds; it touches no widget, it posts a message. Handlers own what is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual import events as textual_events
from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer

from console.events import Snapshot
from console.session import Session, apply
from console.tui import actions, mending, theme
from console.tui.asking import AskingMixin
from console.tui.crash import report
from console.tui.deeds import Deeds
from console.tui.demo import DemoMixin, Troubled
from console.tui.diff import DiffMixin
from console.tui.glyphs import UNICODE, Glyphs
from console.tui.replay.source import ReplaySource
from console.tui.screens.asks import LeaveDemo
from console.tui.screens.dialog import Dialog
from console.tui.screens.main import LiveScreen, MainScreen, ReplayScreen
from console.tui.screens.small import SmallScreen, too_small
from console.tui.source import Source, Trouble
from console.tui.view import View
from console.tui.widgets.pane import Pane
from console.tui.witness import WitnessMixin

URGENT = (
    "header", "plan", "state", "reason", "waits_for", "phase", "phases", "statement", "throttle", "operator_throttle",
    "lock_waits", "held", "failures", "keys", "clients", "actions", "ended",
)  # fmt: skip
"""The parts of a session whose change is drawn at once. Samples and batches come each second and wait for the tick."""


LAYING_OUT = 0.02
"""Seconds between two looks whether the panels were laid out."""


class SessionChanged(Message):
    """The worker folded more events. Only the newest matters."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    def can_replace(self, message: Message) -> bool:
        """A newer one makes this one needless."""
        return isinstance(message, SessionChanged)


class Stopped(Message):
    """No more events will come, and why; empty where the session simply ended."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why


class ConsoleApp(
    DiffMixin, DemoMixin, WitnessMixin, AskingMixin, mending.MendingMixin, App[None], inherit_bindings=False
):
    """The console on one source."""

    CSS_PATH = "style.tcss"
    TITLE = "column-console"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "press('interrupt')", "Leave", show=False, system=True),
        Binding("tab", "app.focus_next", "Next", show=False, system=True),
        Binding("shift+tab", "app.focus_previous", "Before", show=False, system=True),
    ]

    def __init__(
        self,
        source: Source,
        *,
        trouble: Trouble | None = None,
        glyphs: Glyphs = UNICODE,
        few_colours: bool = False,
        ends_demo: bool = False,
        state_directory: Path | None = None,
    ) -> None:
        """`ends_demo`: a demo that is taken down when its screen is left."""
        super().__init__()
        self.source = source
        self.trouble = trouble
        self.glyphs = glyphs
        # A recording is there at once: the first picture shows it.
        self.session = source.player.session() if isinstance(source, ReplaySource) else Session()
        self.link = ""
        """Why no more events come; empty while they may."""
        self.ends_demo = ends_demo
        self._to_be_drawn = False
        self._picture: Timer | None = None
        """Looks whether the first picture of a recording that is still opened stands."""
        self.crashed = False
        self.crash: Path | None = None
        """Where the traceback was written, after a crash; None where no file could be written."""
        self._state_directory = state_directory
        self.deeds = Deeds(self)
        for one in theme.themes():
            self.register_theme(one)
        self.theme = theme.PLAIN if few_colours else theme.RICH

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our variables, for the stock themes that the palette offers."""
        return theme.ANSI_VARIABLES if self.current_theme.ansi else theme.VARIABLES

    # -- Life

    def get_default_screen(self) -> Screen[None]:
        """The main screen, with the keys of its mode."""
        return ReplayScreen() if self.source.mode == "replay" else LiveScreen()

    def on_mount(self) -> None:
        """One timer for the whole screen; a recording may be played faster than life."""
        self.set_class(self.glyphs.name == "ascii", "-ascii")
        self.follow()
        self.set_interval(1.0 if self.source.mode == "live" else 0.25, self.redraw)
        if isinstance(self.source, ReplaySource) and self.source.player.opening:
            self._picture = self.set_interval(LAYING_OUT, partial(self._first_picture, self.source))
        self._check_size(self.size)

    @work(exclusive=True, group="stream", exit_on_error=False)
    async def follow(self) -> None:
        """Read the source, fold, and say that there is something new."""
        session = Session()
        why = ""
        try:
            async for event in self.source.events():
                if isinstance(event, Snapshot) and event.s < session.s:
                    # The play head went back: begin anew.
                    session = Session()
                before, session = session, apply(session, event)
                self.post_message(SessionChanged(session))
                mending.returned(self, before, session)
        except ConnectionError as problem:
            why = f"the link is gone: {problem}"
        if not why and session.ended is None and self.source.mode == "live":
            why = "the runner is gone"
        self.post_message(Stopped(why))

    def on_session_changed(self, message: SessionChanged) -> None:
        """Keep it; draw at once what can't wait for the tick."""
        before, self.session = self.session, message.session
        self.tell_results(before)
        urgent = any(getattr(before, part) is not getattr(self.session, part) for part in URGENT)
        if (urgent or before.s > self.session.s) and not self._to_be_drawn:
            # After what waits already: an action, its answer and what they change come together, and are drawn once.
            self._to_be_drawn = True
            self.call_later(self._redraw_due)

    def _redraw_due(self) -> None:
        self._to_be_drawn = False
        self.redraw()

    def on_stopped(self, message: Stopped) -> None:
        """Say that what is shown will not change any more."""
        self.link = message.why
        if message.why:
            self.tell(message.why, "error")
        self.redraw()

    def view(self) -> View:
        """What is to be drawn now."""
        playing = self.source.player.playing() if isinstance(self.source, ReplaySource) else None
        now = self.source.now()
        lost = mending.no_link(self)
        if (self.session.ended is not None or lost) and self.source.mode == "live":
            # Nothing more is heard: what is shown is of then.
            now = self.session.t
        return View(
            session=self.session,
            now=max(now, self.session.t) if self.source.mode == "live" else now,
            way_back=mending.way_back(self),
            mode=self.source.mode,
            title=self.source.title,
            me=self.source.me,
            glyphs=self.glyphs,
            link=lost,
            playing=playing,
        )

    def redraw(self) -> None:
        """Draw the session on every screen that is open: the one on top, and those behind it."""
        view = self.view()
        for screen in self.screen_stack:
            # One that closes is not displayed any more, and loses its parts one by one.
            shown = screen.is_mounted and screen.display
            if isinstance(screen, MainScreen | Dialog | SmallScreen) and shown:
                screen.redraw(view)

    def _first_picture(self, source: ReplaySource) -> None:
        """Tell a recording that is still opened when its first picture stands: in panels that are laid out."""
        laid_out = any(pane.lines for screen in self.screen_stack[:1] for pane in screen.query(Pane))
        if self._picture is not None and (laid_out or not source.player.opening):
            self._picture.stop()
            # Twice, since the first call comes before what was drawn is sent.
            self.call_after_refresh(self.call_after_refresh, source.drawn)

    def on_resize(self, event: textual_events.Resize) -> None:
        """A terminal too small gets one sentence; enlarged, it gets everything back."""
        self._check_size(event.size)

    def _check_size(self, size: Size) -> None:
        small = isinstance(self.screen, SmallScreen)
        if too_small(size) and not small:
            self.push_screen(SmallScreen())
        elif small and not too_small(size):
            self.pop_screen()

    def leave(self) -> None:
        """Leave the view. The runner goes on, but of a demo that ends with its screen: there it asks once."""
        asks = self.ends_demo and self.session.ended is None and not self.link
        if asks and not isinstance(self.screen, SmallScreen):
            self.push_screen(LeaveDemo())
        else:
            self.exit()

    async def on_unmount(self) -> None:
        """Let go of the source."""
        await self.source.close()

    def _handle_exception(self, error: Exception) -> None:
        """A crash: the traceback goes to a file, without the values of variables; the terminal gets three lines."""
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        if not self.crashed:
            self.crashed = True
            self.crash = report(error, self._state_directory)
        self._close_messages_no_wait()

    def panic(self, *renderables: object) -> None:
        """What Textual would print on its way out stays unprinted: it may hold what nobody should see."""
        self._close_messages_no_wait()

    # -- Actions

    def why_not(self, name: str) -> str:
        """Why an action can't be used now; empty where it can."""
        return (
            actions.BY_NAME[name].allowed(
                self.session, self.source.mode, mending.no_link(self), self.source.me
            )
            if name in actions.BY_NAME
            else ""
        )

    def press(self, name: str) -> None:
        """Do an action, or say why not."""
        if name in actions.BY_NAME and self.offers(name):
            greyed = " (greyed)" if self.why_not(name) else ""
            self.tell_screen(f"{actions.label(actions.BY_NAME[name], self.session)}{greyed}")
        if name == "interrupt":
            self.tell(
                "q leaves and takes the demo down"
                if self.ends_demo
                else "q leaves the replay"
                if self.source.mode == "replay"
                else "q leaves the view; the runner goes on"
            )
        elif not self.offers(name):
            self.tell("trouble can be caused in the demo only", "warning")
        elif reason := self.why_not(name):
            self.tell(reason, "warning")
        else:
            self.deeds.do(name)

    def action_press(self, name: str) -> None:
        """For keys."""
        self.press(name)

    def open(self, key: str) -> None:
        """Show the picked line of a panel in full."""
        self.deeds.open(key)

    def go_to(self, kind: str, where: float) -> None:
        """Move the play head of a replay."""
        self.deeds.go_to(kind, where)

    def on_troubled(self, message: Troubled) -> None:
        """Show it."""
        message.then()

    # -- The palette

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action of the registry by its name, then what Textual brings along."""
        for action in actions.of_mode(self.source.mode):
            if action.name in ("palette", "open") or not self.offers(action.name):
                continue
            reason = self.why_not(action.name)
            help_text = f"not now: {reason}" if reason else self.help_of(action)
            label = actions.label(action, self.session)
            yield SystemCommand(label, help_text, lambda name=action.name: self.press(name))
        for command in super().get_system_commands(screen):
            if command.title in ("Theme", "Screenshot"):
                yield command
