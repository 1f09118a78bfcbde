"""How far standbys are behind, in what state and why, with a real standby in each kind of trouble."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import psutil
import psycopg
import pytest

from console.databases.postgresql.watcher import PostgresWatcher
from console.events import Replica
from tests.databases.postgresql.watching import background, change_file, facts, until, watching
from tests.servers.database import Database

pytestmark = pytest.mark.slow

TABLE = "CREATE TABLE orders (id int); INSERT INTO orders SELECT generate_series(1, 1000)"


@pytest.fixture
def orders(database: Database) -> Database:
    database.run(TABLE)
    database.wait_until_replayed()
    return database


@pytest.fixture
def newest_orders(newest_database: Database) -> Database:
    newest_database.run(TABLE)
    newest_database.wait_until_replayed()
    return newest_database


@contextlib.asynccontextmanager
async def traffic(database: Database) -> AsyncIterator[None]:
    """The application writes all the while."""
    async with await psycopg.AsyncConnection.connect(database.url(), autocommit=True) as connection:

        async def write() -> None:
            while True:
                await connection.execute("UPDATE orders SET id = id WHERE id <= 5")
                await asyncio.sleep(0.05)

        task = asyncio.create_task(write())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def only(watcher: PostgresWatcher) -> Replica:
    (replica,) = await watcher.replicas()
    return replica


@pytest.fixture(params=[False, True], ids=["discovered", "in the change file"])
def named(request: pytest.FixtureRequest) -> bool:
    """Whether the change file names the standby, so that it is asked too."""
    value: bool = request.param
    return value


async def test_a_standby_is_one_row_however_it_is_known(orders: Database, named: bool) -> None:
    async with traffic(orders), watching(orders, replica=named) as watcher:
        seen = [await only(watcher) for _ in range(10)]
        assert {(replica.name, replica.state, replica.slot, replica.why) for replica in seen} == {
            ("standby1", "streaming", "", "")
        }
        assert all(replica.lag is not None and replica.bytes is not None for replica in seen)


async def test_an_idle_standby_lags_by_nothing(orders: Database) -> None:
    async with watching(orders) as watcher:
        replica = await until(lambda: only(watcher), lambda replica: replica.bytes == 0)
        assert (replica.state, replica.lag) == ("streaming", 0.0)


async def test_paused_replay_is_lag_that_grows_and_says_why(orders: Database, named: bool) -> None:
    async with traffic(orders), watching(orders, replica=named) as watcher:
        await only(watcher)
        orders.cluster.pause_replay()
        replica = await until(lambda: only(watcher), lambda replica: (replica.lag or 0) > 1.5)
        assert replica.state == "streaming"
        assert replica.bytes
        assert replica.why.startswith("replay is paused on the standby") == named
        orders.cluster.resume_replay()
        replica = await until(lambda: only(watcher), lambda replica: (replica.lag or 0) < 0.5)
        assert (replica.state, replica.why) == ("streaming", "")


async def test_a_standby_that_stops_answering_is_stalled_while_the_servers_own_figure_stands_still(
    orders: Database, named: bool
) -> None:
    async with traffic(orders), watching(orders, replica=named) as watcher:
        before = await until(lambda: only(watcher), lambda replica: replica.server_lag is not None)
        orders.cluster.freeze_walreceiver()
        stalled = await until(lambda: only(watcher), lambda replica: replica.state == "stalled")
        assert stalled.why.startswith("no reply for")
        assert stalled.lag is not None
        assert stalled.lag > 2
        assert stalled.server_lag is not None
        assert stalled.server_lag < 1
        later = await until(lambda: only(watcher), lambda replica: (replica.lag or 0) > 3)
        assert (later.server_lag, later.replied) == (stalled.server_lag, stalled.replied)
        assert before.replied is not None
        assert stalled.replied is not None
        orders.cluster.thaw_walreceiver()
        await until(
            lambda: only(watcher), lambda replica: replica.state == "streaming" and (replica.lag or 0) < 0.5
        )


@contextlib.contextmanager
def hung(database: Database) -> Iterator[None]:
    """The standby's host hangs: none of its processes runs, and what is connected stays so."""
    postmaster = database.cluster.standby.pid
    assert postmaster is not None
    processes = [psutil.Process(postmaster), *psutil.Process(postmaster).children()]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


