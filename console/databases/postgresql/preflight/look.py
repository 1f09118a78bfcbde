"""What each group of findings looks at, and how it says what it saw."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from console.change import Change, ChangeFile
from console.databases.base import Unreachable
from console.databases.findings import blocker, found, listed, note, warning
from console.databases.postgresql import asking
from console.databases.postgresql.catalog import Leaf, Relation
from console.databases.postgresql.connect import Connection
from console.databases.postgresql.lab import Lab
from console.facts import Finding, TableFacts

__all__ = ["Check", "Findings", "Look", "ReplicaDoor", "blocker", "found", "listed", "note", "warning"]


@dataclasses.dataclass(frozen=True)
class ReplicaDoor:
    """A replica that the change file names: a read-only connection to it, or why there is none."""

    name: str
    connection: Connection | None
    why: Unreachable | None = None


@dataclasses.dataclass(frozen=True)
class Look:
    """The primary, read-only, and what is known of the table already."""

    connection: Connection
    file: ChangeFile
    facts: TableFacts
    relation: Relation
    leaves: tuple[Leaf, ...]
    lab: Lab
    replicas: tuple[ReplicaDoor, ...]
    sees_others: bool
    """Whether the role may see what other sessions do (pg_read_all_stats)."""

    @property
    def change(self) -> Change:
        """The change itself."""
        return self.file.change

    @property
    def tables(self) -> list[int]:
        """The oids of the table and of its leaf partitions."""
        return list(dict.fromkeys([self.relation.oid, *(leaf.oid for leaf in self.leaves)]))

    @property
    def backfills(self) -> bool:
        """Whether rows will be updated batch by batch."""
        return self.change.backfill is not None and not (
            self.facts.value_constant and self.facts.existing is None
        )

    @property
    def uses_trigger(self) -> bool:
        """Whether a sync trigger will be installed."""
        return self.backfills and self.change.backfill is not None and self.change.backfill.sync == "trigger"

    async def fetch(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of a query on the primary."""
        return await asking.fetch(self.connection, query, *parameters)

    async def one(self, query: str, *parameters: Any) -> tuple[Any, ...]:
        """The only row of a query on the primary that always gives one."""
        row = await asking.fetch_one(self.connection, query, *parameters)
        if row is None:
            raise LookupError(query)
        return row


Findings = Iterable[Finding]
Check = Callable[[Look], Awaitable[Findings]]
