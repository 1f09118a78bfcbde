"""What is found in a recording, line after line: where each event stands, the snapshots, and what these leave out.

They leave out the log, the points of the charts, and the session's rare parts (header, plan, preflight, statements,
actions, keys). Those are put together here, each with the position at which it came to be. A position is a number of
events: position n lies after the first n.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from console import events, narrate
from console.recording import packed, packing
from console.recording.lines import Lines
from console.recording.order import Read
from console.recording.points import Points
from console.recording.problems import UNREADABLE, Problem, taken_line
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
SILENT = frozenset((packed.Sample, packed.Batches, packed.LockWaits, events.Progressed, events.Verified))
"""Kinds that come each second, and that neither the log nor the rare parts are made of."""


_charted: msgspec.json.Decoder[packed.Sample | packed.Charted] = msgspec.json.Decoder(packed.Charted)

T = TypeVar("T")


class Found:
    """What a recording holds. Filled by `scan`, read by `Recording`."""

    def __init__(self, data: bytes = b"") -> None:
        self.problems: list[Problem] = []
        self.data = data
        self.lines = Lines(data)
        self.kinds: list[type[events.Event]] = []
        self.times = array("d")
        """By event, never falling."""
        self.snapshot_at: list[int] = []
        self.snapshots: list[packed.Kept] = []
        self.standing_in: list[int] = []
        """The snapshots that stand in for events which are lost, and count as events themselves."""
        self.point_at: list[int] = []
        self.points = Points()
        self.log_at: list[int] = []
        self.log: list[LogLine] = []
        self.rare_at: list[int] = []
        self.rare: list[Session] = []
        self._names: tuple[str, ...] = ()
        """The replicas that the points know, in their order."""
        self._promised: list[int] = []
        """The samples whose points were promised last."""
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

    def add_all(
        self,
        begins: Sequence[int],
        kinds: Sequence[type[events.Event]],
        times: Sequence[float],
        told: Mapping[int, events.Event],
    ) -> None:
        """Take in events that come after all before them: where their lines begin, of which kind they are, when.

        `told` are those that are not silent, by their place among the others.
        """
        here = len(self.kinds)
        self.lines.extend(begins)
        self.kinds.extend(map(packed.EVENTS.get, kinds, kinds))
        self.times.extend(times)
        self.s += len(kinds)
        samples = [at for at, kind in enumerate(kinds, here) if kind is packed.Sample]
        self.point_at += [at + 1 for at in samples]
        names, self._promised = self._names, samples
        self.points.promise(len(samples), lambda: self._charts(samples, names)[0])
        for index, event in told.items():
            self._tell(event, here + index + 1)

    def settle(self) -> None:
        """No more comes through `add_all`."""
        # The names of replicas that only its samples told; a snapshot would tell them, but the next may be damaged.
        self._names = self._charts(self._promised, self._names)[1]

    def _charts(self, samples: Sequence[int], names: tuple[str, ...]) -> tuple[list[Point], tuple[str, ...]]:
        """The points of the samples in these lines, and the replicas' names after them."""
        lines = self.lines.pick(samples)
        read: list[packed.Sample | packed.Charted]
        try:
            read = _charted.decode_lines(b"\n".join(lines)) if lines else []
        except UNREADABLE:
            taken = map(taken_line, lines)
            read = [line if isinstance(line, packed.Sample) else packed.Sample(t=line.t) for line in taken]
        return packing.charts(read, names)

    def _add_event(self, event: events.Event) -> None:
        kind = type(event)
        self.kinds.append(packed.EVENTS.get(kind, kind))
        self.times.append(max(event.t, self.t))
        self.s = max(self.s, event.s)
        here = len(self.kinds)
        if isinstance(event, packed.Sample):
            points, self._names = packing.charts((event,), self._names)
            self.points.extend(points)
            self.point_at.append(here)
        elif kind not in SILENT:
            self._tell(event, here)

    def _tell(self, event: events.Event, here: int) -> None:
        """Put an event into the log, and to the rare ones, where it belongs there."""
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
        self._names = session.replica_names
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
        new = _new(self.points, session.history)
        self.point_at += [here] * len(new)
        self.points.extend(new)


def _new(known: Sequence[T], last: tuple[T, ...]) -> tuple[T, ...]:
    """What comes in `last` after the last one known; all of it where that is not among them."""
    for index in range(len(last) - 1, -1, -1):
        if known and last[index] == known[-1]:
            return last[index + 1 :]
    return last
