"""The link's parts that do no I/O: what waits for a client, the session's clock, and snapshots that fit a line."""

from __future__ import annotations

import random
from itertools import chain, repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from console import events
from console.link.clock import SessionClock
from console.link.fitting import fitting
from console.link.outbox import Outbox
from console.link.protocol import FromServer, read_server
from console.session import Session, apply, fold, snapshot
from tests.recording.streams import header, plan, sample, statement, streams


def _line(event: events.Event) -> bytes:
    return events.encode(event) + b"\n"


@given(streams(max_size=50), st.lists(st.integers(0, 6)), st.integers(1, 12))
@settings(deadline=None, max_examples=50)
def test_whatever_the_pace_a_client_ends_up_with_the_session(
    stream: list[events.Event], pauses: list[int], most: int
) -> None:
    """A client that reads now and then, from an outbox of few places."""
    outbox = Outbox(most_events=most, most_bytes=20_000)
    truth = seen = Session()
    beats = chain(pauses, repeat(0))
    wait = next(beats)
    sent = 0
    for event in [header(), events.Planned(plan=plan(), s=2), *(replace(e, s=e.s + 2) for e in stream[1:])]:
        truth = apply(truth, event)
        outbox.offer(event, _line(event))
        assert outbox.size <= 20_000
        if wait:
            wait -= 1
            continue
        wait = next(beats)
        seen, sent = _read(outbox, truth, seen, sent)
    seen, _ = _read(outbox, truth, seen, sent)
    assert seen == truth


def _read(outbox: Outbox, truth: Session, seen: Session, sent: int) -> tuple[Session, int]:
    """What a client makes of all that waits; every number is accounted for."""
    for line in outbox.take(lambda: (truth.s, fitting(truth))):
        said = read_server(line)
        if isinstance(said, FromServer):
            assert said.skip is not None
            assert said.skip[0] == sent + 1
            sent = said.skip[1]
            continue
        assert said.s == sent + 1 or isinstance(said, events.Snapshot)
        seen, sent = apply(seen, said), said.s
    return seen, sent


def test_answers_come_first_and_are_bounded() -> None:
    outbox = Outbox()
    outbox.take(lambda: (0, b""))
    note = events.Note(text="a", by="b", s=1)
    outbox.offer(note, _line(note))
    assert outbox.answer(FromServer(alive=1.0))
    assert outbox.take(lambda: (0, b"")) == [b'{"alive":1.0}\n', _line(note)]
    assert [outbox.answer(FromServer(alive=1.0)) for _ in range(65)] == [True] * 64 + [False]


def test_replaced_events_are_accounted_for() -> None:
    outbox = Outbox()
    outbox.take(lambda: (0, b""))
    for s in range(1, 8):
        event: events.Event = events.Progressed(phase="backfill", done=float(s), total=9.0, s=s)
        if s == 4:
            event = events.Log(level="info", text="x", s=s)
        outbox.offer(event, _line(event))
    said = [read_server(line) for line in outbox.take(lambda: (0, b""))]
    assert said[0] == FromServer(skip=(1, 3))
    assert [event.s for event in said if isinstance(event, events.Event)] == [4, 7]
    assert said[2] == FromServer(skip=(5, 6))


# -- The clock


def test_the_clock_follows_the_runner_however_late_its_words_are() -> None:
    """Words that take 5 ms to 2 s, one a second for two hours, while the runner's clock drifts by 50 ppm."""
    local = 1000.0
    clock = SessionClock(local=lambda: local)
    dice = random.Random(5)
    for second in range(7200):
        local = 1000.0 + second
        said_at = second - dice.choice([0.005, 0.1, 0.5, 2.0])
        clock.heard(max(0.0, said_at * 1.00005))
        if second > 60:
            assert -0.12 <= clock.now() - second * 1.00005 <= 0.02


def test_the_clock_before_and_after_its_first_word() -> None:
    local = 5.0
    clock = SessionClock(local=lambda: local)
    assert clock.now() == 0.0
    clock.heard(100.0)
    local = 9.5
    assert clock.now() == 104.5


# -- Snapshots that fit


