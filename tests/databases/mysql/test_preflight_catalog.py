"""Findings that lie in the catalog: the table, the column, the value, and what hangs on them."""

from __future__ import annotations

import pytest

from console.change import Backfill, Index, Reference, TableName, Window
from tests.databases.mysql.looking import Case, change, healthy_orders, look, see_all
from tests.servers.mysql_database import MySqlDatabase

QUIET = {
    *(
        "instant.possible",
        "key.found",
        "estimate",
        "space.log",
        "space.free",
        "replica.seen",
        "history.length",
    ),
    "settings.row-image",
}
"""What preflight says of a healthy table: notes alone."""

FULL = change(
    nullable=False,
    default="current_date",
    indexes=(
        Index(name="orders_placed_on", columns=("placed_on",)),
        Index(name="orders_day", columns=("placed_on", "amount"), unique=True),
    ),
    reference=Reference(table=TableName(None, "days"), column="day", on_delete="restrict"),
)


@pytest.fixture
def orders(mysql_database: MySqlDatabase) -> MySqlDatabase:
    return healthy_orders(mysql_database)


async def test_a_healthy_table_has_notes_alone(orders: MySqlDatabase) -> None:
    for wanted, more in ((None, set()), (FULL, {"settings.online-log"})):
        looked = await look(orders, wanted)
        assert looked.codes == QUIET | more
        assert {finding.severity for finding in looked.preflight.findings} == {"note"}
        assert looked.preflight.blockers == ()


async def test_worst_come_first(orders: MySqlDatabase) -> None:
    orders.run("ALTER TABLE orders ADD COLUMN placed_on int; CREATE VIEW v AS SELECT * FROM orders")
    severities = [finding.severity for finding in (await look(orders)).preflight.findings]
    assert severities == sorted(severities, key=["blocker", "warning", "note"].index)
    assert set(severities) == {"blocker", "warning", "note"}


COLUMN = [
    Case(
        "column.resume",
        "note",
        "has `placed_on` already (date, nullable, default 2026-01-01)",
        "ALTER TABLE orders ADD placed_on date DEFAULT '2026-01-01'",
        "ALTER TABLE orders DROP placed_on",
    ),
    Case(
        "column.exists",
        "blocker",
        "where the change says date",
        "ALTER TABLE orders ADD PLACED_ON int",
        "ALTER TABLE orders DROP placed_on",
    ),
    Case(
        "column.exists",
        "blocker",
        "as a generated column",
        "ALTER TABLE orders ADD placed_on date AS (DATE(placed_at)) STORED",
        "ALTER TABLE orders DROP placed_on",
    ),
    Case("column.system", "blocker", "keeps for itself", change=change(column="FTS_DOC_ID")),
    Case("column.system", "blocker", "keeps for itself", change=change(column="db_row_id")),
    Case("name.long", "blocker", "has 65 characters", change=change(column="ä" * 65)),
    Case(
        "name.long", "blocker", "has 65 characters", change=change(indexes=(Index("i" * 65, ("placed_on",)),))
    ),
    Case("type.serial", "blocker", "makes a counter", change=change(type="serial", backfill=None)),
    Case(
        "type.more",
        "blocker",
        "the default is a key of its own",
        change=change(type="date default '2026-01-01'"),
    ),
    Case("type.more", "blocker", "NOT NULL is a key", change=change(type="date not null")),
    Case("type.unknown", "blocker", "no_such is no type", change=change(type="no_such")),
    Case("type.unknown", "blocker", "too big", change=change(type="char(256)")),
    Case(
        "null.unfilled",
        "blocker",
        "neither [backfill] nor default: about 300 existing rows",
        change=change(nullable=False, backfill=None),
    ),
    Case(
        "null.unfilled",
        "blocker",
        "nullable = false with no [backfill]",
        change=change(nullable=False, backfill=None, default="current_date"),
    ),
    Case(
        "null.sync-none",
        "warning",
        "sync = none and no default",
        change=change(nullable=False, backfill=Backfill(value="DATE(placed_at)", sync="none")),
    ),
    Case(
        "null.no-placeholder",
        "warning",
        "takes no literal default",
        change=change(
            type="point",
            nullable=False,
            not_null="from-start",
            backfill=Backfill(value="POINT(1, id)", sync="application"),
        ),
    ),
]


async def test_column(orders: MySqlDatabase) -> None:
    await see_all(orders, COLUMN)


