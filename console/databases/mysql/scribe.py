"""What all statements have in common: the table, the column, the tag that names us, the locks and what they hold up.

Pure text. Metadata locks are those of the manual's "Metadata Locking"; what each ALTER does was measured on MySQL 9.7
and MariaDB 10.11 and 11.8.
"""

from __future__ import annotations

from console.change import Change
from console.databases.mysql.defaults import default_sql
from console.databases.mysql.identifiers import literal, quote
from console.databases.mysql.names import Names
from console.databases.mysql.routes import family_of
from console.facts import TableFacts
from console.plan import Cost, Statement

TAG = "/* column-console */ "

EXCLUSIVE = "EXCLUSIVE metadata lock"
ONLINE = "EXCLUSIVE metadata lock at its beginning and its end, SHARED_UPGRADABLE between,"
ROWS = "row locks"
READ = "SHARED_READ metadata lock"

CONFLICTS = {
    EXCLUSIVE: "everything on the table, reads included, while it waits and for the moment it runs",
    ONLINE: (
        "everything on the table, reads included, while it waits and for a moment at its beginning and its end;"
        " reads and writes go on between; each replica stands still for as long as it took"
    ),
    ROWS: "writers of the same rows, for the length of a batch; reads go on",
    READ: "other DDL; reads and writes go on",
    "": "nothing",
}
BUILD_LOCK_WAIT = 30
"""Seconds that a build waits for its last lock: when it fails at its end, hours of work may be thrown away."""


class Scribe:
    """Writes single statements for a change on one table."""

    def __init__(self, change: Change, facts: TableFacts) -> None:
        self.change = change
        self.facts = facts
        self.family = family_of(facts)
        self.table = facts.name
        self.column = quote(change.column)
        self.type = facts.type or change.type
        self.names = Names(change, facts)
        self.instantly = facts.instant.algorithm != "INPLACE" or facts.instant.blocks_writes

    @property
    def default(self) -> str:
        """The change's default as it stands after DEFAULT; empty where there is none."""
        return default_sql(self.change, self.facts)

    def definition(self, *, nullable: bool, default: str) -> str:
        """The column's definition, as it stands after its name."""
        parts = [self.change.type, "NULL" if nullable else "NOT NULL"]
        parts += [f"DEFAULT {default}"] if default else []
        parts += [f"COMMENT {literal(self.change.comment)}"] if self.change.comment is not None else []
        return " ".join(parts)

    def here(self, what: str = "TABLE") -> str:
        """The condition that finds the table in a view of information_schema."""
        return f"{what}_SCHEMA = {literal(self.facts.schema)} AND {what}_NAME = {literal(self.change.table.name)}"

    def column_is(self, more: str = "") -> str:
        """Whether the catalog shows the column (and `more` is true of it)."""
        return (
            f"EXISTS (SELECT 1 FROM information_schema.COLUMNS WHERE {self.here()}"
            f" AND COLUMN_NAME = {literal(self.change.column)}{more})"
        )

    def has_default(self, *, expression: bool = False) -> str:
        """The condition on COLUMNS of a column with a default of its own, or with an expression as one."""
        if self.family.mariadb:
            some = "COALESCE(COLUMN_DEFAULT, 'NULL') <> 'NULL'"
            return f"{some} AND COLUMN_DEFAULT NOT REGEXP '^(''|[-+]?[0-9.]+$)'" if expression else some
        computed = "EXTRA LIKE '%DEFAULT_GENERATED%'"
        return computed if expression else f"(COLUMN_DEFAULT IS NOT NULL OR {computed})"

    def statement(
        self,
        name: str,
        sql: str,
        lock: str,
        *,
        on: str = "",
        also: str = "",
        also_on: str = "",
        done_when: str = "",
        cost: Cost = "metadata",
        guarded: bool = True,
        clear: str = "",
        clear_when: str = "",
        script: str = "",
        conflicts: str = "",
        settings: tuple[tuple[str, str], ...] = (),
        otherwise: str = "",
    ) -> Statement:
        """One statement; `lock` is the level, `on` the table where it is not the change's own."""
        locks = f"{lock} on {on or self.table}" if lock else ""
        if also:
            locks += f"; {also}"
        return Statement(
            name=name,
            sql=TAG + sql,
            lock=locks,
            conflicts=conflicts or CONFLICTS[lock],
            cost=cost,
            done_when=done_when,
            guarded=guarded,
            clear=clear,
            clear_when=clear_when,
            script=script,
            on=on,
            also_on=also_on,
            settings=settings,
            otherwise=otherwise,
        )

    def alter(self, name: str, action: str, *, done_when: str) -> Statement:
        """An instant ALTER TABLE. It says so, that the server refuses rather than copy the table; never with LOCK=."""
        return self.statement(
            name, f"ALTER TABLE {self.table} {action}, ALGORITHM=INSTANT", EXCLUSIVE, done_when=done_when
        )

    def build(
        self,
        name: str,
        action: str,
        how: str,
        *,
        done_when: str,
        also: str = "",
        also_on: str = "",
        settings: tuple[tuple[str, str], ...] = (),
    ) -> Statement:
        """An ALTER TABLE that takes as long as the table is large, while reads and writes go on."""
        return self.statement(
            name,
            f"ALTER TABLE {self.table} {action}, {how}",
            ONLINE,
            also=also,
            also_on=also_on,
            cost="build",
            guarded=False,
            done_when=done_when,
            settings=(("lock_wait_timeout", str(BUILD_LOCK_WAIT)), *settings),
        )
