"""A connection that answers within its deadline or is made anew, on real servers that are late, hung or gone."""

import asyncio
import os
import signal

import pytest

from console.databases.base import ConnectionLost, StatementTimeout
from console.databases.postgresql.line import Line
from tests.servers.database import Database


async def test_a_late_answer_is_an_error_and_the_next_call_has_a_new_connection(
    newest_database: Database,
) -> None:
    line = Line(newest_database.url(), purpose="test", password=None, deadline=0.3)
    try:
        assert await line.rows("SELECT 1", what="the first") == [(1,)]
        before = line.pid
        with pytest.raises(StatementTimeout, match="the second"):
            await line.rows("SELECT pg_sleep(60)", what="the second")
        assert await line.rows("SELECT pg_backend_pid()", what="the third") == [(line.pid,)]
        assert line.pid not in (0, before)
    finally:
        await line.close()


async def test_a_server_that_says_nothing_at_all_is_an_error_too(newest_database: Database) -> None:
    """The server's own timeout can't help here: its process stands still, as on a hung host."""
    line = Line(newest_database.url(), purpose="test", password=None, deadline=0.3)
    await line.rows("SELECT 1", what="the first")
    hung = line.pid
    os.kill(hung, signal.SIGSTOP)
    try:
        with pytest.raises(StatementTimeout):
            await line.rows("SELECT 1", what="the second")
        assert await line.rows("SELECT pg_backend_pid()", what="the third") == [(line.pid,)]
        assert line.pid != hung
    finally:
        os.kill(hung, signal.SIGCONT)
        await line.close()


async def test_a_call_given_up_by_its_caller_leaves_the_line_usable(newest_database: Database) -> None:
    line = Line(newest_database.url(), purpose="test", password=None, deadline=5)
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await line.rows("SELECT pg_sleep(60)", what="the first")
        assert await line.rows("SELECT 1", what="the second") == [(1,)]
    finally:
        await line.close()


async def test_a_lost_connection_is_told_and_made_anew(newest_database: Database) -> None:
    line = Line(newest_database.url(), purpose="test", password=None)
    try:
        await line.rows("SELECT 1", what="the first")
        with newest_database.connect("postgres") as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [line.pid])
        with pytest.raises(ConnectionLost):
            await line.rows("SELECT 1", what="the second")
        assert await line.rows("SELECT 1", what="the third") == [(1,)]
    finally:
        await line.close()
