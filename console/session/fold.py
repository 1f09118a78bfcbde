"""`apply`: what each kind of event changes. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from console import events, narrate
from console.session.snapshots import restore
from console.session.state import (
    Client,
    InControl,
    LogLine,
    Looking,
    PhaseView,
    Point,
    Session,
    StatementView,
)

HISTORY = 600
LOG = 300
STATEMENTS = 400
ACTIONS = 200


def fold(stream: Iterable[events.Event], session: Session | None = None) -> Session:
    """All of `stream`, applied in order.

    >>> fold([events.Log(t=1, s=1, level="info", text="hello")]).log[0].text
    'hello'
    """
    session = session or Session()
    for event in stream:
        session = apply(session, event)
    return session


def apply(session: Session, event: events.Event) -> Session:
    """The session after `event`. An event that was applied before (by its `s`) changes nothing.

    But for a whole snapshot, which mends a session that missed something before its last event.
    """
    anew = isinstance(event, events.Snapshot) and event.whole and event.s == session.s
    if event.s and event.s <= session.s and not anew:
        return session
    if isinstance(event, events.Snapshot):
        return restore(session, event)
    said = narrate.line(event)
    session = replace(session, t=max(session.t, event.t), s=max(session.s, event.s))
    if said:
        session = replace(session, log=(*session.log[-LOG + 1 :], LogLine(event.t, *said)))
    return _change(session, event)


def _change(session: Session, event: events.Event) -> Session:
    match event:
        case events.Sample():
            return _sample(session, event)
        case events.Batches():
            return _batches(session, event)
        case events.LockWaitsChanged():
            return _lock_waits(session, event)
        case events.TableHeld():
            return _table_held(session, event)
        case events.Header():
            return _header(session, event)
        case events.Planned():
            return _planned(session, event)
        case events.PreflightDone(preflight=preflight):
            return replace(session, preflight=preflight)
        case events.StateChanged(state=state, reason=reason, waits_for=waits_for):
            return replace(session, state=state, reason=reason, waits_for=waits_for)
        case events.PhaseBegan(phase=phase, t=t):
            session = replace(session, phase=phase)
            return _phase(session, phase, state="running", began=t, seconds=None, text="")
        case events.PhaseEvidence(phase=phase, evidence=evidence):
            return _phase(session, phase, evidence=evidence)
        case events.PhaseEnded():
            return _phase_ended(session, event)
        case events.Progressed(phase=phase):
            return _phase(
                session, phase, done=event.done, total=event.total, unit=event.unit, doing=event.doing
            )
        case events.StatementBegan():
            return replace(session, statement=_statement_began(event))
        case events.StatementEnded():
            return _statement_ended(session, event)
        case events.Throttled(reasons=reasons, t=t):
            return _throttled(session, reasons, t)
        case events.OperatorThrottle():
            return replace(session, operator_throttle=event)
        case events.Verified(rows=rows, differences=differences):
            return replace(
                session, totals=replace(session.totals, verified_rows=rows, differences=differences)
            )
        case events.KeysListed(what=what):
            others = tuple(keys for keys in session.keys if keys.what != what or what == "skipped")
            return replace(session, keys=(*others, event)[-50:])
        case events.ReadingFailed(reading=reading):
            return replace(session, failures={**session.failures, reading: event})
        case events.ReadingMended(reading=reading):
            return replace(session, failures={k: v for k, v in session.failures.items() if k != reading})
        case events.Attached(client=name):
            clients = tuple(c for c in session.clients if c.client != name)
            return replace(session, clients=(*clients, _client(event)))
        case events.Detached(client=name):
            left = tuple(c for c in session.clients if c.client != name)
            return replace(session, clients=left, looking=_others(session, name))
        case events.ScreenChanged():
            return _screen(session, event)
        case events.ActionChanged(id=id):
            others_ = tuple(action for action in session.actions if action.id != id)
            return replace(session, actions=(*others_, event)[-ACTIONS:])
        case events.ControlChanged():
            return replace(session, control=_in_control(event))
        case events.Ended():
            return replace(session, ended=event, state="ended", reason=event.text, waits_for="")
        case _:
            return session


def _header(session: Session, event: events.Header) -> Session:
    """A run begins. Where it takes a session up again, what lived in the earlier runner is gone."""
    session = _throttled(session, (), session.t)
    return replace(
        session,
        header=event,
        state="starting",
        reason="",
        waits_for="",
        ended=None,
        phase="",
        phases=tuple(_as_left(view) for view in session.phases),
        statement=None,
        clients=(),
        looking=(),
        control=None,
        throttle=(),
        throttle_since=None,
        operator_throttle=None,
        lock_waits=(),
        held=None,
        failures={},
    )


def _client(event: events.Attached) -> Client:
    owner = event.owner
    return Client(
        client=event.client,
        name=owner.name,
        role=event.role,
        since=event.t,
        uid=owner.uid,
        claims=owner.claims,
    )


def _in_control(event: events.ControlChanged) -> InControl | None:
    owner = event.owner
    if owner is None:
        return None
    return InControl(name=owner.name, uid=owner.uid, client=event.client, since=event.t, claims=owner.claims)


def _as_left(view: PhaseView) -> PhaseView:
    """A phase as the next run finds it: what was not done is ahead again."""
    if view.state in ("passed", "already-done", "left-out", "skipped"):
        return view
    return PhaseView(name=view.name, title=view.title)


def _planned(session: Session, event: events.Planned) -> Session:
    views = []
    for phase in event.plan.phases:
        old = session.view(phase.name)
        if old is not None and old.state != "ahead":
            views.append(old)
        elif phase.left_out:
            views.append(PhaseView(name=phase.name, title=phase.title, state="left-out", text=phase.left_out))
        else:
            views.append(PhaseView(name=phase.name, title=phase.title))
    ahead = next((view.name for view in views if view.state == "ahead"), "")
    first = session.phase or ahead or (event.plan.phases[0].name if event.plan.phases else "")
    return replace(session, plan=event.plan, advance=event.advance, phases=tuple(views), phase=first)


def _phase(session: Session, name: str, **changes: object) -> Session:
    if session.view(name) is None:
        title = name.replace("-", " ").capitalize()
        session = replace(session, phases=(*session.phases, PhaseView(name=name, title=title)))
    views = tuple(replace(view, **changes) if view.name == name else view for view in session.phases)
    return replace(session, phases=views)


def _phase_ended(session: Session, event: events.PhaseEnded) -> Session:
    changes: dict[str, object] = {
        "state": event.outcome,
        "seconds": event.seconds,
        "text": event.text,
        "doing": "",
    }
    if event.evidence:
        changes["evidence"] = event.evidence
    session = _phase(session, event.phase, **changes)
    if event.outcome in ("passed", "already-done", "left-out", "skipped"):
        names = [view.name for view in session.phases]
        after = names[names.index(event.phase) + 1 :]
        coming = next((name for name in after if getattr(session.view(name), "state", "") == "ahead"), None)
        session = replace(session, phase=coming or event.phase)
    return session


def _statement_began(event: events.StatementBegan) -> StatementView:
    return StatementView(
        phase=event.phase,
        name=event.name,
        sql=event.sql,
        lock=event.lock,
        began=event.t,
        attempt=event.attempt,
        pid=event.pid,
    )


def _statement_ended(session: Session, event: events.StatementEnded) -> Session:
    running = session.statement
    if running is None or running.name != event.name:
        running = StatementView(
            phase=event.phase, name=event.name, sql="", lock="", began=event.t - event.seconds
        )
    elif running.outcome is not None:
        # A further try, which was not sent.
        running = replace(running, began=event.t - event.seconds)
    ended = replace(
        running,
        outcome=event.outcome,
        attempt=event.attempt,
        seconds=event.seconds,
        text=event.text,
        holders=event.holders,
        queued=event.queued,
        next_try_at=None if event.next_try is None else event.t + event.next_try,
    )
    totals = session.totals
    if event.outcome in ("lock-timeout", "queue-guard"):
        totals = replace(totals, retries=totals.retries + 1)
    totals = replace(totals, max_lock_queue=max(totals.max_lock_queue, event.queued))
    return replace(
        session, statement=ended, statements=(*session.statements[-STATEMENTS + 1 :], ended), totals=totals
    )


def _batches(session: Session, event: events.Batches) -> Session:
    totals = replace(
        session.totals,
        rows_backfilled=max(session.totals.rows_backfilled, event.done),
        batches=session.totals.batches + len(event.rows),
        retries=session.totals.retries + event.retries,
        batch_retries=session.totals.batch_retries + event.retries,
    )
    session = replace(session, batches=event, totals=totals)
    return _phase(session, session.phase, done=float(event.scanned), total=float(event.total), unit="rows")


def _throttled(session: Session, reasons: tuple[events.Reason, ...], t: float) -> Session:
    stopped = any(reason.stops for reason in session.throttle)
    totals = session.totals
    if stopped and session.throttle_since is not None:
        totals = replace(totals, throttled_s=totals.throttled_s + t - session.throttle_since)
    stops = any(reason.stops for reason in reasons)
    if stops and not stopped:
        totals = replace(totals, throttles=totals.throttles + 1)
    since = t if stops else None
    return replace(session, throttle=reasons, throttle_since=since, totals=totals)


def point(event: events.Sample, names: tuple[str, ...]) -> tuple[Point, tuple[str, ...]]:
    """A sample as a point of the charts, and `names` with the replicas that appear for the first time."""
    new = tuple(replica.name for replica in event.replicas if replica.name not in names)
    names = (*names, *new)
    lags = {replica.name: replica.lag for replica in event.replicas}
    return Point(
        t=event.t,
        rows_per_second=event.rows_per_second,
        lags=tuple(lags.get(name) for name in names),
        tps=event.application_tps if event.application_tps is not None else event.transactions_per_second,
        p99_ms=event.p99_ms,
        waiting=event.waiting,
    ), names


def _sample(session: Session, event: events.Sample) -> Session:
    charted, names = point(event, session.replica_names)
    lags = {replica.name: replica.lag for replica in event.replicas}
    totals = session.totals
    peaks = totals.max_replication_lag_s
    higher = {name: lag for name, lag in lags.items() if lag is not None and lag > peaks.get(name, -1.0)}
    if higher:
        totals = replace(totals, max_replication_lag_s={**peaks, **higher})
    queue = event.queued_behind_us
    if queue > totals.max_lock_queue:
        totals = replace(totals, max_lock_queue=queue)
    return replace(
        session,
        sample=event,
        replica_names=names,
        history=(*session.history[-HISTORY + 1 :], charted),
        totals=totals,
    )


def _others(session: Session, client: str) -> tuple[Looking, ...]:
    return tuple(seen for seen in session.looking if seen.client != client)


def _screen(session: Session, event: events.ScreenChanged) -> Session:
    """What a client has before them now. Who has left has nothing before them."""
    if not any(client.client == event.client for client in session.clients):
        return session
    known = next((seen for seen in session.looking if seen.client == event.client), None)
    now = known or Looking(client=event.client, since=event.t)
    if event.dialog != now.dialog:
        now = replace(now, dialog=event.dialog, since=event.t)
    if event.pressed:
        now = replace(now, pressed=event.pressed, pressed_at=event.t)
    return replace(session, looking=(*_others(session, event.client), now))


def _table_held(session: Session, event: events.TableHeld) -> Session:
    """Where nobody looks any more, that they could not be read is no news either."""
    if event.tables:
        return replace(session, held=event)
    failures = {name: failure for name, failure in session.failures.items() if name != "holders"}
    return replace(session, held=None, failures=failures)


def _lock_waits(session: Session, event: events.LockWaitsChanged) -> Session:
    changed = {wait.session.pid: wait for wait in event.began}
    ended = set(event.ended)
    ours = {wait.session.pid for wait in session.lock_waits if wait.session.ours}
    longest = session.totals.max_lock_queue_s
    for wait in session.lock_waits:
        if wait.mode and wait.session.pid in ended and ours.intersection(wait.blocked_by):
            longest = max(longest, event.t - wait.began)
    kept = [
        changed.pop(wait.session.pid, wait) for wait in session.lock_waits if wait.session.pid not in ended
    ]
    return replace(
        session,
        lock_waits=(*kept, *changed.values()),
        totals=replace(session.totals, max_lock_queue_s=longest),
    )
