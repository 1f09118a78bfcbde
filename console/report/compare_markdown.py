"""Two sessions side by side as Markdown."""

from __future__ import annotations

from console.report.compare import Comparison, PhasePair, ratio, said, sql
from console.report.markdown import bullets, safe, section, table
from console.report.summary import Report
from console.words import duration


def compared_markdown(comparison: Comparison) -> str:
    """The whole comparison, ending in a newline."""
    a, b = comparison.a, comparison.b
    parts = [
        f"# {safe(a.title or 'A session')}: {a.headline} (A), {b.headline} (B)\n",
        _who("A", a) + _who("B", b),
        section("What differs", bullets(comparison.differences) or "Nothing that stands out.\n"),
        section("Figures", _figures(comparison)),
        section("Phases", _phases(comparison.phases)),
        section("Statements", _statements(comparison)),
        section("Where A left the plan", bullets(a.deviations)),
        section("Where B left the plan", bullets(b.deviations)),
    ]
    return "\n".join(part for part in parts if part).rstrip("\n") + "\n"


def _who(letter: str, report: Report) -> str:
    facts = [report.session, report.server, report.started, f"by {report.owner}" if report.owner else ""]
    return f"- {letter}: {', '.join(safe(fact) for fact in facts if fact)}\n"


def _figures(comparison: Comparison) -> str:
    rows = [
        [figure.name, said(figure, figure.a), said(figure, figure.b), ratio(figure)]
        for figure in comparison.figures
    ]
    return table(["", "A", "B", "B to A"], rows)


def _phases(phases: tuple[PhasePair, ...]) -> str:
    rows = [
        [
            one.name,
            one.outcome_a or "not there",
            one.outcome_b or "not there",
            duration(one.seconds_a) if one.seconds_a else "",
            duration(one.seconds_b) if one.seconds_b else "",
        ]
        for one in phases
    ]
    return table(["Phase", "A", "B", "Took in A", "Took in B"], rows)


def _statements(comparison: Comparison) -> str:
    rows = [
        [
            f"{one.name} ({one.phase})",
            one.outcome_a or "not there",
            one.outcome_b or "not there",
            f"{duration(one.seconds_a)}, {one.tries_a}, {one.queue_a}" if one.outcome_a else "",
            f"{duration(one.seconds_b)}, {one.tries_b}, {one.queue_b}" if one.outcome_b else "",
            sql(one),
        ]
        for one in comparison.statements
    ]
    return table(["Statement", "A", "B", "A: took, tries, queue", "B: took, tries, queue", "SQL"], rows)
