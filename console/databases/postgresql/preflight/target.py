"""The table that the foreign key will refer to."""

from __future__ import annotations

from console.databases.base import NotFound
from console.databases.nearest import near_misses
from console.databases.postgresql import catalog
from console.databases.postgresql.identifiers import quote
from console.databases.postgresql.inspect import type_or_none
from console.databases.postgresql.preflight.look import Findings, Look, blocker, note, warning
from console.facts import Finding

_COLUMN = """
SELECT format_type(a.atttypid, a.atttypmod), a.atttypid::int8,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid
                  AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
                  AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum),
       c.relpersistence::text
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE a.attrelid = %s AND a.attname = %s AND a.attnum > 0 AND NOT a.attisdropped
"""

# The foreign key needs an equality of the parent's index family: of both types, or of one that both become.
_EQUALITY = """
SELECT EXISTS (SELECT FROM pg_operator WHERE oprname = '=' AND oprleft = %s::oid AND oprright = %s::oid AND oprcanhash)
    OR EXISTS (SELECT FROM pg_cast WHERE castsource = %s::oid AND casttarget = %s::oid AND castcontext = 'i')
"""


async def reference(look: Look) -> Findings:
    """That it is there, has a unique key on the column, and compares with the new one."""
    wanted = look.change.reference
    if wanted is None:
        return ()
    try:
        parent = await catalog.relation(look.connection, wanted.table)
    except NotFound as error:
        return [
            blocker(
                "reference.missing", error.text, error.remedy.replace("[change] table", "[references] table")
            )
        ]
    if parent.kind not in ("ordinary", "partitioned"):
        return [
            blocker(
                "reference.kind",
                f"{parent.sql} can't be referred to: it is {parent.kind}",
                "Name an ordinary or partitioned table",
            )
        ]
    rows = await look.fetch(_COLUMN, parent.oid, wanted.column)
    if not rows:
        known = [column.name for column in (await catalog.columns(look.connection, parent))[0]]
        meant = near_misses(wanted.column, known)
        return [
            blocker(
                "reference.column",
                f"{parent.sql} has no column {quote(wanted.column)}",
                f"Did you mean {' or '.join(map(quote, meant))}?" if meant else "Correct [references] column",
            )
        ]
    type_name, type_oid, unique, persistence = rows[0]
    out: list[Finding] = []
    if not unique:
        out.append(
            blocker(
                "reference.key",
                f"{parent.sql} ({quote(wanted.column)}) has no unique key of its own, which a foreign key needs",
                f"CREATE UNIQUE INDEX CONCURRENTLY ON {parent.sql} ({quote(wanted.column)})",
            )
        )
    out += await _types(look, f"{parent.sql} ({quote(wanted.column)})", type_name, type_oid)
    out += _on_delete(look)
    (ours,) = await look.one("SELECT relpersistence::text FROM pg_class WHERE oid = %s", look.relation.oid)
    if persistence != "p" and ours == "p":
        out.append(
            blocker(
                "reference.kind",
                f"{parent.sql} is not permanent, and a permanent table refers to permanent ones only",
                "Name a permanent table",
            )
        )
    if not any(index.columns[0] == look.change.column for index in look.change.indexes):
        out.append(
            note(
                "reference.no-index",
                f"no index of the change begins with {quote(look.change.column)}: each delete from {parent.sql} "
                f"will read all of {look.facts.name}",
                "Add one under [[indexes]]",
            )
        )
    return out


async def _types(look: Look, parent: str, type_name: str, type_oid: int) -> Findings:
    read = await type_or_none(look.lab, look.change)
    if read is None or read.oid == type_oid:
        return ()
    (compares,) = await look.one(_EQUALITY, type_oid, read.oid, read.oid, type_oid)
    if not compares:
        return [
            blocker(
                "reference.type",
                f"a column of type {read.name} can't refer to {parent}, of type {type_name}",
                f"Set [change] type to {type_name}",
            )
        ]
    return [
        warning(
            "reference.type-differs",
            f"the column is {read.name} and refers to {parent}, of type {type_name}: each check converts",
            f"Set [change] type to {type_name}, if nothing speaks against it",
        )
    ]


def _on_delete(look: Look) -> Findings:
    wanted = look.change.reference
    assert wanted is not None
    if wanted.on_delete == "set null" and not look.change.nullable:
        yield warning(
            "reference.on-delete",
            "on_delete = set null and nullable = false: each delete from the parent will fail",
            "Take restrict or cascade, or set nullable = true",
        )
    if wanted.on_delete == "set default" and look.change.default is None:
        yield warning(
            "reference.on-delete",
            "on_delete = set default without a default sets NULL",
            "Add [change] default, or take set null",
        )
