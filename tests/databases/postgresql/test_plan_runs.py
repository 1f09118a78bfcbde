"""The plan's statements, run one after the other on real servers: each is proved by its own `done_when`."""

from __future__ import annotations

import psycopg
import pytest

from console.change import Backfill, Index, Reference, TableName
from console.databases.base import Cursor
from console.databases.postgresql.statements import PostgresWriter
from console.databases.postgresql.worker import PostgresWorker
from console.plan import Phase, make_plan
from tests.databases.postgresql.changes import ORDERS, change, change_file, facts_of
from tests.servers.database import Database

FULL = change(
    nullable=False,
    default="current_date",
    comment="it's the day",
    indexes=(Index(name="orders_placed_on_idx", columns=("placed_on",), where="status <> 'void'"),),
    reference=Reference(table=TableName("public", "days"), column="day", on_delete="restrict"),
)


async def run_all(worker: PostgresWorker, plan_phases: tuple[Phase, ...], names: tuple[str, ...]) -> None:
    for phase in plan_phases:
        if phase.name not in names:
            continue
        for statement in phase.statements:
            assert not await worker.holds(statement.done_when), statement.name
            await worker.run(statement, 1.0)
            assert await worker.holds(statement.done_when), statement.name


async def fill_all(worker: PostgresWorker, size: int = 700) -> Cursor:
    cursor = Cursor()
    while not cursor.finished:
        cursor = (await worker.fill("backfill", cursor, size)).cursor
    return cursor


async def test_every_statement_is_proved_by_the_catalog(database: Database) -> None:
    database.run(ORDERS.format(rows=5000))
    file = change_file(database, FULL)
    facts = await facts_of(file)
    plan = make_plan(file.change, facts, PostgresWriter(file.change, facts))
    worker = PostgresWorker(file, facts, None)
    await worker.connect()
    try:
        await run_all(worker, plan.phases, ("add-column", "dual-writes"))
        await worker.prepare_progress()
        database.run("UPDATE orders SET placed_at = placed_at + interval '1 day' WHERE id <= 10")
        cursor = await fill_all(worker)
        assert (cursor.rows, cursor.scanned) == (4990, 5000)
        assert (await worker.gaps((await worker.pieces())[0], None, 10_000)).differences == 0
        await run_all(worker, plan.phases, ("constraints", "indexes"))
        compared = await worker.compare((await worker.pieces())[0], None, 10_000)
        assert (compared.rows, compared.differences) == (5000, 0)
        await run_all(worker, plan.phases, ("finish",))
    finally:
        await worker.close()
    rows = database.rows(
        "SELECT attnotnull, pg_get_expr(adbin, adrelid), col_description(attrelid, attnum) FROM pg_attribute"
        " JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"
        " WHERE attrelid = 'orders'::regclass AND attname = 'placed_on'"
    )
    assert rows == [(True, "CURRENT_DATE", "it's the day")]
    assert database.rows("SELECT count(*) FROM pg_class WHERE relname LIKE '%column_console%'") == [(0,)]


async def test_a_constant_is_one_statement(database: Database) -> None:
    database.run(ORDERS.format(rows=100))
    file = change_file(
        database,
        change(column="kind", type="text", nullable=False, default="'web'", backfill=Backfill(value="'old'")),
    )
    facts = await facts_of(file)
    assert facts.value_constant
    plan = make_plan(file.change, facts, PostgresWriter(file.change, facts))
    before = database.rows("SELECT pg_relation_filenode('orders')")
    worker = PostgresWorker(file, facts, None)
    await worker.connect()
    try:
        await run_all(worker, plan.phases, ("add-column", "constraints"))
    finally:
        await worker.close()
    database.run("INSERT INTO orders (placed_at, amount) VALUES (now(), 1)")
    assert database.rows("SELECT kind, count(*) FROM orders GROUP BY 1 ORDER BY 1") == [
        ("old", 100),
        ("web", 1),
    ]
    assert database.rows("SELECT pg_relation_filenode('orders')") == before
    with pytest.raises(psycopg.errors.NotNullViolation):
        database.run("UPDATE orders SET kind = NULL WHERE id = 1")
    assert all(
        phase.left_out for phase in plan.phases if phase.name in ("dual-writes", "backfill", "constraints")
    )


async def test_partitions_are_walked_and_indexed_one_by_one(database: Database) -> None:
    database.run(
        """
        CREATE TABLE days (day date PRIMARY KEY);
        INSERT INTO days SELECT '2026-01-01'::date + n FROM generate_series(0, 400) n;
        CREATE TABLE orders (id bigint, placed_at timestamptz NOT NULL, status text DEFAULT 'new',
                             PRIMARY KEY (id, placed_at)) PARTITION BY RANGE (placed_at);
        CREATE TABLE orders_q1 PARTITION OF orders FOR VALUES FROM ('2026-01-01') TO ('2026-04-01');
        CREATE TABLE "Orders q2" PARTITION OF orders FOR VALUES FROM ('2026-04-01') TO ('2027-04-01');
        INSERT INTO orders SELECT n, '2026-01-01 12:00+00'::timestamptz + n * interval '1 hour'
          FROM generate_series(1, 4000) n;
        """
    )
    file = change_file(database, FULL)
    facts = await facts_of(file)
    plan = make_plan(file.change, facts, PostgresWriter(file.change, facts))
    worker = PostgresWorker(file, facts, None)
    await worker.connect()
    try:
        await run_all(worker, plan.phases, ("add-column", "dual-writes"))
        cursor = await fill_all(worker)
        assert (cursor.rows, cursor.scanned, cursor.finished) == (4000, 4000, True)
        await run_all(worker, plan.phases, ("constraints", "indexes", "finish"))
    finally:
        await worker.close()
    assert database.rows(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_placed_on_idx'::regclass"
    ) == [(True,)]
    assert database.rows(
        "SELECT count(*) FROM orders WHERE placed_on IS DISTINCT FROM (placed_at at time zone 'UTC')::date"
    ) == [(0,)]
    assert database.rows(
        "SELECT convalidated FROM pg_constraint WHERE conrelid = 'orders'::regclass AND contype = 'f'"
    ) == [(True,)]
