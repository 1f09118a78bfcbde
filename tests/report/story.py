"""One story told in events, which has a little of everything that a report tells."""

from __future__ import annotations

from msgspec.structs import replace

from console import events
from tests.recording.streams import ANA, header, plan, preflight

BO = events.Owner(name="bo|<b>", uid=1001)
HOLDER = events.ServerSession(pid=77, user="report", application="psql")


def story() -> list[events.Event]:
    """A walk that was interrupted, with a lock held, a gate skipped, rows left out and a lag over the limit."""
    told: list[tuple[float, events.Event]] = [
        (0.0, header()),
        (0.1, events.Planned(plan=plan())),
        (0.2, events.PhaseBegan(phase="preflight")),
        (1.0, events.PreflightDone(preflight=preflight())),
        (1.2, events.PhaseEnded(phase="preflight", outcome="passed", seconds=1.0)),
        (5.0, action("a", "advance", "running")),
        (5.1, events.PhaseBegan(phase="add-column")),
        (5.2, sent("add", 1)),
        (6.2, failed("add", 1, queued=4)),
        (8.0, sent("add", 2)),
        (8.1, finished("add", 2)),
        (8.2, events.PhaseEnded(phase="add-column", outcome="passed", seconds=3.1)),
        (8.3, action("a", "advance", "done")),
        (9.0, events.PhaseBegan(phase="replicas")),
        (9.5, action("b", "skip-gate", "done", "db3 is being rebuilt", BO)),
        (9.6, events.PhaseEnded(phase="replicas", outcome="skipped", seconds=0.6, evidence=(no_evidence(),))),
        (10.0, events.PhaseBegan(phase="backfill")),
        (11.0, batches(done=2000, retries=1)),
        (
            12.0,
            events.Throttled(reasons=(events.Reason(name="replication lag", reading="3 s", limit="2 s"),)),
        ),
        (12.5, events.Sample(replicas=(replica("db2", 3.25), replica("db3", None)), queued_behind_us=2)),
        (17.0, events.Throttled(reasons=())),
        (18.0, events.StateChanged(state="parked", reason="1 row fails", waits_for="retry")),
        (18.1, events.KeysListed(what="failing", keys=("17",), total=1, text="division by zero")),
        (18.2, events.PhaseEnded(phase="backfill", outcome="parked", seconds=8.0, text="1 row fails")),
        (3600.0, header(resumed=True, started="2026-11-28T03:15:00+00:00", started_unix=1795832100.5)),
        (3600.1, events.Planned(plan=plan())),
        (3600.2, events.PhaseBegan(phase="add-column")),
        (3600.3, events.StatementEnded(phase="add-column", name="add", outcome="already-done")),
        (3600.4, events.PhaseEnded(phase="add-column", outcome="already-done", seconds=0.2)),
        (3601.0, events.PhaseBegan(phase="backfill")),
        (3602.0, events.KeysListed(what="skipped", keys=("17",), total=1, text="by ana")),
        (3603.0, batches(done=5000)),
        (3604.0, events.PhaseEnded(phase="backfill", outcome="passed", seconds=3.0)),
        (3604.1, events.PhaseBegan(phase="verify")),
        (3604.2, events.Verified(rows=4999, differences=0)),
        (3604.3, events.PhaseEnded(phase="verify", outcome="passed", seconds=0.2)),
        (3604.4, events.PhaseBegan(phase="constraints")),
        (3604.5, events.PhaseEnded(phase="constraints", outcome="passed", seconds=0.1)),
        (3605.0, events.Ended(outcome="completed", exit_status=0, text="the change is complete")),
    ]
    return [replace(event, t=t, s=s) for s, (t, event) in enumerate(told, 1)]


def action(
    id_: str, what: str, state: events.ActionState, reason: str = "", owner: events.Owner = ANA
) -> events.ActionChanged:
    return events.ActionChanged(id=id_, action=what, state=state, owner=owner, reason=reason)


def sent(name: str, attempt: int) -> events.StatementBegan:
    return events.StatementBegan(
        phase="add-column", name=name, sql="ALTER TABLE x", lock="ACCESS EXCLUSIVE", attempt=attempt
    )


def failed(name: str, attempt: int, queued: int) -> events.StatementEnded:
    return events.StatementEnded(
        phase="add-column",
        name=name,
        outcome="lock-timeout",
        seconds=1.0,
        attempt=attempt,
        attempts=30,
        holders=(HOLDER,),
        queued=queued,
    )


def finished(name: str, attempt: int) -> events.StatementEnded:
    return events.StatementEnded(phase="add-column", name=name, outcome="done", seconds=0.01, attempt=attempt)


def batches(done: int, retries: int = 0) -> events.Batches:
    return events.Batches(
        rows=(1000, 1000),
        milliseconds=(90.0, 110.0),
        size=1000,
        done=done,
        scanned=done,
        total=5000,
        cursor=str(done),
        retries=retries,
    )


def replica(name: str, lag: float | None) -> events.Replica:
    return events.Replica(name=name, state="streaming", lag=lag)


def no_evidence() -> events.Evidence:
    return events.Evidence(name="visible on every replica", seen="db3: no", holds=False)
