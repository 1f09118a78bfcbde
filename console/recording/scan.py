"""One pass over the lines of a recording: what can be read, in order, with a problem for all that can't.

The pass also puts together what snapshots in a recording leave out: the log, the points of the charts, and the
session's rare parts (header, plan, preflight, statements, actions, keys), each with the position at which it came
to be. A position is a number of events: position n lies after the first n.
"""

from __future__ import annotations

import gc
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from msgspec.structs import replace

from console import events, narrate
from console.recording import packed, packing
from console.recording.lines import Lines
from console.recording.order import Order, Read
from console.recording.problems import LATEST, UNREADABLE, Problem, RecordingError
from console.recording.readable import check_head, readable
from console.session import LogLine, Point, Session, apply

RARE = (
    events.Header,
    events.Planned,
    events.PreflightDone,
    events.StatementBegan,
    events.StatementEnded,
    events.ActionChanged,
    events.KeysListed,
)
SILENT = frozenset((packed.Batches, packed.LockWaits, events.Progressed, events.Verified))
"""Kinds that come each second, and that nothing below is made of."""


T = TypeVar("T")


class Scan:
    """What a recording holds. Filled by `scan`, read by `Recording`."""

    def __init__(self, data: bytes = b"") -> None:
        self.problems: list[Problem] = []
        self.lines = Lines(data)
        self.kinds: list[type[events.Event]] = []
        self.times = array("d")
        """By event, never falling."""
        self.snapshot_at: list[int] = []
        self.snapshots: list[packed.Kept] = []
        self.standing_in: list[int] = []
        """The snapshots that stand in for events which are lost, and count as events themselves."""
        self.point_at: list[int] = []
        self.points: list[Point] = []
        self.log_at: list[int] = []
        self.log: list[LogLine] = []
        self.rare_at: list[int] = []
        self.rare: list[Session] = []
        self._names: tuple[str, ...] = ()
        self.s = 0
        """The number of the last event."""

    @property
    def t(self) -> float:
        """When the last event happened."""
        return self.times[-1] if self.times else 0.0

    def problem(self, line: int, text: str) -> None:
        """Say what is missing."""
        self.problems.append(Problem(line, text))

    def add(self, read: Read) -> None:
        """Take a line in, which comes after all before it."""
        if isinstance(read.event, packed.Kept):
            self._add_snapshot(read, read.event)
            return
        if read.begins < 0:
            self.lines.append_own(read.line)
        else:
            self.lines.append(read.begins)
        self._add_event(read.event)

    def _add_event(self, event: events.Event) -> None:
        kind = type(event)
        self.kinds.append(packed.EVENTS.get(kind, kind))
        self.times.append(max(event.t, self.t))
        self.s = max(self.s, event.s)
        if isinstance(event, packed.Sample):
            self.chart(event)
        elif kind not in SILENT:
            self.tell(event)

    def chart(self, event: packed.Sample) -> None:
        """Make a point of the charts of the last event."""
        point, self._names = packing.charted(event, self._names)
        self.point_at.append(len(self.kinds))
        self.points.append(point)

    def tell(self, event: events.Event) -> None:
        """Put the last event into the log, and to the rare ones, where it belongs there."""
        here = len(self.kinds)
        said = narrate.line(event)
        if said:
            self.log_at.append(here)
            self.log.append(LogLine(event.t, *said))
        if isinstance(event, RARE):
            rare = apply(self.rare[-1] if self.rare else Session(), event)
            self.rare_at.append(here)
            self.rare.append(replace(rare, log=()))

    def _add_snapshot(self, read: Read, event: packed.Kept) -> None:
        """Take a snapshot in. One that is ahead of the events stands in for those that are lost."""
        try:
            session = packing.session_of(event, waits=event.crc < 0) if packing.intact(event) else Session()
        except UNREADABLE:
            session = Session()
        if session.s != event.s:
            self.problem(read.number, "a snapshot is damaged, and left out")
            return
        if event.s > self.s:
            # It counts as an event; the reader puts a whole one in its place.
            self.standing_in.append(len(self.snapshots))
            self.lines.append_own(read.line)
            self._add_event(event)
        here = len(self.lines)
        self.snapshot_at.append(here)
        self.snapshots.append(event)
        if session.header is None:
            return
        # A whole one: the recorder could not write for a while.
        kept = ("header", "plan", "preflight", "statements", "actions", "keys", "statement", "s")
        self.rare_at.append(here)
        self.rare.append(Session(**{name: getattr(session, name) for name in kept}))
        for line in _new(self.log, session.log):
            self.log_at.append(here)
            self.log.append(line)
        for point in _new(self.points, session.history):
            self.point_at.append(here)
            self.points.append(point)
        self._names = session.replica_names


