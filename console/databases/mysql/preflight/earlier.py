"""What an earlier run left, and names that are taken already."""

from __future__ import annotations

from console.change import Index
from console.databases.mysql.catalog import IndexFacts
from console.databases.mysql.identifiers import qualified, quote
from console.databases.mysql.names import Names
from console.databases.mysql.preflight.look import Findings, Look, blocker, listed, note, warning
from console.databases.mysql.tokens import fold
from console.databases.mysql.types import Type
from console.facts import Finding
from console.words import count

_OURS = r"column\_console\_%"

_OBJECTS = """
SELECT TABLE_NAME, '' FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME LIKE %s
UNION ALL
SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS
 WHERE TRIGGER_SCHEMA = %s AND TRIGGER_NAME LIKE %s
"""


async def leftovers(look: Look) -> Findings:
    """Progress table and sync triggers; and those of other changes and other tools."""
    names, (schema, table) = Names(look.change, look.facts), look.table
    rows = [name for name, _ in await look.rows(_OBJECTS, (schema, _OURS, schema, _OURS))]
    out: list[Finding] = []
    if names.progress_name in rows:
        out.append(
            note(
                "leftover.progress",
                f"an earlier run left its progress ({names.progress}): this one goes on from there",
            )
        )
    triggers = [name for name in (names.insert_trigger, names.update_trigger) if name in rows]
    if triggers and look.facts.existing is None:
        out.append(
            blocker(
                "leftover.trigger",
                f"trigger {triggers[0]} is there without the column it fills: every write of the application fails",
                "; ".join(f"DROP TRIGGER {names.trigger(name)}" for name in triggers),
            )
        )
    elif triggers:
        out.append(
            note("leftover.trigger", f"an earlier run left its triggers ({listed(triggers)}), at work")
        )
    others = [name for name in rows if look.change.key not in name]
    if others:
        out.append(
            note(
                "leftover.other",
                f"objects of other changes are in {quote(schema)}: {listed(others)}",
                "If none is under way, roll those changes back, or drop what they left",
            )
        )
    copies = [f"_{table}_{end}" for end in ("gho", "ghc", "del", "new", "old")]
    found = await look.rows(
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME IN %s ORDER BY 1",
        (schema, copies),
    )
    if found:
        out.append(
            warning(
                "leftover.other-tool",
                f"tables of gh-ost or pt-online-schema-change are there: {listed([name for (name,) in found])}",
                "See that no run of theirs is under way on this table",
            )
        )
    return out


async def indexes(look: Look) -> Findings:
    """Indexes of the change that are there already, whose names are taken, or that can't be built."""
    out: list[Finding] = []
    known = {fold(index.name): index for index in look.seen.indexes}
    for index in look.change.indexes:
        there = known.get(fold(index.name))
        if there is not None:
            out.append(_there(index, there))
        else:
            out += _fits(look, index)
    if len(look.seen.indexes) + len(look.change.indexes) > 64:
        out.append(
            blocker("index.many", f"{look.facts.name} would have more than 64 indexes", "Drop one first")
        )
    return out


def _there(index: Index, there: IndexFacts) -> Finding:
    same = [fold(name) for name in there.columns] == [fold(name) for name in index.columns]
    if same and there.unique == index.unique and there.kind == "BTREE":
        return note("index.exists", f"{quote(index.name)} is there already")
    return blocker(
        "index.name-taken",
        f"{quote(index.name)} is there already and is another index: {'unique ' if there.unique else ''}{there.kind} "
        f"over {', '.join(name or 'an expression' for name in there.columns)}",
        "Take another name, or drop it first",
    )


_KEY_BYTES = {"redundant": 767, "compact": 767}
_BYTES_OF_CHARACTER = 4


def _fits(look: Look, index: Index) -> Findings:
    type_ = look.seen.type
    if type_ is None or fold(look.change.column) not in map(fold, index.columns):
        return
    if type_.name == "json" or type_.name.endswith(("text", "blob")):
        yield blocker(
            "index.type",
            f"a column of type {type_.spelled} can't stand whole in index {quote(index.name)}",
            "Take a type with a length, e.g. varchar(255)",
        )
        return
    size, most = _key_bytes(type_), _KEY_BYTES.get(look.seen.relation.row_format.lower(), 3072)
    if size > most:
        yield blocker(
            "index.long",
            f"{type_.spelled} takes up to {count(size)} bytes in index {quote(index.name)}, and {count(most)} fit",
            "Take a shorter type",
        )
    if index.unique and look.facts.partitions:
        yield warning(
            "index.partitions",
            f"a unique index on a partitioned table must hold every column that it is partitioned by: "
            f"{quote(index.name)} is refused otherwise",
            "Add those columns to the index",
        )


def _key_bytes(type_: Type) -> int:
    if type_.name in ("char", "varchar"):
        return type_.numbers[0] * _BYTES_OF_CHARACTER
    return type_.numbers[0] if type_.name in ("binary", "varbinary") else 8


async def constraints(look: Look) -> Findings:
    """The foreign key's name, which is one space for the whole database."""
    if look.change.reference is None:
        return ()
    names = Names(look.change, look.facts)
    rows = await look.rows(
        "SELECT TABLE_NAME FROM information_schema.TABLE_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = %s"
        " AND CONSTRAINT_NAME = %s AND CONSTRAINT_TYPE = 'FOREIGN KEY'",
        (look.facts.schema, names.foreign_key),
    )
    if not rows:
        return ()
    holder = rows[0][0]
    if holder == look.table[1] and look.facts.existing is not None:
        return [note("leftover.constraint", f"foreign key {quote(names.foreign_key)} is there already")]
    return [
        blocker(
            "constraint.name-taken",
            f"{qualified(look.facts.schema, holder)} has a foreign key {quote(names.foreign_key)} already",
            "Rename it: drop it, and add it by another name",
        )
    ]
