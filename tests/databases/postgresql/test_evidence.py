"""What the gates of replicas, application writes, readers and the end are shown, on real servers."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from console.change import Backfill, Change
from console.demo.postgresql.cluster import STANDBY
from console.events import Evidence
from tests.databases.postgresql.changes import ORDERS, change
from tests.databases.postgresql.proving import proving, until_holds
from tests.databases.postgresql.waiting import until
from tests.servers.database import Database
from tests.servers.versions import NEWEST, binaries_of

BY_APPLICATION = Backfill(value="(placed_at at time zone 'UTC')::date", sync="application")
DAY = change(column="day")
REPLAY = f"replica {STANDBY}: replay"


@pytest.fixture
def orders(newest_database: Database) -> Database:
    newest_database.run(ORDERS.format(rows=100) + "GRANT SELECT ON orders TO app")
    return newest_database


# -- reads


@contextlib.contextmanager
def reader(database: Database, program: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.url("app", application_name=program), autocommit=True) as connection:
        yield connection


async def test_only_a_statement_of_the_application_that_names_the_column_is_a_reader(
    orders: Database,
) -> None:
    async def seen() -> Evidence:
        return (await walk.evidences.reads())[-1]

    async with proving(orders, DAY) as walk:
        with reader(orders, "shop") as shop, reader(orders, "psql") as by_hand:
            shop.execute("SELECT count(*) FROM orders WHERE placed_at > now() - interval '1 day'")
            assert not (await seen()).holds
            by_hand.execute("SELECT day FROM orders LIMIT 1")
            found = await seen()
            assert not found.holds
            assert "(psql) read it by hand" in found.seen
            shop.execute('SELECT o."day" FROM orders o LIMIT 1')
            found = await seen()
            assert found.holds
            assert found.seen == f"seen: session {shop.info.backend_pid} (shop)"
            # One look between two of its statements is no proof that it has gone.
            shop.execute("SELECT 1")
            assert await seen() == found


@pytest.mark.parametrize(
    ("value", "compared"),
    [("(placed_at at time zone 'UTC')::date", True), ("'2026-01-01'", False), ("now()::date + n()", False)],
)
async def test_a_value_that_may_rightly_differ_is_not_compared(
    orders: Database, value: str, compared: bool
) -> None:
    orders.run("CREATE FUNCTION n() RETURNS int VOLATILE RETURN (random() * 9)::int")
    async with proving(orders, change(column="day", backfill=Backfill(value=value))) as walk:
        orders.run("UPDATE orders SET day = '1999-01-01' WHERE id = 100")
        names = [evidence.name for evidence in await walk.evidences.reads()]
        assert ("old and new value agree" in names) == compared


async def test_rows_left_out_are_no_differences(orders: Database) -> None:
    async with proving(orders, DAY) as walk:
        orders.run("UPDATE orders SET day = (placed_at at time zone 'UTC')::date WHERE id NOT IN (7, 9)")
        agree, _ = await walk.evidences.reads()
        assert (agree.seen, agree.holds) == ("2 differences in the newest 100 rows", False)
        await walk.worker.store("skipped", b'[["7"],["9"]]')
        agree, _ = await walk.evidences.reads()
        assert agree.holds
        assert agree.seen.endswith("not counting 2 rows left out of the backfill")


# -- dual writes by the application


def inserting(day: str) -> str:
    return f"INSERT INTO orders (placed_at, amount, day) VALUES (now(), 1, {day})"


async def test_old_rows_that_the_application_updates_do_not_count_against_it(orders: Database) -> None:
    name = "rows carry day"
    async with proving(orders, change(column="day", backfill=BY_APPLICATION)) as walk:
        await walk.evidences.dual_writes()
        orders.run("UPDATE orders SET status = 'void' WHERE id <= 3")
        (rows,) = await walk.evidences.dual_writes()
        assert not rows.holds
        assert "no row seen inserted" in rows.seen
        orders.run(inserting("current_date"))
        rows = await until_holds(walk.evidences.dual_writes, name)
        assert rows.seen.startswith("1 of 1 row inserted")
        assert rows.seen.endswith("; 3 other rows written meanwhile are without it, and left to the backfill")
        orders.run(inserting("NULL"))
        (rows,) = await walk.evidences.dual_writes()
        assert not rows.holds
        assert rows.seen.startswith("1 of 2 rows inserted")


async def test_a_random_key_does_not_tell_inserts_from_updates(newest_database: Database) -> None:
    newest_database.run(
        "CREATE TABLE orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), placed_at timestamptz DEFAULT now());"
        "INSERT INTO orders SELECT FROM generate_series(1, 50)"
    )
    async with proving(newest_database, change(column="day", backfill=BY_APPLICATION)) as walk:
        await walk.evidences.dual_writes()
        newest_database.run("INSERT INTO orders (day) VALUES (current_date)")
        rows = await until_holds(walk.evidences.dual_writes, "rows carry day")
        assert rows.seen.startswith("1 of 1 row seen written")
        assert "inserted or updated" in rows.seen


# -- replicas


async def test_a_standby_that_is_gone_holds_the_gates_shut(database: Database) -> None:
    database.run(ORDERS.format(rows=10))
    idle = f"SELECT NOT active FROM pg_replication_slots WHERE slot_name = '{STANDBY}'"
    async with proving(database, change()) as walk:
        seen = await until_holds(walk.evidences.replicas, REPLAY)
        assert seen.seen == "streaming, has replayed past the change"
        database.cluster.standby.stop()
        await until(database, idle)
        (gone,) = await walk.evidences.replicas()
        assert (gone.name, gone.holds) == (REPLAY, False)
        assert gone.seen == f"gone: nothing reads its slot {STANDBY}"
        assert gone in await walk.evidences.finished()
    async with proving(database, change(column="other"), replica=True) as walk:
        # Nothing was seen of it before: its slot and the change file tell.
        slot, named = await walk.evidences.replicas()
        assert not slot.holds
        assert slot.seen == f"gone: nothing reads its slot {STANDBY}"
        assert not named.holds
        assert named.seen.startswith("gone: ")


async def test_a_standby_without_a_slot_is_missed_too(orders: Database) -> None:
    standby = orders.cluster.standby
    async with proving(orders, DAY) as walk:
        with standby.connect() as connection:
            connection.execute("ALTER SYSTEM SET primary_slot_name = ''")
            connection.execute("SELECT pg_reload_conf()")
        try:
            await until(orders, f"SELECT NOT active FROM pg_replication_slots WHERE slot_name = '{STANDBY}'")
            await until(orders, "SELECT count(*) = 1 FROM pg_stat_replication WHERE replay_lsn IS NOT NULL")
            orders.run(f"SELECT pg_drop_replication_slot('{STANDBY}')", "postgres")
            await until_holds(walk.evidences.replicas, REPLAY)
            standby.stop()
            await until(orders, "SELECT count(*) = 0 FROM pg_stat_replication")
            (gone,) = await walk.evidences.replicas()
            assert gone.seen == "gone: it is no longer connected to the primary"
        finally:
            orders.run(f"SELECT pg_create_physical_replication_slot('{STANDBY}', true)", "postgres")
            standby.start()
            with standby.connect() as connection:
                connection.execute(f"ALTER SYSTEM SET primary_slot_name = '{STANDBY}'".encode())
                connection.execute("SELECT pg_reload_conf()")


@contextlib.contextmanager
def storing_the_log(database: Database, directory: Path) -> Iterator[None]:
    primary = database.cluster.primary
    program = binaries_of(NEWEST).program("pg_receivewal")
    command = [str(program), "-D", str(directory), "-d", primary.url("postgres", "postgres"), "--no-loop"]
    storing = subprocess.Popen(command)
    try:
        yield
    finally:
        storing.terminate()
        storing.wait()


async def test_what_only_stores_the_log_is_no_standby(orders: Database, tmp_path: Path) -> None:
    with storing_the_log(orders, tmp_path):
        await until(
            orders,
            "SELECT count(*) = 1 FROM pg_stat_replication WHERE application_name = 'pg_receivewal'"
            " AND state = 'streaming'",
        )
        async with proving(orders, DAY) as walk:
            await until_holds(walk.evidences.replicas, REPLAY)
            assert [e.name for e in await walk.evidences.replicas()] == [REPLAY]


async def test_the_grant_is_named_where_the_right_is_missing(orders: Database) -> None:
    async with proving(orders, Change(table=DAY.table, column="day", type="date"), role="visitor") as walk:
        (hidden,) = await walk.evidences.replicas()
        assert not hidden.holds
        assert hidden.seen == "its position may not be read (GRANT pg_read_all_stats TO visitor mends it)"