def _new(known: list[T], last: tuple[T, ...]) -> tuple[T, ...]:
    """What comes in `last` after the last one known; all of it where that is not among them."""
    for index in range(len(last) - 1, -1, -1):
        if known and last[index] == known[-1]:
            return last[index + 1 :]
    return last


def take_clean(result: Scan, lines: Sequence[bytes]) -> tuple[int, int]:
    """Take in the lines from the first on, as long as each is of the present format and stands in order.

    Says how many it took, and at which byte the next one begins. It does what `readable`, `Order` and `Scan.add` do
    with nearly every file, without their calls for each of a hundred thousand lines.
    """
    decode, event_of = packed.decoder.decode, packed.EVENTS.get
    put, put_kind, put_time = result.lines.append, result.kinds.append, result.times.append
    held: events.Event | None = None
    taken = held_begins = begins = s = 0
    t = 0.0
    for index, line in enumerate(lines):
        event: events.Event | None = None
        if line:
            try:
                event = decode(line)
            except UNREADABLE:
                break
            if event.s != (s if type(event) is packed.Kept else s + 1) or not t <= event.t < LATEST:
                break
            if type(event) is events.Header and event.format != events.FORMAT:
                break
            t, s = event.t, event.s
        elif index < len(lines) - 1:
            break
        if held is not None:
            # What comes after it stands in order, so it does.
            kind = type(held)
            if kind is packed.Kept:
                result.add(Read(taken + 1, held_begins, lines[taken], held))
            else:
                put(held_begins)
                put_kind(event_of(kind, kind))
                put_time(held.t)
                result.s = held.s
                if kind is packed.Sample:
                    result.chart(held)  # type: ignore[arg-type]  # mypy does not narrow by `kind is`
                elif kind not in SILENT:
                    result.tell(held)
        held, held_begins, taken = event, begins, index
        begins += len(line) + 1
    return taken, held_begins


def scan(data: bytes, path: str) -> Scan:
    """All that can be read of a recording's bytes.

    Raises `RecordingError` where it is no recording, or one of a newer format.
    """
    if not data or data.isspace():
        raise RecordingError(f"{path} is empty: nothing was recorded.")
    ends = data.find(b"\n")
    check_head(data[:ends] if ends >= 0 else data, whole=ends >= 0, path=path)
    result = Scan(data)
    lines = data.split(b"\n")
    with _no_collection():
        taken, begins = take_clean(result, lines)
        order = Order(result.problem, line=taken, last=result.s, t=result.t)
        for read in order.check(readable(lines, taken, begins, result.problem)):
            result.add(read)
    if not any(session.header for session in result.rare):
        if not order.last:
            raise RecordingError(f"{path} is not a recording of column-console.")
        result.problem(1, "the header can't be read: what was changed, where, when and by whom is not known")
    return result


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without the garbage collector, which would look through a hundred thousand new objects again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        # All that was made goes to the oldest generation at once, instead of being looked through for each younger one.
        gc.freeze()
        gc.unfreeze()
        if enabled:
            gc.enable()
