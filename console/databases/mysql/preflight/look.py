"""What each group of findings looks at."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from console.change import Change, ChangeFile
from console.databases.base import Unreachable
from console.databases.findings import blocker, found, listed, note, warning
from console.databases.mysql.families import Family
from console.databases.mysql.inspect import Seen
from console.databases.mysql.lane import Lane
from console.databases.mysql.preflight.grants import Grants
from console.databases.mysql.routes import shape_of
from console.facts import Finding, TableFacts
from console.plan import Shape

__all__ = ["Check", "Findings", "Look", "ReplicaDoor", "blocker", "found", "listed", "note", "warning"]

Row = tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class ReplicaDoor:
    """A replica that the change file names: a read-only connection to it, or why there is none."""

    name: str
    lane: Lane | None
    why: Unreachable | None = None


@dataclasses.dataclass(frozen=True)
class Look:
    """The primary, read-only, and what is known of the table already."""

    lane: Lane
    file: ChangeFile
    facts: TableFacts
    seen: Seen
    replicas: tuple[ReplicaDoor, ...]
    grants: Grants
    user: str
    """The account, as it stands in a GRANT."""
    variables: Mapping[str, str]
    """The server's global variables by name; one that it does not know is not there."""

    @property
    def change(self) -> Change:
        """The change itself."""
        return self.file.change

    @property
    def family(self) -> Family:
        """The server's family."""
        return self.lane.family

    @property
    def table(self) -> tuple[str, str]:
        """The table's database and name."""
        return self.seen.relation.schema, self.seen.relation.name

    @property
    def backfills(self) -> bool:
        """Whether rows will be updated batch by batch, or at least looked through."""
        return self._shape.backfill or self._shape.complete

    @property
    def uses_trigger(self) -> bool:
        """Whether a sync trigger will be installed."""
        return self._shape.trigger

    @property
    def _shape(self) -> Shape:
        return shape_of(self.change, self.facts)

    @property
    def sees_others(self) -> bool:
        """Whether the user may see what other sessions do."""
        return self.grants.everywhere("PROCESS")

    @property
    def reads_schema(self) -> bool:
        """Whether performance_schema is on, and the user may read it."""
        return self.on("performance_schema") and self.grants.on("performance_schema", "*", "SELECT")

    def on(self, variable: str) -> bool:
        """Whether a global variable is on."""
        return self.variables.get(variable, "OFF").upper() in ("ON", "1", "YES")

    def number(self, variable: str) -> float:
        """A global variable as a number; 0 where it is not there."""
        try:
            return float(self.variables.get(variable, "0"))
        except ValueError:
            return 0.0

    async def rows(self, query: str, args: Sequence[object] | None = None) -> list[Row]:
        """All rows of a query on the primary."""
        return await self.lane.rows(query, args, what="preflight")

    async def records(self, query: str) -> list[dict[str, Any]]:
        """All rows of a query on the primary, with their columns' names."""
        return await self.lane.records(query, what="preflight")


Findings = Iterable[Finding]
Check = Callable[[Look], Awaitable[Findings]]
