"""The moments of a recorded session that the pictures show, and a source that stands still at one of them."""

import asyncio
from collections.abc import AsyncIterator, Callable

from console.events import ActionChanged, Event, Owner, PhaseBegan, PhaseEnded, Throttled
from console.recording import Recording
from console.session import snapshot
from console.tui.source import Mode


class MomentSource:
    """A session as it was at a moment, shown as if it lived."""

    mode: Mode = "live"
    me = ""

    def __init__(self, recording: Recording, at: float) -> None:
        self._session = recording.at(at)
        self._at = at
        self.title = self._session.header.session if self._session.header else ""

    async def events(self) -> AsyncIterator[Event]:
        """The session whole, and nothing more."""
        yield snapshot(self._session, whole=True)
        if self._session.ended is None:
            await asyncio.Event().wait()

    async def ask(
        self, action: str, arguments: tuple[str, ...] = (), reason: str = "", phase: str = "", seq: int = 0
    ) -> ActionChanged:
        """Nobody is asked."""
        return ActionChanged(id="", action=action, state="refused", owner=Owner(name=""))

    def now(self) -> float:
        """The moment."""
        return self._at

    async def close(self) -> None:
        """Nothing to close."""


def _backfill(recording: Recording) -> float | None:
    """Two thirds through the backfill."""
    began = [
        event.t
        for _, event in recording.of(PhaseBegan)
        if isinstance(event, PhaseBegan) and event.phase == "backfill"
    ]
    ended = [
        event.t
        for _, event in recording.of(PhaseEnded)
        if isinstance(event, PhaseEnded) and event.phase == "backfill"
    ]
    return began[0] + (ended[-1] - began[0]) * 2 / 3 if began and ended else None


def _state(state: str, waits_for: str = "") -> Callable[[Recording], float | None]:
    """The middle of the longest stretch in which the session was in a state, for something if it is named."""

    def find(recording: Recording) -> float | None:
        stretches: list[tuple[float, float]] = []
        inside = False
        for t in recording.times:
            session = recording.at(t)
            matches = session.state == state and waits_for in ("", session.waits_for)
            if matches:
                stretches = [*stretches[:-1], (stretches[-1][0], t)] if inside else [*stretches, (t, t)]
            inside = matches
        began, ended = max(stretches, key=lambda stretch: stretch[1] - stretch[0], default=(0.0, 0.0))
        return (began + ended) / 2 if ended > began else None

    return find


def _pile_up(recording: Recording) -> float | None:
    """When those who waited for a lock had waited longest, all of them together, while a statement of ours ran."""
    waited: dict[float, float] = {}
    for t in recording.times:
        session = recording.at(t)
        if session.statement is not None and session.statement.outcome is None:
            waited[t] = sum(t - wait.began for wait in session.lock_waits if wait.mode)
    longest = max(waited, key=lambda t: waited[t], default=0.0)
    return longest if waited.get(longest, 0.0) > 0 else None


def _throttled(recording: Recording) -> float | None:
    """A little after the backfill was stopped for the first time."""
    stopped = [
        event.t
        for _, event in recording.of(Throttled)
        if isinstance(event, Throttled) and any(reason.stops for reason in event.reasons)
    ]
    return stopped[0] + 3.0 if stopped else None


def _unread(recording: Recording) -> float | None:
    """A little after a replica was lost from sight."""
    lost = [
        event.t
        for _, event in recording.of(Throttled)
        if isinstance(event, Throttled)
        and any(reason.name in ("replica gone", "replica unread") for reason in event.reasons)
    ]
    return lost[0] + 3.0 if lost else None


MOMENTS: dict[str, Callable[[Recording], float | None]] = {
    "backfill": _backfill,
    "waiting": _state("waiting", "advance"),
    "gate": _state("waiting", "evidence"),
    "parked": _state("parked"),
    "pile-up": _pile_up,
    "throttled": _throttled,
    "unread": _unread,
    "completed": lambda recording: recording.duration,
}
"""By name; each finds its time on the session's clock, None where the session has no such moment."""
