"""The sync trigger: known again whatever its value holds, and exact in what it stores."""

from __future__ import annotations

import pytest

from console.change import Backfill
from console.databases.mysql.statements import MySqlWriter
from console.plan import make_plan
from tests.databases.mysql.carrying import carrying
from tests.databases.mysql.looking import ORDERS, change, facts_of
from tests.servers.mysql_database import MySqlDatabase


@pytest.mark.parametrize(
    "value",
    [
        r"CONCAT(status, '\n')",
        "CONCAT(_utf8mb4'x', status)",
        "CONCAT(status, '😀')",
        "CONCAT(status, 'it''s')",
    ],
    ids=["escape", "introducer", "emoji", "quote"],
)
async def test_a_trigger_is_known_again(mysql_database: MySqlDatabase, value: str) -> None:
    """The catalog shows its text in another spelling."""
    mysql_database.run(ORDERS.format(rows=5))
    wanted = change(column="word", type="varchar(40) CHARACTER SET utf8mb4", backfill=Backfill(value=value))
    async with carrying(mysql_database, wanted) as carried:
        await carried.phases("add-column", "dual-writes")
        for statement in carried.plan.phase("dual-writes").statements:
            assert not await carried.worker.holds(statement.clear_when)
        mysql_database.run("INSERT INTO orders (placed_at, amount) VALUES (NOW(), 1)")
        await carried.fill()
        assert await carried.gaps() == 0
    assert mysql_database.rows(f"SELECT COUNT(*) FROM orders WHERE NOT (word <=> {value})") == [(0,)]


async def test_a_trigger_of_another_value_is_told_apart(mysql_database: MySqlDatabase) -> None:
    mysql_database.run(ORDERS.format(rows=5))
    fields = {"column": "word", "type": "varchar(40)"}
    one, other = (change(**fields, backfill=Backfill(value=f"CONCAT(status, {n})")) for n in (1, 2))
    async with carrying(mysql_database, one) as carried:
        await carried.phases("add-column", "dual-writes")
        plan = make_plan(other, carried.facts, MySqlWriter(other, await facts_of(mysql_database, other)))
        for statement in plan.phase("dual-writes").statements:
            assert not await carried.worker.holds(statement.done_when)
            assert await carried.worker.holds(statement.clear_when)


@pytest.mark.parametrize("default", ["", "b'1'"])
async def test_bits_are_stored_as_they_are(mysql_database: MySqlDatabase, default: str) -> None:
    """Beside a bit literal, which is a text, a number would become the text of it."""
    mysql_database.run(ORDERS.format(rows=20))
    wanted = change(
        column="flags",
        type="bit(8)",
        nullable=False,
        default=default or None,
        backfill=Backfill(value="FLOOR(amount)"),
    )
    async with carrying(mysql_database, wanted) as carried:
        assert "NOT NULL from the start" in carried.plan.proposals[0]
        await carried.phases("add-column", "dual-writes")
        mysql_database.run(
            "INSERT INTO orders (placed_at, amount) VALUES (NOW(), 1), (NOW(), 200);"
            " UPDATE orders SET amount = 7 WHERE id = 3"
        )
        written = "SELECT COUNT(*) FROM orders WHERE (id = 3 OR id > 20) AND flags + 0 = FLOOR(amount)"
        assert mysql_database.rows(written) == [(3,)]
        await carried.fill()
        assert await carried.gaps() == 0
    assert mysql_database.rows("SELECT COUNT(*) FROM orders WHERE flags + 0 <> FLOOR(amount)") == [(0,)]
