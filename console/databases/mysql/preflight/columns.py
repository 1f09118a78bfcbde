"""The column: its name, whether it is there already, its type, and the way to NOT NULL."""

from __future__ import annotations

from console.databases.base import BadExpression
from console.databases.findings import unfilled, unwritten
from console.databases.mysql.identifiers import quote, too_long
from console.databases.mysql.preflight.forecast import rebuild_seconds, rebuilds_for_not_null
from console.databases.mysql.preflight.look import Findings, Look, blocker, note, warning
from console.facts import Column, Finding
from console.words import count, duration

_MOST = 1017
"""Columns of a table of InnoDB (manual, "InnoDB Limits")."""


async def column(look: Look) -> Findings:
    """The name, the place for it, and the column of that name where there is one."""
    change, facts = look.change, look.facts
    out = [
        blocker(
            "name.long",
            f"{name} has {len(name)} characters; the server takes 64",
            "Take a shorter name",
        )
        for name in (change.column, *(index.name for index in change.indexes))
        if too_long(name)
    ]
    if change.column.upper() == "FTS_DOC_ID" or change.column.lower() in _RESERVED:
        out.append(
            blocker(
                "column.system",
                f"{change.column} is a name that InnoDB keeps for itself",
                "Take another name for it",
            )
        )
    if facts.existing is not None:
        out.append(_existing(look, facts.existing))
    elif len(facts.columns) >= _MOST:
        out.append(
            blocker(
                "column.numbers",
                f"{facts.name} has {count(len(facts.columns))} columns: no further one fits",
                "Take one out first",
            )
        )
    return out


_RESERVED = ("db_row_id", "db_trx_id", "db_roll_ptr")


def _existing(look: Look, existing: Column) -> Finding:
    name, alike = quote(existing.name), look.family.type_text
    if existing.generated:
        return blocker(
            "column.exists",
            f"{look.facts.name} has {name} already, as a generated column",
            "Take another name, or drop it first",
        )
    if look.facts.type and alike(existing.type) != alike(look.facts.type):
        return blocker(
            "column.exists",
            f"{look.facts.name} has {name} already, as {existing.type} where the change says {look.facts.type}",
            f"Set [change] type to {existing.type} to go on with it, or take another name",
        )
    known = [existing.type, "nullable" if existing.nullable else "NOT NULL"]
    if existing.default is not None:
        known.append(f"default {existing.default}")
    return note(
        "column.resume",
        f"{look.facts.name} has {name} already ({', '.join(known)}): the walk goes on where the database shows it",
    )


async def type_(look: Look) -> Findings:
    """What the type is, and where it is more than a type."""
    text = look.change.type
    try:
        await look.seen.lab.type(text)
    except BadExpression as error:
        code = "type.unknown"
        if "more than a type" in error.text:
            code = "type.more"
        elif "counter" in error.text:
            code = "type.serial"
        return [blocker(code, error.text, error.remedy or "Correct [change] type")]
    return ()


async def not_null(look: Look) -> Findings:
    """Whether the rows can ever be NOT NULL, and what would already refuse the application's writes."""
    change, facts = look.change, look.facts
    out = [*unfilled(change, facts, "would get no value"), *unwritten(change, backfills=look.backfills)]
    blocks = facts.instant.not_null_blocks
    if blocks and rebuilds_for_not_null(look):
        out.append(
            blocker(
                "null.blocks-writes",
                f"NOT NULL comes by a rebuild of {facts.name}, while which writers would stand still for about "
                f"{duration(rebuild_seconds(look))}: {blocks}",
                "Set not_null to from-start or nullable, or drop what stands in the way first",
            )
        )
    if change.not_null == "from-start" and not facts.placeholder and not change.nullable and facts.type:
        out.append(
            warning(
                "null.no-placeholder",
                f"not_null = from-start, and a column of type {facts.type} takes no literal default that its "
                "rows could read until they are filled",
                "Set not_null to rebuild, or nullable = true",
            )
        )
    return out
