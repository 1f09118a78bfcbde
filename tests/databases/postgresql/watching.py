"""A watcher over a test's database, sessions in the way, and patience."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TypeVar

import psycopg

from console.change import Change, ChangeFile, Limits, SessionRules, TableName, Target
from console.databases.postgresql.watcher import PostgresWatcher
from console.events import LockWait
from console.facts import Server, TableFacts
from tests.servers.database import Database

T = TypeVar("T")
PATIENCE = 30.0
"""Seconds after which what is waited for will not come any more."""


def facts(name: str) -> TableFacts:
    """Of a table as a watcher needs them: its name."""
    server = Server(kind="postgresql", version="", number=0, name="")
    return TableFacts(
        server=server, name=name, schema="public", kind="ordinary", key=None, columns=(), rows=0, bytes=0
    )


def change_file(url: str, *replicas: str, record_literals: bool = False) -> ChangeFile:
    """A change file that names the servers, and nothing else that matters here."""
    return ChangeFile(
        path="change.toml",
        target=Target(kind="postgresql", url=url, replicas=replicas),
        change=Change(table=TableName("public", "orders"), column="placed_on", type="date"),
        limits=Limits(),
        session=SessionRules(record_literals=record_literals),
    )


@contextlib.asynccontextmanager
async def watching(
    database: Database,
    *,
    role: str = "deploy",
    replica: bool = False,
    record_literals: bool = False,
    table: str = "public.orders",
) -> AsyncIterator[PostgresWatcher]:
    """A watcher as `role`, over the standby too if asked; its session's clock is Unix time."""
    replicas = (database.standby_url(role),) if replica else ()
    file = change_file(database.url(role), *replicas, record_literals=record_literals)
    watcher = await PostgresWatcher.open(file, facts(table), None, lambda unix: unix)
    try:
        yield watcher
    finally:
        await watcher.close()


async def until(read: Callable[[], Awaitable[T]], good: Callable[[T], bool], every: float = 0.1) -> T:
    """Read again and again until the reading is good."""
    deadline = time.monotonic() + PATIENCE
    while True:
        reading = await read()
        if good(reading):
            return reading
        assert time.monotonic() < deadline, f"still not so: {reading}"
        await asyncio.sleep(every)


@contextlib.contextmanager
def background(connection: psycopg.Connection, statement: str) -> Iterator[threading.Thread]:
    """A statement that waits, in a thread of its own; cancelled, if need be, when the test is through."""

    def run() -> None:
        with contextlib.suppress(psycopg.errors.QueryCanceled, psycopg.errors.AdminShutdown):
            connection.execute(statement.encode())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        with contextlib.suppress(psycopg.Error):
            connection.cancel_safe(timeout=5)
        thread.join(PATIENCE)
        assert not thread.is_alive()


def by_pid(waits: tuple[LockWait, ...]) -> dict[int, LockWait]:
    """The waits by the session that waits or holds."""
    return {wait.session.pid: wait for wait in waits}
