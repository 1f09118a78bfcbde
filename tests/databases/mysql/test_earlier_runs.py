"""The plan of a run after another: of the same shape while a walk is under way, writing no row after a finished one."""

from __future__ import annotations

from typing import Any

import pytest

from console.change import Backfill, Change, Index
from console.databases.mysql.statements import MySqlWriter
from console.databases.mysql.worker import MySqlWorker
from console.plan import Plan, make_plan
from tests.databases.mysql.carrying import BEFORE_FINISH, carrying
from tests.databases.mysql.looking import ORDERS, change, change_file, facts_of, look
from tests.servers.mysql_database import MySqlDatabase

INDEX = Index(name="by day", columns=("placed_on",))
CONSTANT: dict[str, Any] = {"column": "kind", "type": "varchar(9)", "backfill": Backfill(value="'old'")}
WRITING = ("dual-writes", "backfill", "backfill-again")


async def plan_again(database: MySqlDatabase, wanted: Change) -> Plan:
    facts = await facts_of(database, wanted)
    return make_plan(wanted, facts, MySqlWriter(wanted, facts))


def writing(plan: Plan) -> list[str]:
    """The phases that would write rows."""
    return [phase.name for phase in plan.phases if phase.name in WRITING and not phase.left_out]


@pytest.mark.parametrize(
    "wanted",
    [
        change(**CONSTANT),
        change(**CONSTANT, nullable=False, default="'web'"),
        change(nullable=False, default="current_date", indexes=(INDEX,)),
    ],
    ids=["constant, nullable", "constant", "from the start"],
)
async def test_a_walk_under_way_keeps_its_shape(mysql_database: MySqlDatabase, wanted: Change) -> None:
    """Though the column looks otherwise now, and nothing can be had instantly any more."""
    mysql_database.run(ORDERS.format(rows=20))
    async with carrying(mysql_database, wanted) as carried:
        await carried.phases("add-column")
        await carried.worker.prepare_progress()
        mysql_database.run("ALTER TABLE orders ADD FULLTEXT INDEX words (status)")
        again = await plan_again(mysql_database, wanted)
        assert writing(again) == writing(carried.plan)
        for one, other in zip(again.phases, carried.plan.phases, strict=True):
            assert [s.done_when for s in one.statements] == [s.done_when for s in other.statements], one.name
        worker = MySqlWorker(
            change_file(mysql_database, wanted), await facts_of(mysql_database, wanted), None
        )
        assert worker.shape == carried.worker.shape


@pytest.mark.parametrize(
    ("wanted", "own"),
    [
        (change(**CONSTANT), "kind = NULL"),
        (change(**CONSTANT, nullable=False, default="'web'"), "kind = 'app'"),
        (change(nullable=False, default="current_date", indexes=(INDEX,)), "placed_on = '1970-01-01'"),
        (change(default="current_date"), "placed_on = NULL"),
        (change(indexes=(INDEX,)), "placed_on = NULL"),
    ],
    ids=["constant, nullable", "constant", "from the start", "default", "index"],
)
async def test_after_a_finished_walk_no_row_is_written(
    mysql_database: MySqlDatabase, wanted: Change, own: str
) -> None:
    mysql_database.run(ORDERS.format(rows=20))
    async with carrying(mysql_database, wanted) as carried:
        await carried.phases(*BEFORE_FINISH, "finish")
    mysql_database.run(f"UPDATE orders SET {own} WHERE id = 7")
    mysql_database.run("ALTER TABLE orders ADD FULLTEXT INDEX words (status)")
    plan = await plan_again(mysql_database, wanted)
    assert writing(plan) == []
    async with carrying(mysql_database, wanted) as again:
        for phase in again.plan.phases:
            for statement in () if phase.name == "verify" else phase.statements:
                assert await again.worker.holds(statement.done_when), statement.name
        if not plan.phase("verify").left_out:
            assert any("no walk of it is under way" in text for text in plan.proposals)
            # A row without a value keeps the change from being called complete, and verify names it.
            assert await again.gaps() == int("NULL" in own)
    assert "key.none" not in (await look(mysql_database, wanted)).codes


async def test_a_column_that_somebody_added_is_filled(mysql_database: MySqlDatabase) -> None:
    """It has nothing yet that only a finished walk leaves; or our triggers are still there."""
    mysql_database.run(ORDERS.format(rows=20) + "ALTER TABLE orders ADD placed_on date")
    for wanted in (change(), change(indexes=(INDEX,)), change(nullable=False)):
        assert writing(await plan_again(mysql_database, wanted)) == ["dual-writes", "backfill"]
    mysql_database.run("ALTER TABLE orders ADD INDEX `by day` (placed_on)")
    wanted = change(indexes=(INDEX,))
    assert writing(await plan_again(mysql_database, wanted)) == []
    async with carrying(mysql_database, change()) as carried:
        await carried.phases("dual-writes")
    assert writing(await plan_again(mysql_database, wanted)) == ["dual-writes", "backfill"]
