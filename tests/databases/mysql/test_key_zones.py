"""A TIMESTAMP in the key, where the clocks change: the autumn hour comes twice, and is one in a comparison."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.databases.mysql.carrying import carrying
from tests.databases.mysql.looking import change, look
from tests.servers.mysql_database import MySqlDatabase

ZONE = "Test/Twice"
ID = 4711
TABLE = (
    "CREATE TABLE orders (at timestamp NOT NULL, n int NOT NULL, placed_at datetime NOT NULL, PRIMARY KEY (at, n));"
    " SET SESSION time_zone = '+00:00';"
    " INSERT INTO orders SELECT '2025-10-25 23:00:00' + INTERVAL n MINUTE, n, NOW()"
    " FROM (WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 300) SELECT n FROM r) r;"
)


@contextlib.contextmanager
def server_zone(database: MySqlDatabase, zone: str) -> Iterator[None]:
    """The server's zone for new sessions. Central Europe's autumn of 2025 goes by the name of `ZONE`."""
    database.run(
        f"REPLACE INTO mysql.time_zone VALUES ({ID}, 'N'); REPLACE INTO mysql.time_zone_name VALUES ('{ZONE}', {ID});"
        f" REPLACE INTO mysql.time_zone_transition_type VALUES ({ID}, 0, 7200, 1, 'CEST'), ({ID}, 1, 3600, 0, 'CET');"
        f" REPLACE INTO mysql.time_zone_transition VALUES ({ID}, 1743296400, 0), ({ID}, 1761440400, 1)",
        role="root",
    )
    ((before,),) = database.rows("SELECT @@GLOBAL.time_zone")
    database.run(f"SET GLOBAL time_zone = '{zone}'", role="root")
    try:
        yield
    finally:
        database.run(f"SET GLOBAL time_zone = '{before}'", role="root")


async def test_no_walk_where_an_hour_comes_twice(mysql_database: MySqlDatabase) -> None:
    mysql_database.run(TABLE)
    with server_zone(mysql_database, ZONE):
        looked = await look(mysql_database)
        assert looked.facts.key is None
        assert f"at is timestamp, and not exact in the time zone {ZONE}" in looked.one("key.none").seen
        # Another key serves, and is taken.
        mysql_database.run("ALTER TABLE orders ADD UNIQUE KEY by_n (n)")
        key = (await look(mysql_database)).facts.key
        assert key is not None
        assert key.name == "by_n"


@pytest.mark.parametrize("zone", ["SYSTEM", "+02:00"])
async def test_a_zone_of_one_offset_is_walked(mysql_database: MySqlDatabase, zone: str) -> None:
    mysql_database.run(TABLE)
    with server_zone(mysql_database, zone):
        async with carrying(mysql_database, change()) as carried:
            await carried.phases("add-column")
            cursor = await carried.fill(size=7)
            assert (cursor.rows, await carried.gaps()) == (300, 0)


async def test_a_stamp_of_the_hour_that_comes_twice_stays(mysql_database: MySqlDatabase) -> None:
    """Set to itself, it is copied, and not read in the session's zone."""
    mysql_database.run(
        f"{TABLE} ALTER TABLE orders ADD UNIQUE KEY by_n (n);"
        " ALTER TABLE orders MODIFY at timestamp NOT NULL DEFAULT '2020-01-01' ON UPDATE CURRENT_TIMESTAMP"
    )
    moments = "SELECT SUM(UNIX_TIMESTAMP(at) * n) FROM orders"
    with server_zone(mysql_database, ZONE):
        before = mysql_database.rows(moments)
        async with carrying(mysql_database, change()) as carried:
            await carried.phases("add-column")
            assert (await carried.fill()).rows == 300
        assert mysql_database.rows(moments) == before
