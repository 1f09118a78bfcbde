"""Evidence: what must be shown before a phase counts as passed, and what the database showed."""

from __future__ import annotations

from rich.cells import cell_len

from console.events import Evidence
from console.plan import Phase
from console.session import PhaseView
from console.tui.lines import Line, Part, left, line, paragraph
from console.tui.view import View


def draw(view: View, phase: Phase | None, current: PhaseView, width: int) -> list[Line]:
    """Each piece of evidence with OK or NOT YET; before the first look, what will be looked for."""
    if not current.evidence:
        if phase is None or current.state not in ("ahead", "running") or phase.does == "backfill":
            return []
        return [
            line((left("TO PASS", 8), "dim"), (name, "dim"))
            for name in phase.evidence
            if phase.does != "reads"
        ]
    lines = []
    # One column for what was seen, as far as the names leave room for it.
    longest = max(cell_len(item.name) for item in current.evidence)
    for item in current.evidence:
        word, style = ("OK", "ok") if item.holds else ("NOT YET", "warn")
        lines += _item((left(word, 8), style), item, longest, width)
    return lines


def _item(head: Part, item: Evidence, longest: int, width: int) -> list[Line]:
    """What was looked for and what was seen, on one line where both have room, else one below the other."""
    room = width - 8
    seen = "strong" if item.holds else "warn"
    if longest + 2 + cell_len(item.seen) <= room:
        return [line(head, left(item.name, longest), "  ", (item.seen, seen))]
    rows = paragraph(item.name, room)
    below = paragraph(item.seen, room - 2, seen, " " * 10)
    return [line(head, *rows[0].spans), *[line(" " * 8, *row.spans) for row in rows[1:]], *below]


def missing(current: PhaseView | None) -> int:
    """How many pieces of evidence don't hold yet."""
    return sum(1 for item in current.evidence if not item.holds) if current else 0