async def test_not_null_by_a_rebuild_that_stops_writers(orders: MySqlDatabase) -> None:
    orders.run(
        "CREATE TABLE places (id int PRIMARY KEY, p point NOT NULL, placed_at datetime, SPATIAL KEY p (p))"
    )
    for route, there in (("rebuild", True), ("from-start", False), ("nullable", False), ("auto", False)):
        looked = await look(orders, change("places", nullable=False, not_null=route))
        assert ("null.blocks-writes" in looked.codes) == there, route
        if there:
            assert "it has a SPATIAL index (p)" in looked.one("null.blocks-writes").seen


TABLES = """
CREATE VIEW v AS SELECT * FROM orders;
CREATE TABLE parted (id int PRIMARY KEY, placed_at datetime) PARTITION BY HASH (id) PARTITIONS 2;
CREATE TABLE keyless (id int, placed_at datetime, UNIQUE (id));
CREATE TABLE isam (id int PRIMARY KEY, placed_at datetime) ENGINE=MyISAM;
CREATE TABLE words (id int PRIMARY KEY, placed_at datetime, t text, FULLTEXT (t));
CREATE TABLE small (id int PRIMARY KEY, placed_at datetime) ROW_FORMAT=COMPRESSED;
CREATE TABLE computed (id int PRIMARY KEY, placed_at datetime, n int AS (id + 1) VIRTUAL);
CREATE TABLE second (a varchar(9) COLLATE utf8mb4_bin, placed_at datetime, id int NOT NULL UNIQUE,
    e enum('x') PRIMARY KEY);
"""


async def test_table(orders: MySqlDatabase) -> None:
    orders.run(TABLES)
    for table, code, severity, seen in (
        ("v", "table.kind", "blocker", "`v` is a view"),
        ("parted", "table.partitions", "note", "2 partitions"),
        ("keyless", "key.none", "blocker", "id: nullable id"),
        ("isam", "table.engine", "blocker", "is a table of MyISAM"),
        ("words", "instant.blocks-writes", "blocker", "it has a FULLTEXT index (t)"),
        ("small", "instant.rebuild", "warning", "its row format is COMPRESSED"),
        ("computed", "table.generated", "note", "generated columns: n"),
        ("second", "key.random", "note", "unique index id (id: int"),
    ):
        looked = await look(orders, change(table=table))
        finding = looked.one(code)
        assert finding.severity == severity, table
        assert seen in finding.seen, table
        assert finding.remedy or severity == "note"
        assert not {f for f in looked.codes if f.endswith(".unread")}, table
    codes = {
        "table.kind",
        "table.partitions",
        "key.none",
        "table.engine",
        "instant.rebuild",
        "table.generated",
    }
    assert not {*codes, "instant.blocks-writes", "key.random"} & (await look(orders)).codes
    system = await look(
        orders, change("user", schema="mysql", backfill=None, column="c", type="int"), role="root"
    )
    assert "table.system" in system.codes
    # Without rows to walk, no key is needed.
    assert "key.none" not in (await look(orders, change("keyless", backfill=None))).codes
    constant = change("keyless", backfill=Backfill(value="date '2026-01-01'"))
    assert "key.none" not in (await look(orders, constant)).codes


async def test_tables_of_mariadb_alone(orders: MySqlDatabase) -> None:
    if orders.family == "mysql":
        return
    orders.run(
        "CREATE TABLE versioned (id int PRIMARY KEY, placed_at datetime) WITH SYSTEM VERSIONING; CREATE SEQUENCE s;"
        "CREATE TABLE virtual_ (id int PRIMARY KEY, placed_at datetime, v int AS (id + 1) VIRTUAL, KEY (v))"
    )
    assert (await look(orders, change("versioned"))).one("table.versioned").severity == "blocker"
    assert (await look(orders, change("s", backfill=None))).one("table.kind").seen.endswith("is a sequence")
    assert "virtual column (v)" in (await look(orders, change("virtual_"))).one("instant.blocks-writes").seen


async def test_row_versions_near_their_limit(orders: MySqlDatabase) -> None:
    limit = orders.cluster.family.row_versions
    if limit is None:
        assert "row versions" not in (await look(orders)).one("instant.possible").seen
        return
    with orders.connect() as link, link.cursor() as cursor:
        for number in range(limit - 4):
            cursor.execute(f"ALTER TABLE days {'DROP COLUMN c' if number % 2 else 'ADD COLUMN c int'}")
    wanted = change("days", backfill=None)
    finding = (await look(orders, wanted)).one("instant.row-versions")
    assert (finding.severity, f"has used {limit - 4} of {limit}" in finding.seen) == ("warning", True)
    orders.run(finding.remedy.partition(" gives")[0])
    assert "0 of" in (await look(orders, wanted)).one("instant.possible").seen


