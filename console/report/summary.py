"""A recording's session in one object: how it ended, what it did, what it cost, who asked for what.

The totals go over the whole file, however many runs it took; a phase counts by the last outcome that says
something. Times are seconds, on the session's clock `t` or as a length; `at` is the wall clock, ISO 8601.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from typing import Literal

from console import events
from console.change import Frozen
from console.facts import Estimate, Finding
from console.recording import Chain, Recording
from console.report import broken_off
from console.report.deviations import deviations
from console.report.moments import Stop, listed, stops
from console.report.parts import Keys, PhaseDone, Turn, actions, keys, phases
from console.report.remaining import remaining
from console.report.statements import StatementDone, statements
from console.session import Session


class ChainFound(Frozen, frozen=True):
    """Whether the recording is what was written (`docs/recording.md`, *The chain*)."""

    state: Literal["whole", "torn", "broken", "none"]
    """`torn`: whole, but for a last line that was cut off; `none`: made by a version that chained nothing."""
    verdict: str
    lines: int
    breaks: tuple[str, ...]
    """The first places where it does not hold, with their line."""
    sha256: str
    """Of all whole lines: to be compared with the line in the database's own log."""


class Report(Frozen, frozen=True):
    """What a reviewer reads afterwards. The names are an interface: `report --format json`."""

    outcome: events.Outcome
    """Where `complete` is false, what the state in which it breaks off would come to if nothing more happened."""
    complete: bool
    """The recording holds the session's end; false where its runner is still at work, or died, or the file is not
    whole."""
    headline: str
    """The outcome in words; of a recording without an end, that it has none."""
    end_missing: str
    """Where the end may be, in a sentence; empty where the recording holds it."""
    exit_status: int
    text: str
    """The session's last word; of a recording without an end, how it stood at the last event."""
    title: str
    session: str
    server: str
    change_file: str
    owner: str
    host: str
    started: str
    ended: str
    """The time of the last event."""
    seconds: float
    runs: int
    """How often a runner was started on it."""
    phases: tuple[PhaseDone, ...]
    rows_backfilled: int
    batches: int
    retries: int
    """Statements tried again for want of a lock, and batches redone."""
    throttled_s: float
    stops: tuple[Stop, ...]
    """Each time in which the throttle stopped the backfill."""
    max_replication_lag_s: dict[str, float]
    max_lock_queue: int
    max_lock_queue_s: float
    """The longest that a session stood behind us, as seen; where none was seen, no longer than the try took."""
    verified_rows: int
    differences: int
    actions: tuple[Turn, ...]
    keys: tuple[Keys, ...]
    """Keys that were left out, that failed, or that differ."""
    statements: tuple[StatementDone, ...]
    findings: tuple[Finding, ...]
    estimate: Estimate | None
    limits: dict[str, float]
    """The change file's limits, as the last run had them."""
    window: str
    deviations: tuple[str, ...]
    """Where the walk left the plan, in sentences."""
    remaining: tuple[str, ...]
    """What is left to do, in sentences."""
    problems: tuple[str, ...]
    """What is missing from the recording."""
    chain: ChainFound


class Wall:
    """The wall clock of a recording: each run's header says when the session's clock was at zero."""

    def __init__(self, recording: Recording) -> None:
        self._positions: list[int] = []
        self._origins: list[datetime] = []
        for position, event in recording.of(events.Header):
            if isinstance(event, events.Header):
                self._positions.append(position)
                self._origins.append(_instant(event))

    def at(self, position: int, t: float) -> str:
        """The wall clock at `t`, at the event before `position`; empty where the header is lost."""
        if not self._origins:
            return ""
        run = max(0, bisect_right(self._positions, position) - 1)
        try:
            return (self._origins[run] + timedelta(seconds=t)).isoformat(timespec="seconds")
        except OverflowError:
            return ""


def summarise(recording: Recording) -> Report:
    """The report on a recording, finished or not."""
    final = recording.final
    first = recording.header
    wall = Wall(recording)
    totals = final.totals
    done = phases(recording, final, wall.at)
    tried = statements(recording, final.plan, wall.at)
    turns = actions(recording, wall.at)
    outstanding = keys(recording)
    outcome, exit_status = _outcome(final)
    complete = final.ended is not None
    torn = recording.chain.state == "torn"
    last = wall.at(len(recording.events), recording.duration)
    return Report(
        outcome=outcome,
        complete=complete,
        headline=outcome if complete else broken_off.headline(torn=torn),
        end_missing="" if complete else broken_off.why(torn=torn),
        exit_status=exit_status,
        text=final.ended.text if final.ended else broken_off.known(final, last),
        title=first.title if first else (final.plan.title if final.plan else ""),
        session=first.session if first else "",
        server=_server(final),
        change_file=first.change_file if first else "",
        owner=first.owner if first else "",
        host=first.host if first else "",
        started=wall.at(0, 0.0),
        ended=last,
        seconds=round(recording.duration, 3),
        runs=sum(1 for _ in recording.of(events.Header)),
        phases=done,
        rows_backfilled=totals.rows_backfilled,
        batches=totals.batches,
        retries=totals.retries,
        throttled_s=round(_throttled(final), 3),
        stops=listed(stops(recording), lambda t: wall.at(recording.position(t), t)),
        max_replication_lag_s=totals.max_replication_lag_s,
        max_lock_queue=totals.max_lock_queue,
        max_lock_queue_s=round(max([totals.max_lock_queue_s, *(one.waiting_s for one in tried)]), 3),
        verified_rows=totals.verified_rows,
        differences=totals.differences,
        actions=turns,
        keys=outstanding,
        statements=tried,
        findings=final.preflight.findings if final.preflight else (),
        estimate=final.preflight.estimate if final.preflight else None,
        limits=final.header.limits if final.header else {},
        window=final.header.window if final.header else "",
        remaining=remaining(
            final, outcome=outcome, torn=torn and not complete, phases=done, actions=turns, keys=outstanding
        ),
        deviations=deviations(
            recording, final, phases=done, statements=tried, actions=turns, keys=outstanding
        ),
        problems=tuple(str(problem) for problem in recording.problems),
        chain=_chain(recording.chain),
    )


def _chain(chain: Chain) -> ChainFound:
    return ChainFound(
        state=chain.state,
        verdict=chain.verdict,
        lines=chain.lines,
        breaks=tuple(str(one) for one in chain.breaks),
        sha256=chain.sha256,
    )


def _outcome(final: Session) -> tuple[events.Outcome, int]:
    """As the session said; where it could not, by the state in which it was left."""
    if final.ended is not None:
        return final.ended.outcome, final.ended.exit_status
    return ("parked" if final.state in ("parked", "paused", "waiting") else "failed"), 1


def _server(final: Session) -> str:
    server = final.header.server if final.header else final.plan.server if final.plan else None
    if server is None:
        return ""
    family = {"postgresql": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB"}[server.kind]
    return f"{server.name}, {family} {server.version}"


def _throttled(final: Session) -> float:
    """With the stop that still lasts."""
    lasting = final.t - final.throttle_since if final.throttle_since is not None else 0.0
    return final.totals.throttled_s + lasting


def _instant(header: events.Header) -> datetime:
    """When the session's clock was at zero, in the time zone of whoever started the run."""
    try:
        zone = datetime.fromisoformat(header.started).tzinfo or UTC
        return datetime.fromtimestamp(header.started_unix, zone)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
