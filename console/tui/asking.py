"""Asks the runner for what was pressed, and tells what became of it, in the corner of the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from textual.message import Message

from console.events import OPEN_STATES, ActionChanged
from console.session import Session
from console.tui import people
from console.tui.lines import cut
from console.tui.source import Source

if TYPE_CHECKING:
    from textual.app import App

    Base = App[None]
else:
    Base = object

Severity = Literal["information", "warning", "error"]

LONGEST_MESSAGE = 400
"""Cells of a message in the corner."""


class Answered(Message):
    """The runner has answered."""

    def __init__(self, text: str, severity: Severity) -> None:
        super().__init__()
        self.text = text
        self.severity = severity


class AskingMixin(Base):
    """Stands before `App` among the bases of an application."""

    source: Source
    session: Session
    _asked: frozenset[str] = frozenset()
    """The ids of what was asked from this screen and was still open when it was answered: the rest is told once."""

    def tell(self, text: str, severity: Severity = "information", *, timeout: float = 6) -> None:
        """A short message in the corner, for `timeout` seconds. The text may come from outside."""
        self.notify(cut(text, LONGEST_MESSAGE), severity=severity, markup=False, timeout=timeout)

    def ask(self, action: str, arguments: tuple[str, ...] = (), *, reason: str = "", phase: str = "") -> None:
        """Ask the runner for an action, with the event that the asker saw last; what comes of it is told."""
        seq = self.session.s
        self.run_worker(self._ask(action, arguments, reason, phase, seq), group="ask", exit_on_error=False)

    async def _ask(self, action: str, arguments: tuple[str, ...], reason: str, phase: str, seq: int) -> None:
        try:
            answer = await self.source.ask(action, arguments, reason, phase, seq)
        except ConnectionError as problem:
            self.post_message(Answered(f"{action}: {problem}", "error"))
            return
        if answer.state in OPEN_STATES:
            self._asked |= {answer.id}
        self.post_message(Answered(*said(answer)))

    def on_answered(self, message: Answered) -> None:
        """Tell it."""
        self.tell(message.text, message.severity)

    def tell_results(self, before: Session) -> None:
        """What became of an action of ours that was still running when it was answered."""
        if before.actions is self.session.actions and before.control is self.session.control:
            return
        for text, presses in people.announced(before, self.session, self.source.me):
            self.tell(text, "warning" if presses else "information")
        known = {action.id: action.state for action in before.actions}
        for action in self.session.actions:
            if (
                action.id in self._asked
                and known.get(action.id) in OPEN_STATES
                and action.state not in OPEN_STATES
            ):
                self.tell(*said(action))


def said(action: ActionChanged) -> tuple[str, Severity]:
    """What became of an action, in words."""
    words = " ".join((action.action, *action.arguments[:1]))
    text = f": {action.text}" if action.text else ""
    severity: Severity = "warning" if action.state in ("refused", "expired", "cancelled") else "information"
    return f"{words} {action.state}{text}", severity
