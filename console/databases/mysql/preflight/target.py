"""The table that the foreign key will refer to."""

from __future__ import annotations

from console.databases.base import NotFound
from console.databases.mysql import catalog
from console.databases.mysql.catalog import Relation, TableColumn
from console.databases.mysql.identifiers import quote
from console.databases.mysql.preflight.look import Findings, Look, blocker, note, warning
from console.databases.mysql.tokens import fold
from console.databases.mysql.types import Type
from console.databases.nearest import near_misses
from console.facts import Finding


async def reference(look: Look) -> Findings:
    """That it is there, can be referred to, and has the same type."""
    wanted = look.change.reference
    if wanted is None:
        return ()
    try:
        parent = await catalog.relation(look.lane, wanted.table)
    except NotFound as error:
        return [
            blocker(
                "reference.missing", error.text, error.remedy.replace("[change] table", "[references] table")
            )
        ]
    out = [*_kinds(look, parent)]
    if out:
        return out
    known = await catalog.columns(look.lane, parent)
    columns = {fold(column.name): column for column in known}
    column = columns.get(fold(wanted.column))
    if column is None:
        meant = near_misses(wanted.column, [other.name for other in known])
        return [
            blocker(
                "reference.missing",
                f"{parent.sql} has no column {quote(wanted.column)}",
                f"Did you mean {' or '.join(map(quote, meant))}?" if meant else "Correct [references] column",
            )
        ]
    name = f"{parent.sql} ({quote(column.name)})"
    indexes = await catalog.indexes(look.lane, parent, known)
    if not any(index.unique and index.columns == (column.name,) and not index.hidden for index in indexes):
        out.append(
            blocker(
                "reference.key",
                f"{name} has no unique key of its own, which a foreign key needs",
                f"ALTER TABLE {parent.sql} ADD UNIQUE KEY ({quote(column.name)}), ALGORITHM=INPLACE, LOCK=NONE",
            )
        )
    if look.seen.type is not None:
        out += _types(look, look.seen.type, column, name)
    out += _on_delete(look)
    if not any(fold(index.columns[0]) == fold(look.change.column) for index in look.change.indexes):
        out.append(
            note(
                "reference.no-index",
                f"no index of the change begins with {quote(look.change.column)}: the server builds one of its own "
                "with the foreign key",
                "Add one under [[indexes]]",
            )
        )
    return out


def _kinds(look: Look, parent: Relation) -> Findings:
    if not parent.is_table or parent.engine.lower() != "innodb":
        what = parent.kind if not parent.is_table else f"a table of {parent.engine}"
        yield blocker(
            "reference.kind", f"{parent.sql} can't be referred to: it is {what}", "Name a table of InnoDB"
        )
    for table, kind in ((parent.sql, parent.kind), (look.facts.name, look.facts.kind)):
        if kind == "partitioned":
            yield blocker(
                "reference.partitioned",
                f"{table} is partitioned, and InnoDB knows no foreign keys from or to such a table",
                "Leave [references] out",
            )


def _types(look: Look, type_: Type, column: TableColumn, name: str) -> list[Finding]:
    """InnoDB wants the same type and sign; of texts the same collation, whatever the length (error 3780)."""
    ours, theirs = type_.spelled, column.column.type
    sized = ("char", "varchar", "binary", "varbinary")
    same_name = type_.name == column.data_type or (type_.name == "json" and column.data_type == "longtext")
    alike = look.family.type_text(ours) == look.family.type_text(theirs)
    if not same_name or not (alike or type_.name in sized):
        return [
            blocker(
                "reference.type",
                f"a column of type {ours} can't refer to {name}, of type {theirs}",
                f"Set [change] type to {look.family.type_text(theirs)}",
            )
        ]
    collation = _collation(look, type_)
    if type_.is_text and collation and collation != column.collation:
        return [
            blocker(
                "reference.collation",
                f"the column would be {collation}, and {name} is {column.collation}",
                f"Set [change] type to {ours} COLLATE {column.collation}",
            )
        ]
    return []


def _collation(look: Look, type_: Type) -> str:
    """The collation that the column gets; empty where the text names a character set alone."""
    words = type_.collated.lower().split()
    if "collate" in words:
        return words[words.index("collate") + 1]
    return "" if words else look.seen.relation.collation


def _on_delete(look: Look) -> Findings:
    wanted = look.change.reference
    assert wanted is not None
    if wanted.on_delete == "set null" and not look.change.nullable:
        yield blocker(
            "reference.on-delete",
            "on_delete = set null and nullable = false: the server refuses such a foreign key",
            "Take restrict or cascade, or set nullable = true",
        )
    if wanted.on_delete == "set default":
        yield blocker(
            "reference.on-delete",
            "on_delete = set default is not known to InnoDB",
            "Take restrict or set null",
        )
    if wanted.on_delete in ("cascade", "set null") and look.uses_trigger:
        yield warning(
            "reference.cascade",
            f"on_delete = {wanted.on_delete} changes rows of the table without firing its triggers",
            "See that nothing relies on them",
        )
