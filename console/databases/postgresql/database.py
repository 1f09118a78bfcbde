"""The door: one target and its replicas, for one change file."""

from __future__ import annotations

from collections.abc import Callable
from typing import LiteralString

import psycopg

from console.change import ChangeFile
from console.databases.base import Inspector, Refused, Watcher, Worker
from console.databases.passwords import password_for
from console.databases.postgresql.connect import connect, server_name
from console.databases.postgresql.evidence import PostgresEvidences
from console.databases.postgresql.inspector import PostgresInspector
from console.databases.postgresql.statements import PostgresWriter
from console.databases.postgresql.watcher import PostgresWatcher
from console.databases.postgresql.worker import PostgresWorker
from console.facts import TableFacts

LOG_TIMEOUT = 5.0
"""Seconds."""

_LOG: LiteralString = """/* column-console */ DO $say$
BEGIN
    -- LOG is written whatever log_min_messages says, short of fatal.
    RAISE LOG '%', current_setting('column_console.said');
END $say$"""


class PostgresDatabase:
    """Fulfils `base.Database`."""

    def __init__(self, file: ChangeFile) -> None:
        self.file = file
        self.name = server_name(file.target.url)
        self._password = password_for(file.target)

    def writer(self, facts: TableFacts) -> PostgresWriter:
        """Writes the statements of the plan."""
        return PostgresWriter(self.file.change.in_schema(facts.schema), facts)

    async def inspector(self) -> Inspector:
        """Looks, read-only. Raises Unreachable."""
        return await PostgresInspector.open(self.file, self._password)

    def worker(self, facts: TableFacts) -> Worker:
        """Does the work; not connected yet."""
        return PostgresWorker(self.file.in_schema(facts.schema), facts, self._password)

    async def watcher(self, facts: TableFacts, to_session: Callable[[float], float]) -> Watcher:
        """Takes the readings."""
        return await PostgresWatcher.open(
            self.file.in_schema(facts.schema), facts, self._password, to_session
        )

    async def evidences(self, facts: TableFacts, worker: Worker) -> PostgresEvidences:
        """Proves."""
        return PostgresEvidences(self.file.in_schema(facts.schema), facts, worker, self._password)

    async def write_log(self, text: str) -> None:
        """Writes a line into the server's log, on a connection of its own. Raises Unreachable, Refused."""
        connection = await connect(
            self.file.target.url,
            purpose="log",
            read_only=True,
            password=self._password,
            statement_timeout=LOG_TIMEOUT,
        )
        try:
            # A setting of ours carries the text, so that no text becomes SQL.
            await connection.execute(
                "/* column-console */ SELECT set_config('column_console.said', %s, false)", [text]
            )
            await connection.execute(_LOG)
        except psycopg.Error as error:
            raise Refused(f"the server's log can't be written to: {error}".strip()) from None
        finally:
            await connection.close()
