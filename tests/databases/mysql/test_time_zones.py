"""Values that mean one moment in one session's time zone and another in another's: what happens, and what is said."""

from __future__ import annotations

import pytest

from console.change import Backfill, Change
from tests.databases.mysql.carrying import carrying
from tests.databases.mysql.looking import change, healthy_orders, look
from tests.servers.mysql_database import MySqlDatabase

PAID = "ALTER TABLE orders ADD `paid at` timestamp NULL; UPDATE orders SET `paid at` = placed_at"
NOON = "'2026-06-01 12:00:00'"


@pytest.fixture
def orders(mysql_database: MySqlDatabase) -> MySqlDatabase:
    database = healthy_orders(mysql_database)
    database.run(PAID)
    return database


def into(type_: str, value: str) -> Change:
    return change(column="seen", type=type_, backfill=Backfill(value=value))


# Whether the value is the same whatever the zone, and what mends it if not.
VALUES = [
    ("timestamp", "placed_at", "CONVERT_TZ(`placed_at`, '+00:00', @@session.time_zone)"),
    ("timestamp", "DATE(placed_at)", "CONVERT_TZ(`placed_at`, '+00:00', @@session.time_zone)"),
    ("timestamp", "COALESCE(`paid at`, placed_at)", ""),  # no row here reads placed_at
    ("timestamp", "DATE(`paid at`)", "Say which zone"),
    ("timestamp", "`paid at` + INTERVAL 1 DAY", ""),
    ("timestamp", "CONVERT_TZ(placed_at, '+00:00', @@session.time_zone)", ""),
    ("timestamp", "IF(status = 'new', `paid at`, NULL)", ""),
    ("datetime(6)", "`paid at`", "CONVERT_TZ(`paid at`, @@session.time_zone, '+00:00')"),
    ("date", "DATE(`paid at`)", "CONVERT_TZ(`paid at`, @@session.time_zone, '+00:00')"),
    ("date", "DATE(CONVERT_TZ(`paid at`, @@session.time_zone, '+00:00'))", ""),
    ("varchar(30)", "CONCAT(`paid at`)", "Say which zone"),
    ("bigint", "UNIX_TIMESTAMP(`paid at`)", ""),
    ("bigint", "UNIX_TIMESTAMP(placed_at)", "Say which zone"),
    ("tinyint", "`paid at` IS NULL", ""),
    ("datetime(6)", "placed_at", ""),
]


async def test_a_value_that_another_time_zone_changes_is_told(orders: MySqlDatabase) -> None:
    for type_, value, mend in VALUES:
        looked = await look(orders, into(type_, value))
        found = looked.all("value.time-zone")
        assert bool(found) == bool(mend), (type_, value, found)
        assert not {code for code in looked.codes if code.endswith(".unread")}
        assert "value.settings" not in looked.codes, value
        for finding in found:
            assert finding.severity == "warning"
            assert "ours is the server's, +00:00" in finding.seen
            assert "application's sessions" in finding.seen
            assert mend in finding.remedy


async def test_without_rows_the_types_tell(orders: MySqlDatabase) -> None:
    orders.run("DELETE FROM orders")
    for type_, value, mend in VALUES:
        found = (await look(orders, into(type_, value))).all("value.time-zone")
        if mend and not (type_ == "timestamp" and "paid at" in value):
            assert found, value
        if "@@session.time_zone" in value or value == "placed_at":
            assert bool(found) == (type_ == "timestamp" and value == "placed_at"), value


@pytest.mark.parametrize("value", ["placed_at", "CONVERT_TZ(placed_at, '+00:00', @@session.time_zone)"])
async def test_what_is_told_is_what_happens(orders: MySqlDatabase, value: str) -> None:
    """The application's session has another zone: its row gets another moment than a batch would store."""
    wanted = into("timestamp", value)
    told = bool((await look(orders, wanted)).all("value.time-zone"))
    async with carrying(orders, wanted) as carried:
        await carried.phases("add-column", "dual-writes")
        with orders.connect() as session, session.cursor() as cursor:
            cursor.execute("SET time_zone = '+02:00'")
            cursor.execute(f"INSERT INTO orders (placed_at, amount) VALUES ({NOON}, 1)")
        await carried.fill()
    orders.wait_until_replayed()
    stored = [
        orders.rows(f"SELECT seen FROM orders WHERE placed_at = {NOON}", replica=r)[0][0]
        for r in (False, True)
    ]
    assert [moment.hour for moment in stored] == ([10, 10] if told else [12, 12])


async def test_a_constant_moment_says_in_which_zone_it_is_read(orders: MySqlDatabase) -> None:
    looked = await look(orders, into("timestamp", NOON))
    assert f"the value {NOON} is read in the server's time zone, +00:00" in looked.one("value.time-zone").seen
    told = change(column="seen", type="timestamp", backfill=None, default=NOON)
    assert f"the default {NOON} is read in" in (await look(orders, told)).one("default.time-zone").seen
    for default in ("current_timestamp", None):
        quiet = change(column="seen", type="timestamp", backfill=None, default=default)
        assert "default.time-zone" not in (await look(orders, quiet)).codes
    if orders.family == "mysql":
        zoned = change(column="seen", type="timestamp", backfill=None, default="'2026-06-01 12:00:00+02:00'")
        assert "default.time-zone" not in (await look(orders, zoned)).codes
