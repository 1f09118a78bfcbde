"""What the walk must not touch, and what it must see though nobody else does: stamps, and invisible columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.change import Backfill
from console.databases.mysql.evidence import MySqlEvidences
from tests.databases.mysql.carrying import carrying
from tests.databases.mysql.looking import ORDERS, change, change_file
from tests.databases.mysql.test_script import run, script_of
from tests.servers.mysql_database import MySqlDatabase

STAMPED = (
    "ALTER TABLE orders ADD changed_at timestamp(3) NULL ON UPDATE CURRENT_TIMESTAMP(3),"
    " ADD `seen at` datetime NULL ON UPDATE CURRENT_TIMESTAMP;"
    " UPDATE orders SET changed_at = '2020-02-02 02:02:02.250', `seen at` = '2020-03-03'"
)
STAMPS = "SELECT DISTINCT CAST(changed_at AS CHAR), CAST(`seen at` AS CHAR) FROM orders"


@pytest.mark.parametrize("how", ["batches", "script"])
async def test_the_backfill_leaves_stamps_as_they_are(
    mysql_database: MySqlDatabase, tmp_path: Path, how: str
) -> None:
    mysql_database.run(ORDERS.format(rows=900) + STAMPED)
    if how == "script":
        done = run(mysql_database, tmp_path / "plan.sql", await script_of(mysql_database, change()))
        assert done.returncode == 0, done.stderr
    else:
        async with carrying(mysql_database, change()) as carried:
            await carried.phases("add-column", "dual-writes", "backfill")
    assert mysql_database.rows("SELECT COUNT(*) FROM orders WHERE placed_on IS NULL") == [(0,)]
    assert mysql_database.rows(STAMPS) == [("2020-02-02 02:02:02.250", "2020-03-03 00:00:00")]


async def test_a_value_over_an_invisible_column(mysql_database: MySqlDatabase) -> None:
    mysql_database.run(
        ORDERS.format(rows=50) + "ALTER TABLE orders ADD hidden int NOT NULL DEFAULT 3 INVISIBLE"
    )
    wanted = change(column="more", type="int", backfill=Backfill(value="hidden + 1"))
    async with carrying(mysql_database, wanted) as carried:
        await carried.phases("add-column", "dual-writes", "backfill")
        evidences = MySqlEvidences(change_file(mysql_database, wanted), carried.facts, carried.worker, None)
        try:
            agree = (await evidences.reads())[0]
        finally:
            await evidences.close()
    assert (agree.seen, agree.holds) == ("0 differences in the newest 50 rows", True)