def _long_session() -> Session:
    stream: list[events.Event] = [header(), events.Planned(plan=plan())]
    dice = random.Random(1)
    for number in range(400):
        sql = f"/* {number} */ " + "x" * 1500
        stream += [
            events.StatementBegan(phase="backfill", name=f"s{number}", sql=sql),
            events.StatementEnded(phase="backfill", name=f"s{number}", outcome="done"),
            sample(float(number), 0, dice),
            events.Log(level="info", text="y" * 500),
        ]
    waits = tuple(
        events.LockWait(session=events.ServerSession(pid=n, query="q" * 900), blocked_by=(1,))
        for n in range(900)
    )
    stream.append(events.LockWaitsChanged(began=waits))
    return fold([replace(event, s=n, t=float(n)) for n, event in enumerate(stream, 1)])


@pytest.mark.slow
def test_a_snapshot_fits_whatever_the_bound() -> None:
    session = _long_session()
    whole = len(fitting(session, 10**9))
    assert whole > 1_500_000
    lengths = []
    for bound in (10**9, whole, whole - 1, 1_200_000, 400_000, 60_000):
        line = fitting(session, bound)
        lengths.append(len(line))
        assert len(line) <= bound
        restored = apply(Session(), events.decode(line))
        assert (restored.s, restored.header, restored.totals) == (session.s, session.header, session.totals)
        assert restored.phases == session.phases
    assert lengths == sorted(lengths, reverse=True)


def test_a_plan_of_a_thousand_partitions_fits() -> None:
    many = tuple(replace(statement(f"p{n}"), sql="CREATE INDEX " + "z" * 5000) for n in range(1000))
    phases = tuple(replace(phase, statements=many) for phase in plan().phases)
    session = fold([header(), events.Planned(plan=replace(plan(), phases=phases), s=2)])
    line = fitting(session)
    assert len(line) <= 4 * 1024 * 1024
    restored = apply(Session(), events.decode(line))
    assert restored.plan is not None
    assert [phase.name for phase in restored.plan.phases] == [phase.name for phase in phases]


def test_what_matters_is_told_before_the_snapshot_that_stands_for_the_readings() -> None:
    """A client that fell behind misses no note, no action and no change of control."""
    outbox = Outbox(most_events=100)
    outbox.take(lambda: (0, b"snapshot"))
    dice = random.Random(1)
    matter = []
    for s in range(1, 1001):
        event: events.Event = sample(float(s), s, dice)
        if s % 50 == 0:
            event = events.Note(text=f"note {s}", by="ana", s=s)
            matter.append(event)
        outbox.offer(event, _line(event))
        assert outbox.size <= 128 * 1024
    *told, last = outbox.take(lambda: (1000, b"snapshot"))
    said = [read_server(line) for line in told]
    assert [one for one in said if isinstance(one, events.Note)] == matter
    assert not any(isinstance(one, events.Sample) for one in said[-1:])
    assert last == b"snapshot"
    outbox.offer(replace(matter[0], s=1001), b"next")
    assert outbox.take(lambda: (0, b"")) == [b"next"]


def test_the_snapshot_mends_what_was_missed_before_the_last_event() -> None:
    """It has that event's number, and is taken all the same; the lean ones of a recording are not."""
    dice = random.Random(1)
    stream = [header(), *(sample(float(s), s, dice) for s in range(2, 9)), events.Note(text="a", by="b", s=9)]
    truth = fold(stream)
    gapped = fold([stream[0], stream[-1]])
    assert gapped != truth
    assert apply(gapped, snapshot(truth, whole=True)) == truth
    assert apply(gapped, snapshot(truth, whole=False)) == gapped


def test_an_end_of_protocol_1_is_sent_the_snapshot_alone() -> None:
    outbox = Outbox(most_events=3)
    outbox.tells_what_matters = False
    outbox.take(lambda: (0, b""))
    for s in range(1, 9):
        note = events.Note(text="x", by="ana", s=s)
        outbox.offer(note, _line(note))
    assert outbox.take(lambda: (8, b"snapshot")) == [b"snapshot"]


def test_a_client_that_stopped_holds_no_more_than_its_share_of_what_matters() -> None:
    outbox = Outbox(most_events=100)
    outbox.take(lambda: (0, b""))
    for s in range(1, 5000):
        note = events.Note(text="x" * 2000, by="ana", s=s)
        outbox.offer(note, _line(note))
        assert outbox.size <= 128 * 1024
    assert outbox.take(lambda: (4999, b"snapshot"))[-1] == b"snapshot"
