"""Builds take their table exclusively twice: each wait for that is as long as what a failure would cost allows."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from console.change import Index, Reference, TableName
from console.databases.base import LockTimeout
from console.demo.mysql.node import Connection
from tests.databases.mysql.carrying import Carried, carrying
from tests.databases.mysql.looking import change
from tests.databases.mysql.test_plan_runs import ALL_DAYS, orders
from tests.servers.mysql_database import MySqlDatabase
from tests.walk.traffic import Traffic

WANTED = change(
    indexes=(Index(name="by_day", columns=("placed_on",)),),
    reference=Reference(table=TableName(None, "days"), column="day", on_delete="restrict"),
)
TRY = 0.5
"""Seconds of the lock timeout."""
BEARS = 3
"""Whole seconds after which the server fails an application's statement that waits: the timeout and much slack."""


def readers(database: MySqlDatabase, *tables: str) -> Traffic:
    """An application that reads the tables, and meets an error where it has to wait for long."""

    def reads(table: str) -> Callable[[Any, Any], None]:
        def read(connection: Any, _: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT 1 FROM {table} LIMIT 1")

        return read

    patience = f"SET SESSION lock_wait_timeout = {BEARS}"
    return Traffic(
        lambda: database.connect("app", init_command=patience), [reads(table) for table in tables], threads=4
    )


@contextlib.contextmanager
def held(database: MySqlDatabase, table: str) -> Iterator[Connection]:
    """A transaction that has read the table, and does no more."""
    with database.connect("app") as holder, holder.cursor() as cursor:
        holder.begin()
        cursor.execute(f"SELECT COUNT(*) FROM {table}")
        yield holder


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("add-column", "orders"),
        ("index-by_day", "orders"),
        ("foreign-key", "orders"),
        ("foreign-key", "days"),
    ],
)
async def test_nobody_waits_long_behind_a_build_that_has_not_begun(
    mysql_database: MySqlDatabase, name: str, table: str
) -> None:
    mysql_database.run(orders(mysql_database, 500) + ALL_DAYS)
    async with carrying(mysql_database, WANTED) as carried:
        statement = carried.statement(name)
        if name != "add-column":
            await carried.phases("add-column")
        if name == "foreign-key":
            await carried.prove(carried.statement("index-by_day"))
        with readers(mysql_database, "orders", "days") as traffic:
            with held(mysql_database, table):
                for _ in range(2):
                    if await carried.worker.holds(statement.done_when):
                        break  # MariaDB lets a parent's readers be
                    with contextlib.suppress(LockTimeout):
                        await carried.worker.run(statement, TRY)
            await asyncio.to_thread(traffic.settle)
            assert traffic.errors == []
            if not await carried.worker.holds(statement.done_when):
                await carried.worker.run(statement, TRY)
        assert await carried.worker.holds(statement.done_when)


async def seen(database: MySqlDatabase, carried: Carried, state: str) -> None:
    """Waits until the server shows our session in a state."""
    query = f"SELECT STATE FROM information_schema.PROCESSLIST WHERE ID = {carried.worker.pid}"
    while database.rows(query, "root") != [(state,)]:  # noqa: ASYNC110 - it happens on the server
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("unwatched", [False, True])
async def test_a_build_that_is_done_waits_longer_for_its_last_lock(
    mysql_database: MySqlDatabase, unwatched: bool
) -> None:
    """As long as somebody sees who queues behind it."""
    mysql_database.run(orders(mysql_database, 20_000))
    for _ in range(5):
        mysql_database.run("INSERT INTO orders (placed_at, amount) SELECT placed_at, amount FROM orders")
    async with carrying(mysql_database, WANTED) as carried:
        await carried.phases("add-column")
        statement = carried.statement("index-by_day")
        running = asyncio.create_task(carried.worker.run(statement, TRY / 5))
        await seen(mysql_database, carried, "altering table")
        with held(mysql_database, "orders"):
            await seen(mysql_database, carried, "Waiting for table metadata lock")
            if unwatched:
                carried.worker.unwatched = True
                with pytest.raises(LockTimeout):
                    await running
            else:
                until = time.monotonic() + 4 * TRY
                while time.monotonic() < until:
                    assert not running.done()
                    await asyncio.sleep(0.05)
        if not unwatched:
            await running
        assert await carried.worker.holds(statement.done_when) is not unwatched


async def test_an_alter_that_waits_for_a_replica_has_its_lock(mysql_database: MySqlDatabase) -> None:
    """It has committed: to end it may end nothing, and to call it a lock timeout would be wrong."""
    mysql_database.run(orders(mysql_database, 500))
    source = "source" if mysql_database.family == "mysql" else "master"
    if mysql_database.family == "mysql":
        mysql_database.run("INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'", "root")
    try:
        async with carrying(mysql_database, WANTED) as carried:
            statement = carried.statement("add-column")
            mysql_database.run(
                f"SET GLOBAL rpl_semi_sync_{source}_timeout = 2000; SET GLOBAL rpl_semi_sync_{source}_enabled = ON",
                "root",
            )
            ((_, kills),) = mysql_database.rows("SHOW GLOBAL STATUS LIKE 'Com_kill'")
            running = asyncio.create_task(carried.worker.run(statement, TRY / 5))
            query = f"SELECT STATE FROM information_schema.PROCESSLIST WHERE ID = {carried.worker.pid}"
            states: set[str] = set()
            while not running.done():
                states |= {str(state) for (state,) in mysql_database.rows(query, "root")}
                await asyncio.sleep(0.05)
            await running
            assert any("semi-sync ACK" in state for state in states)
            assert mysql_database.rows("SHOW GLOBAL STATUS LIKE 'Com_kill'") == [("Com_kill", kills)]
            assert await carried.worker.holds(statement.done_when)
    finally:
        mysql_database.run(
            f"SET GLOBAL rpl_semi_sync_{source}_enabled = OFF; SET GLOBAL rpl_semi_sync_{source}_timeout = 10000",
            "root",
        )
        if mysql_database.family == "mysql":
            mysql_database.run("UNINSTALL PLUGIN rpl_semi_sync_source", "root")
