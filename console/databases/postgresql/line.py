"""A connection for readings: made when it is needed, under a deadline, thrown away when it is late.

A statement that is late is not cancelled but cut off: a cancel needs an answer from the server, which is what is
missing. The server ends it on its own by the statement timeout.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from console.databases.base import ConnectionLost, StatementTimeout
from console.databases.postgresql import errors
from console.databases.postgresql.connect import Connection, connect

Row = tuple[Any, ...]
Params = Sequence[object] | Mapping[str, object]

GRACE = 0.5
"""Seconds beyond the server's own timeout until we stop listening."""

PREPARE_AFTER = 3
"""Runs after which a statement is prepared: readings are the same each second."""


class Line:
    """One connection in autocommit, read-only, one statement at a time. `deadline` is seconds for each call."""

    def __init__(self, url: str, *, purpose: str, password: str | None, deadline: float = 2.0) -> None:
        self._url, self._purpose, self._password = url, purpose, password
        self.deadline = deadline
        self.pid = 0
        """The server's id of this session; 0 while there is none."""
        self.version = 0
        """The server's version, e.g. 180006; 0 until the first connection."""
        self.asked = 0
        """Statements sent so far, each a transaction of its own."""
        self._connection: Connection | None = None
        self._free = asyncio.Lock()

    async def rows(self, query: str, parameters: Params = (), *, what: str) -> list[Row]:
        """All rows of a query; `what` names it in errors.

        Raises Unreachable, ConnectionLost, StatementTimeout (the deadline, waiting for an earlier call
        included), or what the server says.
        """
        until = time.monotonic() + self.deadline + GRACE
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + self.deadline + GRACE):
                await self._free.acquire()
        except TimeoutError:
            raise self._late(what) from None
        try:
            return await self._within(until - time.monotonic(), query, parameters, what)
        finally:
            self._free.release()

    async def close(self) -> None:
        """Close the connection; the next call makes a new one."""
        connection, self._connection, self.pid = self._connection, None, 0
        if connection is not None:
            await connection.close()

    async def _within(self, seconds: float, query: str, parameters: Params, what: str) -> list[Row]:
        began = time.monotonic()
        task = asyncio.create_task(self._ask(query, parameters))
        try:
            done, _ = await asyncio.wait({task}, timeout=max(0.0, seconds))
        except asyncio.CancelledError:
            await self._abandon(task)
            raise
        if not done:
            await self._abandon(task)
            raise self._late(what)
        try:
            return task.result()
        except psycopg.Error as error:
            elapsed = time.monotonic() - began
            translated = errors.translate(error, what, elapsed=elapsed, timeout=self.deadline)
            if isinstance(translated, ConnectionLost | StatementTimeout):
                await self.close()
            raise translated from error

    async def _ask(self, query: str, parameters: Params) -> list[Row]:
        if self._connection is None or self._connection.closed:
            self._connection = await connect(
                self._url,
                purpose=self._purpose,
                read_only=True,
                password=self._password,
                statement_timeout=self.deadline,
                # Readings join functions that the planner thinks large; compiling them costs more than they do.
                settings={"jit": "off"},
                prepare_threshold=PREPARE_AFTER,
            )
            self.pid = self._connection.info.backend_pid
            self.version = self._connection.info.server_version
        self.asked += 1
        cursor = await self._connection.execute(query, parameters or None)
        return await cursor.fetchall()

    async def _abandon(self, task: asyncio.Task[list[Row]]) -> None:
        """End a call that is late, and its connection, without waiting for the server."""
        if self._connection is None:
            task.cancel()
        else:
            # Shut down, not closed: the call wakes up, finds the end of the stream, and lets go of the socket.
            with (
                contextlib.suppress(OSError, psycopg.Error),
                socket.socket(fileno=os.dup(self._connection.fileno())) as ending,
            ):
                ending.shutdown(socket.SHUT_RDWR)
        await asyncio.wait({task}, timeout=1)
        if task.done() and not task.cancelled():
            task.exception()  # heard: the lateness is what is told
        await self.close()

    def _late(self, what: str) -> StatementTimeout:
        return StatementTimeout(f"{what}: no answer within {self.deadline:g} s")
