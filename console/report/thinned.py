"""The readings of a session as columns, thinned where there are more than a chart can show.

Where several readings share a place on the chart, it shows their worst (the highest lag, queue, latency) and the
mean of the rates, so that thinning never hides a peak.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence

from console import events
from console.change import Frozen
from console.recording import Recording

MOST = 2_000
"""Places on a chart: more than a screen has pixels, and few enough for a report of a quarter of a megabyte."""

GAP = 5.0
"""Seconds without a reading that leave a gap in the line."""

Column = tuple[float | None, ...]


class Thinned(Frozen, frozen=True):
    """Columns of one length. `t` stands on the session's clock, in seconds, rising; a place with None is a gap."""

    t: tuple[float, ...] = ()
    rows_per_second: Column = ()
    lags: dict[str, Column] = {}
    """By replica, in seconds."""
    waiting: Column = ()
    """Sessions waiting for a lock."""
    behind_us: Column = ()
    """Those of them behind a statement of ours."""
    guard: Column = ()
    """Sessions behind a statement of ours, as its guard counted them while it ran."""
    p50_ms: Column = ()
    p95_ms: Column = ()
    p99_ms: Column = ()
    place_s: float = 0.0
    """Seconds that share a place; 0 where each reading has its own."""


def thinned(recording: Recording, most: int = MOST) -> Thinned:
    """The whole session's readings."""
    samples: list[tuple[float, events.Sample]] = []
    for position, event in recording.of(events.Sample):
        if isinstance(event, events.Sample):
            samples.append((recording.times[position - 1], event))
    if not samples:
        return Thinned()
    names = recording.final.replica_names
    first, last = samples[0][0], samples[-1][0]
    place = (last - first) / most if len(samples) > most else 0.0
    rows = _gaps(list(_places(samples, first, place)), max(GAP, 3 * place))
    columns = [[_figures(sample, names) for sample in group] for _, group in rows]

    def column(number: int, join: Callable[[Iterable[float]], float]) -> Column:
        return tuple(_joined([figures[number] for figures in group], join) for group in columns)

    return Thinned(
        t=tuple(round(t, 3) for t, _ in rows),
        rows_per_second=column(0, _mean),
        waiting=column(1, max),
        behind_us=column(2, max),
        guard=_guard(recording, [t for t, _ in rows]),
        p50_ms=column(3, max),
        p95_ms=column(4, max),
        p99_ms=column(5, max),
        lags={name: column(6 + number, max) for number, name in enumerate(names)},
        place_s=round(place, 3),
    )


def _guard(recording: Recording, times: list[float]) -> Column:
    """The most sessions that a guard counted, at the place of each statement's end."""
    counted: list[float | None] = [None] * len(times)
    for _, event in recording.of(events.StatementEnded):
        if isinstance(event, events.StatementEnded) and event.queued:
            place = min(bisect_left(times, event.t), len(times) - 1)
            counted[place] = max(counted[place] or 0, event.queued)
    return tuple(counted)


Sampled = tuple[float, events.Sample]
Place = tuple[float, list[events.Sample]]


def _places(samples: Sequence[Sampled], first: float, place: float) -> Iterable[Place]:
    """The samples of each place, with the time of the first one."""
    group: list[events.Sample] = []
    began, number = first, -1
    for t, sample in samples:
        here = int((t - first) / place) if place else number + 1
        # Two readings at one moment can't be told apart on a chart.
        if group and (here == number or t <= began):
            group.append(sample)
            continue
        if group:
            yield began, group
        group, began, number = [sample], t, here
    yield began, group


def _gaps(places: list[Place], longest: float) -> list[Place]:
    """With an empty place wherever nothing was read for longer than that."""
    out: list[Place] = []
    for t, group in places:
        if out and t - out[-1][0] > longest:
            out.append((out[-1][0] + (t - out[-1][0]) / 2, []))
        out.append((t, group))
    return out


def _figures(sample: events.Sample, names: Sequence[str]) -> list[float | None]:
    lags = {replica.name: replica.lag for replica in sample.replicas}
    return [
        sample.rows_per_second,
        sample.waiting,
        sample.queued_behind_us,
        sample.p50_ms,
        sample.p95_ms,
        sample.p99_ms,
        *(lags.get(name) for name in names),
    ]


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers)


def _joined(values: list[float | None], join: Callable[[Iterable[float]], float]) -> float | None:
    known = [value for value in values if value is not None]
    return round(join(known), 3) if known else None
