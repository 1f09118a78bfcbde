"""Looks before anything is touched: one read-only connection to the primary, one to each replica named."""

from __future__ import annotations

from typing import Self

from console.change import Change, ChangeFile
from console.databases.base import Unreachable
from console.databases.mysql.address import read_address
from console.databases.mysql.connect import Session
from console.databases.mysql.inspect import inspect
from console.databases.mysql.lane import Lane
from console.databases.mysql.preflight import preflight
from console.facts import Preflight, TableFacts

PATIENCE = 5.0
"""Seconds that a look may take, and that it may wait for a lock: preflight itself must not stand in a queue."""


class MySqlInspector:
    """Fulfils `base.Inspector`."""

    def __init__(self, file: ChangeFile, primary: Lane, password: str | None) -> None:
        self._file = file
        self._primary = primary
        self._password = password
        self._replicas: dict[str, Lane] = {}

    @classmethod
    async def open(cls, file: ChangeFile, password: str | None) -> Self:
        """Connects to the primary. Raises Unreachable."""
        primary = _look(file.target.url, password)
        await primary.open()
        return cls(file, primary, password)

    async def inspect(self, change: Change) -> TableFacts:
        """The table as it is. Raises NotFound, BadExpression."""
        return await inspect(self._primary, change)

    async def preflight(self, file: ChangeFile, facts: TableFacts) -> Preflight:
        """All findings, worst first, and what the change will cost."""
        return await preflight(self._primary, file, facts, await self._reach_replicas())

    async def _reach_replicas(self) -> dict[str, Lane | Unreachable]:
        """A connection to each replica that the change file names, or why there is none."""
        reached: dict[str, Lane | Unreachable] = {}
        for url in self._file.target.replicas:
            try:
                lane = self._replicas.setdefault(url, _look(url, self._password))
                await lane.open()
                reached[url] = lane
            except Unreachable as error:
                reached[url] = error
        return reached

    async def close(self) -> None:
        """Closes its connections."""
        await self._primary.close()
        for lane in self._replicas.values():
            await lane.close()


def _look(url: str, password: str | None) -> Lane:
    """A lane that only looks. Raises Unreachable where the URL can't be read."""
    session = Session(purpose="preflight", read_only=True, statement_limit=PATIENCE, lock_wait=1.0)
    return Lane(read_address(url, password), session, deadline=PATIENCE)
