"""Two sessions side by side as a page: figures, phases, statements, and their curves over each other."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable

from console.recording import Recording
from console.report.compare import Comparison, Figure, PhasePair, StatementPair, ratio, said, sql
from console.report.page.build import page
from console.report.page.curves import Chart, Data, Limit, Line
from console.report.page.lists import badge
from console.report.page.nodes import Child, node
from console.report.page.sections import charts, outcome, when
from console.report.page.tables import Row, bullets, facts, section, table
from console.report.summary import Report
from console.report.thinned import MOST, Column, Thinned, thinned
from console.words import duration


def compared_page(comparison: Comparison, a: Recording, b: Recording) -> str:
    """The comparison as one HTML file."""
    one, other = comparison.a, comparison.b
    data = _curves(comparison, thinned(a), thinned(b))
    same = one.title == other.title
    title = one.title if same else f"{one.title} (A) and {other.title} (B)"
    parts = [
        node(
            "header",
            node("h1", title or "Two sessions"),
            node("div", _who("A", one), _who("B", other), class_="beside"),
        ),
        section(
            "differences",
            "What differs",
            bullets(comparison.differences) or node("p", "Nothing that stands out."),
        ),
        section(
            "figures", "Figures", table(["Figure", "A", "B", "B to A"], map(_figure, comparison.figures))
        ),
        section(
            "curves",
            "From the beginning of the backfill",
            *(
                charts(data.charts, Thinned(), one=False)
                if data
                else [node("p", "No reading of a backfill was recorded.")]
            ),
        ),
        section(
            "phases",
            "Phases",
            table(["Phase", "A", "B", "Took in A", "Took in B"], map(_phase, comparison.phases)),
        ),
        section(
            "statements",
            "Statements",
            table(["Statement", "A", "B", "SQL"], map(_statement, comparison.statements)),
        ),
        _beside("deviations", "Where they left the plan", one.deviations, other.deviations),
        _beside("todo", "Left to do", one.remaining, other.remaining),
        _beside("problems", "Missing from the recordings", one.problems, other.problems),
    ]
    return page(f"{title or 'Two sessions'}: A and B", parts, data)


def _who(letter: str, report: Report) -> ET.Element:
    return node(
        "section",
        node("h2", letter),
        outcome(report),
        facts(
            (
                ("Session", report.session),
                ("Server", report.server),
                ("By", f"{report.owner} on {report.host}" if report.owner else ""),
                ("When", when(report)),
            )
        ),
    )


def _beside(id_: str, title: str, a: Iterable[str], b: Iterable[str]) -> ET.Element | None:
    left, right = bullets(a), bullets(b)
    if left is None and right is None:
        return None
    halves = (
        node("div", node("h3", letter), lines if lines is not None else node("p", "Nothing."))
        for letter, lines in (("A", left), ("B", right))
    )
    return section(id_, title, node("div", *halves, class_="beside"))


def _figure(figure: Figure) -> Row:
    return [figure.name, said(figure, figure.a), said(figure, figure.b), ratio(figure)]


def _phase(one: PhasePair) -> Row:
    return [
        node("strong", one.name),
        _outcome(one.outcome_a, one.missing_a),
        _outcome(one.outcome_b, one.missing_b),
        duration(one.seconds_a) if one.seconds_a else "",
        duration(one.seconds_b) if one.seconds_b else "",
    ]


def _outcome(outcome: str | None, missing: tuple[str, ...]) -> list[Child]:
    if outcome is None:
        return [node("span", "not there", class_="quiet")]
    return [badge(outcome), node("small", f" does not hold: {', '.join(missing)}") if missing else None]


def _statement(one: StatementPair) -> Row:
    return [
        [node("strong", one.name), node("small", f" {one.phase}")],
        _ran(one.outcome_a, one.seconds_a, one.tries_a, one.queue_a),
        _ran(one.outcome_b, one.seconds_b, one.tries_b, one.queue_b),
        sql(one) if one.same_sql else node("strong", sql(one)),
    ]


def _ran(outcome: str | None, seconds: float, tries: int, queue: int) -> list[Child]:
    if outcome is None:
        return [node("span", "not there", class_="quiet")]
    more = f" {duration(seconds)}"
    more += f", {tries} tries" if tries > 1 else ""
    more += f", {queue} queued" if queue else ""
    return [badge(outcome), more]


# -- Curves of both, on one clock that begins with the backfill of each


def _curves(comparison: Comparison, a: Thinned, b: Thinned) -> Data | None:
    begins = [_backfill(report) for report in (comparison.a, comparison.b)]
    if begins[0] is None or begins[1] is None or not a.t or not b.t:
        return None
    spans = [begin[1] - begin[0] for begin in begins if begin]
    step = max(1.0, max(spans) / MOST)
    places = int(max(spans) / step) + 1
    both = list(zip("AB", (a, b), begins, strict=True))

    def lines(of: Callable[[Thinned], Column]) -> tuple[Line, ...]:
        return tuple(
            Line(name=letter, values=_placed(read.t, of(read), begin, step, places))
            for letter, read, begin in both
            if begin is not None
        )

    limit = comparison.a.limits.get("replication_lag")
    same = limit is not None and limit == comparison.b.limits.get("replication_lag")
    found = (
        ("rate", "Rows filled per second", "rows/s", lambda read: read.rows_per_second, 10.0),
        ("lag", "Replication lag of the furthest replica", "s", _furthest, 0.1),
        ("queue", "Sessions waiting for a lock", "sessions", lambda read: read.waiting, 1.0),
        ("latency", "The application's own latency, p99", "ms", lambda read: read.p99_ms, 1.0),
    )
    drawn = []
    for id_, title, unit, of, least in found:
        curves = lines(of)
        known = [max((value for value in line.values if value is not None), default=None) for line in curves]
        if all(value is None for value in known):
            continue
        most = ", ".join(
            f"{line.name} at most {value:,.6g} {unit}" if value is not None else f"{line.name} not read"
            for line, value in zip(curves, known, strict=True)
        )
        bound = (
            Limit(name=f"limit {duration(limit)}", value=limit) if id_ == "lag" and same and limit else None
        )
        drawn.append(
            Chart(id=id_, title=title, unit=unit, lines=curves, words=f"{most}.", limit=bound, least=least)
        )
    times = tuple(round(number * step, 3) for number in range(places))
    return Data(t=times, zero=None, charts=tuple(drawn), phases=(), stops=(), marks=()) if drawn else None


def _backfill(report: Report) -> tuple[float, float] | None:
    """From when to when the backfill went, on the session's clock."""
    for phase in report.phases:
        if phase.name == "backfill" and phase.t is not None:
            return phase.t, phase.until if phase.until is not None else report.seconds
    return None


def _furthest(read: Thinned) -> Column:
    columns = list(read.lags.values())
    return tuple(
        max((value for value in row if value is not None), default=None) for row in zip(*columns, strict=True)
    )


def _placed(
    times: tuple[float, ...], values: Column, span: tuple[float, float], step: float, places: int
) -> Column:
    """The worst of the values at each place."""
    out: list[float | None] = [None] * places
    for t, value in zip(times, values, strict=False):
        place = int((t - span[0]) / step)
        if value is not None and span[0] <= t <= span[1] and place < places:
            before = out[place]
            out[place] = value if before is None else max(before, value)
    return tuple(out)
