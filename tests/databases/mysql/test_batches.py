"""Batches on real servers: they never wait for a row, keep to their time, and lose nothing silently."""

from __future__ import annotations

import time
from typing import Any

import pytest

from console.change import Backfill
from console.databases.base import (
    BadRow,
    ConnectionLost,
    LockTimeout,
    RunnerLockHeld,
    StatementTimeout,
)
from console.databases.mysql import working
from console.databases.mysql.values import same
from console.databases.mysql.worker import MySqlWorker
from tests.databases.mysql.carrying import carrying
from tests.databases.mysql.looking import change
from tests.servers.mysql_database import MySqlDatabase

TABLE = "CREATE TABLE orders (id int PRIMARY KEY, word varchar(40) NOT NULL) CHARACTER SET utf8mb4;"


def filled(rows: int) -> str:
    values = ", ".join(f"({n}, 'w{n}')" for n in range(1, rows + 1))
    return f"{TABLE} INSERT INTO orders VALUES {values}; ANALYZE TABLE orders"


def upper(**fields: Any) -> Any:
    return change(column="big", type="varchar(40)", backfill=Backfill(value="UPPER(word)"), **fields)


@pytest.mark.parametrize("route", [{}, {"nullable": False}], ids=["nullable", "from the start"])
async def test_rows_that_are_held_are_not_waited_for(
    mysql_database: MySqlDatabase, route: dict[str, Any]
) -> None:
    mysql_database.run(filled(100))
    async with carrying(mysql_database, upper(**route)) as carried:
        await carried.phases("add-column", "dual-writes")
        worker = carried.worker
        with mysql_database.connect("app") as link, link.cursor() as holder:
            link.begin()
            holder.execute("UPDATE orders SET word = 'held' WHERE id = 40")
            began = time.monotonic()
            with pytest.raises(LockTimeout):
                await worker.fill("backfill", carried.start, 100)
            # The server's own wait is a second or more.
            assert time.monotonic() - began < 1.0
            assert mysql_database.rows("SELECT COUNT(*) FROM orders WHERE big = UPPER(word)") == [(0,)]
            with pytest.raises(LockTimeout, match="stay locked"):
                await worker.fill("backfill", carried.start, 100, skip_locked=True)
            link.commit()
        done = await worker.fill("backfill", carried.start, 100, skip_locked=True)
        assert done.cursor.after == ("100",)
        # The held row was filled by its writer's trigger.
        assert mysql_database.rows("SELECT COUNT(*) FROM orders WHERE big = UPPER(word)") == [(100,)]


async def test_rows_that_a_trigger_of_theirs_writes(mysql_database: MySqlDatabase) -> None:
    """They can't be locked beforehand: MySQL waits for one that is held, for a second, MariaDB does not wait at all."""
    mysql_database.run(
        filled(10) + "; CREATE TABLE audit (n int PRIMARY KEY); INSERT INTO audit VALUES (1);"
        " CREATE TRIGGER counts AFTER UPDATE ON orders FOR EACH ROW UPDATE audit SET n = n"
    )

    def waited() -> int:
        ((_, number),) = mysql_database.rows("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_waits'")
        return int(number)

    async with carrying(mysql_database, upper()) as carried:
        await carried.phases("add-column", "dual-writes")
        with mysql_database.connect("app") as link, link.cursor() as holder:
            link.begin()
            holder.execute("SELECT * FROM audit WHERE n = 1 FOR UPDATE")
            before = waited()
            with pytest.raises(LockTimeout):
                await carried.worker.fill("backfill", carried.start, 10)
            assert waited() - before == (1 if mysql_database.family == "mysql" else 0)
            link.commit()
        assert mysql_database.rows("SELECT COUNT(*) FROM orders WHERE big IS NOT NULL") == [(0,)]
        await carried.fill()


async def test_a_filled_row_that_is_held_does_not_hinder(mysql_database: MySqlDatabase) -> None:
    mysql_database.run(filled(100))
    async with carrying(mysql_database, upper()) as carried:
        await carried.phases("add-column", "dual-writes")
        await carried.worker.fill("backfill", carried.start, 50)
        with mysql_database.connect("app") as link, link.cursor() as holder:
            link.begin()
            holder.execute("UPDATE orders SET word = 'held' WHERE id = 40")
            again = await carried.worker.fill("backfill", carried.start, 100, skip_locked=True)
            assert (again.rows, again.scanned) == (50, 100)
            link.rollback()


