"""The working session: it holds the advisory lock of the change, and runs statements.

One connection for both, on purpose: a session that no longer holds the lock can't write, and when the connection
is lost the lock goes with it. The server notices that a runner died within two seconds
(`client_connection_check_interval`), so that a killed runner's statement does not outlive it for long.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from console.change import ChangeFile, Limits
from console.databases.base import ConnectionLost, RunnerLockHeld
from console.databases.postgresql import errors
from console.databases.postgresql.connect import connect
from console.databases.postgresql.names import Names
from console.databases.postgresql.scribe import TAG
from console.databases.postgresql.sessions import session_by_pid
from console.events import ServerSession
from console.facts import TableFacts
from console.plan import Statement

LOCK_CLASS = 0x636F6C63
"""The first half of our advisory locks' key: `colc` in ASCII. The second half comes from `Change.key`."""
METADATA = 0.1
"""Seconds that a statement of metadata alone takes at most, once it has its locks."""
DEAD_RUNNER_PATIENCE = 20.0
"""Seconds to wait for a dead runner's session to give the lock back."""


class WorkingSession:
    """One connection that holds the advisory lock, and runs statements under their timeouts."""

    def __init__(self, file: ChangeFile, facts: TableFacts, password: str | None) -> None:
        self._file = file
        self._facts = facts
        self._password = password
        self._names = Names(file.change, facts)
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._key = int(file.change.key[:8], 16) - 2**31
        self.pid = 0
        self.busy = False

    @property
    def _limits(self) -> Limits:
        return self._file.limits

    # -- The connection and its lock

    async def connect(self, waiting: Callable[[str], None] | None = None) -> None:
        """Connects and takes the lock. Raises Unreachable, RunnerLockHeld."""
        await self.close()
        connection = await connect(
            self._file.target.url, purpose="runner", read_only=False, password=self._password
        )
        try:
            await connection.execute("SET default_transaction_isolation = 'read committed'")
            await connection.execute("SET datestyle = ISO")
            await connection.execute("SET statement_timeout = 0")
            await self._take_lock(connection, waiting)
        except BaseException as error:
            await connection.close()
            if isinstance(error, psycopg.Error):
                raise errors.translate(error, "connecting") from error
            raise
        self._connection = connection
        self.pid = connection.info.backend_pid

    async def _take_lock(
        self, connection: psycopg.AsyncConnection[Any], waiting: Callable[[str], None] | None
    ) -> None:
        until = time.monotonic() + DEAD_RUNNER_PATIENCE
        told = False
        while True:
            row = await self._first(
                connection, f"SELECT pg_try_advisory_lock({LOCK_CLASS}, {self._key})", "the advisory lock"
            )
            if row and row[0]:
                return
            holder = await self._lock_holder(connection)
            if time.monotonic() > until:
                who = f"session {holder.pid} of {holder.user}" if holder else "another session"
                raise RunnerLockHeld(
                    f"another runner works on {self._file.change.title}: {who} holds its lock",
                    holder,
                    "attach to it (column-console sessions), or end it there",
                )
            if waiting and not told:
                pid = holder.pid if holder else 0
                waiting(f"the lock of this change is held by session {pid}; waiting for it to go")
                told = True
            await asyncio.sleep(0.5)

    async def _lock_holder(self, connection: psycopg.AsyncConnection[Any]) -> ServerSession | None:
        row = await self._first(
            connection,
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2"
            f" AND classid = {LOCK_CLASS} AND objid = {self._key % 2**32}"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            "the advisory lock",
        )
        return await session_by_pid(connection, int(row[0])) if row else None

    async def close(self) -> None:
        """Closes the connection, and gives the lock back with it."""
        if self._connection is not None:
            await self._connection.close()
        self._connection = None
        self.pid = 0

    @property
    def connection(self) -> psycopg.AsyncConnection[Any]:
        """The open connection; raises ConnectionLost where there is none."""
        if self._connection is None or self._connection.closed:
            raise ConnectionLost("the connection to the database is gone")
        return self._connection

    # -- Statements

    async def run(self, statement: Statement, lock_timeout: float) -> None:
        """Runs a statement of the plan, under the lock timeout where it is guarded.

        The lock timeout bounds the wait for each lock, and a statement may take many (partitions, a foreign key's
        two tables): what is metadata alone is bounded as a whole.
        """
        if not statement.guarded:
            await self.execute(statement.sql, 0)
        elif statement.cost == "metadata":
            await self.execute(statement.sql, lock_timeout, most=lock_timeout + METADATA)
        else:
            await self.execute(statement.sql, lock_timeout)

    async def execute(self, sql: str, lock_timeout: float, *, most: float = 0) -> None:
        """Runs a statement, waiting at most `lock_timeout` seconds for each lock, and `most` in all (0: no bound)."""
        timeouts = (
            f"SET lock_timeout = {int(lock_timeout * 1000)}; SET statement_timeout = {int(most * 1000)}"
        )
        began = time.monotonic()
        try:
            with self._work():
                await self.connection.execute(timeouts)
                await self.connection.execute(sql)
                await self.connection.execute("SET statement_timeout = 0")
        except psycopg.Error as error:
            with contextlib.suppress(psycopg.Error, ConnectionLost):
                await self.connection.execute("SET statement_timeout = 0")
            elapsed = time.monotonic() - began
            raise errors.translate(error, "the statement", elapsed=elapsed, timeout=most or None) from error

    @contextlib.contextmanager
    def _work(self) -> Iterator[None]:
        self.busy = True
        try:
            yield
        finally:
            self.busy = False

    async def make_way(self, table: str) -> None:
        """Has autovacuum give way on a table, without holding up readers and writers.

        It gives way to a waiter, but only after `deadlock_timeout`. So the wait is for a lock that conflicts with
        autovacuum's and with no reader's or writer's.
        """
        try:
            with self._work():
                row = await self._first(
                    self.connection,
                    "SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout'",
                    "a look",
                )
                wait = int(row[0]) + 500 if row else 1500
                async with self.connection.transaction():
                    await self.connection.execute(f"SET LOCAL lock_timeout = {wait}")
                    await self.connection.execute(f"{TAG}LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")
        except psycopg.Error as error:
            raise errors.translate(error, "making way") from error

    async def holds(self, query: str) -> bool:
        """The truth of a `done_when` query."""
        row = await self._first(self.connection, query, "looking at the catalog")
        return bool(row and row[0])

    @staticmethod
    async def _first(
        connection: psycopg.AsyncConnection[Any], query: str, what: str
    ) -> tuple[Any, ...] | None:
        try:
            cursor = await connection.execute(query)
            return await cursor.fetchone()
        except psycopg.Error as error:
            raise errors.translate(error, what) from error