async def test_a_standby_whose_host_hangs_is_stalled_and_the_primary_is_read_on(orders: Database) -> None:
    async with traffic(orders), watching(orders, replica=True) as watcher:
        await only(watcher)
        with hung(orders):
            stalled = await until(lambda: only(watcher), lambda replica: replica.state == "stalled")
            assert (stalled.lag or 0) > 2
        await until(
            lambda: only(watcher), lambda replica: replica.state == "streaming" and (replica.lag or 0) < 0.5
        )


async def test_a_standby_that_was_there_is_gone_and_not_lag_0(orders: Database, named: bool) -> None:
    async with watching(orders, replica=named) as watcher:
        assert (await only(watcher)).state == "streaming"
        orders.cluster.standby.stop()
        orders.run("INSERT INTO orders SELECT generate_series(1, 1000)")
        gone = await until(lambda: only(watcher), lambda replica: replica.state == "gone")
        assert (gone.name, gone.lag, gone.slot) == ("standby1", None, "inactive")
        assert gone.why.startswith("nothing reads its slot standby1, which holds back ")
        assert gone.bytes
        orders.cluster.standby.start()
        back = await until(lambda: only(watcher), lambda replica: replica.state == "streaming")
        assert (back.name, back.slot) == ("standby1", "")


async def test_a_standby_that_was_never_seen_has_left_its_slot_behind(newest_orders: Database) -> None:
    newest_orders.cluster.standby.stop()
    async with watching(newest_orders) as watcher:
        replica = await only(watcher)
        assert (replica.name, replica.state, replica.lag, replica.slot) == (
            "standby1",
            "gone",
            None,
            "inactive",
        )


# -- Conflicts on the standby


@contextlib.contextmanager
def reader(database: Database, begin: str) -> Iterator[psycopg.Connection]:
    """A session on the standby that has read the table and stays in its transaction."""
    with psycopg.connect(
        database.standby_url(), autocommit=True, application_name="monthly report"
    ) as connection:
        connection.execute(begin.encode())
        connection.execute("SELECT count(*) FROM orders")
        yield connection


async def test_a_reader_of_the_table_on_the_standby_is_named(orders: Database) -> None:
    with reader(orders, "BEGIN") as connection:
        async with watching(orders, replica=True) as watcher:
            await only(watcher)
            orders.run("ALTER TABLE orders ADD COLUMN c int")
            replica = await until(lambda: only(watcher), lambda replica: replica.state == "conflict")
            pid = connection.info.backend_pid
            assert replica.name == "standby1"
            assert (
                f"held up on the standby by pid {pid} (monthly report, deploy, idle in transaction"
                in replica.why
            )
            replica = await until(lambda: only(watcher), lambda replica: (replica.lag or 0) > 1)
            assert replica.state == "conflict"
            connection.execute("COMMIT")
            await until(lambda: only(watcher), lambda replica: replica.state == "streaming")


async def test_an_old_snapshot_on_the_standby_is_named(orders: Database) -> None:
    with reader(orders, "BEGIN ISOLATION LEVEL REPEATABLE READ") as connection:
        async with watching(orders, replica=True) as watcher:
            await only(watcher)
            orders.run("DELETE FROM orders WHERE id < 500")
            orders.run("VACUUM orders")
            replica = await until(lambda: only(watcher), lambda replica: replica.state == "conflict")
            assert f"pid {connection.info.backend_pid} (monthly report" in replica.why
            connection.execute("COMMIT")
            await until(lambda: only(watcher), lambda replica: replica.state == "streaming")


# -- Rights, and mistakes


