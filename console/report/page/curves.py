"""What the charts draw, as data for the page's script, and the same in words for who can't see them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from console.change import Frozen
from console.report.moments import Stretch
from console.report.parts import PhaseDone, Turn
from console.report.thinned import Column, Thinned
from console.words import count, duration, plain, plural

MOST_LAGS = 8
"""Replicas on one chart; more can't be told apart."""


class Line(Frozen, frozen=True):
    """One curve."""

    name: str
    values: Column
    points: bool = False
    """Single readings, each a point of its own."""


class Limit(Frozen, frozen=True):
    """A line that the curves should stay under."""

    name: str
    value: float


class Chart(Frozen, frozen=True):
    """Curves that share an axis."""

    id: str
    title: str
    unit: str
    lines: tuple[Line, ...]
    words: str
    """What is to be seen, for who can't."""
    limit: Limit | None = None
    least: float = 0.0
    """The axis reaches at least as far."""


class Mark(Frozen, frozen=True):
    """A moment with its number in a list."""

    t: float
    name: str


class Span(Frozen, frozen=True):
    """A stretch of time with its name."""

    begins: float
    ends: float
    name: str


class Data(Frozen, frozen=True):
    """All that the page's script needs. Times are on the session's clock; `zero` is where it began."""

    t: tuple[float, ...]
    zero: float | None
    """Unix seconds on the recording's own wall clock, as if it were UTC; None where it is not known."""
    charts: tuple[Chart, ...]
    phases: tuple[Span, ...]
    stops: tuple[Span, ...]
    marks: tuple[Mark, ...]


def charts(series: Thinned, limits: dict[str, float]) -> tuple[Chart, ...]:
    """The charts that these readings fill: those without a reading are left out."""
    drawn = [_rate(series), *_lags(series, limits), _queue(series, limits), *_latency(series)]
    return tuple(chart for chart in drawn if any(_known(line.values) for line in chart.lines))


def _rate(series: Thinned) -> Chart:
    working = [value for value in _known(series.rows_per_second) if value > 0]
    words = "No row was filled while this was recorded."
    if working:
        words = (
            f"While the backfill ran: {count(statistics.median(working))} rows a second in the middle, "
            f"{count(max(working))} at most."
        )
    return Chart(
        id="rate",
        title="Rows filled per second",
        unit="rows/s",
        lines=(Line(name="rows/s", values=series.rows_per_second),),
        words=words,
        least=10,
    )


def _lags(series: Thinned, limits: dict[str, float]) -> list[Chart]:
    if not series.lags:
        return []
    by_most = sorted(series.lags, key=lambda name: -max(_known(series.lags[name]), default=-1.0))
    shown = [name for name in series.lags if name in by_most[:MOST_LAGS]]
    limit = limits.get("replication_lag")
    most = [
        f"{plain(name)} was at most {duration(max(known))} behind"
        if known
        else f"{plain(name)} was never read"
        for name in shown
        for known in [_known(series.lags[name])]
    ]
    words = "; ".join([*most, *([f"the limit is {duration(limit)}"] if limit else [])]) + "."
    if len(by_most) > MOST_LAGS:
        words += f" {plural(len(by_most) - MOST_LAGS, 'replica')} less far behind are not drawn."
    return [
        Chart(
            id="lag",
            title="Replication lag",
            unit="s",
            lines=tuple(Line(name=plain(name), values=series.lags[name]) for name in shown),
            limit=Limit(name=f"limit {duration(limit)}", value=limit) if limit else None,
            words=words,
            least=0.1,
        )
    ]


def _queue(series: Thinned, limits: dict[str, float]) -> Chart:
    most, ours = max(_known(series.waiting), default=0), max(_known(series.behind_us), default=0)
    limit = limits.get("lock_queue")
    words = (
        f"At most {plural(int(most), 'session')} waited for a lock when it was read, "
        f"and at most {int(ours)} behind us."
    )
    guarded = _known(series.guard)
    if guarded:
        words += (
            f" The guard, which looks more often while a statement runs, counted up to {int(max(guarded))}."
        )
    if limit:
        words += f" A statement of ours is cancelled when more than {limit:g} queue behind it."
    return Chart(
        id="queue",
        title="Lock queue",
        unit="sessions",
        lines=(
            Line(name="waiting for a lock", values=series.waiting),
            Line(name="behind us", values=series.behind_us),
            *((Line(name="counted by the guard", values=series.guard, points=True),) if guarded else ()),
        ),
        limit=Limit(name=f"limit {limit:g} behind us", value=limit) if limit else None,
        words=words,
        least=1,
    )


def _latency(series: Thinned) -> list[Chart]:
    named = (("p50", series.p50_ms), ("p95", series.p95_ms), ("p99", series.p99_ms))
    lines = tuple(Line(name=name, values=values) for name, values in named if _known(values))
    if not lines:
        return []
    words = "; ".join(
        f"{line.name} {statistics.median(_known(line.values)):.1f} ms in the middle, "
        f"{max(_known(line.values)):.1f} ms at most"
        for line in lines
    )
    return [
        Chart(
            id="latency",
            title="The application's own latency",
            unit="ms",
            lines=lines,
            words=f"{words}.",
            least=1,
        )
    ]


def data(
    series: Thinned,
    drawn: tuple[Chart, ...],
    *,
    zero: float | None,
    phases: Sequence[PhaseDone],
    stops: Sequence[Stretch],
    actions: Sequence[Turn],
) -> Data:
    """What the page's script gets."""
    return Data(
        t=series.t,
        zero=zero,
        charts=drawn,
        phases=tuple(
            Span(begins=phase.t, ends=max(phase.t, phase.until), name=phase.name)
            for phase in phases
            if phase.t is not None and phase.until is not None
        ),
        stops=tuple(Span(begins=stop.begins, ends=stop.ends, name=plain(stop.text)) for stop in stops),
        marks=tuple(Mark(t=turn.t, name=str(number)) for number, turn in enumerate(actions, 1)),
    )


def _known(values: Column) -> list[float]:
    return [value for value in values if value is not None]
