"""A phase of the plan in full: what will run, what it locks, what must be shown, how it is undone."""

from __future__ import annotations

from console.plan import Phase, Statement
from console.tui.draw import risks
from console.tui.draw.statement import sql
from console.tui.lines import Line, line, paragraph
from console.tui.view import View

COSTS = {
    "metadata": "an instant: metadata only",
    "scan": "reads the whole table",
    "build": "reads the table and writes",
    "batches": "repeated, batch by batch, throttled",
    "reading": "reads only",
}


def heading(text: str) -> list[Line]:
    """A heading with a space before it."""
    return [Line(), line((text, "title"))]


def draw(view: View, phase: Phase, width: int, *, now: bool) -> list[Line]:
    """All of it; `now` adds what could go wrong at this moment."""
    lines = paragraph(phase.purpose, width)
    if phase.left_out:
        return [*lines, *paragraph(f"Left out: {phase.left_out}", width, "warn")]
    lines += heading("What will run")
    if not phase.statements:
        lines += paragraph(_without_statements(phase), width, "", "  ")
    for number, statement in enumerate(phase.statements, 1):
        lines += _statement(statement, number, len(phase.statements), width)
    if now:
        lines += heading("What could go wrong now")
        lines += risks.draw(view, phase, width)
    if phase.evidence:
        lines += heading("What must be shown before it counts as passed")
        lines += [row for name in phase.evidence for row in paragraph(name, width, "", "  ")]
    lines += heading("How to undo it")
    lines += paragraph(phase.undo_text, width, "", "  ")
    for statement in phase.undo:
        lines += sql(statement.sql, width, "    ")
    return lines


def _without_statements(phase: Phase) -> str:
    if phase.does == "gate":
        return "Nothing: it waits for people, and looks for the evidence."
    return "Reads only: nothing is written and nothing is locked."


def _statement(statement: Statement, number: int, of: int, width: int) -> list[Line]:
    count = f"{number} of {of}  " if of > 1 else ""
    lines = [
        line((f"  {count}", "label"), (statement.name, "strong"), (f"  {COSTS[statement.cost]}", "label"))
    ]
    lines += sql(statement.sql, width, "    ")
    if statement.lock:
        lines += paragraph(f"takes {statement.lock}", width, "warn", "    ")
    else:
        lines.append(line(("    takes no lock that others wait for", "label")))
    if statement.lock and statement.conflicts:
        lines += paragraph(f"holds up {statement.conflicts}", width, "", "    ")
    return lines