async def test_the_cursor_goes_with_its_batch(mysql_database: MySqlDatabase) -> None:
    mysql_database.run(filled(100))
    async with carrying(mysql_database, upper()) as carried:
        await carried.phases("add-column")
        worker = carried.worker
        first = await worker.fill("backfill", carried.start, 30)
        assert (first.rows, first.cursor.after, first.cursor.upto) == (30, ("30",), ("100",))
        stored = await worker.load("backfill")
        assert stored is not None
        mysql_database.run("UPDATE orders SET word = REPEAT('x', 40) WHERE id = 45")
        mysql_database.run("ALTER TABLE orders MODIFY big varchar(39)")
        with pytest.raises(BadRow, match="too long"):
            await worker.fill("backfill", first.cursor, 30)
        assert await worker.load("backfill") == stored
        assert mysql_database.rows("SELECT COUNT(*) FROM orders WHERE big IS NOT NULL") == [(30,)]
        assert await worker.failing_keys("backfill", first.cursor, 30, 5) == (
            (("45",), "Data too long for column 'big' at row 1"),
        )
        second = await worker.fill("backfill", first.cursor, 70, leave_out=[("45",)])
        assert (second.rows, second.cursor.rows) == (69, 99)
        assert await carried.gaps([("45",)]) == 0
        assert await carried.gaps() == 1


async def test_a_batch_that_takes_too_long_is_ended(mysql_database: MySqlDatabase) -> None:
    mysql_database.run(filled(20))
    slow = change(column="big", type="int", backfill=Backfill(value="SLEEP(0.5 + 0 * id)"))
    async with carrying(mysql_database, slow) as carried:
        await carried.phases("add-column")
        with pytest.raises(StatementTimeout, match="not done within 2 s"):
            await carried.worker.fill("backfill", carried.start, 20)
        assert mysql_database.rows("SELECT COUNT(*) FROM orders WHERE big IS NOT NULL") == [(0,)]
        assert (await carried.worker.fill("backfill", carried.start, 1)).rows == 1


async def test_late_rows_are_swept_up(mysql_database: MySqlDatabase) -> None:
    mysql_database.run(filled(100))
    async with carrying(mysql_database, upper(nullable=False, not_null="from-start")) as carried:
        await carried.phases("add-column")
        await carried.fill()
        mysql_database.run("INSERT INTO orders (id, word) VALUES (-5, 'a'), (500, 'b')")
        assert await carried.gaps() == 2
        assert (await carried.fill(item="backfill sweep")).rows == 2
        assert await carried.gaps() == 0


async def test_differences_are_counted_and_named(mysql_database: MySqlDatabase) -> None:
    mysql_database.run(filled(100))
    async with carrying(mysql_database, upper()) as carried:
        await carried.phases("add-column")
        await carried.fill()
        mysql_database.run(
            "UPDATE orders SET big = LOWER(big) WHERE id IN (7, 70); UPDATE orders SET big = NULL"
            " WHERE id = 71"
        )
        worker = carried.worker
        (piece,) = await worker.pieces()
        first = await worker.compare(piece, None, 60)
        assert (first.rows, first.differences, first.different, first.upto) == (60, 1, (("7",),), ("60",))
        rest = await worker.compare(piece, first.upto, 60)
        assert (rest.rows, rest.different, rest.upto) == (40, (("70",), ("71",)), ("100",))
        assert (await worker.compare(piece, rest.upto, 60)).upto is None
        left_out = await worker.compare(piece, first.upto, 60, [("70",), ("71",)])
        assert left_out.differences == 0


