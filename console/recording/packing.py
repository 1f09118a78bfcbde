"""Packs events into lines, and takes them out again, as they were to the last digit."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

import msgspec
from msgspec.structs import replace

from console import events
from console.events.kinds import Event
from console.recording import packed
from console.recording.packed import Copy, Counts, Figures, Kept, Lag, Moment, Moments, Wait
from console.session import Point, Session, apply

Value = int | float | str | tuple[int, ...] | None
_LARGEST = float(1 << 53)
"""Below it every whole number is a float, and every such float a whole number."""


def pack(event: Event) -> bytes:
    """The line of an event, without its link and its newline.

    >>> pack(events.Sample(t=9.5, s=3, rows_per_second=880.0, active=4, locks_at=9.447))
    b'{"kind":"sample","v":[880,null,4],"at":[null,53],"t":9.5,"s":3}'
    """
    match event:
        case events.Sample():
            return _encode("sample", _sample(event), event)
        case events.Batches():
            return _encode("batches", _batches(event), event)
        case events.LockWaitsChanged():
            return _encode("lock-waits", _lock_waits(event), event)
        case _:
            return events.encode(event)


def unpack(line: Event) -> Event:
    """The event that a line holds."""
    match line:
        case packed.Sample():
            return _sample_of(line)
        case packed.Batches():
            return _batches_of(line)
        case packed.LockWaits():
            began = lock_waits(line.texts, line.began, line.t)
            return events.LockWaitsChanged(began=began, ended=line.ended, t=line.t, s=line.s)
        case Kept():
            whole = msgspec.Raw(msgspec.json.encode(session_of(line))) if line.waits else line.session
            return events.Snapshot(session=whole, t=line.t, s=line.s)
        case _:
            return line


def _encode(kind: str, fields: dict[str, object], event: Event) -> bytes:
    return msgspec.json.encode({"kind": kind, **fields, "t": event.t, "s": event.s})


# -- Numbers


def _number(value: float | None) -> float | None:
    """A whole number without its decimal point."""
    if isinstance(value, float) and -_LARGEST < value < _LARGEST and value.is_integer():
        return int(value)
    return value


def _ago(when: float | None, t: float) -> Moment:
    """A time as the milliseconds by which it lies before `t`, where that gives it back.

    >>> _ago(9.447, 9.5), _ago(9.4471, 9.5), _ago(12.0, 9.5), _ago(None, 9.5)
    (53, 9.4471, -2500, None)
    """
    if when is None:
        return None
    before = (t - when) * 1000
    if -_LARGEST < before < _LARGEST and moment(round(before), t) == when:
        return round(before)
    return float(when)


def moment(given: Moment, t: float) -> float | None:
    """The time that a packed one means.

    >>> moment(53, 9.5), moment(9.4471, 9.5)
    (9.447, 9.4471)
    """
    return round(t - given / 1000, 3) if isinstance(given, int) else given


def _ended(values: list[Value], defaults: Sequence[object]) -> list[Value]:
    """The values, without those at the end that are defaults."""
    length = len(values)
    while length and values[length - 1] == defaults[length - 1]:
        length -= 1
    return values[:length]


# -- Samples


def _defaults(kind: type[msgspec.Struct], required: int = 0) -> tuple[object, ...]:
    """By position; what has no default is equal to nothing."""
    return (*[object()] * required, *kind.__struct_defaults__)


_FIGURES = _defaults(Figures)
_MOMENTS = _defaults(Moments)
_COPY = _defaults(Copy, 1)
_COUNTS = _defaults(Counts, 4)
_WAIT = _defaults(Wait, 1)


def _sample(event: events.Sample) -> dict[str, object]:
    t = event.t
    fields: dict[str, object] = {}
    figures = _ended(
        [
            _number(event.rows_per_second),
            _number(event.transactions_per_second),
            event.active,
            event.connections,
            _number(event.application_tps),
            _number(event.p50_ms),
            _number(event.p95_ms),
            _number(event.p99_ms),
            event.application_version,
            event.waiting,
            event.queued_behind_us,
            event.history,
        ],
        _FIGURES,
    )
    moments = _ended(
        [
            _ago(event.activity_at, t),
            _ago(event.locks_at, t),
            _ago(event.replication_at, t),
            _ago(event.application_at, t),
            _ago(event.oldest_transaction, t),
        ],
        _MOMENTS,
    )
    if figures:
        fields["v"] = figures
    if moments:
        fields["at"] = moments
    if event.replicas:
        fields["r"] = [_copy(replica, t) for replica in event.replicas]
    return fields


def _copy(replica: events.Replica, t: float) -> list[Value]:
    return _ended(
        [
            replica.name,
            _number(replica.lag),
            replica.bytes,
            _number(replica.server_lag),
            _ago(replica.replied, t),
            replica.state,
            replica.slot,
            replica.why,
        ],
        _COPY,
    )


def _sample_of(line: packed.Sample) -> events.Sample:
    t, v, at = line.t, line.v, line.at
    return events.Sample(
        rows_per_second=v.rows_per_second,
        activity_at=moment(at.activity, t),
        transactions_per_second=v.transactions_per_second,
        active=v.active,
        connections=v.connections,
        oldest_transaction=moment(at.oldest_transaction, t),
        history=v.history,
        locks_at=moment(at.locks, t),
        waiting=v.waiting,
        queued_behind_us=v.queued_behind_us,
        replication_at=moment(at.replication, t),
        replicas=tuple(
            events.Replica(
                name=copy.name,
                state=copy.state,
                lag=copy.lag,
                bytes=copy.bytes,
                replied=moment(copy.replied, t),
                server_lag=copy.server_lag,
                why=copy.why,
                slot=copy.slot,
            )
            for copy in line.r
        ),
        application_at=moment(at.application, t),
        application_version=v.application_version,
        application_tps=v.application_tps,
        p50_ms=v.p50_ms,
        p95_ms=v.p95_ms,
        p99_ms=v.p99_ms,
        t=t,
        s=line.s,
    )


_name: Callable[[Copy | Lag], str] = attrgetter("name")
_lag: Callable[[Copy | Lag], float | None] = attrgetter("lag")


def charts(
    samples: Iterable[packed.Sample | packed.Charted], names: tuple[str, ...]
) -> tuple[list[Point], tuple[str, ...]]:
    """What `session.point` makes of each sample, without unpacking it: a recording has a hundred thousand of them.

    `names` are the replicas known before them; given back as they are known after them.
    """
    points = []
    for line in samples:
        v, copies = line.v, line.r
        if tuple(map(_name, copies)) == names:
            lags = tuple(map(_lag, copies))
        else:
            by_name = {copy.name: copy.lag for copy in copies}
            names = (*names, *(name for name in by_name if name not in names))
            lags = tuple(by_name.get(name) for name in names)
        tps = v.application_tps
        points.append(
            Point(
                line.t,
                v.rows_per_second,
                lags,
                v.transactions_per_second if tps is None else tps,
                v.p99_ms,
                v.waiting,
            )
        )
    return points, names


# -- Batches


def _batches(event: events.Batches) -> dict[str, object]:
    counts: list[Value] = [
        event.size,
        event.done,
        event.total,
        event.cursor,
        None if event.scanned == event.done else event.scanned,
        event.retries,
    ]
    return {
        "rows": event.rows,
        "ms": [_number(one) for one in event.milliseconds],
        "v": _ended(counts, _COUNTS),
    }


def _batches_of(line: packed.Batches) -> events.Batches:
    v = line.v
    return events.Batches(
        rows=line.rows,
        milliseconds=line.ms,
        size=v.size,
        done=v.done,
        scanned=v.done if v.scanned is None else v.scanned,
        total=v.total,
        cursor=v.cursor,
        retries=v.retries,
        t=line.t,
        s=line.s,
    )


# -- Lock waits


def packed_waits(waits: Iterable[events.LockWait], t: float) -> tuple[list[str], list[list[Value]]]:
    """The texts of lock waits, each once, and the waits with the places of theirs."""
    places: dict[str, int] = {"": 0}

    def place(text: str) -> int:
        return places.setdefault(text, len(places))

    found = []
    for wait in waits:
        who = wait.session
        found.append(
            _ended(
                [
                    who.pid,
                    wait.blocked_by,
                    _ago(wait.began, t),
                    place(wait.mode),
                    place(wait.on),
                    _number(who.started),
                    place(who.user),
                    place(who.application),
                    place(who.state),
                    place(who.query),
                    _ago(who.transaction_began, t),
                    int(who.ours),
                ],
                _WAIT,
            )
        )
    return list(places)[1:], found


def _lock_waits(event: events.LockWaitsChanged) -> dict[str, object]:
    fields: dict[str, object] = {}
    texts, began = packed_waits(event.began, event.t)
    if texts:
        fields["texts"] = texts
    if began:
        fields["began"] = began
    if event.ended:
        fields["ended"] = event.ended
    return fields


def lock_waits(texts: Sequence[str], waits: Sequence[Wait], t: float) -> tuple[events.LockWait, ...]:
    """Lock waits out of a line at `t`. A text that a damaged line lacks is empty."""
    there = dict(enumerate(texts, 1)).get
    return tuple(
        events.LockWait(
            session=events.ServerSession(
                pid=wait.pid,
                started=wait.started,
                user=there(wait.user, ""),
                application=there(wait.application, ""),
                state=there(wait.state, ""),
                query=there(wait.query, ""),
                transaction_began=moment(wait.transaction_began, t),
                ours=bool(wait.ours),
            ),
            blocked_by=wait.blocked_by,
            mode=there(wait.mode, ""),
            on=there(wait.on, ""),
            began=moment(wait.began, t) or 0.0,
        )
        for wait in waits
    )


# -- Snapshots


def pack_snapshot(
    event: events.Snapshot, waits: Iterable[events.LockWait], *, seal: int | None = None
) -> bytes:
    """The line of a snapshot whose session is without its lock waits, which are given beside it.

    It bears a checksum: a damaged event is an event that says something else, but a damaged snapshot would change what
    is shown of everything before it. `seal` is that of the lines since the last snapshot (`stretches.seal`).
    """
    texts, began = packed_waits(waits, event.t)
    beside = msgspec.json.encode({"texts": texts, "began": began}) if began else b""
    fields: dict[str, object] = {"session": event.session}
    if beside:
        fields["waits"] = msgspec.Raw(beside)
    fields["crc"] = zlib.crc32(bytes(event.session) + beside)
    if seal is not None:
        fields["seal"] = seal
    return _encode("snapshot", fields, event)


def intact(line: Kept) -> bool:
    """Whether a snapshot is the one that was written. True where it has no checksum.

    >>> line = pack_snapshot(events.Snapshot(session=msgspec.Raw(b'{"t":1.5}'), t=1.5, s=3), ())
    >>> intact(packed.decode(line)), intact(packed.decode(line.replace(b'{"t":1.5}', b'{"t":1.6}')))
    (True, False)
    """
    return line.crc in (-1, zlib.crc32(bytes(line.session) + bytes(line.waits)))


def session_of(line: Kept, *, waits: bool = True) -> Session:
    """The session of a snapshot, as far as that holds it; without `waits`, without its lock waits.

    Raises `problems.UNREADABLE` where it is damaged.
    """
    session = apply(Session(), events.Snapshot(session=line.session, t=line.t, s=line.s))
    if not line.waits or not waits:
        return session
    found = _waits_decoder.decode(line.waits)
    return replace(session, lock_waits=lock_waits(found.texts, found.began, line.t))


_waits_decoder = msgspec.json.Decoder(packed.Waits)
