"""A watcher over a test's database on MySQL or MariaDB, sessions in the way, and patience."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pymysql

from console.change import Change, ChangeFile, Limits, SessionRules, TableName, Target
from console.databases.mysql.watcher import MySqlWatcher
from console.demo.mysql.node import Connection
from console.events import LockWait
from console.facts import Server, TableFacts
from tests.servers.mysql_database import MySqlDatabase

T = TypeVar("T")
PATIENCE = 30.0
"""Seconds after which what is waited for will not come any more."""

_TABLE = """
CREATE TABLE orders (id int PRIMARY KEY, note varchar(20)) ENGINE=InnoDB;
INSERT INTO orders VALUES (1, 'n'), (2, 'n'), (3, 'n'), (4, 'n');
"""
INSTRUMENT = (
    "UPDATE performance_schema.setup_instruments SET ENABLED = '{}' WHERE NAME = 'wait/lock/metadata/sql/mdl'"
)
"""Records metadata locks (YES), as MariaDB does not by itself, or no more (NO)."""


def watched_orders(database: MySqlDatabase) -> MySqlDatabase:
    """A table of four rows, on a server that records metadata locks."""
    database.run(_TABLE)
    database.cluster.primary.rows(INSTRUMENT.format("YES"))
    return database


def facts(database: MySqlDatabase, table: str = "orders") -> TableFacts:
    """Of a table as a watcher needs them: its name."""
    server = Server(kind=database.family, version="", number=0, name="")
    return TableFacts(
        server=server,
        name=f"`{database.name}`.`{table}`",
        schema=database.name,
        kind="ordinary",
        key=None,
        columns=(),
        rows=0,
        bytes=0,
    )


def change_file(
    database: MySqlDatabase, role: str = "deploy", *replicas: str, record_literals: bool = False
) -> ChangeFile:
    """A change file that names the servers, and nothing else that matters here."""
    return ChangeFile(
        path="change.toml",
        target=Target(kind=database.family, url=database.url(role), replicas=replicas),
        change=Change(table=TableName(database.name, "orders"), column="placed_on", type="date"),
        limits=Limits(),
        session=SessionRules(record_literals=record_literals),
    )


@contextlib.asynccontextmanager
async def watching(
    database: MySqlDatabase,
    *,
    role: str = "deploy",
    replica: bool = False,
    record_literals: bool = False,
    table: str = "orders",
) -> AsyncIterator[MySqlWatcher]:
    """A watcher as `role`, over the replica too if asked; its session's clock is Unix time."""
    replicas = (database.replica_url(role),) if replica else ()
    file = change_file(database, role, *replicas, record_literals=record_literals)
    watcher = await MySqlWatcher.open(file, facts(database, table), None, lambda unix: unix)
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


def run(connection: Connection, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements on a connection; the rows of the last."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall())


def pid_of(connection: Connection) -> int:
    """The server's id of a session."""
    return int(connection.thread_id())  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def background(database: MySqlDatabase, connection: Connection, statement: str) -> Iterator[threading.Thread]:
    """A statement that waits, in a thread of its own; ended, if need be, when the test is through."""

    def go() -> None:
        with contextlib.suppress(pymysql.Error):
            run(connection, statement)

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        if thread.is_alive():
            with contextlib.suppress(pymysql.Error):
                database.cluster.primary.rows(f"KILL QUERY {pid_of(connection)}")
        thread.join(PATIENCE)
        assert not thread.is_alive()


def by_pid(waits: tuple[LockWait, ...]) -> dict[int, LockWait]:
    """The waits by the session that waits or holds."""
    return {wait.session.pid: wait for wait in waits}
