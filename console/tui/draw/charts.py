"""The charts: rows per second, lag of each replica with its limit drawn in, and the application's own latency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.tui.draw import braille
from console.tui.lines import Line, Part, Span, beside, cut, fit, line, right
from console.tui.view import View
from console.words import age, count

AXIS = 6
"""Cells of the labels at the left."""

LEAST_SPAN, MOST_SPAN = 120.0, 600.0
COLOURS = ("ok", "second", "third")
"""The curves' colours; a legend with a word stands above them."""

Points = Sequence[tuple[float, float | None]]


@dataclass(frozen=True)
class Chart:
    """One chart, before it has a size."""

    name: str
    legend: tuple[Part, ...]
    series: tuple[braille.Series, ...]
    unit: str
    limit: float | None = None
    note: str = ""


def charts(view: View) -> list[Chart]:
    """The charts for which there is something to show, the most important first."""
    found = [_throughput(view), _lag(view)]
    history = view.session.history
    if any(point.p99_ms is not None for point in history):
        found.append(_latency(view))
    return found


def draw(view: View, width: int, height: int) -> list[Line]:
    """As many charts as there is room for, side by side where the panel is wide, else one above another."""
    found = charts(view)
    across = min(len(found), max(1, width // 34))
    rows_of_charts = -(-len(found) // across)
    while rows_of_charts > 1 and height // rows_of_charts < 4:
        # The last chart gives way.
        found.pop()
        across = min(len(found), across)
        rows_of_charts = -(-len(found) // across)
    lines: list[Line] = []
    tall = max(2, height // rows_of_charts)
    for row in range(rows_of_charts):
        here = found[row * across : (row + 1) * across]
        gap = 2
        wide = (width - gap * (len(here) - 1)) // len(here)
        size = tall if row < rows_of_charts - 1 else height - tall * (rows_of_charts - 1)
        lines += beside([(one(view, chart, wide, size), wide) for chart in here], gap)
    return lines[:height]


def one(view: View, chart: Chart, width: int, height: int) -> list[Line]:
    """One chart: a line of words, then the curve with its axis."""
    title = fit(line((chart.name, "label"), " ", *chart.legend), width, view.glyphs.ellipsis)
    rows = height - 1
    if rows < 1:
        return [title]
    points = view.session.history
    if not points:
        return [title, line((chart.note or "no reading yet", "dim"))]
    began = points[0].t
    span = min(MOST_SPAN, max(LEAST_SPAN, view.now - began))
    wide = max(4, width - AXIS - 1)
    seconds = braille.step(wide, span, 2 if view.glyphs.braille else 1)
    start = view.now - wide * seconds * (2 if view.glyphs.braille else 1)
    seen = [value for curve in chart.series for t, value in curve.points if value is not None and t >= start]
    top = braille.ceiling(max([*seen, chart.limit or 0.0]) * 1.02)
    body = braille.plot(
        chart.series,
        view.now,
        seconds=seconds,
        width=wide,
        height=rows,
        top=top,
        glyphs=view.glyphs,
        limit=chart.limit,
    )
    limit_row = None
    if chart.limit is not None:
        dots = rows * (4 if view.glyphs.braille else 1)
        level = round(chart.limit / top * (dots - 1))
        limit_row = rows - 1 - level // (4 if view.glyphs.braille else 1)
    out = [title]
    for y, row in enumerate(body):
        label, style = "", "dim"
        if y == 0:
            label = short(top, chart.unit)
        elif y == rows - 1:
            label = "0"
        if y == limit_row and chart.limit is not None:
            label, style = short(chart.limit, chart.unit), "warn"
        axis = Span(right(label, AXIS, view.glyphs.ellipsis), style)
        out.append(Line((axis, Span(view.glyphs.bar, "rule"), *row.spans)))
    return out


def short(value: float, unit: str) -> str:
    """A label of the axis, in at most six cells.

    >>> short(10000, ""), short(2.0, "s"), short(2_500_000, ""), short(50, "ms")
    ('10k', '2s', '2.5M', '50ms')
    >>> short(3000, "ms")
    '3s'
    """
    if unit == "ms" and value >= 1_000:
        value, unit = value / 1_000, "s"
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:g}{letter}{unit}"
    return f"{value:g}{unit}"


def _since(view: View, read: float | None) -> list[Part]:
    """How old a reading is that doesn't stand any more."""
    return [(f" OLD {age(view.now - read)}" if read is not None else " never read", "warn")]


def _throughput(view: View) -> Chart:
    session = view.session
    points = [(point.t, point.rows_per_second) for point in session.history]
    sample = session.sample
    operator = session.operator_throttle
    limit = operator.rows_per_second if operator and operator.rows_per_second else None
    if sample is None or view.stands(sample.t):
        legend: list[Part] = [(f"{count(sample.rows_per_second if sample else 0.0):>7} rows/s", "strong")]
    else:
        legend = [("      ? rows/s", "err"), *_since(view, sample.t)]
    if limit is not None:
        legend += ["  ", (f"at most {count(limit)}", "warn")]
    return Chart(
        name="backfill",
        legend=tuple(legend),
        series=(braille.Series(points, "fill", fill=True),),
        unit="",
        limit=limit,
    )


def _lag(view: View) -> Chart:
    session = view.session
    limit = session.header.limits.get("replication_lag") if session.header else None
    series: list[braille.Series] = []
    legend: list[Part] = []
    newest = {replica.name: replica for replica in session.sample.replicas} if session.sample else {}
    read = session.sample.replication_at if session.sample else None
    stands = view.stands(read, "replication")
    for number, name in enumerate(session.replica_names):
        colour = COLOURS[number % len(COLOURS)]
        points = [
            (point.t, point.lags[number] if number < len(point.lags) else None)
            for point in session.history
            # What is sampled after the last good reading only repeats it.
            if stands or (read is not None and point.t <= read + 1.0)
        ]
        series.append(braille.Series(points, colour))
        replica = newest.get(name)
        lag = replica.lag if replica and stands else None
        said = f"{lag:5.1f} s" if lag is not None else "   ?  "
        style = "err" if lag is None or (limit is not None and lag > limit) else colour
        legend += [(f"{view.glyphs.root} {cut(name, 14)} {said}", style), "  "]
    if legend and not stands:
        legend = [*_since(view, read), "  ", *legend]
    note = "no replica" if not session.replica_names else ""
    return Chart(
        name="lag",
        legend=tuple(legend) or ((note, "dim"),),
        series=tuple(series),
        unit="s",
        limit=limit,
        note=note,
    )


def _latency(view: View) -> Chart:
    session = view.session
    sample = session.sample
    read = sample.application_at if sample else None
    stands = view.stands(read, "application")
    points: Points = [
        (point.t, point.p99_ms)
        for point in session.history
        if stands or (read is not None and point.t <= read + 1.0)
    ]
    legend: list[Part] = []
    if not stands:
        legend = [("p99     ? ms", "err"), *_since(view, read)]
    elif sample is not None and sample.p99_ms is not None:
        legend.append((f"p99 {sample.p99_ms:5.1f} ms", "strong"))
        if sample.application_tps is not None:
            legend += ["  ", (f"{count(sample.application_tps):>5} tx/s", "label")]
        if sample.application_version:
            legend += ["  ", (sample.application_version, "label")]
    return Chart(
        name="application",
        legend=tuple(legend),
        series=(braille.Series(points, "fill", fill=True),),
        unit="ms",
    )
