"""Believable sessions, told as events: what the screens of the tests and of the screenshots are drawn from.

Each story is a list of events that a runner could have sent, up to the moment that the story is about. Times and
figures come from a seeded generator, so a story is the same each time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec

from console import events
from console.facts import Estimate, Finding, Preflight
from console.session import Session, fold
from tests.tui.story import ANA, BEN, PLAN, Story

STARTED = 1_795_917_605.0
"""2026-11-29T02:00:05+00:00."""
ROWS = 1_000_000
LIMITS = {"replication_lag": 2.0, "lock_timeout": 1.0, "lock_queue": 10.0, "lock_retries": 30.0}


def opening() -> Story:
    """Header, plan, two screens attached, preflight."""
    story = Story()
    story.tell(
        events.Header,
        format=events.FORMAT,
        product="column-console 0.1.0",
        session="20261129-020005-placed_on",
        started="2026-11-29T02:00:05+00:00",
        started_unix=STARTED,
        change_key=PLAN.key,
        title="public.orders.placed_on",
        table="public.orders",
        column="placed_on",
        change_file="placed_on.toml",
        server=PLAN.server,
        host="bastion-1",
        owner="ana",
        pid=2211,
        limits=LIMITS,
        window="01:00-05:00 UTC",
    )
    story.tell(events.Attached, client="c1", owner=ANA, role="operator")
    story.tell(events.Planned, plan=PLAN)
    story.tell(events.PhaseBegan, phase="preflight")
    story.tell(events.StateChanged, state="running")
    story.wait(2.4)
    story.tell(events.PreflightDone, preflight=preflight())
    story.tell(
        events.PhaseEnded,
        phase="preflight",
        outcome="passed",
        seconds=2.4,
        evidence=(events.Evidence(name="no blocker", seen="0 blockers, 2 warnings", holds=True),),
    )
    return story


def preflight() -> Preflight:
    """What preflight found on the shop."""
    return Preflight(
        findings=(
            Finding(
                code="replica.long-transaction",
                severity="warning",
                seen="on db3, pid 812 (report) has held a snapshot for 4 min 10 s: replay of DDL will wait for it",
                remedy="wait until it ends, or cancel it on db3: SELECT pg_cancel_backend(812)",
            ),
            Finding(
                code="statements.insert-without-columns",
                severity="warning",
                seen="INSERT INTO orders VALUES (...) was run 212 times: a new column breaks it",
                remedy="name the columns in that statement, and deploy it first",
            ),
            Finding(
                code="table.size",
                severity="note",
                seen="1,000,000 rows in 210 MB, 3 indexes of 66 MB",
            ),
        ),
        estimate=Estimate(
            rows=ROWS, wal_bytes=480_000_000, disk_bytes=276_000_000, seconds_low=95, seconds_high=180
        ),
    )


def waiting() -> Story:
    """Preflight is through; it waits for *Advance* before the first statement that takes a lock."""
    story = opening()
    story.tell(events.Attached, client="c2", owner=BEN, role="observer")
    story.tell(events.StateChanged, state="waiting", reason="Add column is next", waits_for="advance")
    story.wait(21.6)
    return story


def up_to(phase: str) -> Story:
    """Everything before this phase has passed, and it was advanced to."""
    story = opening()
    story.tell(events.Attached, client="c2", owner=BEN, role="observer")
    took = {"add-column": 0.3, "replicas": 1.2, "dual-writes": 0.6, "constraints": 2.1, "indexes": 6.0}
    for step in PLAN.phases[1:]:
        story.rest(step.name)
        if step.name == phase:
            return story
        if step.name == "backfill":
            backfill(story, 1.0)
            story.tell(events.PhaseEnded, phase="backfill", outcome="passed", seconds=118.0)
        elif step.name == "verify":
            story.tell(events.PhaseBegan, phase="verify")
            story.tell(events.StateChanged, state="running")
            story.wait(4.0)
            story.tell(events.Verified, rows=ROWS + 4_210, differences=0)
            story.tell(events.PhaseEnded, phase="verify", outcome="passed", seconds=4.0)
        elif step.name == "reads":
            story.version = "v3"
            story.walk(step.name, 8.0)
        else:
            story.walk(step.name, took.get(step.name, 1.0))
            story.version = "v2" if step.name == "dual-writes" else story.version
    return story


def batch(story: Story, rows_a_second: float) -> None:
    """A second of the backfill."""
    swing = 1 + 0.18 * math.sin(story.t / 9) + story.random.uniform(-0.08, 0.08)
    story.rate = rows_a_second * swing
    rows = max(0, min(ROWS - story.done, int(story.rate)))
    if not rows:
        story.rate = 0
        return
    story.done += rows
    number = max(1, rows // 1000)
    story.tell(
        events.Batches,
        rows=(rows // number,) * number,
        milliseconds=tuple(round(story.random.uniform(70, 118), 1) for _ in range(number)),
        size=1000,
        done=story.done,
        scanned=story.done,
        total=ROWS,
        cursor=str(story.done),
    )


def backfill(story: Story, share: float, rows_a_second: float = 8_500.0) -> None:
    """The backfill runs until this share of the rows is filled."""
    story.tell(events.PhaseBegan, phase="backfill")
    story.tell(events.StateChanged, state="running")
    story.lags = {"db2": 0.5, "db3": 0.9}
    story.p99 = 9.6
    while story.done < ROWS * share:
        story.wait(1.0, lambda: batch(story, rows_a_second))
    if share >= 1:
        story.rate = 0
        story.lags = {"db2": 0.2, "db3": 0.3}


def backfilling() -> Story:
    """The backfill runs, with two replicas that keep up."""
    story = up_to("backfill")
    backfill(story, 0.62)
    return story


def throttled() -> Story:
    """Lag is over its limit on one replica and another conflicts: the backfill stands, for every reason there is."""
    story = up_to("backfill")
    backfill(story, 0.41)
    story.ask("throttle", "50%", owner=ANA, text="50 % of the free pace")
    story.tell(events.OperatorThrottle, percent=50, rows_per_second=0, by="ana", expires=story.t + 600)
    began = story.t
    for lag in (1.1, 1.6, 1.9):
        story.lags = {"db2": 0.5, "db3": lag}
        story.wait(1.0, lambda: batch(story, 4_200.0))
    story.states["db3"] = ("conflict", "replay waits for pid 812 (report, 4 min 31 s)")
    reasons = [
        events.Reason(
            name="replication lag", reading="db3 2.6 s", limit="2.0 s, goes on below 1.0 s", since=story.t
        ),
        events.Reason(name="operator", reading="50 %", limit="50 %", since=began, owner="ana", stops=False),
    ]
    story.tell(events.Throttled, reasons=tuple(reasons))
    story.rate = 0.0
    for lag in range(26, 60, 4):
        story.lags = {"db2": 0.4, "db3": lag / 10}
        story.wait(1.0)
    reasons[0] = msgspec.structs.replace(reasons[0], reading="db3 5.8 s")
    reasons.insert(
        1,
        events.Reason(
            name="load", reading="19 active, pace 40%", limit="16 sessions", since=story.t - 3, stops=False
        ),
    )
    story.tell(events.Throttled, reasons=tuple(reasons))
    story.wait(3.0)
    return story


def session_of(pid: int, user: str, application: str, query: str, **fields: Any) -> events.ServerSession:
    """A database session."""
    return events.ServerSession(
        pid=pid, started=STARTED - 900 + pid, user=user, application=application, query=query, **fields
    )


def pile_up() -> Story:
    """A session holds a lock, our ALTER waits behind it, and the application queues behind our ALTER."""
    story = up_to("add-column")
    story.tell(events.PhaseBegan, phase="add-column")
    story.tell(events.StateChanged, state="running")
    blocker = session_of(
        4711,
        "clerk",
        "shop back office",
        "SELECT id, status, note FROM orders ORDER BY id DESC LIMIT ?",
        state="idle in transaction",
        transaction_began=story.t - 41.0,
    )
    for attempt in (1, 2):
        name = story.statement("add-column", 0, attempt=attempt)
        story.wait(1.0)
        story.tell(
            events.StatementEnded,
            phase="add-column",
            name=name,
            outcome="lock-timeout",
            seconds=1.0,
            attempt=attempt,
            attempts=31,
            holders=(blocker,),
            queued=4,
            next_try=2.0,
        )
        story.wait(2.0)
    story.statement("add-column", 0, attempt=3)
    queries = (
        ("UPDATE orders SET status = ?, updated_at = now() WHERE id = ?", "ROW EXCLUSIVE"),
        ("SELECT id, status, amount FROM orders WHERE customer_id = ? ORDER BY placed_at", "ACCESS SHARE"),
        ("INSERT INTO orders (customer_id, amount, status) VALUES (?, ?, ?)", "ROW EXCLUSIVE"),
        ("SELECT count(*) FROM orders WHERE status = ?", "ACCESS SHARE"),
    )
    ours = session_of(
        4802,
        "deploy",
        "column-console runner",
        story.phase("add-column").statements[0].sql,
        state="active",
        ours=True,
    )
    story.tell(
        events.LockWaitsChanged,
        began=(
            events.LockWait(session=blocker, blocked_by=(), on="public.orders"),
            events.LockWait(
                session=ours,
                blocked_by=(4711,),
                mode="ACCESS EXCLUSIVE",
                on="public.orders",
                began=story.t,
            ),
        ),
    )
    story.wait(0.2)
    waits = tuple(
        events.LockWait(
            session=session_of(
                4820 + number, "shop", f"shop web {story.version}", queries[number % 4][0], state="active"
            ),
            blocked_by=(4802,) if number != 5 else (4821,),
            mode=queries[number % 4][1] if number != 5 else "transaction",
            on="public.orders" if number != 5 else "a row of public.orders",
            began=story.t + number * 0.05,
        )
        for number in range(7)
    )
    story.tell(events.LockWaitsChanged, began=waits)
    story.waiting, story.behind = 8, 6
    story.wait(0.7)
    story.p99 = 640.0
    story.sample()
    return story


def parked() -> Story:
    """The value expression fails on one row: the backfill is parked and says on which."""
    story = up_to("backfill")
    backfill(story, 0.27)
    story.rate = 0.0
    text = "date/time field value out of range"
    story.tell(events.KeysListed, what="failing", keys=("271828",), total=1, text=text)
    story.tell(
        events.StateChanged,
        state="parked",
        reason=f"the value fails on one row, id 271828, between 271,001 and 272,000: {text}",
        waits_for="retry",
    )
    story.wait(17.0)
    return story


def gate() -> Story:
    """The gate of the application's deploy: some of the evidence is there."""
    story = up_to("reads")
    story.tell(events.PhaseBegan, phase="reads")
    story.tell(
        events.StateChanged,
        state="waiting",
        reason="the application that reads placed_on is not deployed yet",
        waits_for="evidence",
    )
    story.tell(
        events.PhaseEvidence,
        phase="reads",
        evidence=(
            events.Evidence(
                name="old and new value agree on the newest rows", seen="1,000 of 1,000 rows", holds=True
            ),
            events.Evidence(name="statements that use placed_on seen", seen="0 of 4 kinds", holds=False),
        ),
    )
    story.wait(95.0)
    return story


