"""Findings about the server, the role's rights, disk, window; and what can't be looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import psycopg
import pytest

from console.change import Backfill, Limits, Reference, TableName, Window
from console.databases import checking
from console.databases.base import ConnectionLost
from console.databases.postgresql.connect import connect
from console.databases.postgresql.inspect import inspect
from console.databases.postgresql.preflight import preflight, space
from tests.databases.postgresql.changes import ORDERS, change, change_file
from tests.databases.postgresql.preflighting import Case, look, see
from tests.databases.postgresql.proxy import proxy
from tests.servers.database import Database


@pytest.fixture
def orders(database: Database) -> Database:
    database.run(ORDERS.format(rows=300))
    return database


class TestServer:
    async def test_a_standby_is_no_primary(self, orders: Database) -> None:
        orders.wait_until_replayed()
        looked = await look(orders, url=orders.standby_url())
        finding = looked.one("server.standby")
        assert (finding.severity, "takes no writes" in finding.seen) == ("blocker", True)
        assert "server.standby" not in (await look(orders)).codes

    async def test_an_old_server(self, orders: Database) -> None:
        file = change_file(orders, change())
        async with await connect(orders.url(), purpose="test", read_only=True) as connection:
            facts = await inspect(connection, file.change)
            old = msgspec.structs.replace(facts.server, version="11.22", number=110022)
            seen = await preflight(connection, file, msgspec.structs.replace(facts, server=old))
        assert [(finding.code, finding.seen) for finding in seen.blockers] == [
            ("server.old", "PostgreSQL 11.22 is older than 12")
        ]

    async def test_a_server_whose_partitioned_tables_take_no_trigger(self, orders: Database) -> None:
        orders.run("CREATE TABLE parted (id int PRIMARY KEY, placed_at timestamptz) PARTITION BY RANGE (id)")
        file = change_file(orders, change(table="parted"))
        async with await connect(orders.url(), purpose="test", read_only=True) as connection:
            facts = await inspect(connection, file.change)
            old = msgspec.structs.replace(facts.server, version="12.22", number=120022)
            seen = await preflight(connection, file, msgspec.structs.replace(facts, server=old))
            assert [finding.code for finding in seen.blockers] == ["table.partitions"]
            assert (await preflight(connection, file, facts)).blockers == ()

    async def test_a_table_that_has_changed_since_it_was_inspected(self, orders: Database) -> None:
        file = change_file(orders, change())
        async with await connect(orders.url(), purpose="test", read_only=True) as connection:
            facts = await inspect(connection, file.change)
            orders.run("ALTER TABLE orders DROP placed_at")
            seen = await preflight(connection, file, facts)
        assert [finding.code for finding in seen.blockers] == ["value.wrong"]

    async def test_a_pooler_between(self, orders: Database) -> None:
        async with proxy(orders) as port:
            assert "server.pooler" not in (await look(orders, url=self.way(orders, port))).codes
        async with proxy(orders, other_pid=4711) as port:
            looked = await look(orders, url=self.way(orders, port))
        assert looked.one("server.pooler").severity == "blocker"
        assert "space.unread" in looked.codes  # not on a socket: the disk may be another machine's

    def way(self, database: Database, port: int) -> str:
        return f"postgresql://deploy@127.0.0.1:{port}/{database.name}?sslmode=disable&gssencmode=disable"

    async def test_settings(self, orders: Database) -> None:
        name = orders.name
        for case in (
            Case(
                "server.read-only",
                "warning",
                "sessions of this role begin read-only",
                f"ALTER DATABASE {name} SET default_transaction_read_only = on",
                f"SET transaction_read_only = off; ALTER DATABASE {name} RESET default_transaction_read_only",
            ),
            Case(
                "settings.replication-role",
                "blocker",
                "ordinary triggers do not fire",
                f"ALTER DATABASE {name} SET session_replication_role = replica",
                f"ALTER DATABASE {name} RESET session_replication_role",
            ),
            Case(
                "settings.track-activities",
                "warning",
                "track_activities is off",
                f"ALTER DATABASE {name} SET track_activities = off",
                f"ALTER DATABASE {name} RESET track_activities",
            ),
            Case(
                "settings.deadlock-timeout",
                "warning",
                "deadlock_timeout is 80 ms, and a batch waits 100 ms",
                f"ALTER DATABASE {name} SET deadlock_timeout = '80ms'",
                f"ALTER DATABASE {name} RESET deadlock_timeout",
            ),
            Case(
                "autovacuum.off",
                "warning",
                "switched off for orders",
                "ALTER TABLE orders SET (autovacuum_enabled = off)",
                "ALTER TABLE orders RESET (autovacuum_enabled)",
            ),
        ):
            await see(orders, case)

    async def test_settings_of_the_whole_server(self, orders: Database) -> None:
        before = await look(orders)
        assert not {"settings.synchronous", "settings.autovacuum"} & before.codes
        for names, seen in (("standby1", "(standby1): 1 connected now"), ("ghost", "none is connected")):
            _alter_system(orders, synchronous_standby_names=names, autovacuum="off")
            looked = await look(orders)
            assert seen in looked.one("settings.synchronous").seen
            assert looked.one("settings.autovacuum").severity == "warning"
        hidden = await look(orders, role="visitor")
        assert "this role may not see" in hidden.one("settings.synchronous").seen

    async def test_lock_timeout_and_deadlock_timeout(self, orders: Database) -> None:
        assert "can't evict it" in (await look(orders, lock_timeout=1.0)).one("settings.lock-timeout").seen
        assert "settings.lock-timeout" not in (await look(orders, lock_timeout=1.5)).codes


def _alter_system(database: Database, **settings: str) -> None:
    """Change settings of the primary, and wait until new sessions have them."""
    with database.connect("postgres") as connection:
        for name, value in settings.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
        connection.execute("SELECT pg_reload_conf()")
    for name, value in settings.items():
        while database.rows(f"SHOW {name}", "postgres") != [(value,)]:
            pass


RIGHTS = [
    Case(
        "right.owner",
        "blocker",
        "deploy does not own orders: the owner is app",
        "ALTER TABLE orders OWNER TO app; GRANT ALL ON orders TO deploy",
        "ALTER TABLE orders OWNER TO deploy",
    ),
    Case(
        "right.schema-create",
        "blocker",
        "deploy may not create the progress table and indexes in schema public",
        "ALTER SCHEMA public OWNER TO postgres; REVOKE ALL ON SCHEMA public FROM public, deploy;"
        "GRANT USAGE ON SCHEMA public TO deploy",
        "GRANT ALL ON SCHEMA public TO deploy",
    ),
    Case(
        "right.table",
        "blocker",
        "deploy lacks UPDATE, TRIGGER on public.orders",
        "REVOKE UPDATE, TRIGGER ON orders FROM deploy",
        "GRANT ALL ON orders TO deploy",
    ),
    Case(
        "right.references",
        "blocker",
        "deploy may not let a foreign key refer to public.days (day)",
        "ALTER TABLE days OWNER TO postgres; GRANT SELECT ON days TO deploy",
        "GRANT REFERENCES (day) ON days TO deploy",
        change(reference=Reference(TableName("public", "days"), "day")),
    ),
    Case(
        "right.language",
        "blocker",
        "deploy may not use",
        "REVOKE USAGE ON LANGUAGE plpgsql FROM public",
        "GRANT USAGE ON LANGUAGE plpgsql TO public",
    ),
    Case(
        "right.language",
        "blocker",
        "which this database does not have",
        "DROP EXTENSION plpgsql",
        "CREATE EXTENSION plpgsql",
    ),
    Case(
        "right.application",
        "blocker",
        "app writes public.orders but may not execute worth(numeric)",
        "GRANT INSERT ON orders TO app; REVOKE EXECUTE ON FUNCTION worth FROM public;"
        "GRANT EXECUTE ON FUNCTION worth TO deploy",
        "GRANT EXECUTE ON FUNCTION worth TO app",
        change(type="int", backfill=Backfill(value="worth(amount)")),
    ),
]


class TestRights:
    async def test_each(self, orders: Database) -> None:
        orders.run(
            "CREATE FUNCTION worth(numeric) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1::int'",
            "postgres",
        )
        for case in RIGHTS:
            await see(orders, case)

    async def test_a_member_of_the_owner_has_its_rights(self, orders: Database) -> None:
        orders.run(
            "CREATE ROLE team; ALTER TABLE orders OWNER TO team; ALTER SCHEMA public OWNER TO team",
            "postgres",
        )
        try:
            assert "right.owner" in (await look(orders)).codes
            orders.run("GRANT team TO deploy", "postgres")
            assert not [code for code in (await look(orders)).codes if code.startswith("right.")]
        finally:
            orders.run("REASSIGN OWNED BY team TO deploy; DROP OWNED BY team; DROP ROLE team", "postgres")

    async def test_a_partition_of_another_owner(self, orders: Database) -> None:
        orders.run(
            "CREATE TABLE parted (id int PRIMARY KEY, placed_at timestamptz) PARTITION BY RANGE (id);"
            "CREATE TABLE theirs PARTITION OF parted FOR VALUES FROM (0) TO (10);"
            "ALTER TABLE parted OWNER TO deploy; ALTER TABLE theirs OWNER TO postgres",
            "postgres",
        )
        finding = (await look(orders, change(table="parted"))).one("right.owner")
        assert "does not own theirs: the owner is postgres" in finding.seen
        assert "GRANT" not in finding.remedy  # nobody is made a superuser for this

    async def test_what_others_do(self, orders: Database) -> None:
        """Not permitted never reads as fine."""
        unseen = {
            "right.stats",
            "right.signal",
            "transaction.unread",
            "standby.not-permitted",
            "space.log-unread",
        }
        assert not (unseen | {"right.monitor"}) & (await look(orders)).codes
        looked = await look(orders, role="visitor")
        assert unseen < looked.codes
        assert looked.one("right.stats").severity == "warning"
        assert looked.one("right.stats").remedy == "GRANT pg_monitor TO visitor"
        assert not {"standby.seen", "space.log", "transaction.old"} & looked.codes
        orders.run("CREATE ROLE reader LOGIN IN ROLE pg_read_all_stats", "postgres")
        try:
            looked = await look(orders, role="reader")
        finally:
            orders.run("DROP ROLE reader", "postgres")
        assert {"right.monitor", "right.signal", "standby.seen", "space.log-unread"} < looked.codes
        assert not {"right.stats", "transaction.unread"} & looked.codes

    async def test_nothing_at_all(self, orders: Database) -> None:
        looked = await look(orders, role="visitor")
        assert {"right.owner", "right.schema-create", "right.table"} <= {
            f.code for f in looked.preflight.blockers
        }
        assert "permission denied" in looked.one("sample.unread").seen
        assert "right.schema-usage" not in looked.codes
        orders.run("REVOKE ALL ON SCHEMA public FROM public")
        looked = await look(orders, role="visitor")
        assert "visitor may not use schema public" in looked.one("right.schema-usage").seen
        assert looked.facts.value_columns == ("placed_at",)


class TestUnread:
    async def test_a_locked_catalog_is_a_note_and_the_rest_goes_on(self, orders: Database) -> None:
        with orders.connect("postgres") as other, other.transaction():
            other.execute("LOCK TABLE pg_event_trigger")
            looked = await look(orders)
        finding = looked.one("events.unread")
        assert finding.severity == "note"
        assert (
            finding.seen == "event triggers could not be looked at: canceling statement due to lock timeout"
        )
        assert {"key.found", "estimate"} < looked.codes

    async def test_a_slow_check_is_given_up_and_the_rest_goes_on(
        self, orders: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(checking, "DEADLINE", 0.4)
        with orders.connect("postgres") as other, other.transaction():
            other.execute("LOCK TABLE pg_event_trigger")
            looked = await look(orders)
        assert "no answer within 0.4 s" in looked.one("events.unread").seen
        assert {"key.found", "estimate"} < looked.codes

    async def test_a_lost_connection_ends_it(self, orders: Database) -> None:
        file = change_file(orders, change())
        connection = await connect(orders.url(), purpose="test", read_only=True)
        facts = await inspect(connection, file.change)
        orders.run(f"SELECT pg_terminate_backend({connection.info.backend_pid})", "postgres")
        with pytest.raises(ConnectionLost):
            await preflight(connection, file, facts)
        await connection.close()

    async def test_nothing_is_written(self, orders: Database) -> None:
        before = orders.rows(
            "SELECT pg_current_xact_id_if_assigned(), txid_snapshot_xmax(txid_current_snapshot())"
        )
        await look(orders, change(nullable=False, default="current_date"), replica=True)
        assert (
            orders.rows(
                "SELECT pg_current_xact_id_if_assigned(), txid_snapshot_xmax(txid_current_snapshot())"
            )
            == before
        )


class TestSpace:
    async def test_estimate_follows_rows_indexes_and_limits(self, orders: Database) -> None:
        looked = await look(orders)
        cost, facts = looked.preflight.estimate, looked.facts
        assert cost is not None
        assert (cost.rows, cost.disk_bytes) == (300, facts.bytes + facts.index_bytes)
        assert 300 * 200 < cost.wal_bytes < 300 * 1000
        slow = (await look(orders, rows_per_second=10)).preflight.estimate
        assert slow is not None
        assert (slow.seconds_low, slow.seconds_high) == (30.0, 30.0)
        for wanted in (change(backfill=None), change(backfill=Backfill(value="current_date"))):
            none = (await look(orders, wanted)).preflight.estimate
            assert none is not None
            assert (none.rows, none.wal_bytes, none.disk_bytes, none.seconds_high) == (0, 0, 0, 0.0)

    async def test_log_written_is_near_the_estimate(self, newest_database: Database) -> None:
        newest_database.run(ORDERS.format(rows=20_000) + "ALTER TABLE orders ADD placed_on date")
        cost = (await look(newest_database)).preflight.estimate
        assert cost is not None
        with newest_database.connect() as connection:
            mark = connection.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
            assert mark is not None
            connection.execute("UPDATE orders SET placed_on = (placed_at at time zone 'UTC')::date")
            row = connection.execute(
                "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s::pg_lsn)::int8", [mark[0]]
            ).fetchone()
        assert row is not None
        assert row[0] / 3 < cost.wal_bytes < row[0] * 3
        after = (await look(newest_database)).facts
        assert after.bytes + after.index_bytes < cost.disk_bytes * 2.2

    async def test_disk(self, orders: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "of disk free" in (await look(orders)).one("space.free").seen
        cost = (await look(orders)).preflight.estimate
        assert cost is not None
        for free, severity in ((cost.disk_bytes, "warning"), (cost.disk_bytes // 4, "blocker")):
            # A disk of this size is not to be had; the real one is looked at above.
            monkeypatch.setattr(space, "_free", lambda place, free=free: free)
            assert (await look(orders)).one("space.short").severity == severity


class TestWindow:
    def window(self, begins: float, ends: float) -> Window:
        now = datetime.now(UTC)

        def minute(hours: float) -> int:
            moment = now + timedelta(hours=hours)
            return moment.hour * 60 + moment.minute

        return Window(start=minute(begins), end=minute(ends))

    async def test_open_closed_short_and_none(self, orders: Database) -> None:
        for given, rate, code, severity in (
            (self.window(-2, 3), 0, "window.open", "note"),
            (self.window(2, 3), 0, "window.closed", "warning"),
            (self.window(-3, -2), 0, "window.closed", "warning"),
            (self.window(-2, 3), 0.01, "window.short", "warning"),
            (Window(start=0, end=0, zone="Mars/Olympus"), 0, "window.zone", "warning"),
        ):
            looked = await look(orders, window=given, rows_per_second=rate)
            assert [code] == [found for found in looked.codes if found.startswith("window.")]
            assert looked.one(code).severity == severity
        assert not [code for code in (await look(orders)).codes if code.startswith("window.")]
        assert Limits().window is None


async def test_claims_about_statements_hold(database: Database) -> None:
    """What `preflight.statements` says that PostgreSQL does."""
    database.run("CREATE TABLE t (a int, b int); CREATE TABLE copy AS SELECT * FROM t")
    with database.connect() as connection:
        connection.prepare_threshold = 0
        connection.execute("SELECT * FROM t")
        database.run("ALTER TABLE t ADD c int DEFAULT 7")
        with pytest.raises(psycopg.Error, match="cached plan must not change result type"):
            connection.execute("SELECT * FROM t")
    database.run("INSERT INTO t VALUES (1, 2)")
    assert database.rows("SELECT * FROM t") == [(1, 2, 7)]
    with pytest.raises(psycopg.Error, match="more expressions than target columns"):
        database.run("INSERT INTO copy SELECT * FROM t")
    with (
        database.connect() as connection,
        pytest.raises(psycopg.Error, match='missing data for column "c"'),
        connection.cursor().copy("COPY t FROM STDIN") as copy,
    ):
        copy.write("1\t2\n")
