"""The plan's statements, run one after the other on real servers: each is proved by its own `done_when`."""

from __future__ import annotations

from typing import Any

import pytest

from console.change import Backfill, Index, Reference, TableName
from console.databases.base import BadRow, Cursor, Refused
from tests.databases.mysql.carrying import BEFORE_FINISH, carrying
from tests.databases.mysql.looking import ORDERS, change
from tests.servers.mysql_database import MySqlDatabase

INDEX = Index(name="by day", columns=("placed_on",))
DAYS = Reference(table=TableName(None, "days"), column="day", on_delete="restrict")
ALL_DAYS = (
    "INSERT IGNORE INTO days SELECT DISTINCT DATE(placed_at) FROM orders;"
    " INSERT IGNORE INTO days VALUES (CURDATE())"
)
TABLE_ID = "SELECT TABLE_ID FROM information_schema.{} WHERE NAME = CONCAT(DATABASE(), '/orders')"


def orders(database: MySqlDatabase, rows: int) -> str:
    limit = "cte_max_recursion_depth" if database.family == "mysql" else "max_recursive_iterations"
    return f"SET SESSION {limit} = 100000;" + ORDERS.format(rows=rows)


def full(**fields: Any) -> dict[str, Any]:
    return {"nullable": False, "default": "current_date", "comment": r"it's the \day", **fields}


def column(database: MySqlDatabase, name: str = "placed_on", *, replica: bool = False) -> tuple[Any, ...]:
    ((nullable, default, comment),) = database.rows(
        "SELECT IS_NULLABLE, COLUMN_DEFAULT, COLUMN_COMMENT FROM information_schema.COLUMNS"
        f" WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'orders' AND COLUMN_NAME = '{name}'",
        replica=replica,
    )
    return nullable, default, comment


def table_id(database: MySqlDatabase) -> int:
    """Another one after each rebuild."""
    view = "INNODB_TABLES" if database.family == "mysql" else "INNODB_SYS_TABLES"
    return int(database.rows(TABLE_ID.format(view))[0][0])


def nothing_of_ours(database: MySqlDatabase) -> bool:
    return not database.rows(
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
        " AND TABLE_NAME LIKE 'column%console%' UNION SELECT TRIGGER_NAME FROM information_schema.TRIGGERS"
        " WHERE TRIGGER_SCHEMA = DATABASE()"
    )


async def test_from_the_start(mysql_database: MySqlDatabase) -> None:
    """NOT NULL without any rebuild; unfilled rows read the placeholder, and rows written meanwhile their value."""
    mysql_database.run(orders(mysql_database, 5000) + ALL_DAYS)
    before = table_id(mysql_database)
    async with carrying(mysql_database, change(**full(reference=DAYS))) as carried:
        assert "NOT NULL from the start" in carried.plan.proposals[0]
        await carried.phases("add-column", "dual-writes")
        assert mysql_database.rows("SELECT DISTINCT placed_on = '1970-01-01' FROM orders") == [(1,)]
        assert await carried.gaps() == 5000
        mysql_database.run("UPDATE orders SET placed_at = placed_at + INTERVAL 1 DAY WHERE id <= 10")
        mysql_database.run(ALL_DAYS)
        cursor = await carried.fill()
        assert (cursor.rows, cursor.scanned) == (4990, 5000)
        assert await carried.gaps() == 0
        ran = await carried.phases("constraints", "indexes")
        assert ran == ["not-null-default", "orphans-before", "foreign-key", "orphans-after"]
        compared = await carried.worker.compare((await carried.worker.pieces())[0], None, 10_000)
        assert (compared.rows, compared.differences) == (5000, 0)
        await carried.phases("finish")
    mysql_database.run("INSERT INTO orders (placed_at, amount) VALUES (NOW(), 1)")
    assert mysql_database.rows("SELECT placed_on = CURDATE() FROM orders ORDER BY id DESC LIMIT 1") == [(1,)]
    mysql_database.wait_until_replayed()
    for replica in (False, True):
        assert column(mysql_database, replica=replica)[::2] == ("NO", r"it's the \day")
    assert nothing_of_ours(mysql_database)
    if mysql_database.family == "mysql":  # MariaDB's foreign key gives its table another number
        assert table_id(mysql_database) == before


