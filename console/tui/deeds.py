"""What each action of the registry does: opens a dialog, asks the runner, moves the play head, or turns the view."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.screen import Screen

from console.events import OperatorThrottle
from console.tui import why
from console.tui.replay.deeds import ReplayDeeds
from console.tui.replay.source import ReplaySource
from console.tui.screens import asks, details, lists, people
from console.tui.screens.advance import AdvanceDialog
from console.tui.screens.main import PANELS, MainScreen
from console.tui.waits import find, waits
from console.tui.widgets.pane import Pane

if TYPE_CHECKING:
    from console.tui.app import ConsoleApp


ANSWERED = 2.0
"""Seconds in which a runner answers; after that, what holds is what the session says."""


class Deeds:
    """Does what the actions stand for, on an app."""

    def __init__(self, app: ConsoleApp) -> None:
        self.app = app
        self._pace: tuple[float, OperatorThrottle | None, float] = (float("-inf"), None, 100.0)
        """When a pace was asked for last, what held then, and which."""
        self._deeds: dict[str, Callable[[], None]] = {
            "slower": lambda: self._throttle(why.below),
            "faster": lambda: self._throttle(why.above),
            "pause": self._pause,
            "advance": self._advance,
            "throttle": lambda: self._open(asks.Throttle()),
            "retry": lambda: app.ask("retry", phase=app.session.phase),
            "skip-gate": lambda: self._open(asks.SkipGate()),
            "skip-rows": lambda: self._open(asks.SkipRows()),
            "cancel-statement": lambda: self._open(asks.CancelStatement()),
            "roll-back": lambda: self._open(asks.RollBack(self._table())),
            "abort": lambda: self._open(asks.Abort()),
            "note": lambda: self._open(asks.Note()),
            "people": lambda: self._open(people.WhoIsHere()),
            "asked": lambda: self._open(people.AskedFor()),
            "session": self._session,
            "findings": lambda: self._open(lists.Findings()),
            "statement": lambda: self._phase(app.session.phase),
            "menu": lambda: self._open(lists.Menu()),
            "trouble": lambda: self._open(lists.TroubleMenu()),
            "open": lambda: None,
            "back": self._back,
            "copy": self._copy,
            "help": lambda: self._open(lists.Help()),
            "palette": app.action_command_palette,
            "redraw": app.redraw_all,
            "leave": app.leave,
        }
        for number, _, panel in PANELS:
            self._deeds[f"panel-{number}"] = lambda panel=panel: self._panel(panel)  # type: ignore[misc]
        self.replay = ReplayDeeds(app, app.source) if isinstance(app.source, ReplaySource) else None
        """What a replay adds; None on a runner."""
        if self.replay is not None:
            self._deeds |= self.replay.deeds()

    def do(self, name: str) -> None:
        """Do it; KeyError for an action that this mode does not have."""
        self._deeds[name]()

    def go_to(self, kind: str, where: float) -> None:
        """Move the play head of a replay to a time (`t`) or an event (`event`)."""
        if self.replay is not None:
            self.replay.go_to(kind, where)

    # -- The runner

    def _throttle(self, step: Callable[[float], int | None]) -> None:
        """One step from where it is; from what was asked for a moment ago, while the runner has not answered."""
        own, now = self.app.session.operator_throttle, time.monotonic()
        asked, answered_by, percent = self._pace
        waits = now - asked < ANSWERED and answered_by is own
        found = step(percent if waits else why.percent(self.app.session))
        if found is not None:
            self._pace = now, own, float(found)
            self.app.ask("throttle", (f"{found}%",))

    def _pause(self) -> None:
        self.app.ask("resume" if self.app.session.state == "paused" else "pause")

    def _advance(self) -> None:
        name = self.app.session.phase
        phase = self.app.view().plan_of(name)
        title = phase.title if phase else name
        self._open(
            AdvanceDialog(name, title, self._table(), irreversible=phase is not None and phase.irreversible)
        )

    def _table(self) -> str:
        header = self.app.session.header
        return header.table if header else ""

    # -- Looking

    def _open(self, screen: Screen[None]) -> None:
        self.app.push_screen(screen)

    def _main(self) -> MainScreen | None:
        return next((s for s in self.app.screen_stack if isinstance(s, MainScreen)), None)

    def bring_up(self, panel: str) -> None:
        """Show a panel where several share a place; the focus stays."""
        main = self._main()
        if main is not None:
            main.bring_up(panel)

    def _panel(self, panel: str) -> None:
        main = self._main()
        if main is not None:
            main.go_to(panel)

    def _back(self) -> None:
        main = self._main()
        if main is not None:
            main.out()

    def _phase(self, name: str) -> None:
        phase = self.app.view().plan_of(name)
        self._open(details.PhaseDetails(name, phase.title if phase else name))

    def _session(self) -> None:
        """The picked session of the lock waits; where none is picked, the first that holds."""
        main = self._main()
        picked = main.query_one("#locks", Pane).picked if main else ""
        known = waits(self.app.session)
        found = next(
            (wait for wait in known if f"pid {wait.session.pid}" == picked), known[0] if known else None
        )
        if found is not None:
            self._open(details.SessionDetails(found.session.pid, found.session.started))

    def open(self, key: str) -> None:
        """Show the picked line of a panel in full; in a replay a line of the log goes to its moment."""
        kind, _, rest = key.partition(" ")
        if kind == "pid":
            wait = find(self.app.session, int(rest))
            if wait is not None:
                self._open(details.SessionDetails(wait.session.pid, wait.session.started))
        elif kind == "log":
            entry = self.app.session.log[int(rest)] if int(rest) < len(self.app.session.log) else None
            if entry is not None and self.app.source.mode == "replay":
                self.go_to("t", entry.t)
            elif entry is not None:
                self._open(details.LogDetails(entry))
        elif kind == "phase":
            self._phase(rest)

    def _copy(self) -> None:
        """The picked line, else the statement."""
        focused = self.app.focused
        text, what = "", "the statement"
        if isinstance(focused, Pane) and focused.picked:
            row = next((row for row in focused.lines if row.key == focused.picked), None)
            text, what = (row.text.strip() if row else ""), "the line"
            if focused.picked.startswith("pid "):
                wait = find(self.app.session, int(focused.picked[4:]))
                text, what = (wait.session.query if wait else text), "the query"
        elif self.app.session.statement is not None:
            text = self.app.session.statement.sql
        if not text:
            self.app.tell("nothing to copy: pick a line first", "warning")
            return
        self.app.copy_to_clipboard(text)
        self.app.tell(f"copied {what}, {len(text)} characters, by the terminal (OSC 52), if it allows that")
