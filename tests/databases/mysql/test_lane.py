"""Lanes on real servers: the loop never waits, statements end when they should, settings come back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from console.databases.base import Cancelled, ConnectionLost, Refused, StatementTimeout, Unreachable
from console.databases.mysql.address import read_address
from console.databases.mysql.connect import Session
from console.databases.mysql.lane import Lane, kill_query
from tests.servers.mysql_database import MySqlDatabase

LONG = f"SELECT COUNT(*) FROM {', '.join(f'information_schema.COLLATIONS c{n}' for n in range(5))}"


@contextlib.asynccontextmanager
async def opened(
    database: MySqlDatabase, *, role: str = "deploy", deadline: float = 0.0, **session: Any
) -> AsyncIterator[Lane]:
    lane = Lane(read_address(database.url(role)), Session(purpose="test", **session), deadline=deadline)
    try:
        await lane.open()
        yield lane
    finally:
        await lane.close()


async def test_the_loop_goes_on_while_the_server_works(mysql_database: MySqlDatabase) -> None:
    async with opened(mysql_database) as lane:
        task = asyncio.create_task(lane.rows("SELECT SLEEP(1)"))
        turns = 0
        while not task.done():
            await asyncio.sleep(0.001)
            turns += 1
        assert task.result() == [(0,)]
        assert turns > 100


async def test_settings_are_made_and_made_again(mysql_database: MySqlDatabase) -> None:
    async with opened(mysql_database, read_only=False) as lane, opened(mysql_database, role="root") as root:
        query = (
            "SELECT @@sql_mode, @@lock_wait_timeout, @@innodb_lock_wait_timeout, @@autocommit,"
            " @@character_set_client"
        )
        before, pid = await lane.rows(query), lane.pid
        assert "STRICT_ALL_TABLES" in before[0][0]
        assert before[0][1:] == (1, 1, 1, "utf8mb4")
        isolation = await lane.rows(f"SELECT @@{lane.family.isolation_variable}")
        assert isolation == [("READ-COMMITTED",)]
        await root.execute(f"KILL {pid}")
        with pytest.raises(ConnectionLost):
            await lane.rows(query)
        assert not lane.is_open
        assert await lane.rows(query) == before
        assert lane.pid != pid


@pytest.mark.parametrize("mode", ["ANSI", "NO_BACKSLASH_ESCAPES,ANSI_QUOTES,PIPES_AS_CONCAT", "", "ORACLE"])
async def test_strict_mode_is_added_to_the_servers_own(mysql_database: MySqlDatabase, mode: str) -> None:
    if mode == "ORACLE" and mysql_database.family == "mysql":
        return  # it has no such mode
    mysql_database.run(f"SET GLOBAL sql_mode = '{mode}'", "root")
    async with opened(mysql_database) as lane:
        modes = set((await lane.rows("SELECT @@sql_mode"))[0][0].split(","))
        assert {"STRICT_ALL_TABLES", "STRICT_TRANS_TABLES", "ERROR_FOR_DIVISION_BY_ZERO"} <= modes
        assert ("PIPES_AS_CONCAT" in modes) == (mode != "")
        assert not modes & {"ANSI", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ORACLE"}
        assert await lane.rows(r"""SELECT "a\"b" """) == [('a"b',)]


async def test_a_looking_session_writes_nothing(mysql_database: MySqlDatabase) -> None:
    mysql_database.run("CREATE TABLE t (id int)")
    async with opened(mysql_database) as lane:
        for statement in ("INSERT INTO t VALUES (1)", "ALTER TABLE t ADD c int", "DROP TABLE t"):
            with pytest.raises(Refused, match="READ ONLY"):
                await lane.execute(statement)


async def test_a_late_answer_ends_the_call_and_the_statement(mysql_database: MySqlDatabase) -> None:
    async with opened(mysql_database, deadline=0.5, statement_limit=0.5) as lane:
        with pytest.raises(StatementTimeout):
            await lane.rows(LONG)
        assert await lane.rows("SELECT 1") == [(1,)]


async def test_a_frozen_server_does_not_hold_us(mysql_database: MySqlDatabase) -> None:
    async with opened(mysql_database, deadline=0.5, statement_limit=0.5) as lane:
        mysql_database.cluster.primary.freeze()
        try:
            with pytest.raises(StatementTimeout, match=r"no answer within 0.5 s"):
                await lane.rows("SELECT 1")
        finally:
            mysql_database.cluster.primary.thaw()
        assert await lane.rows("SELECT 1") == [(1,)]


async def test_a_statement_is_ended_from_a_second_connection(mysql_database: MySqlDatabase) -> None:
    async with opened(mysql_database) as lane, opened(mysql_database, deadline=5.0) as control:
        task = asyncio.create_task(lane.execute(LONG))
        await _runs(control, lane.pid)
        pid, user, host = lane.identity
        assert not await kill_query(control, pid, user, "10.0.0.1:1")
        assert not await kill_query(control, pid, "someone else", host)
        assert await kill_query(control, pid, user, host)
        with pytest.raises(Cancelled):
            await task
        assert await lane.rows("SELECT 2") == [(2,)]
        assert lane.pid == pid


async def test_a_session_that_is_killed_is_not_taken_for_a_killed_statement(
    mysql_database: MySqlDatabase,
) -> None:
    async with (
        opened(mysql_database) as lane,
        opened(mysql_database, deadline=5.0) as control,
        opened(mysql_database, role="root") as root,
    ):
        for _ in range(5):
            await lane.open()
            task = asyncio.create_task(lane.rows(LONG))
            await _runs(control, lane.pid)
            await root.execute(f"KILL {lane.pid}")
            with pytest.raises(ConnectionLost):
                await task


async def test_a_cancelled_call_leaves_nothing_behind(mysql_database: MySqlDatabase) -> None:
    """The lane is thrown away, and what ran on the server is ended there."""
    async with (
        opened(mysql_database, read_only=False) as lane,
        opened(mysql_database, deadline=5.0) as control,
    ):
        pid = lane.pid
        task = asyncio.create_task(lane.rows(LONG))
        await _runs(control, pid)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert lane.pid == 0
        await _until(control, "SELECT COUNT(*) = 0 FROM information_schema.PROCESSLIST WHERE ID = %s", pid)
        assert await lane.rows("SELECT 2") == [(2,)]


async def test_without_reconnecting_a_lost_connection_stays_lost(mysql_database: MySqlDatabase) -> None:
    async with opened(mysql_database) as lane:
        await lane.close()
        with pytest.raises(ConnectionLost):
            await lane.call(lambda _: None, what="nothing", reconnect=False)


async def test_a_server_that_is_down(mysql_database: MySqlDatabase) -> None:
    async with opened(mysql_database) as lane:
        mysql_database.cluster.primary.stop()
        try:
            with pytest.raises(ConnectionLost):
                await lane.rows("SELECT 1")
            with pytest.raises(Unreachable, match="socket"):
                await lane.rows("SELECT 1")
        finally:
            mysql_database.cluster.primary.start()
        assert await lane.rows("SELECT 1") == [(1,)]


async def _runs(control: Lane, pid: int) -> None:
    running = (
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = %s AND INFO LIKE '%%COLLATIONS%%'"
    )
    await _until(control, running, pid)


async def _until(control: Lane, query: str, pid: int) -> None:
    for _ in range(500):
        if (await control.rows(query, (pid,)))[0][0]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"waited in vain for {query}")
