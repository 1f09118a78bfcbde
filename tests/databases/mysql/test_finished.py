"""What `finish` shows before it passes: the whole plan, on the primary and on every replica."""

from __future__ import annotations

import pytest

from console.change import Change, Index, Reference, TableName
from console.databases.mysql.evidence import MySqlEvidences
from console.events import Evidence
from tests.databases.mysql.carrying import BEFORE_FINISH, carrying
from tests.databases.mysql.looking import ORDERS, change, change_file
from tests.servers.mysql_database import MySqlDatabase

INDEXED = change(nullable=False, indexes=(Index(name="by day", columns=("placed_on",)),))
FULL = change(
    nullable=False,
    default="current_date",
    reference=Reference(table=TableName(None, "days"), column="day"),
)
NO_DEFAULT = change(nullable=False)


@pytest.mark.parametrize(
    ("wanted", "undone", "name"),
    [
        (INDEXED, "DROP INDEX `by day`", "index-by day"),
        (FULL, "DROP FOREIGN KEY orders_placed_on_fk", "foreign-key"),
        (FULL, "ALTER COLUMN placed_on SET DEFAULT '2026-01-01'", "not-null-default"),
        (NO_DEFAULT, "ALTER COLUMN placed_on SET DEFAULT '1970-01-01'", "drop-default"),
    ],
    ids=["index", "foreign key", "default", "default that should be gone"],
)
async def test_a_replica_that_differs_is_told(
    mysql_database: MySqlDatabase, wanted: Change, undone: str, name: str
) -> None:
    mysql_database.run(
        ORDERS.format(rows=30) + "INSERT IGNORE INTO days SELECT DISTINCT DATE(placed_at) FROM orders"
    )
    async with carrying(mysql_database, wanted) as carried:
        await carried.phases(*BEFORE_FINISH, "finish")
        mysql_database.wait_until_replayed()
        file = change_file(mysql_database, wanted, replicas=[mysql_database.replica_url()])
        evidences = MySqlEvidences(file, carried.facts, carried.worker, None)
        try:
            assert all(evidence.holds for evidence in await evidences.finished())
            alter_on_the_replica(mysql_database, undone)
            *others, replica = await evidences.finished()
        finally:
            await evidences.close()
    assert all(evidence.holds for evidence in others)
    assert isinstance(replica, Evidence)
    assert not replica.holds
    assert replica.name == "replica 1: schema"
    assert f"not there yet: {name}" in replica.seen


def alter_on_the_replica(database: MySqlDatabase, action: str) -> None:
    """The way in which a replica comes to differ: somebody changed it there, past its read_only."""
    with database.connect_replica("root") as link, link.cursor() as cursor:
        super_ = "super_" if database.family == "mysql" else ""
        cursor.execute(f"SET GLOBAL {super_}read_only = OFF")
        try:
            cursor.execute("SET SESSION sql_log_bin = 0")
            cursor.execute(f"ALTER TABLE orders {action}")
        finally:
            cursor.execute(f"SET GLOBAL {super_}read_only = ON")
