"""What we write into the server's own log stands there as it is, whatever it says, and reaches nothing else."""

from __future__ import annotations

import asyncio

import pytest

from console.databases.base import Unreachable
from console.databases.postgresql.database import PostgresDatabase
from console.databases.server_log import ServerLog
from tests.databases.postgresql.changes import change, change_file
from tests.servers.database import Database

pytestmark = pytest.mark.server


def test_a_line_of_ours_stands_in_the_log(database: Database) -> None:
    opened = PostgresDatabase(change_file(database, change()))
    assert isinstance(opened, ServerLog)
    log = database.cluster.primary.log
    before = len(log.read_bytes())
    said = "column-console: session o'brien-1 ended, completed; 100 % of it: $say$; DROP TABLE orders"
    # A server that keeps quiet about all but errors writes it all the same.
    with database.connect("postgres") as connection:
        connection.execute("ALTER ROLE deploy SET log_min_messages = 'error'")
    try:
        asyncio.run(opened.write_log(said))
    finally:
        with database.connect("postgres") as connection:
            connection.execute("ALTER ROLE deploy RESET log_min_messages")
    written = log.read_bytes()[before:].decode()
    assert [line for line in written.splitlines() if f"LOG:  {said}" in line]


def test_a_server_that_is_away_is_said(database: Database) -> None:
    file = change_file(database, change())
    opened = PostgresDatabase(file)
    database.cluster.primary.stop()
    try:
        with pytest.raises(Unreachable):
            asyncio.run(opened.write_log("nothing"))
    finally:
        database.cluster.primary.start()
