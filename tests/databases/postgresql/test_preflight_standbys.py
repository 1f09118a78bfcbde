"""Findings about standbys, their slots, and the replicas that the change file names."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from console.databases.postgresql.preflight import activity, replicas, standbys
from console.demo.postgresql.node import Node
from tests.databases.postgresql.changes import ORDERS
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


class TestStandbys:
    async def test_lag_over_the_limit(self, orders: Database) -> None:
        assert "standby.lag" not in (await look(orders)).codes
        with orders.connect_standby("postgres") as connection:
            connection.execute("ALTER SYSTEM SET wal_receiver_status_interval = '1s'")
            connection.execute("SELECT pg_reload_conf()")
        orders.cluster.pause_replay()
        orders.run("UPDATE orders SET amount = amount + 1")
        await until(
            orders,
            "SELECT replay_lag > interval '0.3 s' AND replay_lsn < pg_current_wal_lsn() FROM pg_stat_replication",
        )
        looked = await look(orders, replica=True, replication_lag=0.2)
        assert looked.one("standby.lag").severity == "warning"
        assert "over the limit of 200 ms" in looked.one("standby.lag").seen
        assert "replay is paused" in looked.one("replica.paused").seen
        assert "standby.lag" not in (await look(orders, replication_lag=600)).codes
        orders.cluster.resume_replay()
        orders.wait_until_replayed()
        assert (
            not {"standby.lag", "replica.paused"}
            & (await look(orders, replica=True, replication_lag=60)).codes
        )

    async def test_one_that_has_hung(self, orders: Database) -> None:
        orders.cluster.freeze_walreceiver()
        orders.run("UPDATE orders SET amount = amount + 1")
        await until(
            orders,
            "SELECT clock_timestamp() - reply_time > interval '0.5 s' AND replay_lsn < pg_current_wal_lsn()"
            " FROM pg_stat_replication",
        )
        assert "last heard of" in (await look(orders, replication_lag=0.4)).one("standby.lag").seen

    async def test_one_that_does_not_stream(self, orders: Database) -> None:
        assert "standby.state" not in (await look(orders)).codes
        with psycopg.connect(
            orders.cluster.primary.url("postgres", "postgres", replication="true", application_name="idler")
        ):
            finding = (await look(orders)).one("standby.state")
        assert "standby idler is connected (startup)" in finding.seen

    async def test_none_and_one_that_is_gone(self, orders: Database) -> None:
        codes = {"standby.none", "slot.inactive", "replica.unreachable"}
        assert not codes & (await look(orders, replica=True)).codes
        orders.cluster.standby.stop()
        await until(orders, "SELECT NOT bool_or(active) FROM pg_replication_slots")
        looked = await look(orders)
        assert looked.one("standby.none").severity == "note"
        assert "physical slot standby1 (inactive, reserved" in looked.one("slot.inactive").seen
        looked = await look(orders, replica=True)
        assert looked.one("replica.unreachable").severity == "blocker"
        assert "standby.none" not in looked.codes

    async def test_not_named_in_the_file(self, orders: Database) -> None:
        finding = (await look(orders)).one("standby.not-named")
        assert finding.seen.startswith("1 connected (standby1), 1 of them not read directly")
        assert "standby.not-named" not in (await look(orders, replica=True)).codes


class TestSlots:
    @pytest.fixture
    def spare(self, orders: Database) -> Iterator[Database]:
        orders.run("SELECT pg_create_physical_replication_slot('spare', true)", "postgres")
        yield orders
        orders.run("SELECT pg_drop_replication_slot('spare')", "postgres")

    async def test_without_a_reader_losing_its_log(self, spare: Database) -> None:
        assert {finding.seen.split()[2] for finding in (await look(spare)).all("slot.inactive")} == {"spare"}
        assert "slot.unlimited" in (await look(spare)).codes
        with spare.connect("postgres") as connection:
            connection.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
            connection.execute("SELECT pg_reload_conf()")
            for _ in range(5):
                connection.execute("SELECT pg_switch_wal(), pg_logical_emit_message(false, 'x', 'y')")
                # The standby's own slot must not lose its log too, however slow the standby is.
                await until(
                    spare,
                    "SELECT restart_lsn >= pg_current_wal_flush_lsn() FROM pg_replication_slots"
                    " WHERE slot_name = 'standby1'",
                )
                connection.execute("CHECKPOINT")
        await until(
            spare,
            "SELECT wal_status IN ('lost', 'unreserved') FROM pg_replication_slots WHERE slot_name = 'spare'",
        )
        looked = await look(spare)
        assert "physical slot spare (inactive, " in looked.one("slot.lost").seen
        assert "slot.unlimited" not in looked.codes

    async def test_that_keeps_more_than_it_should(self, orders: Database) -> None:
        assert "slot.extended" not in (await look(orders)).codes
        with orders.connect("postgres") as connection:
            connection.execute("ALTER SYSTEM SET max_wal_size = '2MB'")
            connection.execute("ALTER SYSTEM SET min_wal_size = '2MB'")
            connection.execute("SELECT pg_reload_conf()")
            orders.cluster.freeze_walreceiver()
            for _ in range(8):
                connection.execute("SELECT pg_switch_wal(), pg_logical_emit_message(false, 'x', 'y')")
        await until(
            orders, "SELECT wal_status = 'extended' FROM pg_replication_slots WHERE slot_name = 'standby1'"
        )
        assert "physical slot standby1 (active, extended" in (await look(orders)).one("slot.extended").seen

    async def test_that_holds_an_old_snapshot(
        self, orders: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(standbys, "OLD_XMIN", 0)
        assert "slot.xmin" not in (await look(orders)).codes
        with orders.cluster.standby.connect() as connection:
            connection.execute("ALTER SYSTEM SET hot_standby_feedback = on")
            connection.execute("ALTER SYSTEM SET wal_receiver_status_interval = '1s'")
            connection.execute("SELECT pg_reload_conf()")
        with orders.connect_standby("app") as reader:
            reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT count(*) FROM orders")
            await until(orders, "SELECT xmin IS NOT NULL FROM pg_replication_slots")
            orders.run("UPDATE orders SET amount = 1; SELECT 1")
            orders.run("UPDATE orders SET amount = 2; SELECT 1")
            looked = await look(orders, replica=True)
        assert "slot standby1 holds a snapshot" in looked.one("slot.xmin").seen
        assert "replica.feedback" in looked.codes
        assert "replica.no-feedback" not in looked.codes


class TestReplicas:
    async def test_with_long_transactions(self, orders: Database, at_once: None) -> None:
        assert "replica.long-transaction" not in (await look(orders, replica=True)).codes
        with orders.connect_standby("app") as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM days")
            await asyncio.sleep(0.2)
            finding = (await look(orders, replica=True)).one("replica.long-transaction")
            assert f"pid {reader.info.backend_pid} (app, idle in transaction)" in finding.seen
            assert "if it reads the table" in finding.seen
            reader.execute("SELECT count(*) FROM orders")
            finding = (await look(orders, replica=True)).one("replica.long-transaction")
            assert "it has read the table" in finding.seen
            hidden = await look(orders, replica=True, role="visitor")
            assert "not permitted to see" in hidden.one("replica.transaction-unread").seen
        assert "replica.transaction-unread" not in (await look(orders, replica=True)).codes

    async def test_that_may_not_be_looked_at(self, orders: Database) -> None:
        assert "replica.unread" not in (await look(orders, replica=True)).codes
        orders.run("REVOKE EXECUTE ON FUNCTION pg_control_system FROM public", "postgres")
        orders.wait_until_replayed()
        looked = await look(orders, replica=True)
        assert "permission denied for function pg_control_system" in looked.one("replica.unread").seen
        assert "replica.seen" not in looked.codes

    async def test_that_are_none(self, orders: Database) -> None:
        looked = await look(orders, replicas=(orders.url(),))
        assert looked.one("replica.primary").severity == "blocker"
        assert "replica.seen" not in looked.codes

    async def test_of_another_cluster(self, newest_database: Database) -> None:
        newest_database.run(ORDERS.format(rows=10))
        ours = newest_database.cluster.primary
        other = Node(
            "other",
            place=newest_database.cluster.place,
            port=5439,
            binaries=ours.binaries,
            account=ours._account,
        )
        other.initialise(segment_mb=1)
        other.configure({"shared_buffers": "16MB", "fsync": "off"})
        other.start()
        try:
            looked = await look(newest_database, replicas=(other.url("postgres", "postgres"),))
        finally:
            other.stop(at_once=True)
        assert looked.one("replica.stranger").severity == "blocker"

    async def test_that_replay_late_or_wait_for_ever(self, orders: Database) -> None:
        codes = {"replica.delayed", "replica.waits-for-ever"}
        assert not codes & (await look(orders, replica=True)).codes
        with orders.connect_standby("postgres") as connection:
            connection.execute("ALTER SYSTEM SET recovery_min_apply_delay = '3s'")
            connection.execute("ALTER SYSTEM SET max_standby_streaming_delay = -1")
            connection.execute("SELECT pg_reload_conf()")
        while (delay := orders.rows("SHOW recovery_min_apply_delay", standby=True)) != [("3s",)]:
            assert delay == [("0",)]
        looked = await look(orders, replica=True)
        assert looked.one("replica.delayed").severity == "blocker"
        assert "replays 3.0 s late on purpose" in looked.one("replica.delayed").seen
        assert looked.one("replica.waits-for-ever").severity == "warning"
        assert "replica.conflict-delay" not in looked.codes
        assert (await look(orders, replica=True, replication_lag=10)).one(
            "replica.delayed"
        ).severity == "warning"
