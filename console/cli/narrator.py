"""A headless session in words: the log's own sentences, the evidence of each phase, and how far the work is.

Pure: a function of the events, so that it says the same of a live session and of a recorded one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from console import events, narrate
from console.session import Session, apply
from console.words import count, duration, plural

EVERY = 5.0
"""Seconds of the session's clock between two lines that say how far a phase is."""


class Narrator:
    """Follows one session. `session` is what its events add up to."""

    def __init__(self) -> None:
        self.session = Session()
        self._began: datetime | None = None
        self._told_at = self._missed_at = 0.0

    def tell(self, event: events.Event) -> Iterator[tuple[str, str, str]]:
        """Time of day, level and text of each line that the event is worth."""
        if event.s and event.s <= self.session.s and not isinstance(event, events.Header):
            return
        self.session = apply(self.session, event)
        when = self._time_of_day(event)
        for level, text in self._lines(event):
            yield when, level, text

    def _lines(self, event: events.Event) -> Iterator[tuple[str, str]]:
        match event:
            case events.Snapshot():
                return
            case events.Header():
                yield "info", f"session {event.session}: {event.title} on {event.server.name}"
            case events.Planned(plan=plan):
                runs = [phase for phase in plan.phases if not phase.left_out]
                yield "info", f"plan {plan.digest}: {plural(len(runs), 'phase')}"
                for proposal in plan.proposals:
                    yield "info", proposal
            case events.PreflightDone(preflight=preflight):
                for finding in preflight.findings:
                    if finding.severity != "note":
                        yield _level(finding.severity), f"{finding.severity}: {finding.seen}"
            case events.Sample():
                yield from self._progress(event)
            case events.PhaseBegan():
                self._told_at = event.t
                self._missed_at = event.t - EVERY
            case events.PhaseEvidence():
                yield from self._missing(event)
            case _:
                pass
        said = narrate.line(event)
        if said is not None:
            yield said
        if isinstance(event, events.PhaseEnded):
            for piece in event.evidence:
                mark = "yes" if piece.holds else "NO "
                yield ("info" if piece.holds else "warning"), f"    {mark}  {piece.name}: {piece.seen}"

    def _missing(self, event: events.PhaseEvidence) -> Iterator[tuple[str, str]]:
        """What a gate still waits for."""
        missing = [piece for piece in event.evidence if not piece.holds]
        if missing and event.t - self._missed_at >= EVERY:
            self._missed_at = event.t
            for piece in missing:
                yield "info", f"    not yet  {piece.name}: {piece.seen}"

    def _progress(self, sample: events.Sample) -> Iterator[tuple[str, str]]:
        phase = self.session.current
        if phase is None or phase.state != "running" or not phase.total:
            return
        if sample.t - self._told_at < EVERY:
            return
        self._told_at = sample.t
        parts = [
            f"{count(phase.done)} of {count(phase.total)} {phase.unit} ({_percent(phase.done, phase.total)})"
        ]
        if phase.doing:
            parts.insert(0, phase.doing)
        if sample.rows_per_second:
            parts.append(f"{count(sample.rows_per_second)} rows/s")
        parts += [
            f"{replica.name} {duration(replica.lag)} behind"
            for replica in sample.replicas
            if replica.lag is not None
        ]
        if sample.p99_ms is not None:
            parts.append(f"application p99 {sample.p99_ms:.1f} ms")
        yield "info", f"{phase.name}: {', '.join(parts)}"

    def _time_of_day(self, event: events.Event) -> str:
        if isinstance(event, events.Header):
            self._began = datetime.fromisoformat(event.started) - timedelta(seconds=event.t)
        began = self._began
        return f"{began + timedelta(seconds=event.t):%H:%M:%S}" if began else f"{event.t:8.1f}"


def _level(severity: str) -> str:
    return "error" if severity == "blocker" else "warning"


def _percent(done: float, total: float) -> str:
    return f"{min(100.0, 100 * done / total):.0f} %"


def summary(session: Session) -> list[str]:
    """What a finished session came to, in a few lines.

    >>> summary(Session(ended=events.Ended(outcome="completed", exit_status=0, text="the change is complete")))
    ['completed: the change is complete', '0 rows filled in 0 batches, 0 rows compared, 0 differences']
    >>> from console.session import Totals
    >>> summary(Session(totals=Totals(max_lock_queue=12)))[-1]
    'at most 12 sessions queued behind a statement of ours'
    """
    totals = session.totals
    ended = session.ended
    lines = [f"{ended.outcome}: {ended.text}" if ended else "unfinished: the runner is gone"]
    lines.append(
        f"{plural(totals.rows_backfilled, 'row')} filled in {plural(totals.batches, 'batch')}, "
        f"{plural(totals.verified_rows, 'row')} compared, {plural(totals.differences, 'difference')}"
    )
    lags = [f"{name} {duration(lag)}" for name, lag in totals.max_replication_lag_s.items()]
    if lags:
        lines.append(f"furthest behind: {', '.join(lags)}")
    if totals.max_lock_queue:
        waited = f", for {duration(totals.max_lock_queue_s)}" if totals.max_lock_queue_s else ""
        lines.append(
            f"at most {plural(totals.max_lock_queue, 'session')} queued behind a statement of ours{waited}"
        )
    return lines