async def test_one_rebuild_with_the_indexes(mysql_database: MySqlDatabase) -> None:
    mysql_database.run(orders(mysql_database, 500) + ALL_DAYS)
    unique = Index(name="both", columns=("placed_on", "id"), unique=True)
    wanted = change(**full(not_null="rebuild", indexes=(INDEX, unique), reference=DAYS))
    async with carrying(mysql_database, wanted) as carried:
        assert "one rebuild" in carried.plan.proposals[0]
        assert carried.plan.phase("indexes").left_out
        await carried.phases("add-column", "dual-writes", "backfill")
        before = table_id(mysql_database)
        ran = await carried.phases("constraints", "indexes")
        assert ran == ["not-null", "orphans-before", "foreign-key", "orphans-after"]
        assert table_id(mysql_database) != before
        await carried.phases("finish")
    assert column(mysql_database)[0] == "NO"
    names = mysql_database.rows(
        "SELECT DISTINCT INDEX_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA ="
        " DATABASE() AND TABLE_NAME = 'orders' ORDER BY 1"
    )
    assert names == [("both",), ("by day",), ("PRIMARY",), ("status",)]
    assert nothing_of_ours(mysql_database)


async def test_it_stays_nullable(mysql_database: MySqlDatabase) -> None:
    mysql_database.run(orders(mysql_database, 500) + ALL_DAYS)
    wanted = change(**full(not_null="nullable", indexes=(INDEX,), reference=DAYS))
    async with carrying(mysql_database, wanted) as carried:
        ran = await carried.phases(*BEFORE_FINISH)
        # The foreign key comes after the index that serves it: one index, not two.
        assert ran[-5:] == ["default", "index-by day", "orphans-before", "foreign-key", "orphans-after"]
        await carried.phases("finish")
    assert column(mysql_database)[0] == "YES"
    assert nothing_of_ours(mysql_database)


@pytest.mark.parametrize(
    ("default", "nullable", "wanted"),
    [("'web'", False, "web"), ("'old'", False, "old"), (None, True, None), ("concat('a', 'b')", False, "ab")],
)
async def test_a_constant_is_metadata_alone(
    mysql_database: MySqlDatabase, default: str | None, nullable: bool, wanted: str | None
) -> None:
    mysql_database.run(orders(mysql_database, 100))
    before = table_id(mysql_database)
    kind = change(
        column="kind",
        type="varchar(9)",
        nullable=nullable,
        default=default,
        backfill=Backfill(value="LOWER('OLD')"),
    )
    async with carrying(mysql_database, kind) as carried:
        assert "as metadata alone" in carried.plan.proposals[0]
        await carried.phases(*BEFORE_FINISH)
        for name in ("dual-writes", "backfill", "constraints"):
            assert carried.plan.phase(name).left_out
        await carried.phases("finish")
    mysql_database.run("INSERT INTO orders (placed_at, amount) VALUES (NOW(), 1)")
    assert mysql_database.rows("SELECT kind FROM orders WHERE id = 100") == [("old",)]
    assert mysql_database.rows("SELECT kind FROM orders ORDER BY id DESC LIMIT 1") == [(wanted,)]
    assert table_id(mysql_database) == before