async def test_one_runner_at_a_time(mysql_database: MySqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "DEAD_RUNNER_PATIENCE", 0.7)
    mysql_database.run(filled(3))
    async with carrying(mysql_database, upper()) as carried:
        second = MySqlWorker(carried.file, carried.facts, None)
        told: list[str] = []
        with pytest.raises(RunnerLockHeld) as caught:
            await second.connect(told.append)
        assert caught.value.holder is not None
        assert caught.value.holder.pid == carried.worker.pid
        assert len(told) == 1
        mysql_database.run(f"KILL {carried.worker.pid}", "root")
        await second.connect()
        # What has lost its lock can't write any more.
        with pytest.raises(ConnectionLost):
            await carried.worker.store("a", b"1")
        with pytest.raises(ConnectionLost):
            await carried.worker.fill("backfill", carried.start, 1)
        await second.close()
        await carried.worker.connect()


VALUES = [
    ("int", "ROUND(7.5)", "7"),
    ("int unsigned", "4294967295", "0"),
    ("bigint unsigned", "18446744073709551615", "18446744073709551614"),
    ("decimal(10,3)", "10 / 3", "3.334"),
    ("float", "1 / 3", "0.34"),
    ("double", "SQRT(2)", "1.41"),
    ("varchar(20)", "'Ä b '", "'ä b '"),
    ("varchar(20) CHARACTER SET latin1", "'Ä'", "'ä'"),
    ("char(9)", "'ab  '", "'aB'"),
    ("text", "CONCAT('x', id)", "'X1'"),
    ("enum('a','B')", "'B'", "'a'"),
    ("set('a','b')", "'a,b'", "'b'"),
    ("binary(4)", "X'0102'", "X'01020001'"),
    ("varbinary(4)", "X'0102'", "X'010200'"),
    ("blob", "UNHEX('FF')", "UNHEX('FE')"),
    ("date", "TIMESTAMP'2026-02-03 04:05:06'", "'2026-02-04'"),
    ("datetime(3)", "TIMESTAMP'2026-02-03 04:05:06.123'", "'2026-02-03 04:05:06.124'"),
    ("timestamp", "TIMESTAMP'2026-02-03 04:05:06'", "'2026-02-03 04:05:07'"),
    ("time(2)", "TIME'25:00:00.25'", "'25:00:00.26'"),
    ("year", "2026", "2025"),
    ("bit(9)", "b'100000001'", "b'000000001'"),
    ("json", "JSON_OBJECT('a', id)", "JSON_OBJECT('a', 2)"),
    ("tinyint(1)", "id = 1", "0"),
    # What is stored is not what is given: a text is rounded, a member has a number, a set an order.
    ("int", "'2.6'", "'2.4'"),
    ("bigint", "CONCAT('9007199254740993', '.5')", "'9007199254740993'"),
    ("tinyint", "-2.5", "'-2.4'"),
    ("enum('a','it''s','2')", "2", "'2'"),
    ("enum('a','A') CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "'A'", "'a'"),
    ("enum('new','old')", "CONCAT('Ne', 'w')", "CONCAT('ol', 'd')"),
    ("set('a','it''s','c')", "CONCAT('C,', 'a')", "'a'"),
    ("set('a','b','c')", "6", "5"),
]


@pytest.mark.parametrize(
    ("kind", "value", "other"), VALUES, ids=[f"{kind} {value}" for kind, value, _ in VALUES]
)
async def test_a_stored_value_is_the_same_and_another_is_not(
    mysql_database: MySqlDatabase, kind: str, value: str, other: str
) -> None:
    mysql_database.run(filled(1))
    stated = change(column="big", type=kind, backfill=Backfill(value=value, sync="none"), not_null="auto")
    async with carrying(mysql_database, stated) as carried:
        spelled = carried.facts.type
    mysql_database.run(f"ALTER TABLE orders ADD COLUMN big {kind} NULL")
    for wanted, same_as in (("NULL", "NULL"), (value, value)):
        mysql_database.run(f"UPDATE orders SET big = {wanted}")
        assert mysql_database.rows(f"SELECT {same('big', same_as, spelled)} FROM orders") == [(1,)]
    assert mysql_database.rows(f"SELECT {same('big', other, spelled)} FROM orders") == [(0,)]
    assert mysql_database.rows(f"SELECT {same('big', 'NULL', spelled)} FROM orders") == [(0,)]
