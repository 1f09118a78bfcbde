"""Packed lines give back what went in, to the last digit, and each can be read by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from console import events
from console.recording import packed
from console.recording.convert import convert
from console.recording.packing import charts, intact, pack, pack_snapshot
from console.session import Session, fold, point, snapshot
from tests.recording.night import night
from tests.recording.streams import any_event, decode

_floats = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**9), 10**12).map(
    lambda milliseconds: milliseconds / 1000
)
_moments = st.none() | _floats
_texts = st.text(max_size=6)
_who = st.builds(
    events.ServerSession,
    pid=st.integers(0, 1 << 40),
    started=_floats,
    user=_texts,
    application=_texts,
    state=_texts,
    query=_texts,
    transaction_began=_moments,
    ours=st.booleans(),
)
_waits = st.builds(
    events.LockWait,
    session=_who,
    blocked_by=st.lists(st.integers(0, 99), max_size=2).map(tuple),
    mode=_texts,
    on=_texts,
    began=_floats,
)
_samples = st.builds(
    events.Sample,
    rows_per_second=_floats,
    activity_at=_moments,
    transactions_per_second=_moments,
    active=st.none() | st.integers(0, 99),
    connections=st.none() | st.integers(0, 99),
    oldest_transaction=_moments,
    locks_at=_moments,
    waiting=st.integers(0, 9),
    queued_behind_us=st.integers(0, 9),
    history=st.none() | st.integers(0, 99),
    replication_at=_moments,
    replicas=st.lists(
        st.builds(
            events.Replica,
            name=_texts,
            state=st.sampled_from(["streaming", "gone"]),
            lag=_moments,
            bytes=st.none() | st.integers(0, 1 << 50),
            replied=_moments,
            server_lag=_moments,
            why=_texts,
            slot=_texts,
        ),
        max_size=3,
        unique_by=lambda replica: replica.name,
    ).map(tuple),
    application_at=_moments,
    application_version=_texts,
    application_tps=_moments,
    p50_ms=_moments,
    p95_ms=_moments,
    p99_ms=_moments,
)
_times = st.integers(1, 10**8).map(lambda ms: ms / 1000)

_packed = _samples | st.builds(
    events.LockWaitsChanged,
    began=st.lists(_waits, max_size=4).map(tuple),
    ended=st.lists(st.integers(0, 99), max_size=3).map(tuple),
)


@given(_packed | any_event, _times | st.floats(0.1, 1e8), st.integers(1, 1 << 40))
@settings(deadline=None, max_examples=50)
def test_what_is_packed_comes_out_as_it_was(event: events.Event, t: float, s: int) -> None:
    event = replace(event, t=t, s=s)
    line = pack(event)
    assert b"\n" not in line
    assert decode(line) == event
    head = json.loads(line)
    assert (head["kind"], head["t"], head["s"]) == (json.loads(events.encode(event))["kind"], t, s)


@given(_packed | any_event, _times)
@settings(deadline=None, max_examples=50)
def test_a_line_of_format_1_means_what_it_meant(event: events.Event, t: float) -> None:
    event = replace(event, t=t, s=7)
    converted = convert(events.encode(event), 1)
    assert converted is not None
    assert decode(converted) == event


@given(st.lists(_samples, max_size=6))
@settings(deadline=None, max_examples=40)
def test_points_are_those_of_the_fold(samples: list[events.Sample]) -> None:
    names: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    for number, drawn in enumerate(samples):
        sample = replace(drawn, t=float(number), s=number)
        line = packed.decode(pack(sample))
        assert isinstance(line, packed.Sample)
        expected, names = point(sample, names)
        made, ours = charts([line], ours)
        assert (made, ours) == ([expected], names)


@given(st.lists(_waits, max_size=4))
@settings(deadline=None, max_examples=40)
def test_a_snapshot_keeps_its_lock_waits(waits: list[events.LockWait]) -> None:
    session = Session(t=12.5, s=9, phase="backfill", lock_waits=tuple(waits))
    line = pack_snapshot(snapshot(replace(session, lock_waits=()), whole=False), session.lock_waits)
    kept = packed.decode(line)
    assert isinstance(kept, packed.Kept)
    assert intact(kept)
    assert fold([decode(line)]) == session


def test_every_kind_has_its_line() -> None:
    assert {str(kind.__struct_config__.tag) for kind in packed.KINDS} == events.KINDS


WAIT = events.LockWait(session=events.ServerSession(pid=7), blocked_by=(8,))
REPLICA = events.Replica(name="db2", state="gone", lag=None)
BATCHES = events.Batches(rows=(), milliseconds=(), size=0, done=0, scanned=0, total=0, cursor="")
VALUES = (7, 0.125, "x", True, (9,), (REPLICA,), (WAIT,), "stalled", events.ServerSession(pid=9))


@pytest.mark.parametrize(
    ("part", "put"),
    [
        (events.Sample(), lambda part: part),
        (REPLICA, lambda part: events.Sample(replicas=(part,))),
        (BATCHES, lambda part: part),
        (WAIT, lambda part: events.LockWaitsChanged(began=(part,))),
        (WAIT.session, lambda part: events.LockWaitsChanged(began=(replace(WAIT, session=part),))),
    ],
    ids=["sample", "replica", "batches", "lock wait", "session"],
)
def test_no_field_is_forgotten(part: Any, put: Callable[[Any], events.Event]) -> None:
    """A field that is new to an event must find its position, or it would be lost without a word."""
    for name in type(part).__struct_fields__:
        if name in ("t", "s"):
            continue
        for value in VALUES:
            try:
                changed = replace(put(msgspec.convert(fields(part) | {name: value}, type(part))), t=9.5, s=3)
            except msgspec.ValidationError:
                continue
            assert decode(pack(changed)) == changed
            break
        else:
            pytest.fail(f"no value of VALUES fits {name}")


def fields(part: msgspec.Struct) -> dict[str, object]:
    """By name."""
    return {name: getattr(part, name) for name in part.__struct_fields__} | tag(part)


def tag(part: msgspec.Struct) -> dict[str, object]:
    """What says which event it is."""
    return {"kind": part.__struct_config__.tag} if part.__struct_config__.tag else {}


def test_unknown_fields_and_positions_are_left_out() -> None:
    line = b'{"kind":"sample","v":[880,null,4,8,1.5,1,2,3,"v2",0,0,3,"new"],"moon":"full","t":1.5,"s":2}'
    event = decode(line)
    assert isinstance(event, events.Sample)
    assert (event.rows_per_second, event.application_version) == (880.0, "v2")


@pytest.mark.parametrize("number", [-1, 3, 1 << 70])
def test_a_text_that_is_not_there_is_empty(number: int) -> None:
    line = b'{"kind":"lock-waits","texts":["shop"],"began":[[7,[9],0,0,0,0,%d]],"t":1.5,"s":2}' % number
    event = decode(line)
    assert isinstance(event, events.LockWaitsChanged)
    assert event.began[0].session.user == ""


def test_what_is_no_event_is_refused() -> None:
    for line in (b'{"kind":"sample","v":7,"t":1.0,"s":1}', b'{"kind":"batches","t":1.0,"s":1}', b"[]", b"{}"):
        with pytest.raises(msgspec.DecodeError):
            decode(line)


def test_it_is_less_than_two_thirds_of_the_plain_lines() -> None:
    stream = list(night(600))
    plain = sum(len(events.encode(event)) for event in stream)
    assert sum(len(pack(event)) for event in stream) < plain * 2 / 3
