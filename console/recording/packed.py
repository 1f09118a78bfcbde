"""The lines that come each second, packed: samples, batches, lock waits. All others are as `console.events` has them.

What these hold stands by position and not by name, in an array that ends where only defaults would follow. A time is
the whole number of milliseconds by which it lies before the line's `t`, or, where that does not give it back
exactly, itself, with a decimal point. Text that lock waits repeat stands once, in the line's `texts`. Each line can be
read by itself. `docs/recording.md` lists the positions.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Annotated

import msgspec

from console import events
from console.events.kinds import Event
from console.facts import ReplicaState

Milliseconds = Annotated[int, msgspec.Meta(ge=-(1 << 53), le=1 << 53)]
Moment = Milliseconds | float | None
"""Milliseconds before the line's `t` (whole number), or a time on the session's clock."""


# -- What stands in the arrays


class Figures(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a sample counts."""

    rows_per_second: float = 0.0
    transactions_per_second: float | None = None
    active: int | None = None
    connections: int | None = None
    application_tps: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    application_version: str = ""
    waiting: int = 0
    queued_behind_us: int = 0
    history: int | None = None


class Moments(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """When each group of a sample was read, and when the oldest transaction began."""

    activity: Moment = None
    locks: Moment = None
    replication: Moment = None
    application: Moment = None
    oldest_transaction: Moment = None


class Copy(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A replica."""

    name: str
    lag: float | None = None
    bytes: int | None = None
    server_lag: float | None = None
    replied: Moment = None
    state: ReplicaState = "streaming"
    slot: str = ""
    why: str = ""


class Counts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the batches of a second come to."""

    size: int
    done: int
    total: int
    cursor: str
    scanned: int | None = None
    """None: as many as are done."""
    retries: int = 0


class Wait(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A lock wait. Texts by their place in the line's `texts`, counted from 1; 0 is the empty text."""

    pid: int
    blocked_by: tuple[int, ...] = ()
    began: Moment = None
    mode: int = 0
    on: int = 0
    started: float = 0.0
    """Unix time, as the server said it."""
    user: int = 0
    application: int = 0
    state: int = 0
    query: int = 0
    transaction_began: Moment = None
    ours: int = 0


# -- The lines


class Sample(Event, frozen=True, gc=False, tag="sample"):
    """A packed `events.Sample`."""

    v: Figures = Figures()
    at: Moments = Moments()
    r: tuple[Copy, ...] = ()


class Lag(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the charts show of a replica."""

    name: str
    lag: float | None = None


class Charted(Event, frozen=True, gc=False, tag="sample"):
    """What the charts show of a sample, read off its line without the rest."""

    v: Figures = Figures()
    r: tuple[Lag, ...] = ()


class Batches(Event, frozen=True, gc=False, tag="batches"):
    """A packed `events.Batches`."""

    rows: tuple[int, ...]
    ms: tuple[float, ...]
    v: Counts


class LockWaits(Event, frozen=True, gc=False, tag="lock-waits"):
    """A packed `events.LockWaitsChanged`."""

    texts: tuple[str, ...] = ()
    began: tuple[Wait, ...] = ()
    ended: tuple[int, ...] = ()


class Kept(Event, frozen=True, gc=False, tag="snapshot"):
    """A snapshot, whose lock waits stand beside the session."""

    session: msgspec.Raw
    waits: msgspec.Raw = msgspec.Raw(b"")
    """`Waits`, or nothing."""
    crc: int = -1
    seal: int = -1
    """Of all lines from the snapshot before it on, that one included; -1 where it has none."""


class Waits(msgspec.Struct, frozen=True):
    """The lock waits of a snapshot."""

    texts: tuple[str, ...] = ()
    began: tuple[Wait, ...] = ()


EVENTS: dict[type[Event], type[Event]] = {
    Sample: events.Sample,
    Batches: events.Batches,
    LockWaits: events.LockWaitsChanged,
    Kept: events.Snapshot,
}
"""The events that the packed ones are."""
_PLAIN = tuple(kind for kind in events.AnyEvent.__args__ if kind not in EVENTS.values())
KINDS: tuple[type[Event], ...] = (*EVENTS, *_PLAIN)
"""What a line can hold: every kind of event, four of them packed."""

decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(reduce(or_, KINDS))


def decode(line: bytes) -> Event:
    """What a line of the present format holds, packed where it is.

    A kind that this version does not know becomes a `Log` line that names it. Raises `msgspec.DecodeError`, or
    another of `problems.UNREADABLE`, where the line is none of a recording.
    """
    try:
        return decoder.decode(line)
    except msgspec.ValidationError:
        named = msgspec.json.decode(line, type=_Kind).kind
        if named in events.KINDS:
            raise
        return events.decode(line)


class _Kind(msgspec.Struct):
    kind: str
