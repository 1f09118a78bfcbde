"""The demo's part of the application: its trouble, and what leaving takes along."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from textual.message import Message

from console.tui import actions
from console.tui.source import Trouble

if TYPE_CHECKING:
    from textual.app import App

    Base = App[None]
else:
    Base = object


class Troubled(Message):
    """The demo has answered; `then` shows it."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self.then = then


class DemoMixin(Base):
    """Stands before `App` among the bases of an application."""

    trouble: Trouble | None = None
    ends_demo = False
    """Whether a demo is taken down when this screen is left."""

    def offers(self, name: str) -> bool:
        """Whether an action has a meaning here at all: trouble is for the demo."""
        return name != "trouble" or self.trouble is not None

    def help_of(self, action: actions.Action) -> str:
        """What an action does, here."""
        return actions.LEAVES_DEMO if self.ends_demo and action.name == "leave" else action.help

    def trouble_status(self, then: Callable[[Mapping[str, Any]], None]) -> None:
        """Ask the demo what trouble there is."""
        self.run_worker(self._trouble("", then), group="trouble", exit_on_error=False)

    def trouble_do(self, name: str, then: Callable[[Mapping[str, Any]], None]) -> None:
        """Cause trouble, or end it."""
        self.run_worker(self._trouble(name, then), group="trouble", exit_on_error=False)

    async def _trouble(self, name: str, then: Callable[[Mapping[str, Any]], None]) -> None:
        if self.trouble is None:
            return
        try:
            done = dict(await self.trouble.do(name)) if name else {}
            status = {**await self.trouble.status(), **{k: v for k, v in done.items() if k in ("ok", "text")}}
        except (OSError, ValueError) as problem:
            status = {"ok": False, "text": f"the demo does not answer: {problem}"}
        self.post_message(Troubled(lambda: then(status)))
