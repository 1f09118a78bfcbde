"""The gate of the sync trigger: what it does for rows that the application inserts decides, not the updates."""

from __future__ import annotations

from console.change import Backfill
from tests.databases.postgresql.changes import ORDERS, change
from tests.databases.postgresql.proving import proving, until_holds
from tests.servers.database import Database

INSERT = "INSERT INTO orders (placed_at, amount) VALUES (now(), {amount})"
GRANTS = "GRANT SELECT, INSERT, UPDATE ON orders TO app"
ROWS = "rows carry placed_on"


async def test_updates_that_change_no_source_do_not_hold_it_up(newest_database: Database) -> None:
    database = newest_database
    database.run(ORDERS.format(rows=100))
    async with proving(database, change()) as walk:
        before, _ = await walk.evidences.dual_writes()
        assert (before.seen, before.holds) == ("not there", False)
        await walk.carry_out("dual-writes")
        trigger, rows = await walk.evidences.dual_writes()
        assert trigger.holds
        assert not rows.holds, "nothing has been seen yet"
        database.run("UPDATE orders SET status = 'void' WHERE id = 1;" + INSERT.format(amount=1))
        rows = await until_holds(walk.evidences.dual_writes, ROWS)
        assert rows.seen.startswith("1 of 1 row inserted")
        assert rows.seen.endswith("; 1 other row written meanwhile is without it, and left to the backfill")


async def test_where_nothing_is_inserted_the_trigger_alone_is_enough(newest_database: Database) -> None:
    newest_database.run(ORDERS.format(rows=100))
    async with proving(newest_database, change()) as walk:
        await walk.carry_out("dual-writes")
        rows = await until_holds(walk.evidences.dual_writes, ROWS)
        assert rows.seen.startswith("no row seen inserted")


async def test_a_value_that_the_application_can_not_compute(newest_database: Database) -> None:
    """The trigger runs with the application's rights and search_path, and writes NULL rather than fail it."""
    database = newest_database
    database.run(
        ORDERS.format(rows=100)
        + "CREATE FUNCTION day_of(timestamptz) RETURNS date IMMUTABLE RETURN ($1 at time zone 'UTC')::date;"
        "REVOKE EXECUTE ON FUNCTION day_of FROM PUBLIC;" + GRANTS
    )
    wanted = change(backfill=Backfill(value="day_of(placed_at)"))
    async with proving(database, wanted) as walk:
        await walk.carry_out("dual-writes")
        await walk.evidences.dual_writes()
        database.run(INSERT.format(amount=1), "app")
        database.run(INSERT.format(amount=2))
        rows = await until_holds(walk.evidences.dual_writes, ROWS, holds=False)
        assert rows.seen.startswith("1 of 2 rows inserted")
        assert "1 lack it though the expression gives a value" in rows.seen
        assert "may not execute" in rows.seen


async def test_a_row_whose_value_fails_has_nothing_to_carry(newest_database: Database) -> None:
    database = newest_database
    database.run(ORDERS.format(rows=100))
    wanted = change(column="share", type="numeric", backfill=Backfill(value="100 / amount"))
    async with proving(database, wanted) as walk:
        await walk.carry_out("dual-writes")
        await walk.evidences.dual_writes()
        database.run(INSERT.format(amount=0))
        rows = await until_holds(walk.evidences.dual_writes, "rows carry share")
        assert rows.seen.startswith("1 of 1 row inserted")
        assert rows.seen.endswith("carry it, counting 1 for which the expression fails")
        # One that does lack it is still found beside it.
        database.run("ALTER TABLE orders DISABLE TRIGGER USER;" + INSERT.format(amount=3))
        database.run("ALTER TABLE orders ENABLE TRIGGER USER")
        rows = await until_holds(walk.evidences.dual_writes, "rows carry share", holds=False)
        assert rows.seen.startswith("1 of 2 rows inserted")
