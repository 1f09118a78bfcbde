"""The foreign key, added without a copy of the table, between two looks for orphans. Pure text.

A foreign key that is added with foreign_key_checks = 1 copies the table while writers stand still. With 0 it does
not, and no existing row is checked: so the rows are checked before and after. What is written after it is checked.
"""

from __future__ import annotations

from console.databases.mysql.identifiers import literal, quote
from console.databases.mysql.scribe import EXCLUSIVE, READ, Scribe
from console.plan import Statement


class ForeignKey(Scribe):
    """Writes the foreign key, between two looks for orphans."""

    def add(self) -> tuple[Statement, ...]:
        """Looks for rows without their parent, adds the key, looks again."""
        reference = self.change.reference
        assert reference is not None
        name = quote(self.names.foreign_key)
        action = (
            f"ADD CONSTRAINT {name} FOREIGN KEY ({self.column}) REFERENCES {self._parent()}"
            f" ({quote(reference.column)}) ON DELETE {reference.on_delete.upper()}"
        )
        key = self.build(
            "foreign-key",
            action,
            self.family.foreign_key,
            also=f"{EXCLUSIVE} on {self._parent()}",
            also_on=self._parent(),
            done_when=f"SELECT {self._is_there()}",
            settings=(("foreign_key_checks", "0"),),
        )
        return (self._orphans("orphans-before"), key, self._orphans("orphans-after"))

    def drop(self) -> tuple[Statement, ...]:
        """Drops the key, and the index that the server made for it."""
        name = self.names.foreign_key
        own_index = (
            f"EXISTS (SELECT 1 FROM information_schema.STATISTICS WHERE {self.here()}"
            f" AND INDEX_NAME = {literal(name)})"
        )
        how = "ALGORITHM=INSTANT" if self.family.mariadb else "ALGORITHM=INPLACE, LOCK=NONE"
        return (
            self.statement(
                "drop-foreign-key",
                f"ALTER TABLE {self.table} DROP FOREIGN KEY {quote(name)}, {how}",
                EXCLUSIVE,
                also=f"{EXCLUSIVE} on {self._parent()}",
                also_on=self._parent(),
                done_when=f"SELECT NOT {self._is_there()}",
            ),
            self.statement(
                "drop-foreign-key-index",
                f"ALTER TABLE {self.table} DROP INDEX {quote(name)}, {self.family.build}",
                EXCLUSIVE,
                done_when=f"SELECT NOT {own_index}",
            ),
        )

    def _parent(self) -> str:
        assert self.change.reference is not None
        return self.facts.reference_table or str(self.change.reference.table)

    def _is_there(self) -> str:
        return (
            "EXISTS (SELECT 1 FROM information_schema.TABLE_CONSTRAINTS WHERE"
            f" {self.here()} AND CONSTRAINT_TYPE = 'FOREIGN KEY'"
            f" AND CONSTRAINT_NAME = {literal(self.names.foreign_key)})"
        )

    def _orphans(self, name: str) -> Statement:
        assert self.change.reference is not None
        column = quote(self.change.reference.column)
        child, parent = "column_console_child", "column_console_parent"
        orphans = (
            f"SELECT {child}.{self.column} FROM {self.table} AS {child} WHERE {child}.{self.column} IS NOT NULL"
            f" AND NOT EXISTS (SELECT 1 FROM {self._parent()} AS {parent}"
            f" WHERE {parent}.{column} = {child}.{self.column})"
        )
        return self.statement(
            name,
            f"{orphans} LIMIT 10",
            READ,
            also=f"{READ} on {self._parent()}",
            cost="scan",
            guarded=False,
            done_when=f"SELECT NOT EXISTS ({orphans})",
            otherwise=f"rows have a {self.change.column} that {self._parent()} does not have: mend them, then retry",
        )