async def test_without_a_default_old_writers_go_on_to_the_very_end(mysql_database: MySqlDatabase) -> None:
    """A column without a default refuses inserts that do not know it: so it loses its default last of all."""
    mysql_database.run(orders(mysql_database, 300))
    insert = "INSERT INTO orders (placed_at, amount) SELECT NOW(), 1"
    async with carrying(mysql_database, change(nullable=False)) as carried:
        await carried.phases(*BEFORE_FINISH)
        mysql_database.run(insert)
        ran = await carried.phases("finish")
        assert ran == ["drop-sync-update", "drop-sync-insert", "drop-default", "drop-progress"]
    assert column(mysql_database)[:2] == ("NO", None)
    assert mysql_database.rows("SELECT COUNT(*) FROM orders WHERE NOT (placed_on <=> DATE(placed_at))") == [
        (0,)
    ]
    with pytest.raises(Exception, match="doesn't have a default value"):
        mysql_database.run(insert)


@pytest.mark.parametrize("route", ["from-start", "rebuild", "nullable"])
@pytest.mark.parametrize("indexes", [(), (INDEX,)], ids=["bare", "indexed"])
async def test_all_of_it_can_be_undone(
    mysql_database: MySqlDatabase, route: str, indexes: tuple[Index, ...]
) -> None:
    mysql_database.run(orders(mysql_database, 300) + ALL_DAYS)
    before = mysql_database.rows("SHOW CREATE TABLE orders")
    wanted = change(nullable=False, not_null=route, indexes=indexes, reference=DAYS)
    async with carrying(mysql_database, wanted) as carried:
        await carried.phases(*BEFORE_FINISH)
        await carried.undo()
        mysql_database.run("INSERT INTO orders (placed_at, amount) VALUES (NOW(), 1)")
        mysql_database.run("DELETE FROM orders WHERE id > 300")
    after = mysql_database.rows("SHOW CREATE TABLE orders")
    assert _without_counter(after) == _without_counter(before)
    assert nothing_of_ours(mysql_database)


def _without_counter(created: list[tuple[Any, ...]]) -> list[str]:
    return [line for line in str(created[0][1]).splitlines() if "AUTO_INCREMENT=" not in line]


async def test_orphans_are_found_before_the_key_and_after(mysql_database: MySqlDatabase) -> None:
    mysql_database.run(orders(mysql_database, 300) + ALL_DAYS + "; DELETE FROM days WHERE day = '2026-01-02'")
    async with carrying(mysql_database, change(reference=DAYS)) as carried:
        await carried.phases("add-column", "dual-writes", "backfill")
        before, key, after = carried.plan.phase("constraints").statements
        assert not await carried.worker.holds(before.done_when)
        await carried.worker.run(before, 1.0)
        assert "mend them" in before.otherwise
        # Added against the evidence: the server checks no row that is there, only what is written from now on.
        await carried.prove(key)
        assert not await carried.worker.holds(after.done_when)
        with pytest.raises(Exception, match="foreign key constraint fails"):
            mysql_database.run("INSERT INTO orders (placed_at, amount) VALUES ('1999-01-01', 1)")
        mysql_database.run("INSERT INTO days VALUES ('2026-01-02')")
        await carried.prove(after)


async def test_partitions_that_change_meanwhile_leave_no_row_out(mysql_database: MySqlDatabase) -> None:
    """The table is one piece, walked by its key: rows that move into a new partition stay in it."""
    mysql_database.run(
        orders(mysql_database, 4000)
        + "ALTER TABLE orders PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (1500), PARTITION `p 1`"
        " VALUES LESS THAN (MAXVALUE))"
    )
    async with carrying(mysql_database, change(**full(indexes=(INDEX,)))) as carried:
        await carried.phases("add-column", "dual-writes")
        assert "PARTITION" not in carried.statement("batch").sql + carried.statement("batch").script
        cursor = (await carried.worker.fill("backfill", Cursor(), 700)).cursor
        mysql_database.run(
            "ALTER TABLE orders REORGANIZE PARTITION `p 1` INTO (PARTITION p1 VALUES LESS THAN (3000),"
            " PARTITION p2 VALUES LESS THAN (MAXVALUE))"
        )
        while not cursor.finished:
            cursor = (await carried.worker.fill("backfill", cursor, 700)).cursor
        assert (cursor.rows, cursor.scanned, cursor.piece) == (4000, 4000, "")
        (piece,) = await carried.worker.pieces()
        compared = await carried.worker.compare(piece, None, 10_000)
        assert (compared.rows, compared.differences) == (4000, 0)
        await carried.phases("constraints", "indexes", "finish")
    assert mysql_database.rows("SELECT COUNT(*) FROM orders WHERE NOT (placed_on <=> DATE(placed_at))") == [
        (0,)
    ]