async def test_without_rights_it_is_unread_and_the_grant_is_named(orders: Database) -> None:
    async with watching(orders, role="visitor") as watcher:
        replica = await only(watcher)
        assert (replica.name, replica.state, replica.lag, replica.bytes) == ("standby1", "unread", None, None)
        assert "GRANT pg_read_all_stats TO visitor" in replica.why


async def test_without_rights_the_standby_itself_can_still_tell(orders: Database) -> None:
    async with traffic(orders), watching(orders, role="visitor", replica=True) as watcher:
        replica = await until(lambda: only(watcher), lambda replica: replica.state == "streaming")
        assert replica.name == "standby1"
        assert replica.lag is not None
        orders.cluster.pause_replay()
        replica = await until(lambda: only(watcher), lambda replica: (replica.lag or 0) > 1.5)
        assert replica.why.startswith("replay is paused on the standby")


async def test_a_replica_out_of_reach_is_a_row_of_its_own(newest_orders: Database) -> None:
    nowhere = newest_orders.standby_url(port="5999")
    watcher = await PostgresWatcher.open(
        change_file(newest_orders.url(), nowhere), facts("public.orders"), None, lambda unix: unix
    )
    try:
        listed, unread = await watcher.replicas()
        assert (listed.name, listed.state) == ("standby1", "streaming")
        assert (unread.state, unread.lag) == ("unread", None)
        assert "can't connect" in unread.why
    finally:
        await watcher.close()


async def test_a_replica_that_is_no_standby_is_found_out(newest_orders: Database) -> None:
    watcher = await PostgresWatcher.open(
        change_file(newest_orders.url(), newest_orders.url()), facts("public.orders"), None, lambda unix: unix
    )
    try:
        _, wrong = await watcher.replicas()
        assert (wrong.state, wrong.lag, wrong.why) == ("gone", None, "it is no standby")
    finally:
        await watcher.close()


async def test_a_logical_slot_counts_only_where_it_holds_the_log_back(newest_orders: Database) -> None:
    async with watching(newest_orders) as watcher:
        await only(watcher)
        with newest_orders.connect("postgres") as connection:
            connection.execute("SELECT pg_create_logical_replication_slot('subscriber', 'pgoutput')")
            _, slot = await watcher.replicas()
            assert (slot.name, slot.state, slot.slot, slot.lag) == ("subscriber", "gone", "inactive", None)


async def test_what_only_copies_the_log_is_no_standby(newest_orders: Database) -> None:
    with psycopg.connect(newest_orders.url("postgres"), autocommit=True, replication="true"):
        async with watching(newest_orders) as watcher:
            assert (await only(watcher)).name == "standby1"


async def test_a_slot_that_holds_back_more_than_is_reserved_is_said_so(newest_orders: Database) -> None:
    async with watching(newest_orders) as watcher:
        await only(watcher)
        with newest_orders.connect("postgres") as connection:
            connection.execute("SELECT pg_create_physical_replication_slot('spare', true)")
            try:
                connection.execute("ALTER SYSTEM SET max_wal_size = '2MB'")
                connection.execute("SELECT pg_reload_conf()")
                connection.execute("CREATE TABLE junk AS SELECT generate_series(1, 200000)")
                standby, spare = await until(
                    watcher.replicas, lambda replicas: [r.slot for r in replicas] == ["", "extended"]
                )
                assert (standby.name, standby.state) == ("standby1", "streaming")
                assert (spare.name, spare.state) == ("spare", "gone")
            finally:
                connection.execute("SELECT pg_drop_replication_slot('spare')")


async def test_an_unfinished_statement_of_the_application_does_not_hold_a_reading_up(
    newest_orders: Database,
) -> None:
    with newest_orders.connect() as holder, newest_orders.connect() as waiter:
        holder.execute("BEGIN; LOCK TABLE orders")
        with background(waiter, "SELECT * FROM orders"):
            async with watching(newest_orders, replica=True) as watcher:
                assert (await only(watcher)).name == "standby1"
            holder.execute("ROLLBACK")
