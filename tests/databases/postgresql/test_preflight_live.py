"""Findings about what goes on: who holds the table, old and prepared transactions, vacuum."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from console.change import Index, Reference, TableName
from console.databases.postgresql.preflight import activity, replicas
from tests.databases.postgresql.changes import ORDERS, change
from tests.databases.postgresql.preflighting import look
from tests.databases.postgresql.waiting import until
from tests.servers.database import Database


@pytest.fixture
def orders(database: Database) -> Database:
    database.run(ORDERS.format(rows=300))
    database.run("GRANT ALL ON ALL TABLES IN SCHEMA public TO app")
    database.wait_until_replayed()
    return database


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever has lasted a tenth of a second counts as old."""
    monkeypatch.setattr(activity, "OLD", 0.1)
    monkeypatch.setattr(replicas, "LONG", 0.1)


class TestSessions:
    async def test_that_hold_the_table(self, orders: Database) -> None:
        wanted = change(reference=Reference(TableName("public", "days"), "day"))
        with orders.connect("app") as other:
            for table, lock in (
                ("orders", "SELECT count(*) FROM orders"),
                ("days", "SELECT count(*) FROM days"),
            ):
                assert "transaction.on-table" not in (await look(orders, wanted, lock_timeout=0.1)).codes
                other.execute("BEGIN")
                other.execute(lock.encode())
                await asyncio.sleep(0.2)
                finding = (await look(orders, wanted, lock_timeout=0.1)).one("transaction.on-table")
                assert finding.severity == "warning"
                start = f"pid {other.info.backend_pid} (app, idle in transaction) holds AccessShareLock on {table}"
                assert finding.seen.startswith(start)
                assert "ms old" in finding.seen
                # A transaction younger than a try for the lock is no news.
                assert "transaction.on-table" not in (await look(orders, wanted, lock_timeout=60)).codes
                other.execute("ROLLBACK")

    async def test_that_hold_a_strong_lock_however_young(self, orders: Database) -> None:
        with orders.connect("app") as other:
            other.execute("BEGIN")
            other.execute("LOCK TABLE orders IN SHARE MODE")
            finding = (await look(orders, lock_timeout=60)).one("transaction.on-table")
        assert "ShareLock on orders" in finding.seen

    async def test_whose_age_is_not_permitted(self, orders: Database) -> None:
        with orders.connect("app") as other:
            other.execute("BEGIN")
            other.execute("SELECT count(*) FROM orders")
            finding = (await look(orders, role="visitor", lock_timeout=60)).one("transaction.on-table")
        assert "AccessShareLock on orders for a time that is not permitted to see" in finding.seen

    async def test_with_an_old_transaction_anywhere(self, orders: Database, at_once: None) -> None:
        assert "transaction.old" not in (await look(orders)).codes
        with orders.cluster.primary.connect() as other:
            other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            other.execute("SELECT 1")
            await asyncio.sleep(0.2)
            finding = (await look(orders)).one("transaction.old")
            assert f"pid {other.info.backend_pid} (postgres, idle in transaction)" in finding.seen
            assert "VACUUM can't clear what it still sees" in finding.seen
        with orders.connect("app") as other:
            other.execute("BEGIN")
            other.execute("SELECT 1")
            await asyncio.sleep(0.2)
            indexed = change(indexes=(Index("orders_placed_on_idx", ("placed_on",)),))
            assert (
                "an index build waits for its end"
                in (await look(orders, indexed)).one("transaction.old").seen
            )
        assert "transaction.old" not in (await look(orders)).codes

    async def test_that_were_prepared(
        self, orders: Database, at_once: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert not {"prepared.on-table", "prepared.old"} & (await look(orders)).codes
        with orders.connect("app") as other:
            for gid, statement in (("on it", "LOCK TABLE orders IN SHARE MODE"), ("elsewhere", "SELECT 1")):
                other.execute("BEGIN")
                other.execute(statement.encode())
                other.execute("SELECT pg_current_xact_id()")
                other.execute(f"PREPARE TRANSACTION '{gid}'".encode())
            await asyncio.sleep(0.2)
            looked = await look(orders)
            assert looked.one("prepared.on-table").severity == "blocker"
            assert "prepared transaction on it of app" in looked.one("prepared.on-table").seen
            assert "prepared transaction elsewhere of app" in looked.one("prepared.old").seen
            monkeypatch.setattr(activity, "OLD", 60.0)
            looked = await look(orders)
            assert looked.one("prepared.on-table").severity == "warning"
            assert "prepared.old" not in looked.codes
            for gid in ("on it", "elsewhere"):
                other.execute(f"ROLLBACK PREPARED '{gid}'".encode())
        assert not {"prepared.on-table", "prepared.old"} & (await look(orders)).codes


class TestVacuum:
    async def test_at_work_on_the_table(self, newest_database: Database) -> None:
        database = newest_database
        database.run(ORDERS.format(rows=2000))
        database.run(
            "ALTER TABLE orders SET (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0,"
            " autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)"
        )
        assert "autovacuum.running" not in (await look(database)).codes
        with database.connect("postgres") as connection:
            connection.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
            connection.execute("SELECT pg_reload_conf()")
        database.run("UPDATE orders SET amount = amount + 1")
        working = (
            "SELECT EXISTS (SELECT FROM pg_stat_progress_vacuum WHERE relid = 'public.orders'::regclass)"
        )
        await until(database, working)
        finding = (await look(database)).one("autovacuum.running")
        assert (finding.severity, "works on orders" in finding.seen) == ("note", True)
        # The finding's promise: DDL that waits for longer than deadlock_timeout evicts it.
        database.run("SET lock_timeout = '3s'; ALTER TABLE orders RESET (autovacuum_vacuum_cost_delay)")

    async def test_that_does_not_give_way(self, newest_database: Database) -> None:
        database = newest_database
        database.run(ORDERS.format(rows=2000) + "CREATE TABLE many (id int)")
        database.run(
            "ALTER TABLE orders SET (autovacuum_freeze_max_age = 100000, autovacuum_freeze_min_age = 0,"
            " autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)"
        )
        use = (
            "DO $$ BEGIN FOR n IN 1..{} LOOP BEGIN INSERT INTO many VALUES (n);"
            " EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$"
        )
        codes = {"wraparound.near", "autovacuum.wraparound"}
        assert not codes & (await look(database)).codes
        database.run(use.format(95_000))
        looked = await look(database)
        assert looked.one("wraparound.near").severity == "warning"
        assert "at 100,000 a vacuum begins" in looked.one("wraparound.near").seen
        database.run(use.format(6_000))
        with database.connect("postgres") as connection:
            connection.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
            connection.execute("SELECT pg_reload_conf()")
        await until(
            database,
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"
            " AND query LIKE '%public.orders (to prevent wraparound)')",
        )
        finding = (await look(database)).one("autovacuum.wraparound")
        assert finding.severity == "warning"
        assert "works on orders against wraparound" in finding.seen
        # The finding's claim: this one is not evicted.
        with pytest.raises(psycopg.errors.LockNotAvailable):
            database.run("SET lock_timeout = '1500ms'; ALTER TABLE orders SET (fillfactor = 90)")
        database.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%wraparound)'",
            "postgres",
        )

    async def test_of_a_database_that_is_too_old(
        self, orders: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert "wraparound.database" not in (await look(orders)).codes
        # A database of 1,200 million transactions is not to be had.
        monkeypatch.setattr(activity, "DATABASE_OLD", -1)
        assert (await look(orders)).one("wraparound.database").severity == "warning"
