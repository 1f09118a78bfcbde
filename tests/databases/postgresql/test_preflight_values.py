"""Findings about the value, the default, and the table that is referred to."""

from __future__ import annotations

import pytest

from console.change import Backfill, Index, Reference, TableName
from tests.databases.postgresql.changes import ORDERS, change
from tests.databases.postgresql.preflighting import Case, look, see
from tests.servers.database import Database

FULL = change(
    nullable=False,
    default="current_date",
    indexes=(
        Index(name="orders_placed_on_idx", columns=("placed_on",), where="status <> 'void'"),
        Index(name="orders_day_idx", columns=("placed_on", "amount"), unique=True),
    ),
    reference=Reference(table=TableName("public", "days"), column="day", on_delete="restrict"),
)


@pytest.fixture
def orders(database: Database) -> Database:
    database.run(ORDERS.format(rows=300))
    database.wait_until_replayed()
    return database


VALUES = [
    Case(
        "value.volatile",
        "warning",
        "the value is volatile (random)",
        change=change(type="float8", backfill=Backfill(value="random() + id")),
    ),
    Case(
        "value.settings",
        "warning",
        "(to_char): here TimeZone is UTC and DateStyle ISO, MDY",
        change=change(type="text", backfill=Backfill(value="to_char(placed_at, 'YYYY-MM')")),
    ),
    Case(
        "value.settings",
        "warning",
        "may depend on the session's settings",
        change=change(backfill=Backfill(value="placed_at::date")),
    ),
    Case(
        "value.constant",
        "note",
        "the same for every row: it is added as the column's default",
        change=change(backfill=Backfill(value="'2026-01-01'")),
    ),
    Case(
        "value.fails",
        "warning",
        "the value fails on a row among the first or last 1,000: division by zero",
        change=change(type="int", backfill=Backfill(value="100 / (amount - 7)::int")),
    ),
    Case(
        "value.null",
        "warning",
        "the value is NULL in 4 of 600 rows tried, and nullable = false",
        change=change(
            type="int", nullable=False, backfill=Backfill(value="nullif(amount, 7)::int + nullif(id, 300)")
        ),
    ),
    Case(
        "value.null",
        "note",
        "the value is NULL in 2 of 600 rows tried",
        change=change(type="int", backfill=Backfill(value="nullif(amount, 7)::int")),
    ),
    Case(
        "default.volatile",
        "note",
        "the default random() is volatile: it is set last",
        change=change(type="float8", backfill=None, default="random()"),
    ),
]


async def test_value(orders: Database) -> None:
    for case in VALUES:
        await see(orders, case)


async def test_value_that_reads_generated_columns(orders: Database) -> None:
    wanted = change(type="numeric", backfill=Backfill(value="twice + 1"))
    orders.run("ALTER TABLE orders ADD twice numeric")
    assert "value.generated" not in (await look(orders, wanted)).codes
    orders.run(
        "ALTER TABLE orders DROP twice; ALTER TABLE orders ADD twice numeric GENERATED ALWAYS AS (amount * 2) STORED"
    )
    assert (await look(orders, wanted)).one("value.generated").severity == "blocker"
    elsewhere = change(type="numeric", backfill=Backfill(value="twice + 1", sync="application"))
    assert "value.generated" not in (await look(orders, elsewhere)).codes


async def test_value_that_reads_columns_that_may_be_null(orders: Database) -> None:
    wanted = change(type="text", nullable=False, backfill=Backfill(value="status || 'x'"))
    assert "value.nullable" not in (await look(orders, wanted)).codes
    orders.run("ALTER TABLE orders ALTER status DROP NOT NULL")
    assert "NULL: status" in (await look(orders, wanted)).one("value.nullable").seen


REFERENCES = [
    ("nowhere", "day", "date", "reference.missing", "blocker", "there is no table public.nowhere"),
    ("dayz", "day", "date", "reference.missing", "blocker", "there is no table public.dayz"),
    ("day_view", "day", "date", "reference.kind", "blocker", "it is view"),
    ("fleeting", "day", "date", "reference.kind", "blocker", "is not permanent"),
    ("days", "dya", "date", "reference.column", "blocker", "public.days has no column dya"),
    ("days", "weekday", "int", "reference.key", "blocker", "public.days (weekday) has no unique key"),
    ("halves", "day", "date", "reference.key", "blocker", "has no unique key"),
    ("pairs", "a", "int", "reference.key", "blocker", "has no unique key"),
    (
        "days",
        "day",
        "int",
        "reference.type",
        "blocker",
        "a column of type integer can't refer to public.days (day)",
    ),
    (
        "bigs",
        "id",
        "int",
        "reference.type-differs",
        "warning",
        "is integer and refers to public.bigs (id), of type big",
    ),
]


async def test_referenced_table(orders: Database) -> None:
    orders.run(
        "ALTER TABLE days ADD weekday int; CREATE VIEW day_view AS SELECT * FROM days;"
        "CREATE UNLOGGED TABLE fleeting (day date PRIMARY KEY);"
        "CREATE TABLE halves (day date); CREATE UNIQUE INDEX ON halves (day) WHERE day > '2026-01-01';"
        "CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b)); CREATE TABLE bigs (id bigint PRIMARY KEY)"
    )
    all_codes = {code for _, _, _, code, _, _ in REFERENCES}
    good = change(reference=Reference(table=TableName("public", "days"), column="day"))
    assert not all_codes & (await look(orders, good)).codes
    for table, column, type_, code, severity, seen in REFERENCES:
        wanted = change(type=type_, backfill=None, reference=Reference(TableName("public", table), column))
        looked = await look(orders, wanted)
        finding = looked.one(code)
        assert finding.severity == severity, table
        assert seen in finding.seen, table
        assert finding.remedy
        assert all_codes & looked.codes == {code}, table
    near = (await look(orders, change(reference=Reference(TableName("public", "dayz"), "day")))).one(
        "reference.missing"
    )
    assert "public.days" in near.remedy


async def test_on_delete_and_its_index(orders: Database) -> None:
    days = TableName("public", "days")
    for wanted, code, seen in (
        (
            change(nullable=False, reference=Reference(days, "day", "set null")),
            "reference.on-delete",
            "set null and",
        ),
        (change(reference=Reference(days, "day", "set default")), "reference.on-delete", "without a default"),
        (change(reference=Reference(days, "day")), "reference.no-index", "each delete from public.days"),
    ):
        assert seen in (await look(orders, wanted)).one(code).seen
    assert not {"reference.on-delete", "reference.no-index"} & (await look(orders, FULL)).codes


async def test_findings_hold_no_terminal_escapes(orders: Database) -> None:
    orders.run('CREATE VIEW "v\x1b[31m" AS SELECT * FROM orders')
    assert "\x1b" not in (await look(orders)).one("view.dependent").seen
