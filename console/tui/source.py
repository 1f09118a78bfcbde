"""Where a screen's events come from and where its actions go: a runner's socket, or a recording.

The screen knows these two protocols and nothing of what stands behind them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal, Protocol, runtime_checkable

from console.events import ActionChanged, Event

Mode = Literal["live", "replay"]


class Source(Protocol):
    """A stream of a session's events, with the session's own clock."""

    @property
    def mode(self) -> Mode:
        """Whether a runner stands behind it, or a recording."""
        ...

    @property
    def title(self) -> str:
        """What it is, for the header: a session's name, a recording's file name."""
        ...

    @property
    def me(self) -> str:
        """What this screen is called in the session's events; empty where that is not known."""
        ...

    def events(self) -> AsyncIterator[Event]:
        """A snapshot (or the events from the first), then the stream; a gap is healed by a snapshot.

        Ends when nothing more can come. Raises ConnectionError where the link is gone for good.
        """
        ...

    async def ask(
        self,
        action: str,
        arguments: tuple[str, ...] = (),
        reason: str = "",
        phase: str = "",
        seq: int = 0,
    ) -> ActionChanged:
        """Ask for an action; what became of it, so far. Raises ConnectionError where it could not be sent."""
        ...

    def now(self) -> float:
        """The session's clock `t`, in seconds: advancing by itself while live, the play head in a replay."""
        ...

    async def close(self) -> None:
        """Let go of it. A runner goes on."""
        ...


@runtime_checkable
class MendsItself(Protocol):
    """A source whose link comes back by itself when it was lost."""

    @property
    def host(self) -> str:
        """The machine that the runner is on, as the operator named it; empty for this one."""
        ...

    @property
    def lost(self) -> str:
        """That there is no link just now, for how long, and what is done about it; empty while it stands."""
        ...

    @property
    def unanswered(self) -> tuple[str, ...]:
        """The actions that were asked for, and of which it is not known what became."""
        ...

    def returned(self) -> bool:
        """Whether the session that was given last is the first after an absence; told once."""
        ...


@runtime_checkable
class Witness(Protocol):
    """A source that wants to know what the person has before them, so that a replay can show it."""

    def screen(self, dialog: str, pressed: str = "") -> None:
        """The title of the dialog that is open (empty: none), and what was pressed just now (empty: nothing)."""
        ...


class Trouble(Protocol):
    """The demo's menu of trouble."""

    async def status(self) -> Mapping[str, Any]:
        """By name of each trouble: its `title`, its `help`, and whether it is `active`."""
        ...

    async def do(self, name: str, **args: Any) -> Mapping[str, Any]:
        """Cause it, or end it where it is active; says in `text` what was done."""
        ...
