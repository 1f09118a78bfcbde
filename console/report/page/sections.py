"""What stands in the page, from the answer at the top to the SQL at its end."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import datetime

from console.recording import Recording
from console.report import moments
from console.report.page import curves, lists
from console.report.page.build import page
from console.report.page.nodes import Child, node
from console.report.page.tables import bullets, facts, section
from console.report.page.timeline import timeline
from console.report.summary import Report
from console.report.thinned import Thinned, thinned
from console.words import count, duration, plural

SIGNS = {"completed": "✓", "parked": "‖", "rolled-back": "↶", "failed": "✗", "unknown": "?"}
"""Beside each outcome's word."""


def report_page(recording: Recording, report: Report) -> str:
    """The report on a recording as one HTML file."""
    read = thinned(recording)
    drawn = curves.charts(read, report.limits)
    stops = moments.stops(recording)
    data = curves.data(
        read, drawn, zero=_zero(report), phases=report.phases, stops=stops, actions=report.actions
    )
    title = f"{report.title or 'A session'}: {report.headline}"
    parts = [
        head(report),
        section("todo", "Left to do", bullets(report.remaining) or node("p", "Nothing.")),
        section(
            "deviations",
            "Where it left the plan",
            bullets(report.deviations) or node("p", "Nowhere: everything went as planned."),
        ),
        section("problems", "Missing from the recording", bullets(report.problems)),
        section(
            "timeline",
            "Timeline",
            timeline(
                report.seconds,
                phases=report.phases,
                stops=stops,
                pauses=moments.pauses(recording),
                actions=report.actions,
                moments=moments.moments(recording),
            ),
            *charts(drawn, read),
        ),
        section("stops", "When the throttle stopped the backfill", lists.stops(report)),
        section("plan", "The plan as carried out", lists.phases(report)),
        section(
            "actions", "Actions of operators", lists.actions(report) or node("p", "Nobody did anything.")
        ),
        section("statements", "Statements", *lists.statements(report)),
        section("verification", "Verification", *lists.verification(report)),
        section("preflight", "Preflight", *lists.preflight(report)),
        section("chain", "Is it what was written?", *written(report)),
        section("sql", "SQL as it was sent", *lists.sql(report)),
        foot(report),
    ]
    return page(title, parts, data if drawn else None)


def head(report: Report) -> ET.Element:
    """The answer."""
    unfinished = None
    if report.end_missing:
        unfinished = node("p", node("strong", report.end_missing), class_="unfinished")
    changed = None
    if report.chain.state == "broken":
        changed = node("p", node("strong", f"{report.chain.verdict}."), class_="unfinished")
    return node(
        "header",
        node("h1", report.title or "A session"),
        outcome(report),
        node("p", report.text, class_="said") if report.text else None,
        unfinished,
        changed,
        figures(report),
        facts(
            (
                ("Session", report.session),
                ("Server", report.server),
                ("Change file", report.change_file),
                ("By", f"{report.owner} on {report.host}" if report.owner else ""),
                ("When", when(report)),
                ("Runs", str(report.runs) if report.runs > 1 else ""),
                ("Window", report.window),
                ("Exit status", str(report.exit_status)),
            )
        ),
    )


def outcome(report: Report) -> ET.Element:
    """How it ended, or that this is not known."""
    kind = report.outcome if report.complete else "unknown"
    return node(
        "p",
        node("span", SIGNS[kind], aria_hidden="true", class_="sign"),
        f" {report.headline}",
        class_=f"outcome {kind}",
    )


def written(report: Report) -> list[Child]:
    """Whether the recording is as it was written, and how to make sure."""
    chain = report.chain
    sign = {"whole": "✓ ", "torn": "✓ ", "broken": "✗ ", "none": "? "}[chain.state]
    kind = {"whole": "yes", "torn": "yes", "broken": "no", "none": "quiet"}[chain.state]
    return [
        node("p", node("span", f"{sign}{chain.verdict}.", class_=kind)),
        bullets(chain.breaks),
        node("p", "SHA-256 of its lines: ", node("code", chain.sha256)),
        node(
            "p",
            "A chain tells of a change in the middle, and nothing of one who wrote all of it anew. Against that stands "
            "the same number in the database server's own log, where the runner could write it.",
            class_="hint",
        ),
    ]


