"""The lists of the page: phases with their evidence, actions, statements, what was verified, what preflight saw."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from console import events
from console.narrate import NOT_SENT, was_sent
from console.report.page.nodes import Child, Verbatim, node
from console.report.page.tables import Row, bullets, table
from console.report.statements import StatementDone, Try
from console.report.summary import Report
from console.words import count, duration, plain, plural, size

KEYS = 100
"""Keys of a list that are shown; the rest is in the recording."""


def stops(report: Report) -> ET.Element | None:
    """Each time in which the throttle stopped the backfill, and why."""
    rows: list[Row] = [
        [clock(stop.at) or f"{stop.t:.0f} s", duration(stop.seconds), stop.why] for stop in report.stops
    ]
    return table(["At", "For", "Why"], rows)


def phases(report: Report) -> ET.Element | None:
    """Each phase: what it is for, how it ended, when, how long, on which evidence."""
    rows: list[Row] = []
    for phase in report.phases:
        name: list[Child] = [
            node("strong", phase.name),
            node("span", " gate", class_="tag") if phase.gate else None,
        ]
        what: list[Child] = [phase.purpose, node("p", phase.text, class_="said") if phase.text else None]
        began = clock(phase.at)
        took = duration(phase.seconds) if phase.seconds else ""
        rows.append([name, what, badge(phase.outcome), began, took, evidence(phase.evidence)])
    return table(["Phase", "What it is for", "Outcome", "Began", "Took", "Evidence"], rows)


def evidence(pieces: tuple[events.Evidence, ...]) -> ET.Element | None:
    """What the database gave, piece by piece, and whether it holds."""
    return bullets((_piece(piece) for piece in pieces), class_="evidence")


def _piece(piece: events.Evidence) -> ET.Element:
    sign, word, kind = ("✓", "holds", "yes") if piece.holds else ("✗", "does not hold", "no")
    return node(
        "span", node("span", f"{sign} {word}", class_=f"verdict {kind}"), f" {piece.name}: {piece.seen}"
    )


def badge(outcome: str) -> ET.Element:
    """An outcome as a word that also has a colour."""
    good = ("passed", "already-done", "done")
    quiet = ("left-out", "ahead")
    kind = "yes" if outcome in good else "quiet" if outcome in quiet else "no"
    return node("span", outcome, class_=f"badge {kind}")


def actions(report: Report) -> ET.Element | None:
    """Each action, numbered as in the charts, with its owner and reason."""
    rows: list[Row] = []
    for number, turn in enumerate(report.actions, 1):
        who: list[Child] = [turn.who, node("small", f" {turn.claims}") if turn.claims else None]
        result: list[Child] = [badge(turn.result), f" {turn.text}" if turn.text else None]
        rows.append(
            [
                str(number),
                clock(turn.when) or f"{turn.t:.0f} s",
                who,
                turn.what,
                turn.phase,
                turn.reason,
                result,
            ]
        )
    return table(["No.", "When", "Who", "What", "During", "Why", "Result"], rows)


def statements(report: Report) -> list[Child]:
    """Each statement, with the lock that it held and whom that made wait."""
    rows: list[Row] = []
    for number, one in enumerate(report.statements, 1):
        result: list[Child] = [badge(one.outcome), f" {one.text}" if one.text else None]
        if one.held_by and one.tries > 1:
            result.append(node("small", f" Held by {', '.join(one.held_by)}."))
        rows.append(
            [
                f"S{number}",
                [clock(one.at), *_decided(one)],
                [node("strong", one.name), node("small", f" {one.phase}")],
                result,
                _took(one),
                [one.lock or "none", node("small", f" holds up {one.conflicts}") if one.conflicts else None],
                _waiting(one),
            ]
        )
    made = table(["No.", "At", "Statement", "Outcome", "Took", "Lock held", "Waiting caused"], rows)
    if made is None:
        return [node("p", "No statement was sent.")]
    more = None
    if report.batches:
        queue = (
            f" Batches of the backfill ({count(report.batches)} of them) each lock the rows that they fill."
        )
        more = node("p", queue.strip(), class_="hint")
    return [made, more]


def _decided(one: StatementDone) -> list[Child]:
    """When the try came that decided; and each try, where that is more than the first and the last."""
    if len(one.each_try) < 2:
        return []
    tries = [
        node(
            "li",
            f"{clock(tried.at)} {_word(tried)}",
            f" after {duration(tried.seconds)}" if tried.seconds else None,
        )
        for tried in one.each_try
    ]
    return [
        node("small", f" decided {clock(one.each_try[-1].at)}"),
        node("details", node("summary", plural(one.tries, "try")), node("ol", *tries)),
    ]


def _word(tried: Try) -> str:
    return tried.outcome.replace("-", " ") if was_sent(tried.text) else NOT_SENT


def _took(one: StatementDone) -> str:
    again = f" ({plural(one.tries, 'try')}, {duration(one.tried_s)} in all)" if one.tries > 1 else ""
    return f"{duration(one.seconds)}{again}"


def _waiting(one: StatementDone) -> str:
    if not one.queue:
        return "none seen" if one.sql else ""
    return f"{plural(one.queue, 'session')}, {duration(one.waiting_s)} at most"


def verification(report: Report) -> list[Child]:
    """What was compared, what differed, and the rows that stand out."""
    said = f"{plural(report.verified_rows, 'row')} compared, {plural(report.differences, 'difference')}."
    out: list[Child] = [node("p", said if report.verified_rows else "Nothing was compared.")]
    names = {"different": "differ", "failing": "fail in the expression", "skipped": "were left out"}
    for listed in report.keys:
        shown = listed.keys[:KEYS]
        more = ", ..." if listed.total > len(shown) else ""
        why = f" ({listed.text})" if listed.text else ""
        head = f"{plural(listed.total, 'row')} {names[listed.what]}{why}: "
        out.append(node("p", head, node("code", ", ".join(shown) + more)))
    return out


def preflight(report: Report) -> list[Child]:
    """What was seen before anything was done."""
    rows: list[Row] = [[badge(one.severity), one.code, one.seen, one.remedy] for one in report.findings]
    out: list[Child] = [table(["", "Code", "Seen", "What mends it"], rows, class_="findings")]
    guess = report.estimate
    if guess is not None:
        text = (
            f"Estimated: {plural(guess.rows, 'row')}, {size(guess.wal_bytes)} of log, {size(guess.disk_bytes)} of "
            f"disk, {duration(guess.seconds_low)} to {duration(guess.seconds_high)}."
        )
        out.append(node("p", text))
    return out


def sql(report: Report) -> list[Child]:
    """Each statement's text once, under its numbers."""
    numbers: dict[tuple[str, str], list[str]] = {}
    for number, one in enumerate(report.statements, 1):
        if one.sql:
            numbers.setdefault((one.name, one.sql), []).append(f"S{number}")
    out: list[Child] = []
    for (name, text), known in numbers.items():
        lines = "\n".join(plain(line) for line in text.strip("\n").splitlines())
        out.append(node("h3", f"{', '.join(known)} {name}"))
        out.append(node("pre", node("code", Verbatim(lines))))
    return out


def clock(iso: str) -> str:
    """The time of day, as the session's people saw it.

    >>> clock("2026-11-28T02:15:00+01:00"), clock("")
    ('02:15:00', '')
    """
    return iso[11:19]
