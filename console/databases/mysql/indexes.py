"""Indexes, built while reads and writes go on. Pure text.

A build that fails leaves nothing behind, so there is nothing to clear away.
"""

from __future__ import annotations

from console.change import Index
from console.databases.mysql.foreign_key import ForeignKey
from console.databases.mysql.identifiers import literal, quote
from console.databases.mysql.scribe import EXCLUSIVE, Scribe
from console.plan import Statement


class Indexes(Scribe):
    """Writes the `indexes` phase and its undo."""

    @property
    def serve_reference(self) -> bool:
        """Whether one of the indexes serves the foreign key, which then comes after it: one index, not two."""
        return any(index.columns[:1] == (self.change.column,) for index in self.change.indexes)

    def carry_out(self) -> tuple[Statement, ...]:
        """Builds each index; then the foreign key, where it waited for its index."""
        builds = tuple(
            self.build(
                f"index-{index.name}",
                self.added(index),
                self.family.build,
                done_when=f"SELECT {self.is_there(index)}",
            )
            for index in self.change.indexes
        )
        if self.change.reference is None or not self.serve_reference:
            return builds
        return (*builds, *ForeignKey(self.change, self.facts).add())

    def undo(self) -> tuple[Statement, ...]:
        """Drops the foreign key, which holds on to its index, and each index."""
        if self.change.reference is None or not self.serve_reference:
            return self.drops()
        return (*ForeignKey(self.change, self.facts).drop(), *self.drops())

    def drops(self) -> tuple[Statement, ...]:
        """Drops each index."""
        return tuple(
            self.statement(
                f"drop-index-{index.name}",
                f"ALTER TABLE {self.table} DROP INDEX {quote(index.name)}, {self.family.build}",
                EXCLUSIVE,
                done_when=f"SELECT NOT {self._exists(index)}",
            )
            for index in self.change.indexes
        )

    def added(self, index: Index) -> str:
        """The index as an action of ALTER TABLE."""
        columns = ", ".join(quote(name) for name in index.columns)
        return f"ADD {'UNIQUE INDEX' if index.unique else 'INDEX'} {quote(index.name)} ({columns})"

    def is_there(self, index: Index) -> str:
        """Whether the catalog shows the index as it is wanted."""
        names = ",".join(index.columns)
        return (
            "(SELECT GROUP_CONCAT(COLUMN_NAME ORDER BY SEQ_IN_INDEX SEPARATOR ',')"
            f" FROM information_schema.STATISTICS WHERE {self._is(index)}"
            f" AND NON_UNIQUE = {0 if index.unique else 1}) <=> {literal(names)}"
        )

    def _exists(self, index: Index) -> str:
        return f"EXISTS (SELECT 1 FROM information_schema.STATISTICS WHERE {self._is(index)})"

    def _is(self, index: Index) -> str:
        return f"{self.here()} AND INDEX_NAME = {literal(index.name)}"
