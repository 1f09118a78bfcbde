"""Made-up sessions for tests: streams of events as a runner could send them, short and odd, or long and typical."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

from hypothesis import strategies as st
from msgspec.structs import replace

from console import events
from console.change import Change, TableName
from console.facts import Finding, Preflight, Server
from console.plan import Phase, PhaseName, Plan, Statement
from console.recording import Recorder, packed
from console.recording.packing import unpack

SERVER = Server(kind="postgresql", version="18.1", number=180001, name="db1.internal/shop")
PHASES: tuple[PhaseName, ...] = (
    "preflight",
    "add-column",
    "replicas",
    "dual-writes",
    "backfill",
    "verify",
    "constraints",
)
ANA = events.Owner(name="ana", uid=987654, claims="ssh 10.0.0.7")
CHANGE = Change(table=TableName("public", "orders"), column="placed_on", type="date")


def header(session: str = "orders-placed_on-1", **changes: object) -> events.Header:
    """The first event of a session."""
    made = events.Header(
        t=0.0,
        s=1,
        format=events.FORMAT,
        product="0.1.0",
        session=session,
        started="2026-11-28T02:15:00+00:00",
        started_unix=1795832100.0,
        change_key=CHANGE.key,
        title=CHANGE.title,
        table="public.orders",
        column="placed_on",
        change_file="orders.toml",
        server=SERVER,
        host="bastion",
        owner="ana",
        pid=4711,
        limits={"replication_lag": 2.0, "lock_timeout": 1.0},
    )
    return replace(made, **changes)


def statement(name: str) -> Statement:
    """A statement of the plan."""
    return Statement(
        name=name,
        sql=f"/* column-console */ ALTER TABLE public.orders -- {name}",
        lock="ACCESS EXCLUSIVE on public.orders",
        conflicts="everything",
        cost="metadata",
    )


def plan() -> Plan:
    """A plan of seven phases."""
    phases = tuple(
        Phase(
            name=name,
            title=name.capitalize(),
            does="statements",
            purpose=f"Does {name}.",
            statements=(statement(name),),
            left_out="not needed" if name == "dual-writes" else "",
        )
        for name in PHASES
    )
    return Plan(key=CHANGE.key, title=CHANGE.title, server=SERVER, table='"public"."orders"', phases=phases)


def preflight() -> Preflight:
    """A preflight with one finding of each severity but a blocker."""
    return Preflight(
        findings=(
            Finding(code="replica.lag", severity="warning", seen="db2 is 1.2 s behind.", remedy="Wait."),
            Finding(code="table.size", severity="note", seen="1,000,000 rows."),
        )
    )


# -- Odd ones, for property tests

_words = st.text(max_size=12)
_names = st.sampled_from(PHASES)
_seconds = st.floats(0, 1000).map(lambda value: round(value, 3))
_counts = st.integers(0, 10**9)
_pids = st.integers(1, 6)
_sessions = st.builds(
    events.ServerSession, pid=_pids, user=_words, query=_words, transaction_began=st.none() | _seconds
)
_waits = st.builds(
    events.LockWait,
    session=_sessions,
    blocked_by=st.lists(_pids, max_size=2).map(tuple),
    mode=st.sampled_from(["", "RowExclusiveLock"]),
    began=_seconds,
)
_replicas = st.builds(
    events.Replica,
    name=st.sampled_from(["db2", "db3", "db4"]),
    state=st.sampled_from(["streaming", "gone"]),
    lag=st.none() | _seconds,
)
_evidence = st.builds(events.Evidence, name=_words, seen=_words, holds=st.booleans())

any_event: st.SearchStrategy[events.Event] = st.one_of(
    st.builds(
        events.Sample,
        rows_per_second=_seconds,
        replicas=st.lists(_replicas, max_size=2, unique_by=lambda r: r.name).map(tuple),
        waiting=st.integers(0, 9),
        queued_behind_us=st.integers(0, 9),
        p99_ms=st.none() | _seconds,
    ),
    st.builds(
        events.Batches,
        rows=st.lists(_counts, max_size=3).map(tuple),
        milliseconds=st.lists(_seconds, max_size=3).map(tuple),
        size=_counts,
        done=_counts,
        scanned=_counts,
        total=_counts,
        cursor=_words,
        retries=st.integers(0, 3),
    ),
    st.builds(
        events.LockWaitsChanged,
        began=st.lists(_waits, max_size=2).map(tuple),
        ended=st.lists(_pids, max_size=2).map(tuple),
    ),
    st.builds(events.Log, level=st.sampled_from(["info", "warning", "error"]), text=_words),
    st.builds(events.Note, text=_words, by=_words),
    st.just(events.Planned(plan=plan())),
    st.just(events.PreflightDone(preflight=preflight())),
    st.builds(
        events.StateChanged,
        state=st.sampled_from(["waiting", "running", "paused", "parked"]),
        reason=_words,
        waits_for=_words,
    ),
    st.builds(events.PhaseBegan, phase=_names),
    st.builds(events.PhaseEvidence, phase=_names, evidence=st.lists(_evidence, max_size=2).map(tuple)),
    st.builds(
        events.PhaseEnded,
        phase=_names,
        outcome=st.sampled_from(["passed", "already-done", "skipped", "parked", "failed", "undone"]),
        seconds=_seconds,
        text=_words,
    ),
    st.builds(events.StatementBegan, phase=_names, name=_names, sql=_words, attempt=st.integers(1, 3)),
    st.builds(
        events.StatementEnded,
        phase=_names,
        name=_names,
        outcome=st.sampled_from(["done", "lock-timeout", "queue-guard", "error", "lost"]),
        seconds=_seconds,
        holders=st.lists(_sessions, max_size=1).map(tuple),
        next_try=st.none() | _seconds,
    ),
    st.builds(events.Progressed, phase=_names, done=_seconds, total=_seconds, doing=_words),
    st.builds(
        events.Throttled,
        reasons=st.lists(
            st.builds(events.Reason, name=_words, reading=_words, limit=_words, stops=st.booleans()),
            max_size=2,
        ).map(tuple),
    ),
    st.builds(events.OperatorThrottle, percent=_seconds, rows_per_second=_seconds, by=_words),
    st.builds(
        events.KeysListed,
        what=st.sampled_from(["different", "failing", "skipped"]),
        keys=st.lists(_words, max_size=2).map(tuple),
        total=_counts,
    ),
    st.builds(events.Verified, rows=_counts, differences=_counts),
    st.builds(events.ReadingFailed, reading=st.sampled_from(["locks", "replication"]), why=_words),
    st.builds(events.ReadingMended, reading=st.sampled_from(["locks", "replication"])),
    st.builds(
        events.Attached,
        client=st.sampled_from(["c1", "c2"]),
        owner=st.just(ANA),
        role=st.sampled_from(["operator", "observer"]),
    ),
    st.builds(events.Detached, client=st.sampled_from(["c1", "c2"]), name=_words),
    st.builds(events.ScreenChanged, client=st.sampled_from(["c1", "c2"]), dialog=_words, pressed=_words),
    st.builds(
        events.ActionChanged,
        id=st.sampled_from(["a", "b", "c"]),
        action=st.sampled_from(["pause", "advance"]),
        state=st.sampled_from(["running", "done", "refused"]),
        owner=st.just(ANA),
        reason=_words,
    ),
)


@st.composite
def streams(draw: st.DrawFn, max_size: int = 60) -> list[events.Event]:
    """A header and any events after it, numbered, with times that never fall."""
    body = draw(st.lists(any_event, max_size=max_size))
    steps = draw(st.lists(st.sampled_from([0.0, 0.2, 1.0, 25.0]), min_size=len(body), max_size=len(body)))
    t = 0.0
    out: list[events.Event] = [header()]
    for number, (event, step) in enumerate(zip(body, steps, strict=True), 2):
        t = round(t + step, 3)
        out.append(replace(event, t=t, s=number))
    return out


# -- A typical one, for long recordings


def sample(t: float, s: int, random: Random) -> events.Sample:
    """The readings of a second, with two replicas and an application."""
    replicas = tuple(
        events.Replica(
            name=name,
            state="streaming",
            lag=round(random.random(), 3),
            bytes=random.randrange(10**6),
            replied=t,
            server_lag=round(random.random(), 3),
        )
        for name in ("db2", "db3")
    )
    return events.Sample(
        t=t,
        s=s,
        rows_per_second=round(random.random() * 9000, 1),
        activity_at=t,
        transactions_per_second=round(300 + random.random() * 50, 1),
        active=random.randrange(20),
        connections=40,
        oldest_transaction=max(0.0, t - 3),
        locks_at=t,
        waiting=random.randrange(8),
        replication_at=t,
        replicas=replicas,
        application_at=t,
        application_version="v2",
        application_tps=round(300 + random.random() * 50, 1),
        p50_ms=round(1 + random.random(), 1),
        p95_ms=round(3 + random.random(), 1),
        p99_ms=round(8 + random.random(), 1),
    )


def typical(
    seconds: int, *, seed: int = 1, waits: float = 0.3, per_second: int = 1
) -> Iterator[events.Event]:
    """A long backfill: readings and batches each second, `waits` new lock waits a second, now and then a word."""
    random = Random(seed)
    s = 0

    def numbered(event: events.Event, t: float) -> events.Event:
        nonlocal s
        s += 1
        return replace(event, t=t, s=s)

    yield numbered(header(), 0.0)
    yield numbered(events.PreflightDone(preflight=preflight()), 0.1)
    yield numbered(events.Planned(plan=plan()), 0.1)
    for began, name in ((0.1, "preflight"), (0.2, "add-column"), (0.3, "replicas")):
        yield numbered(events.PhaseBegan(phase=name), began)
        yield numbered(events.PhaseEnded(phase=name, outcome="passed", seconds=0.1), began + 0.05)
    yield numbered(events.PhaseBegan(phase="backfill"), 0.5)
    live: dict[int, float] = {}
    done = 0
    for tick in range(1, seconds * per_second + 1):
        t = round(tick / per_second, 3)
        yield sample(t, s + 1, random)
        s += 1
        if tick % per_second == 0:
            rows = tuple(1000 for _ in range(9))
            done += sum(rows)
            yield numbered(
                events.Batches(
                    rows=rows,
                    milliseconds=tuple(round(80 + random.random() * 40, 1) for _ in rows),
                    size=1000,
                    done=done,
                    scanned=done,
                    total=seconds * 9000,
                    cursor=str(done),
                ),
                t,
            )
        if random.random() < waits / per_second:
            yield numbered(_waits_changed(live, t, random), t)
        if tick % (5 * per_second) == 0:
            yield numbered(events.Log(level="info", text=f"vacuum passed {tick} pages"), t)


def _waits_changed(live: dict[int, float], t: float, random: Random) -> events.LockWaitsChanged:
    ended = tuple(pid for pid, until in live.items() if until < t)
    for pid in ended:
        del live[pid]
    pid = 1000 + random.randrange(100000)
    live[pid] = t + 20
    session = events.ServerSession(
        pid=pid,
        started=1795832000.5,
        user="shop",
        application="shop-web",
        state="active",
        query="UPDATE orders SET status = ? WHERE id = ?",
        transaction_began=t,
    )
    wait = events.LockWait(
        session=session, blocked_by=(999,), mode="RowExclusiveLock", on="public.orders", began=t
    )
    return events.LockWaitsChanged(began=(wait,), ended=ended)


def decode(line: bytes) -> events.Event:
    """The event on a line of the present format."""
    return unpack(packed.decode(line))


def record(path: Path, stream: Iterator[events.Event] | list[events.Event]) -> Path:
    """A recording of the stream."""
    with Recorder.create(path) as recorder:
        for event in stream:
            recorder.append(event)
    return path