def when(report: Report) -> str:
    """From when to when, on the recording's own wall clock."""
    if not report.started:
        return "time unknown"
    begun, ended = (f"{iso[:10]} {iso[11:19]}" for iso in (report.started, report.ended))
    until = ended[11:] if ended[:10] == begun[:10] else ended
    return f"{begun} to {until} (UTC{report.started[19:]})"


def figures(report: Report) -> ET.Element:
    """The numbers that a reader asks for first."""
    pairs: list[tuple[str, Child]] = [
        ("took", duration(report.seconds)),
        ("rows filled", count(report.rows_backfilled)),
        ("rows verified", count(report.verified_rows)),
        ("differences", count(report.differences)),
    ]
    limit = report.limits.get("replication_lag")
    lag = max(report.max_replication_lag_s.values(), default=None)
    if lag is not None:
        bound = f" (limit {duration(limit)})" if limit else ""
        pairs.append(("furthest behind", f"{duration(lag)}{bound}"))
    most = f", {duration(report.max_lock_queue_s)} at most" if report.max_lock_queue_s else ""
    pairs += [
        ("queued behind us", plural(report.max_lock_queue, "session") + most),
        ("tried again", plural(report.retries, "time")),
        ("stopped by the throttle", duration(report.throttled_s) if report.throttled_s else "never"),
    ]
    made = facts(pairs)
    made.set("class", "figures")
    return made


def charts(drawn: tuple[curves.Chart, ...], read: Thinned, *, one: bool = True) -> list[ET.Element]:
    """A place for each chart, with what is to be seen in words, and the buttons that zoom.

    `one`: they show one session, with its phases, actions and stops.
    """
    if not drawn:
        return [node("p", "No reading was recorded.")]
    buttons = [
        node("button", text, type="button", data_zoom=name, aria_label=label)
        for name, text, label in (
            ("in", "+", "Zoom in"),
            ("out", "−", "Zoom out"),
            ("back", "◀", "Earlier"),
            ("on", "▶", "Later"),
            ("whole", "Whole", "The whole session"),
        )
    ]
    bar = node(
        "div",
        *buttons,
        node("label", "Phase ", node("select", node("option", "–", value=""), id="phases")) if one else None,
        node("output", id="range"),
        class_="zoom",
        role="group",
        aria_label="What the charts show",
    )
    hint = "Drag over a chart to zoom in, double-click to see it whole; or take the buttons."
    if one:
        hint += " Numbers above the curves are the actions listed below; hatched: the throttle stopped the backfill."
    if read.place_s:
        hint += f" Each point stands for {duration(read.place_s)}, and shows the worst of it."
    out = [node("noscript", node("p", "The charts need a browser that runs the script in this file.")), bar]
    out.append(node("p", hint, class_="hint"))
    for chart in drawn:
        caption = node("figcaption", node("strong", f"{chart.title}, {chart.unit}"), f". {chart.words}")
        place = node("div", class_="chart", id=f"chart-{chart.id}", role="img", aria_label=chart.words)
        out.append(node("figure", caption, place))
    return out


def foot(report: Report) -> ET.Element:
    """What the page is, and what it can't know."""
    return node(
        "footer",
        node(
            "p",
            "Made from the session's recording alone. Readings are taken about once a second: what began and ended "
            "between two of them is not in it. Lengths of time are measured on one clock, the runner's.",
        ),
        node("p", f"Session {report.session}.") if report.session else None,
    )


def _zero(report: Report) -> float | None:
    """The wall clock at the session's begin as Unix seconds, as if its zone were UTC."""
    if not report.started:
        return None
    begun = datetime.fromisoformat(report.started)
    offset = begun.utcoffset()
    return begun.timestamp() + (offset.total_seconds() if offset else 0.0)
