"""What all statements have in common: the table, the column, the tag that names us, the locks and what they hold up.

Pure text. The lock levels are those of the manual's "Explicit Locking" page.
"""

from __future__ import annotations

from console.change import Change
from console.databases.postgresql.identifiers import literal, quote
from console.databases.postgresql.names import Names
from console.facts import TableFacts
from console.plan import Cost, Statement

TAG = "/* column-console */ "

ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"
SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
SHARE_UPDATE_EXCLUSIVE = "SHARE UPDATE EXCLUSIVE"
SHARE = "SHARE"
ROW_EXCLUSIVE = "ROW EXCLUSIVE"
ACCESS_SHARE = "ACCESS SHARE"

CONFLICTS = {
    ACCESS_EXCLUSIVE: "everything on the table, reads included, while it waits and for the moment it runs",
    SHARE_ROW_EXCLUSIVE: "writes to the table, while it waits and for the moment it runs; reads go on",
    SHARE: "writes to the table, while it waits and for the moment it runs; reads go on",
    SHARE_UPDATE_EXCLUSIVE: "other DDL, VACUUM and autovacuum; reads and writes go on",
    ROW_EXCLUSIVE: "writers of the same rows, for the length of a batch; reads go on",
    ACCESS_SHARE: "nothing but ACCESS EXCLUSIVE; reads and writes go on",
    "": "nothing",
}


class Scribe:
    """Writes single statements for a change on one table."""

    def __init__(self, change: Change, facts: TableFacts) -> None:
        self.change = change
        self.facts = facts
        self.table = facts.name
        self.column = quote(change.column)
        self.type = facts.type or change.type
        self.names = Names(change, facts)
        self.modern = facts.server.number >= 180000
        self.partitioned = facts.kind == "partitioned"

    def attribute(self) -> str:
        """The condition on pg_attribute that finds the column."""
        return (
            f"attrelid = {literal(self.table)}::regclass AND attname = {literal(self.change.column)}"
            " AND NOT attisdropped"
        )

    def attnotnull(self) -> str:
        """Whether the catalog says NOT NULL."""
        return f"EXISTS (SELECT FROM pg_attribute WHERE {self.attribute()} AND attnotnull)"

    def constraint(self, name: str, table: str = "", more: str = "") -> str:
        """Whether the table has a constraint of that name (and `more` is true of it)."""
        return (
            f"EXISTS (SELECT FROM pg_constraint WHERE conrelid = {literal(table or self.table)}::regclass"
            f" AND conname = {literal(name)}{more})"
        )

    def pieces_then_parent(self) -> list[tuple[str, str]]:
        """Partitions first, one by one, so that the parent's own validation finds nothing left to scan."""
        parts = [(f"-{number}", part.name) for number, part in enumerate(self.facts.partitions, 1)]
        return [*parts, ("", self.table)]

    def statement(
        self,
        name: str,
        sql: str,
        lock: str,
        *,
        on: str = "",
        also: str = "",
        done_when: str = "",
        cost: Cost = "metadata",
        guarded: bool = True,
        clear: str = "",
        clear_when: str = "",
        script: str = "",
        conflicts: str = "",
    ) -> Statement:
        """One statement; `lock` is the level, `on` the table where it is not the change's own."""
        table = on or self.table
        locks = f"{lock} on {table}" if lock else ""
        if self.partitioned and table == self.table and lock not in ("", SHARE):
            locks += " and every partition"
        if also:
            locks += f"; {also}"
        return Statement(
            name=name,
            sql=sql if sql.startswith(TAG) else TAG + sql,
            lock=locks,
            conflicts=conflicts or CONFLICTS[lock],
            cost=cost,
            done_when=done_when,
            guarded=guarded,
            clear=clear,
            clear_when=clear_when,
            script=script,
            on=on,
        )
