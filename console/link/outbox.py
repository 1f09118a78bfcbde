"""What is still to be sent to one client. Pure, and bounded whatever the client does.

What the next event of its kind replaces is kept once; all else keeps its order. When more waits than a snapshot of
the session is long, the readings give way to one, taken at the moment of sending, which follows the events that matter:
those are sent each. Only where they alone are too many, which takes a client that has stopped, the snapshot with its
log stands for them too. Samples are kept each until then: they carry the peaks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from console import events
from console.link.protocol import FromServer, encode

MOST_EVENTS = 500
MOST_BYTES = 128 * 1024
"""About the length of a snapshot, whose history, log and plan are 50 to 150 kB."""
MOST_ANSWERS = 64


class Outbox:
    """The lines that wait for one client."""

    def __init__(self, *, most_events: int = MOST_EVENTS, most_bytes: int = MOST_BYTES) -> None:
        self.tells_what_matters = True
        """Before a snapshot too; an end of protocol 1 would not take a snapshot of the last of these events."""
        self.needs_snapshot = True
        """A snapshot comes next, after the events that matter."""
        self._behind = False
        """It follows, and the client has had one already: it is still told what matters."""
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._waiting: dict[int, bytes] = {}
        self._matter: set[int] = set()
        self._bytes = 0
        self._latest: dict[tuple[str, str], int] = {}
        self._answers: deque[bytes] = deque()
        self._sent = 0

    @property
    def size(self) -> int:
        """Bytes that wait, a snapshot apart."""
        return self._bytes + sum(map(len, self._answers))

    def offer(self, event: events.Event, line: bytes) -> None:
        """An event happened; `line` is how it is written, with its newline."""
        if self.needs_snapshot and not (self._behind and matters(event)):
            return
        replaced = _replaces(event)
        if replaced is not None:
            old = self._waiting.pop(self._latest.get(replaced, 0), b"")
            self._bytes -= len(old)
            self._latest[replaced] = event.s
        self._waiting[event.s] = line
        self._bytes += len(line)
        if matters(event):
            self._matter.add(event.s)
        if not self._too_much():
            return
        if not self.tells_what_matters:
            self.ask_snapshot()
            return
        for s in self._waiting.keys() - self._matter:
            self._bytes -= len(self._waiting.pop(s))
        self._latest.clear()
        self.needs_snapshot = self._behind = True
        if self._too_much():
            self.ask_snapshot()

    def _too_much(self) -> bool:
        return len(self._waiting) > self._most_events or self._bytes > self._most_bytes

    def ask_snapshot(self) -> None:
        """Send the session whole next, and nothing else."""
        self._forget()
        self.needs_snapshot, self._behind = True, False

    def _forget(self) -> None:
        self._waiting.clear()
        self._latest.clear()
        self._matter.clear()
        self._bytes = 0

    def answer(self, frame: FromServer) -> bool:
        """Something for this client alone. False where it takes none of its answers: then it is to be dropped."""
        if len(self._answers) >= MOST_ANSWERS:
            return False
        self._answers.append(encode(frame))
        return True

    def take(self, snapshot: Callable[[], tuple[int, bytes]]) -> list[bytes]:
        """All lines to be sent now, in order. `snapshot` gives the session's last event's number, and its line."""
        out = list(self._answers)
        self._answers.clear()
        for s, line in self._waiting.items():
            if s > self._sent + 1:
                out.append(encode(FromServer(skip=(self._sent + 1, s - 1))))
            out.append(line)
            self._sent = s
        self._forget()
        if self.needs_snapshot:
            self._sent, line = snapshot()
            self.needs_snapshot = self._behind = False
            out.append(line)
        return out


def matters(event: events.Event) -> bool:
    """Whether it must be told though a snapshot follows: all but the readings, which the snapshot has.

    >>> matters(events.Note(text="a", by="b")), matters(events.Sample())
    (True, False)
    """
    match event:
        case (
            events.Sample()
            | events.Batches()
            | events.LockWaitsChanged()
            | events.TableHeld()
            | events.Throttled(again=True)
            | events.Verified()
            | events.Progressed()
            | events.PhaseEvidence()
        ):
            return False
        case _:
            return True


def _replaces(event: events.Event) -> tuple[str, str] | None:
    """What a newer event of its kind takes the place of; None where each one counts."""
    match event:
        case events.Verified():
            return "verified", ""
        case events.Progressed(phase=phase):
            return "progress", phase
        case events.PhaseEvidence(phase=phase):
            return "evidence", phase
        case _:
            return None
