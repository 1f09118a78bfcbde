"""The door: one target and its replicas, for one change file."""

from __future__ import annotations

from collections.abc import Callable

from console.change import ChangeFile
from console.databases.base import Inspector, Watcher, Worker
from console.databases.mysql.address import server_name
from console.databases.mysql.evidence import MySqlEvidences
from console.databases.mysql.inspector import MySqlInspector
from console.databases.mysql.statements import MySqlWriter
from console.databases.mysql.watcher import MySqlWatcher
from console.databases.mysql.worker import MySqlWorker
from console.databases.passwords import password_for
from console.facts import TableFacts


class MySqlDatabase:
    """Fulfils `base.Database`, for MySQL and for MariaDB: which one it is, the server tells."""

    def __init__(self, file: ChangeFile) -> None:
        self.file = file
        self.name = server_name(file.target.url)
        self._password = password_for(file.target)

    def writer(self, facts: TableFacts) -> MySqlWriter:
        """Writes the statements of the plan."""
        return MySqlWriter(self.file.change, facts)

    async def inspector(self) -> Inspector:
        """Looks, read-only. Raises Unreachable."""
        return await MySqlInspector.open(self.file, self._password)

    def worker(self, facts: TableFacts) -> Worker:
        """Does the work; not connected yet."""
        return MySqlWorker(self.file, facts, self._password)

    async def watcher(self, facts: TableFacts, to_session: Callable[[float], float]) -> Watcher:
        """Takes the readings."""
        return await MySqlWatcher.open(self.file, facts, self._password, to_session)

    async def evidences(self, facts: TableFacts, worker: Worker) -> MySqlEvidences:
        """Proves."""
        return MySqlEvidences(self.file, facts, worker, self._password)
