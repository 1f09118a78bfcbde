"""How far a long statement is, read from real servers while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from console.databases.base import BuildProgress
from tests.databases.mysql.watching import background, pid_of, run, until, watching
from tests.servers.mysql_database import MySqlDatabase

pytestmark = pytest.mark.slow

CONSUMER = "UPDATE performance_schema.setup_consumers SET ENABLED = '{}' WHERE NAME = 'events_stages_current'"
DOUBLINGS = 17
"""Of rows of 200 bytes: an index over them takes about a second."""


@pytest.fixture(params=["YES", "NO"], ids=["stages", "no stages"])
def orders(request: pytest.FixtureRequest, mysql_database: MySqlDatabase) -> Iterator[MySqlDatabase]:
    """The database with a large table, and with or without the stages being recorded."""
    mysql_database.run("CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, note varchar(250))")
    mysql_database.run("INSERT INTO orders (note) VALUES (REPEAT('n', 200))")
    for _ in range(DOUBLINGS):
        mysql_database.run("INSERT INTO orders (note) SELECT CONCAT(RAND(), REPEAT('n', 150)) FROM orders")
    mysql_database.cluster.primary.rows(CONSUMER.format(request.param))
    yield mysql_database
    mysql_database.cluster.primary.rows(CONSUMER.format("NO"))


async def test_an_index_build_tells_how_far_it_is_and_what_replicas_will_make_of_it(
    orders: MySqlDatabase,
) -> None:
    told = orders.rows(
        "SELECT ENABLED FROM performance_schema.setup_consumers WHERE NAME = 'events_stages_current'"
    )
    percent = orders.family == "mariadb" or told == [("YES",)]
    with orders.connect() as ours, orders.connect() as idle:
        async with watching(orders, replica=True) as watcher:
            await watcher.replicas()
            assert await watcher.progress(pid_of(idle)) is None
            with background(orders, ours, "ALTER TABLE orders ADD INDEX i (note)") as building:
                seen: list[BuildProgress] = []
                while building.is_alive():
                    progress = await watcher.progress(pid_of(ours))
                    if progress is not None:
                        seen.append(progress)
                    await asyncio.sleep(0.02)
            assert len(seen) > 3
            assert all("each replica will lag by about the time this takes" in one.doing for one in seen)
            assert {one.unit for one in seen} == {"%"}
            if percent:
                figures = [one.done for one in seen if one.total]
                assert max(figures) > 0.0, figures
                assert max(figures) <= 100.0
            else:
                assert {one.total for one in seen} == {0.0}
                assert CONSUMER.format("YES") in seen[0].doing
            await until(lambda: watcher.progress(pid_of(ours)), lambda progress: progress is None)


async def test_a_build_that_waits_for_the_tables_lock_says_for_whom(mysql_database: MySqlDatabase) -> None:
    orders = mysql_database
    orders.run("CREATE TABLE orders (id int PRIMARY KEY)")
    orders.cluster.primary.rows(
        "UPDATE performance_schema.setup_instruments SET ENABLED = 'YES' WHERE NAME = 'wait/lock/metadata/sql/mdl'"
    )
    with orders.connect() as reader, orders.connect() as ours:
        run(reader, "BEGIN", "SELECT * FROM orders LIMIT 1")
        with background(orders, ours, "ALTER TABLE orders ADD COLUMN c int"):
            async with watching(orders) as watcher:
                progress = await until(
                    lambda: watcher.progress(pid_of(ours)),
                    lambda progress: progress is not None and progress.waits_for is not None,
                )
                assert progress is not None
                assert progress.doing == "waiting for the table's lock"
                assert progress.waits_for is not None
                assert progress.waits_for.pid == pid_of(reader)
            run(reader, "COMMIT")