def unread() -> Story:
    """The lock waits can't be read for want of a right, and the replicas' reading has grown old."""
    story = backfilling()
    story.tell(
        events.ReadingFailed,
        reading="locks",
        why="permission denied for other sessions' queries: the role deploy is no member of pg_monitor",
        remedy="GRANT pg_monitor TO deploy",
    )
    story.states["db3"] = ("gone", "no connection from it for 14 s")
    story.lags = {"db2": 0.6, "db3": None}
    story.rate = 0.0
    story.tell(
        events.Throttled,
        reasons=(
            events.Reason(name="replica gone", reading="db3", limit="every replica answers", since=story.t),
            events.Reason(name="stale reading", reading="locks 9 s old", limit="3 s", since=story.t),
        ),
    )
    story.wait(9.0)
    return story


def completed() -> Story:
    """All phases are through."""
    story = up_to("finish")
    story.walk("finish", 1.4)
    story.tell(
        events.Ended,
        outcome="completed",
        exit_status=0,
        text="public.orders.placed_on is as planned on the primary and on 2 replicas",
    )
    return story


STORIES: dict[str, Callable[[], Story]] = {
    "waiting": waiting,
    "backfill": backfilling,
    "throttled": throttled,
    "pile-up": pile_up,
    "parked": parked,
    "gate": gate,
    "unread": unread,
    "completed": completed,
}


def session(name: str) -> Session:
    """The session that a story adds up to."""
    return fold(STORIES[name]().events)
