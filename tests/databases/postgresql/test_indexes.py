"""Indexes of partitioned tables, and of names that another table has: what counts as done."""

from __future__ import annotations

import pytest

from console.change import Index
from console.databases.base import Refused
from console.databases.postgresql.statements import PostgresWriter
from console.databases.postgresql.worker import PostgresWorker
from console.plan import Phase, make_plan
from tests.databases.postgresql.changes import ORDERS, change, change_file, facts_of
from tests.servers.database import Database

INDEXED = change(backfill=None, indexes=(Index(name="by_day", columns=("placed_on",)),))
PARTED = """
CREATE TABLE orders (id bigint, placed_at timestamptz, placed_on date) PARTITION BY RANGE (id);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (10);
CREATE TABLE orders_2 PARTITION OF orders FOR VALUES FROM (10) TO (20);
"""


async def phase_of(database: Database) -> tuple[PostgresWorker, Phase]:
    file = change_file(database, INDEXED)
    facts = await facts_of(file)
    plan = make_plan(file.change, facts, PostgresWriter(file.change, facts))
    worker = PostgresWorker(file, facts, None)
    await worker.connect()
    return worker, plan.phase("indexes")


async def carry_out(worker: PostgresWorker, phase: Phase) -> list[str]:
    """Runs what is not done; the names of the statements that the catalog does not show even then."""
    undone = []
    for statement in phase.statements:
        if not await worker.holds(statement.done_when):
            await worker.run(statement, 1.0)
            undone += [] if await worker.holds(statement.done_when) else [statement.name]
    return undone


async def test_a_partition_that_came_after_planning_is_missed_and_a_new_plan_gets_it(
    database: Database,
) -> None:
    database.run(PARTED)
    worker, phase = await phase_of(database)
    try:
        database.run("CREATE TABLE orders_3 PARTITION OF orders FOR VALUES FROM (20) TO (30)")
        assert await carry_out(worker, phase) == ["attach-index-by_day-2"]
        assert database.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_day'::regclass") == [
            (False,)
        ]
    finally:
        await worker.close()
    worker, phase = await phase_of(database)
    try:
        assert await carry_out(worker, phase) == []
        # One that comes now brings its own part of the index, which is not built again.
        database.run("CREATE TABLE orders_4 PARTITION OF orders FOR VALUES FROM (30) TO (40)")
    finally:
        await worker.close()
    worker, phase = await phase_of(database)
    try:
        assert [await worker.holds(statement.done_when) for statement in phase.statements] == [True] * 9
    finally:
        await worker.close()


async def test_what_attaching_locks_is_what_the_plan_says(newest_database: Database) -> None:
    database = newest_database
    database.run(PARTED)
    worker, phase = await phase_of(database)
    try:
        *before, attach = phase.statements[:3]
        for statement in before:
            await worker.run(statement, 1.0)
        with database.connect() as connection, connection.transaction():
            connection.execute(attach.sql.encode())
            held = connection.execute(
                "SELECT relation::regclass::text, mode FROM pg_locks WHERE pid = pg_backend_pid()"
                " AND locktype = 'relation' AND mode IN ('AccessExclusiveLock', 'ShareUpdateExclusiveLock')"
            ).fetchall()
    finally:
        await worker.close()
    assert sorted(held) == [("by_day", "ShareUpdateExclusiveLock"), ("by_day_1", "AccessExclusiveLock")]
    assert attach.lock == "ACCESS EXCLUSIVE on public.by_day_1; SHARE UPDATE EXCLUSIVE on public.by_day"
    assert attach.conflicts.startswith("reads and writes of public.orders_1")
    assert attach.guarded


async def test_an_index_of_another_table_is_never_dropped(newest_database: Database) -> None:
    database = newest_database
    database.run(
        ORDERS.format(rows=10) + "ALTER TABLE orders ADD placed_on date; CREATE INDEX by_day ON days (day)"
    )
    worker, phase = await phase_of(database)
    try:
        (build,), (drop,) = phase.statements, phase.undo
        assert await worker.holds(drop.done_when)
        assert not await worker.holds(build.done_when)
        with pytest.raises(Refused, match="already exists"):
            await worker.run(build, 1.0)
        assert await worker.holds(drop.done_when)
        database.run("DROP INDEX by_day")
        await worker.run(build, 1.0)
        assert not await worker.holds(drop.done_when)
        await worker.run(drop, 1.0)
        assert await worker.holds(drop.done_when)
    finally:
        await worker.close()