VALUES = [
    Case(
        "value.volatile", "warning", "volatile (now)", change=change(backfill=Backfill(value="DATE(NOW())"))
    ),
    Case("value.volatile", "warning", "volatile (@x)", change=change(backfill=Backfill(value="@x"))),
    Case(
        "value.settings",
        "warning",
        "(dayname)",
        change=change(type="varchar(20)", backfill=Backfill(value="DAYNAME(placed_at)")),
    ),
    Case(
        "value.time-zone",
        "warning",
        "differs in 300 of 300 rows tried",
        change=change(backfill=Backfill(value="DATE(FROM_UNIXTIME(amount))")),
    ),
    Case(
        "value.trigger",
        "blocker",
        "it reads `id`, whose number is not there yet",
        change=change(type="int", backfill=Backfill(value="id + 1")),
    ),
    Case(
        "value.trigger",
        "blocker",
        "it holds a query",
        change=change(backfill=Backfill(value="(SELECT MAX(day) FROM days)")),
    ),
    Case(
        "value.constant",
        "note",
        "added as the column's default, instantly",
        change=change(backfill=Backfill(value="date '2026-01-01'")),
    ),
    Case(
        "value.fails",
        "warning",
        "300 out of range",
        change=change(type="tinyint", backfill=Backfill(value="amount + 1000")),
    ),
    Case(
        "value.fails",
        "warning",
        "out of range or too long",
        change=change(type="varchar(2)", backfill=Backfill(value="CONCAT(status, 'x')")),
    ),
    Case(
        "value.fails",
        "warning",
        "",
        change=change(type="int", backfill=Backfill(value="CAST(status AS SIGNED)")),
    ),
    Case("value.fails", "warning", "", change=change(type="date", backfill=Backfill(value="status"))),
    Case(
        "value.fails",
        "blocker",
        "does not take the value",
        change=change(type="int", backfill=Backfill(value="'x'")),
    ),
    Case(
        "value.null",
        "note",
        "NULL in 300 of",
        change=change(backfill=Backfill(value="IF(amount < 0, DATE(placed_at), NULL)")),
    ),
    Case(
        "value.null",
        "warning",
        "and nullable = false",
        change=change(nullable=False, backfill=Backfill(value="IF(amount < 150, DATE(placed_at), NULL)")),
    ),
    Case(
        "default.wrong", "blocker", "does not take the default", change=change(type="date", default="'soon'")
    ),
    Case(
        "default.wrong",
        "blocker",
        "does not take the default",
        change=change(type="varchar(2)", default="'soon'"),
    ),
]


async def test_value(orders: MySqlDatabase) -> None:
    await see_all(orders, VALUES)


async def test_a_value_that_names_a_zone(orders: MySqlDatabase) -> None:
    orders.run("ALTER TABLE orders ADD paid_at timestamp NULL")
    zoned = change(backfill=Backfill(value="DATE(CONVERT_TZ(placed_at, 'UTC', 'Europe/Berlin'))"))
    assert "settings.time-zones" in (await look(orders, zoned)).codes
    assert (
        "value.nullable"
        in (await look(orders, change(nullable=False, backfill=Backfill(value="DATE(paid_at)")))).codes
    )


async def test_a_constant_that_is_filled_in_all_the_same(orders: MySqlDatabase) -> None:
    if orders.family == "mysql":
        looked = await look(orders, change(type="text", backfill=Backfill(value="'x'")))
        assert "no literal that a column of type text takes" in looked.one("value.not-default").seen
        assert "value.constant" not in looked.codes
    orders.run("CREATE FULLTEXT INDEX words ON orders (status)")
    looked = await look(orders, change(backfill=Backfill(value="date '2026-01-01'")))
    assert "it has a FULLTEXT index" in looked.one("value.not-default").seen


async def test_a_window(orders: MySqlDatabase) -> None:
    assert not {code for code in (await look(orders)).codes if code.startswith("window")}
    always = await look(orders, window=Window(start=0, end=0))
    assert always.one("window.open").severity == "note"


async def test_the_estimate(orders: MySqlDatabase) -> None:
    looked = await look(orders)
    assert looked.preflight.estimate is not None
    assert looked.preflight.estimate.rows == 300
    assert 0 <= looked.preflight.estimate.seconds_low < looked.preflight.estimate.seconds_high
    slow = await look(orders, rows_per_second=1)
    assert slow.preflight.estimate is not None
    assert slow.preflight.estimate.seconds_low == 300
    constant = await look(orders, change(backfill=Backfill(value="date '2026-01-01'")))
    assert constant.preflight.estimate is not None
    assert constant.preflight.estimate.rows == 0
