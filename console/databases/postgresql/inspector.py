"""Looks before anything is touched: one read-only connection to the primary, one to each replica named."""

from __future__ import annotations

from typing import Self

from console.change import Change, ChangeFile
from console.databases.base import Unreachable
from console.databases.postgresql.connect import Connection, connect
from console.databases.postgresql.inspect import inspect
from console.databases.postgresql.preflight import preflight
from console.facts import Preflight, TableFacts

PATIENCE = 5.0
"""Seconds that a look may take, and that it may wait for a lock: preflight itself must not stand in a queue."""


class PostgresInspector:
    """Fulfils `base.Inspector`."""

    def __init__(self, file: ChangeFile, primary: Connection, password: str | None) -> None:
        self._file = file
        self._primary = primary
        self._password = password
        self._replicas: dict[str, Connection | Unreachable] = {}

    @classmethod
    async def open(cls, file: ChangeFile, password: str | None) -> Self:
        """Connects to the primary. Raises Unreachable."""
        return cls(file, await _look(file.target.url, password), password)

    async def inspect(self, change: Change) -> TableFacts:
        """The table as it is. Raises NotFound, BadExpression."""
        return await inspect(await self._reach_primary(), change)

    async def _reach_primary(self) -> Connection:
        if self._primary.closed:
            self._primary = await _look(self._file.target.url, self._password)
        return self._primary

    async def preflight(self, file: ChangeFile, facts: TableFacts) -> Preflight:
        """All findings, worst first, and what the change will cost."""
        return await preflight(
            await self._reach_primary(), file.in_schema(facts.schema), facts, await self._reach_replicas()
        )

    async def _reach_replicas(self) -> dict[str, Connection | Unreachable]:
        """A connection to each replica that the change file names, or why there is none."""
        for url in self._file.target.replicas:
            known = self._replicas.get(url)
            if known is None or isinstance(known, Unreachable) or known.closed:
                try:
                    self._replicas[url] = await _look(url, self._password)
                except Unreachable as error:
                    self._replicas[url] = error
        return self._replicas

    async def close(self) -> None:
        """Closes its connections."""
        await self._primary.close()
        for connection in self._replicas.values():
            if not isinstance(connection, Unreachable):
                await connection.close()


async def _look(url: str, password: str | None) -> Connection:
    return await connect(
        url,
        purpose="preflight",
        read_only=True,
        password=password,
        statement_timeout=PATIENCE,
        lock_timeout=1.0,
    )
