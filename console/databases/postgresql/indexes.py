"""Indexes, built online, and what a failed build leaves cleared away first. Pure text.

A parent of partitions takes no CONCURRENTLY: its index is made on the parent alone, built concurrently on each
partition, and becomes valid when the last one is attached.
"""

from __future__ import annotations

import msgspec

from console.change import Index
from console.databases.postgresql.identifiers import literal, quote
from console.databases.postgresql.scribe import ACCESS_EXCLUSIVE, SHARE, SHARE_UPDATE_EXCLUSIVE, TAG, Scribe
from console.plan import Statement


class Indexes(Scribe):
    """Writes the `indexes` phase and its undo."""

    def build(self, index: Index) -> tuple[Statement, ...]:
        """Builds an index online; on a partitioned table, one for each partition, then attached."""
        kind, definition = _definition(index)
        if not self.partitioned:
            return (self._build(f"index-{index.name}", index.name, self.table, index),)
        steps = [
            self.statement(
                f"index-{index.name}",
                f"CREATE {kind} {quote(index.name)} ON ONLY {self.table} {definition}",
                SHARE,
                done_when=f"SELECT EXISTS ({self._is_index(self.names.index(index.name), self.table)})",
            )
        ]
        for number, part in enumerate(self.facts.partitions, 1):
            child = self.names.child_index(index.name, number)
            attached = self._attached(index, part.name)
            build = self._build(f"index-{index.name}-{number}", child, part.name, index, or_when=attached)
            steps += [build, self._attach(index, number, part.name)]
        # A partition that came after planning has no index to attach, and the parent's never becomes valid.
        last = steps.pop()
        valid = f"EXISTS ({self._is_index(self.names.index(index.name), self.table)} AND indisvalid)"
        proof = f"SELECT {valid}" if not steps else f"{last.done_when} AND {valid}"
        return (*steps, msgspec.structs.replace(last, done_when=proof))

    def _attach(self, index: Index, number: int, part: str) -> Statement:
        """Attaches a partition's index to the parent's: it locks the child exclusively (ATExecAttachPartitionIdx)."""
        parent = self.names.index(index.name)
        child = self.names.index(self.names.child_index(index.name, number))
        return self.statement(
            f"attach-index-{index.name}-{number}",
            f"ALTER INDEX {parent} ATTACH PARTITION {child}",
            ACCESS_EXCLUSIVE,
            on=child,
            also=f"{SHARE_UPDATE_EXCLUSIVE} on {parent}",
            conflicts=f"reads and writes of {part}, which open its indexes, while it waits and for the moment it runs",
            done_when=f"SELECT {self._attached(index, part)}",
        )

    def _attached(self, index: Index, part: str) -> str:
        """Whether a partition has its part of the parent's index, by whatever name: a new partition brings its own."""
        return (
            "EXISTS (SELECT FROM pg_inherits JOIN pg_index ON indexrelid = inhrelid WHERE indisvalid"
            f" AND indrelid = {literal(part)}::regclass"
            f" AND inhparent = to_regclass({literal(self.names.index(index.name))}))"
        )

    @staticmethod
    def _is_index(full: str, table: str) -> str:
        """The index of that name, if it is this table's."""
        return (
            f"SELECT FROM pg_index WHERE indexrelid = to_regclass({literal(full)})"
            f" AND indrelid = to_regclass({literal(table)})"
        )

    def _build(self, step: str, name: str, table: str, index: Index, *, or_when: str = "") -> Statement:
        full = self.names.index(name)
        kind, definition = _definition(index)
        is_index = self._is_index(full, table)
        return self.statement(
            step,
            f"CREATE {kind} CONCURRENTLY {quote(name)} ON {table} {definition}",
            SHARE_UPDATE_EXCLUSIVE,
            cost="build",
            guarded=False,
            on=table,
            done_when=f"SELECT EXISTS ({is_index} AND indisvalid)" + (f" OR {or_when}" if or_when else ""),
            clear=f"{TAG}DROP INDEX CONCURRENTLY {full}",
            clear_when=f"SELECT EXISTS ({is_index} AND NOT indisvalid)",
        )

    def drop(self, index: Index) -> Statement:
        """Drops an index, online where that can be had; never another table's of that name."""
        full = self.names.index(index.name)
        concurrently = "" if self.partitioned else "CONCURRENTLY "
        return self.statement(
            f"drop-index-{index.name}",
            f"DROP INDEX {concurrently}{full}",
            ACCESS_EXCLUSIVE if self.partitioned else SHARE_UPDATE_EXCLUSIVE,
            guarded=self.partitioned,
            done_when=f"SELECT NOT EXISTS ({self._is_index(full, self.table)})",
        )


def _definition(index: Index) -> tuple[str, str]:
    """What follows CREATE, and what follows the table's name."""
    columns = ", ".join(quote(name) for name in index.columns)
    where = f" WHERE {index.where}" if index.where else ""
    return "UNIQUE INDEX" if index.unique else "INDEX", f"({columns}){where}"
