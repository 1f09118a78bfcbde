"""Two sessions side by side: a rehearsal and the real thing, or two shards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from console import events
from console.change import Frozen
from console.report.statements import StatementDone
from console.report.summary import Report
from console.session import PhaseState
from console.words import count, duration, plural

Unit = Literal["s", "rows", "rows/s", "batches", "sessions", "times", "differences", ""]


class Figure(Frozen, frozen=True):
    """A number of both sessions. None: it is not known of that one."""

    name: str
    unit: Unit
    a: float | None
    b: float | None

    @property
    def ratio(self) -> float | None:
        """B as a multiple of A."""
        return self.b / self.a if self.a and self.b is not None else None


class PhasePair(Frozen, frozen=True):
    """A phase of both sessions. None: the plan of that one has no such phase."""

    name: str
    outcome_a: PhaseState | None
    outcome_b: PhaseState | None
    seconds_a: float
    seconds_b: float
    missing_a: tuple[str, ...]
    """Evidence that does not hold."""
    missing_b: tuple[str, ...]


class StatementPair(Frozen, frozen=True):
    """A statement of both sessions, the last time it ran. None: that one never came to it."""

    phase: str
    name: str
    outcome_a: events.StatementOutcome | Literal["unfinished"] | None
    outcome_b: events.StatementOutcome | Literal["unfinished"] | None
    seconds_a: float
    seconds_b: float
    tries_a: int
    tries_b: int
    queue_a: int
    queue_b: int
    same_sql: bool
    """Both sent the same text; true as well where one of them sent none."""


class Comparison(Frozen, frozen=True):
    """Two reports, and what differs. The names are an interface: `report A B --format json`."""

    a: Report
    b: Report
    outcome_same: bool
    figures: tuple[Figure, ...]
    phases: tuple[PhasePair, ...]
    statements: tuple[StatementPair, ...]
    differences: tuple[str, ...]
    """What a reviewer should look at, in sentences."""


FAR = 1.5
"""How many times longer a phase takes before it is called slower."""
LEAST_S = 1.0
"""Seconds below which nothing is called slower."""


def compare(a: Report, b: Report) -> Comparison:
    """The two side by side."""
    phases = tuple(_phases(a, b))
    statements = tuple(_statements(a, b))
    figures = tuple(_figures(a, b))
    return Comparison(
        a=a,
        b=b,
        outcome_same=a.outcome == b.outcome,
        figures=figures,
        phases=phases,
        statements=statements,
        differences=tuple(_differences(a, b, phases, statements)),
    )


def _figures(a: Report, b: Report) -> Iterator[Figure]:
    yield Figure(name="took", unit="s", a=a.seconds, b=b.seconds)
    yield Figure(name="rows filled", unit="rows", a=a.rows_backfilled, b=b.rows_backfilled)
    yield Figure(name="filled per second of the backfill", unit="rows/s", a=_rate(a), b=_rate(b))
    yield Figure(name="batches", unit="batches", a=a.batches, b=b.batches)
    yield Figure(name="rows verified", unit="rows", a=a.verified_rows, b=b.verified_rows)
    yield Figure(name="differences", unit="differences", a=a.differences, b=b.differences)
    yield Figure(name="furthest behind", unit="s", a=_lag(a), b=_lag(b))
    yield Figure(name="most queued behind us", unit="sessions", a=a.max_lock_queue, b=b.max_lock_queue)
    yield Figure(name="longest wait behind us", unit="s", a=a.max_lock_queue_s, b=b.max_lock_queue_s)
    yield Figure(name="tried again", unit="times", a=a.retries, b=b.retries)
    yield Figure(name="stopped by the throttle", unit="s", a=a.throttled_s, b=b.throttled_s)
    yield Figure(name="actions", unit="times", a=len(a.actions), b=len(b.actions))
    for name in sorted(set(a.limits) | set(b.limits)):
        if a.limits.get(name) != b.limits.get(name):
            yield Figure(name=f"limit {name}", unit="", a=a.limits.get(name), b=b.limits.get(name))


def _rate(report: Report) -> float | None:
    seconds = sum(phase.seconds for phase in report.phases if phase.name.startswith("backfill"))
    return round(report.rows_backfilled / seconds, 1) if seconds and report.rows_backfilled else None


def _lag(report: Report) -> float | None:
    return max(report.max_replication_lag_s.values(), default=None)


def _phases(a: Report, b: Report) -> Iterator[PhasePair]:
    ours, theirs = ({phase.name: phase for phase in report.phases} for report in (a, b))
    for name in dict.fromkeys([*ours, *theirs]):
        one, other = ours.get(name), theirs.get(name)
        yield PhasePair(
            name=name,
            outcome_a=one.outcome if one else None,
            outcome_b=other.outcome if other else None,
            seconds_a=one.seconds if one else 0.0,
            seconds_b=other.seconds if other else 0.0,
            missing_a=tuple(piece.name for piece in one.evidence if not piece.holds) if one else (),
            missing_b=tuple(piece.name for piece in other.evidence if not piece.holds) if other else (),
        )


def _statements(a: Report, b: Report) -> Iterator[StatementPair]:
    ours, theirs = _by_name(a), _by_name(b)
    for phase, name in dict.fromkeys([*ours, *theirs]):
        one, other = ours.get((phase, name)), theirs.get((phase, name))
        yield StatementPair(
            phase=phase,
            name=name,
            outcome_a=one.outcome if one else None,
            outcome_b=other.outcome if other else None,
            seconds_a=one.seconds if one else 0.0,
            seconds_b=other.seconds if other else 0.0,
            tries_a=one.tries if one else 0,
            tries_b=other.tries if other else 0,
            queue_a=one.queue if one else 0,
            queue_b=other.queue if other else 0,
            same_sql=_same_sql(one, other),
        )


def _by_name(report: Report) -> dict[tuple[str, str], StatementDone]:
    """Each statement as it ran last; where a later run only found it done, as it was sent."""
    found: dict[tuple[str, str], StatementDone] = {}
    for one in report.statements:
        if one.sql or (one.phase, one.name) not in found:
            found[one.phase, one.name] = one
    return found


def _same_sql(one: StatementDone | None, other: StatementDone | None) -> bool:
    return one is None or other is None or not one.sql or not other.sql or one.sql == other.sql


def _differences(
    a: Report, b: Report, phases: tuple[PhasePair, ...], statements: tuple[StatementPair, ...]
) -> Iterator[str]:
    if a.title != b.title:
        yield f"They are two changes: A is {a.title}, B is {b.title}."
    if a.headline != b.headline:
        yield f"A: {a.headline}, B: {b.headline}."
    if a.server.partition(", ")[2] != b.server.partition(", ")[2]:
        yield f"The servers are not of one version: A is {a.server}, B is {b.server}."
    missed = {
        "A": [phase.name for phase in phases if phase.outcome_a == "ahead" != phase.outcome_b],
        "B": [phase.name for phase in phases if phase.outcome_b == "ahead" != phase.outcome_a],
    }
    for letter, names in missed.items():
        if names:
            yield f"{letter} did not come to {', '.join(names)}."
    for phase in phases:
        outcomes = (phase.outcome_a, phase.outcome_b)
        if None in outcomes:
            yield f"Only {'B' if phase.outcome_a is None else 'A'} has the phase {phase.name}."
        elif "ahead" not in outcomes and phase.outcome_a != phase.outcome_b:
            yield f"{phase.name} is {phase.outcome_a} in A, {phase.outcome_b} in B."
        slow, fast = max(phase.seconds_a, phase.seconds_b), min(phase.seconds_a, phase.seconds_b)
        if fast and slow > LEAST_S and slow > FAR * fast:
            which = "A" if slow == phase.seconds_a else "B"
            yield f"{phase.name} took {duration(slow)} in {which}, {duration(fast)} in the other one."
    for one in statements:
        if not one.same_sql:
            yield f"{one.name} ({one.phase}) was another statement in B than in A."
        if one.tries_a != one.tries_b and min(one.tries_a, one.tries_b):
            yield f"{one.name} ({one.phase}) took {plural(one.tries_a, 'try')} in A, {one.tries_b} in B."
        if one.queue_a != one.queue_b:
            most = f"{plural(one.queue_a, 'session')} in A, {one.queue_b} in B"
            yield f"Behind {one.name} ({one.phase}) stood {most}."


def said(figure: Figure, value: float | None) -> str:
    """A figure in words.

    >>> took = Figure(name="took", unit="s", a=75, b=None)
    >>> said(took, took.a), said(took, took.b)
    ('1 min 15 s', 'not known')
    """
    if value is None:
        return "not known"
    if figure.unit == "s":
        return duration(value)
    return count(value) if value == int(value) else f"{value:,.1f}"


def sql(pair: StatementPair) -> str:
    """Whether both sent the same text, in a word; empty where one of them has no such statement."""
    if pair.outcome_a is None or pair.outcome_b is None:
        return ""
    return "same" if pair.same_sql else "differs"


def ratio(figure: Figure) -> str:
    """B as a multiple of A, in words; empty where that says nothing.

    >>> ratio(Figure(name="took", unit="s", a=2, b=5)), ratio(Figure(name="took", unit="s", a=0, b=5))
    ('×2.5', '')
    >>> ratio(Figure(name="furthest behind", unit="s", a=0.035, b=8.7))
    '×249'
    """
    if figure.ratio is None or figure.a == figure.b:
        return ""
    return f"×{figure.ratio:.2g}" if figure.ratio < 99.5 else f"×{count(figure.ratio)}"
