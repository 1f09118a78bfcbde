"""Who stood behind a statement of ours, and for how long: put together from the lock waits that were seen.

Lock waits are read about once a second, so one that was over between two readings is not among them. What the
guard of the statement counted (`StatementEnded.queued`) is more precise in number; how long, only this tells.
"""

from __future__ import annotations

from console import events
from console.change import Frozen
from console.recording import Recording
from console.session import Queue


class Waiting(Frozen, frozen=True):
    """What one try of a statement made others wait, as it was seen."""

    sessions: int = 0
    longest_s: float = 0.0


def waiting(recording: Recording) -> dict[int, Waiting]:
    """By the position just after the end of each try that somebody was seen to wait behind."""
    found: dict[int, Waiting] = {}
    waits: dict[int, events.LockWait] = {}
    running: tuple[int, Queue] | None = None
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
                    pid, queue = running
                    queue.look(waits, [pid], event.t)
            case events.StatementBegan():
                running = (event.pid, Queue(event.t)) if event.pid else None
            case events.StatementEnded():
                stood = running[1].over(event.t) if running is not None else []
                if stood:
                    sessions = {one.wait.session.pid for one in stood}
                    found[position] = Waiting(sessions=len(sessions), longest_s=round(stood[0].seconds, 3))
                running = None
            case _:
                pass
    return found
