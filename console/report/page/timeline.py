"""The timeline: what happened when, one row for each phase and for each kind of event. Drawn without a script."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from console.report.moments import Moment, Stretch
from console.report.page.nodes import node
from console.report.parts import PhaseDone, Turn
from console.words import duration, plural

HEIGHT = 18
"""Pixels of a row."""
APART = 4
"""Percent of the width that a number takes."""


def timeline(
    seconds: float,
    *,
    phases: Sequence[PhaseDone],
    stops: Sequence[Stretch],
    pauses: Sequence[Stretch],
    actions: Sequence[Turn],
    moments: Sequence[Moment],
) -> ET.Element | None:
    """The rows as a table; None where nothing has a time."""
    seconds = max(seconds, 0.001)
    rows = []
    for phase in phases:
        if phase.t is not None:
            ends = phase.until if phase.until is not None else seconds
            took = f"{phase.name}: {phase.outcome}, {duration(phase.seconds)}"
            rows.append(_row(phase.name, [_bar(phase.t, ends, seconds, "phase", took)], phase.outcome))
    for name, stretches in (("stopped by the throttle", stops), ("paused or parked", pauses)):
        if stretches:
            bars = [_bar(one.begins, one.ends, seconds, "stop", one.text) for one in stretches]
            total = sum(one.ends - one.begins for one in stretches)
            rows.append(_row(name, bars, f"{plural(len(stretches), 'time')}, {duration(total)}"))
    if actions:
        rows.append(_row("actions, by their number", _numbered(actions, seconds), str(len(actions))))
    for kind, sign in (("retry", "×"), ("warning", "!"), ("lock waits", "▲")):
        found = [moment for moment in moments if moment.kind == kind]
        if found:
            name = {"retry": "tries without a lock", "lock waits": "most lock waits"}.get(kind, "warnings")
            marks = [_mark(moment.t, seconds, sign, moment.text) for moment in found]
            rows.append(
                _row(name, marks, str(len(found)) if kind != "lock waits" else found[0].text.split()[0])
            )
    if not rows:
        return None
    return node("table", node("tbody", *rows), class_="timeline")


def _numbered(actions: Sequence[Turn], seconds: float) -> list[ET.Element]:
    """Each action's number at its place; those that would cover each other as one, from the first to the last."""
    groups: list[list[tuple[int, Turn]]] = []
    for number, turn in enumerate(actions, 1):
        if groups and _place(turn.t, seconds) - _place(groups[-1][0][1].t, seconds) < APART:
            groups[-1].append((number, turn))
        else:
            groups.append([(number, turn)])
    return [
        _mark(
            group[0][1].t,
            seconds,
            str(group[0][0]) if len(group) == 1 else f"{group[0][0]}–{group[-1][0]}",
            "; ".join(f"{turn.who}: {turn.what}" for _, turn in group),
        )
        for group in groups
    ]


def _row(name: str, drawn: Sequence[ET.Element], said: str) -> ET.Element:
    line = node("line", class_="axis", x1="0%", x2="100%", y1=HEIGHT / 2, y2=HEIGHT / 2)
    picture = node("svg", line, *drawn, width="100%", height=HEIGHT, role="presentation")
    return node(
        "tr",
        node("th", name, scope="row"),
        node("td", picture, class_="drawn"),
        node("td", said, class_="said"),
    )


def _bar(begins: float, ends: float, seconds: float, kind: str, text: str) -> ET.Element:
    # Never thinner than can be seen.
    wide = max(100 * (ends - begins) / seconds, 0.25)
    return node(
        "rect",
        node("title", text),
        class_=kind,
        x=f"{min(_percent(begins, seconds), 99.75):.3f}%",
        width=f"{wide:.3f}%",
        y=3,
        height=HEIGHT - 6,
    )


def _mark(t: float, seconds: float, sign: str, text: str) -> ET.Element:
    return node(
        "text",
        node("title", text),
        sign,
        x=f"{_place(t, seconds):.3f}%",
        y=HEIGHT - 5,
        class_="mark",
    )


def _place(t: float, seconds: float) -> float:
    """Percent, so that a sign at the end is still within the picture."""
    return min(_percent(t, seconds), 97.0)


def _percent(t: float, seconds: float) -> float:
    return 100 * max(0.0, t) / seconds