@pytest.mark.parametrize("row_format", ["DYNAMIC", "COMPACT", "REDUNDANT", "COMPRESSED"])
async def test_every_row_format(mysql_database: MySqlDatabase, row_format: str) -> None:
    """COMPRESSED takes nothing instantly: it is rebuilt, while reads and writes go on, and the plan says so."""
    mysql_database.run(orders(mysql_database, 300) + f"ALTER TABLE orders ROW_FORMAT = {row_format}")
    async with carrying(mysql_database, change(**full(indexes=(INDEX,)))) as carried:
        add = carried.statement("add-column")
        assert ("ALGORITHM=INSTANT" in add.sql) == (row_format != "COMPRESSED")
        assert (add.cost == "metadata") == (row_format != "COMPRESSED")
        await carried.phases(*BEFORE_FINISH, "finish")
    assert column(mysql_database)[0] == "NO"


async def test_a_copy_is_refused_rather_than_made(mysql_database: MySqlDatabase) -> None:
    """With a FULLTEXT index the server could only copy the table, or block its writers: it is told not to."""
    mysql_database.run(orders(mysql_database, 300) + "ALTER TABLE orders ADD FULLTEXT INDEX words (status)")
    async with carrying(mysql_database, change()) as carried:
        add = carried.statement("add-column")
        with pytest.raises(Refused, match="not supported"):
            await carried.worker.run(add, 1.0)
    assert "placed_on" not in [row[0] for row in mysql_database.rows("SHOW COLUMNS FROM orders")]


@pytest.mark.parametrize("route", ["from-start", "rebuild"])
async def test_a_value_that_fails_or_is_null_never_fails_the_application(
    mysql_database: MySqlDatabase, route: str
) -> None:
    """The trigger lets the row through; backfill and comparison find it."""
    mysql_database.run(orders(mysql_database, 10))
    ratio = change(
        column="ratio",
        type="tinyint unsigned",
        nullable=False,
        not_null=route,
        backfill=Backfill(value="100 / NULLIF(amount, 5) * ABS(amount)"),
    )
    async with carrying(mysql_database, ratio) as carried:
        await carried.phases("add-column", "dual-writes")
        for amount in (-3, 5, 99):
            mysql_database.run(f"INSERT INTO orders (placed_at, amount) VALUES (NOW(), {amount})")
        mysql_database.run("UPDATE orders SET amount = 5 WHERE id = 1")
        rows = mysql_database.rows("SELECT ratio FROM orders WHERE id = 1 OR id > 10 ORDER BY id")
        lacking = 0 if route == "from-start" else None
        assert rows == [(lacking,), (lacking,), (lacking,), (100,)]
        if route == "from-start":
            with pytest.raises(BadRow, match="Out of range"):
                await carried.fill()
            first, second, _ = (
                str(key) for (key,) in mysql_database.rows("SELECT id FROM orders WHERE id > 10 ORDER BY id")
            )
            found = await carried.worker.failing_keys("backfill", Cursor(piece=carried.facts.name), 100, 5)
            assert [(key, why.partition(" for ")[0]) for key, why in found] == [
                (("1",), "Column `ratio` cannot be null, and the value is"),
                (("5",), "Column `ratio` cannot be null, and the value is"),
                ((first,), "Out of range value"),
                ((second,), "Column `ratio` cannot be null, and the value is"),
            ]
