"""The plan for people: plain, within 100 columns where a statement allows it, readable at two in the morning."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from console.change import Kind
from console.plan import Cost, Phase, Plan, Statement
from console.plan_text.wrap import wrap_sql
from console.words import plain, plural

WIDTH = 100
_LABEL = 11
_PRODUCTS: dict[Kind, str] = {"postgresql": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB"}
_ENDS = (("$1", "$2"), ("<after>", "<upto>"))
_COSTS: dict[Cost, str] = {
    "metadata": "an instant",
    "scan": "reads the table",
    "build": "reads the table and writes the index",
    "batches": "again and again, one range of keys at a time, each in a transaction of its own",
    "reading": "reads only",
}


def text(plan: Plan) -> str:
    """The whole plan, phase by phase."""
    return "\n".join([*_head(plan), *_phases(plan)]) + "\n"


def _head(plan: Plan) -> Iterator[str]:
    runs = [phase for phase in plan.phases if not phase.left_out]
    statements = sum(len(phase.statements) for phase in runs)
    server = plan.server
    yield plain(f"Plan for {plan.title}")
    yield plain(f"on {server.name}, {_PRODUCTS[server.kind]} {server.version}")
    yield f"{plural(len(runs), 'phase')}, {plural(statements, 'statement')}; plan {plan.digest}"
    for proposal in plan.proposals:
        yield ""
        yield from _paragraph(proposal, "")


def _phases(plan: Plan) -> Iterator[str]:
    number = 0
    for phase in plan.phases:
        yield ""
        if phase.left_out:
            yield from _paragraph(f"--  {phase.title}: left out, {phase.left_out}", "", hang="    ")
            continue
        number += 1
        mark = "  (can't be undone: asks for the table's name)" if phase.irreversible else ""
        yield f"{number:>2}  {phase.title.upper()}{mark}"
        yield from _paragraph(phase.purpose, "    ")
        yield from _phase(phase)


def _phase(phase: Phase) -> Iterator[str]:
    for statement in phase.statements:
        yield ""
        yield from _statement(statement)
    if phase.statements:
        yield ""
    for number, evidence in enumerate(phase.evidence):
        yield from _labelled("passes when" if number == 0 else "and", evidence)
    yield from _labelled("undo", phase.undo_text)
    for statement in phase.undo:
        yield from _sql(statement.sql, " " * (5 + _LABEL))


def _statement(statement: Statement) -> Iterator[str]:
    yield f"    {plain(statement.name)}"
    yield from _sql(statement.sql, " " * 6)
    ends = next((ends for ends in _ENDS if all(end in statement.sql for end in ends)), None)
    if statement.script and ends:
        yield from _labelled("  where", f"{ends[0]} and {ends[1]} stand for the two ends of a range of keys")
    yield from _labelled("  locks", statement.lock or "nothing")
    yield from _labelled("  holds up", statement.conflicts)
    yield from _labelled("  takes", _COSTS[statement.cost])
    if statement.guarded and statement.lock:
        yield from _labelled(
            "  guarded", "under the lock timeout and the queue guard, tried again with pauses"
        )
    if statement.clear:
        yield from _labelled("  first", "if an earlier try left its rest:")
        yield from _sql(statement.clear, " " * (5 + _LABEL))


def _sql(sql: str, indent: str) -> Iterator[str]:
    for line in wrap_sql(sql, WIDTH - len(indent)):
        yield (indent + plain(line)).rstrip()


def _labelled(label: str, said: str) -> Iterator[str]:
    yield from _paragraph(said, f"    {label:<{_LABEL}} ", hang=" " * (5 + _LABEL))


def _paragraph(said: str, first: str, hang: str | None = None) -> list[str]:
    return textwrap.wrap(
        plain(said),
        WIDTH,
        initial_indent=first,
        subsequent_indent=first if hang is None else hang,
        break_long_words=False,
        break_on_hyphens=False,
    )
