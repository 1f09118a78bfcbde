"""The part of the screen that knows of a link which breaks and comes back by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from console.session import Session, meanwhile
from console.tui.back import advice
from console.tui.source import MendsItself

if TYPE_CHECKING:
    from console.tui.app import ConsoleApp

RETURNED = 30.0
"""Seconds for which it is said what happened while the link was lost."""


class Returned(Message):
    """The link is back, and this is what happened meanwhile."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class MendingMixin:
    """Tells of it."""

    def on_returned(self: ConsoleApp, message: Returned) -> None:  # type: ignore[misc]  # what it is mixed into
        """Say it, long enough for somebody who was not looking."""
        self.tell(message.text, timeout=RETURNED)
        self.redraw()


def returned(app: ConsoleApp, before: Session, after: Session) -> None:
    """After each event: say what happened, where it is the first one after an absence. For the worker that reads."""
    if isinstance(app.source, MendsItself) and app.source.returned():
        app.post_message(Returned(meanwhile(before, after)))


def no_link(app: ConsoleApp) -> str:
    """Why nothing is heard of the runner just now; empty while something is. It may come back by itself."""
    return app.link or (app.source.lost if isinstance(app.source, MendsItself) else "")


def way_back(app: ConsoleApp) -> str:
    """What leads back to the session, where the link is lost: a command, or nothing but patience."""
    if app.link:
        host = app.source.host if isinstance(app.source, MendsItself) else ""
        return advice(app.session.header, app.source.title, host)
    return "The screen comes back by itself. The runner needs no screen." if no_link(app) else ""
