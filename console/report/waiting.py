"""Who stood behind a statement of ours, and for how long: put together from the lock waits that were seen.

Lock waits are read about once a second, so one that was over between two readings is not among them. What the
guard of the statement counted (`StatementEnded.queued`) is more precise in number; how long, only this tells.
"""

from __future__ import annotations

from collections.abc import Mapping

from console import events
from console.change import Frozen
from console.recording import Recording
from console.session import behind


class Waiting(Frozen, frozen=True):
    """What one try of a statement made others wait, as it was seen."""

    sessions: int = 0
    longest_s: float = 0.0


class _Try:
    """A try that runs: who was seen behind it, since when."""

    def __init__(self, event: events.StatementBegan) -> None:
        self.began = event.t
        self.pid = event.pid
        self.since: dict[int, float] = {}
        self.seen: set[int] = set()
        self.longest = 0.0

    def look(self, waits: Mapping[int, events.LockWait], now: float) -> None:
        """Take in the lock waits as they are now."""
        queue = {pid for pid in behind(waits, [self.pid]) if waits[pid].mode}
        for pid in set(self.since) - queue:
            self.longest = max(self.longest, now - self.since.pop(pid))
        for pid in queue - set(self.since):
            self.since[pid] = max(self.began, waits[pid].began)
        self.seen |= queue

    def over(self, now: float) -> Waiting:
        """What it came to."""
        longest = max([self.longest, *(now - began for began in self.since.values())])
        return Waiting(sessions=len(self.seen), longest_s=round(max(0.0, longest), 3))


def waiting(recording: Recording) -> dict[int, Waiting]:
    """By the position just after the end of each try that somebody was seen to wait behind."""
    found: dict[int, Waiting] = {}
    waits: dict[int, events.LockWait] = {}
    running: _Try | None = None
    kinds = (events.Header, events.LockWaitsChanged, events.StatementBegan, events.StatementEnded)
    for position, event in recording.of(*kinds):
        match event:
            case events.Header():
                waits, running = {}, None
            case events.LockWaitsChanged():
                for pid in event.ended:
                    waits.pop(pid, None)
                waits.update((wait.session.pid, wait) for wait in event.began)
                if running is not None:
                    running.look(waits, event.t)
            case events.StatementBegan():
                running = _Try(event) if event.pid else None
            case events.StatementEnded():
                if running is not None and running.seen:
                    found[position] = running.over(event.t)
                running = None
            case _:
                pass
    return found
