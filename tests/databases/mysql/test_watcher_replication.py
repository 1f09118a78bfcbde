"""How far replicas are behind, in what state and why, with a real replica in each kind of trouble."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator

import pytest

from console.databases.base import DatabaseError
from console.databases.mysql.names import Names
from console.databases.mysql.watcher import MySqlWatcher
from console.events import Replica
from tests.databases.mysql.watching import change_file, facts, run, until, watching
from tests.servers.mysql_database import MySqlDatabase

pytestmark = pytest.mark.slow

PROGRESS = (
    "CREATE TABLE {} (item VARCHAR(100) NOT NULL PRIMARY KEY, value LONGTEXT NOT NULL,"
    " written DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)) ENGINE = InnoDB"
)


@pytest.fixture
def orders(mysql_database: MySqlDatabase) -> MySqlDatabase:
    mysql_database.run("CREATE TABLE orders (id int PRIMARY KEY, note varchar(20), n int NOT NULL DEFAULT 0)")
    mysql_database.run("INSERT INTO orders (id, note) VALUES (1, 'n'), (2, 'n'), (3, 'n')")
    mysql_database.wait_until_replayed()
    return mysql_database


@pytest.fixture(params=[False, True], ids=["by GTIDs", "with a heartbeat"])
def beating(request: pytest.FixtureRequest, orders: MySqlDatabase) -> MySqlDatabase:
    """The database, with and without the progress table that the heartbeat stands in."""
    if request.param:
        orders.run(PROGRESS.format(progress(orders)))
        orders.wait_until_replayed()
    return orders


def progress(database: MySqlDatabase) -> str:
    return Names(change_file(database).change, facts(database)).progress


@contextlib.asynccontextmanager
async def traffic(database: MySqlDatabase) -> AsyncIterator[None]:
    """The application writes all the while."""
    through = threading.Event()

    def write() -> None:
        with database.connect() as connection:
            while not through.wait(0.05):
                run(connection, "UPDATE orders SET n = n + 1 WHERE id = 3")

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield
    finally:
        through.set()
        await asyncio.to_thread(thread.join)


async def only(watcher: MySqlWatcher) -> Replica:
    (replica,) = await watcher.replicas()
    return replica


async def caught_up(watcher: MySqlWatcher) -> Replica:
    return await until(
        lambda: only(watcher), lambda replica: replica.state == "streaming" and (replica.lag or 0) < 0.5
    )


async def test_a_replica_is_one_row(beating: MySqlDatabase) -> None:
    async with traffic(beating), watching(beating, replica=True) as watcher:
        await caught_up(watcher)
        seen = [await only(watcher) for _ in range(10)]
        assert {(replica.name, replica.state, replica.slot) for replica in seen} == {
            ("replica1", "streaming", "")
        }
        assert all(replica.lag is not None and replica.replied is not None for replica in seen)
        assert watcher.lacking("replication") == ("", "")


async def test_an_idle_replica_lags_by_nothing(beating: MySqlDatabase) -> None:
    async with watching(beating, replica=True) as watcher:
        replica = await until(lambda: only(watcher), lambda replica: replica.lag == 0.0)
        assert (replica.state, replica.why) == ("streaming", "")


async def test_nothing_is_written_before_the_progress_table_is_there(orders: MySqlDatabase) -> None:
    async with watching(orders, replica=True) as watcher:
        before = orders.cluster.position()
        for _ in range(4):
            await only(watcher)
            await asyncio.sleep(1)
        assert orders.cluster.position() == before
        orders.run(PROGRESS.format(progress(orders)))
        item = f"SELECT item, value FROM {progress(orders)}"

        async def read() -> list[tuple[str, str]]:
            return [(str(name), str(value)) for name, value in orders.rows(item)]

        first = await until(read, bool)
        assert [name for name, _ in first] == ["heartbeat"]
        second = await until(read, lambda rows: rows != first)
        run_of = [value.partition(":")[0] for _, value in (*first, *second)]
        assert run_of[0] == run_of[1]
        orders.run(f"DROP TABLE {progress(orders)}")
        after = orders.cluster.position()
        await asyncio.sleep(1)
        assert orders.cluster.position() == after
        await caught_up(watcher)


async def test_without_traffic_the_heartbeat_alone_tells_the_lag(orders: MySqlDatabase) -> None:
    orders.run(PROGRESS.format(progress(orders)))
    async with watching(orders, replica=True) as watcher:
        await caught_up(watcher)
        orders.cluster.stop_applier()
        await until(lambda: only(watcher), lambda replica: (replica.lag or 0) > 2)
        orders.cluster.start_applier()
        await caught_up(watcher)


async def test_a_stopped_applier_is_stalled_and_its_lag_grows(beating: MySqlDatabase) -> None:
    async with traffic(beating), watching(beating, replica=True) as watcher:
        await caught_up(watcher)
        beating.cluster.stop_applier()
        replica = await until(lambda: only(watcher), lambda replica: (replica.lag or 0) > 1.5)
        assert (replica.state, replica.why) == ("stalled", "its applier (SQL thread) is stopped")
        assert replica.server_lag is None
        beating.cluster.start_applier()
        replica = await caught_up(watcher)
        assert replica.server_lag is not None


async def test_a_stopped_receiver_is_stalled_and_its_lag_grows(beating: MySqlDatabase) -> None:
    async with traffic(beating), watching(beating, replica=True) as watcher:
        await caught_up(watcher)
        beating.cluster.stop_receiver()
        replica = await until(lambda: only(watcher), lambda replica: (replica.lag or 0) > 1.5)
        assert (replica.state, replica.why) == ("stalled", "its receiver (IO thread) is stopped")
        beating.cluster.start_receiver()
        await caught_up(watcher)


async def test_an_applier_that_broke_says_why_without_the_rows_values(orders: MySqlDatabase) -> None:
    replica_of = orders.cluster.replica
    replica_of.run_all(
        *([] if orders.family == "mariadb" else ["SET GLOBAL super_read_only = OFF"]),
        f"INSERT INTO `{orders.name}`.orders (id, note) VALUES (1234567, 'theirs')",
    )
    async with watching(orders, replica=True) as watcher:
        await caught_up(watcher)
        orders.run("INSERT INTO orders (id, note) VALUES (1234567, 'ours')")
        replica = await until(lambda: only(watcher), lambda replica: replica.state == "stalled")
        replica = await until(lambda: only(watcher), lambda replica: "Duplicate entry" in replica.why)
        assert replica.why.startswith("its applier (SQL thread) is stopped: ")
        assert "1234567" not in replica.why


async def test_a_row_that_is_held_on_the_replica_is_a_conflict_with_who_holds_it(
    beating: MySqlDatabase,
) -> None:
    replica_of = beating.cluster.replica
    if beating.family == "mysql":
        replica_of.run_all("SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")
    with replica_of.connect("root", beating.name) as report:
        run(report, "BEGIN", "SELECT * FROM orders WHERE id = 3 FOR UPDATE")
        async with traffic(beating), watching(beating, replica=True) as watcher:
            replica = await until(lambda: only(watcher), lambda replica: replica.state == "conflict")
            session = report.thread_id()  # type: ignore[no-untyped-call]
            assert replica.why.startswith(f"its applier is held up on the replica by session {session} (")
            assert "root" in replica.why
            replica = await until(lambda: only(watcher), lambda replica: (replica.lag or 0) > 1.5)
            assert replica.state == "conflict"
            run(report, "ROLLBACK")
            await caught_up(watcher)


async def test_a_reader_on_the_replica_that_holds_ddl_up_is_named(orders: MySqlDatabase) -> None:
    orders.cluster.replica.rows(
        "UPDATE performance_schema.setup_instruments SET ENABLED = 'YES' WHERE NAME = 'wait/lock/metadata/sql/mdl'"
    )
    with orders.connect_replica() as report:
        run(report, "BEGIN", "SELECT * FROM orders")
        async with watching(orders, replica=True) as watcher:
            await caught_up(watcher)
            orders.run("ALTER TABLE orders ADD COLUMN c int")
            replica = await until(lambda: only(watcher), lambda replica: replica.state == "conflict")
            session = report.thread_id()  # type: ignore[no-untyped-call]
            assert f"held up on the replica by session {session} (" in replica.why
            assert "deploy" in replica.why
            run(report, "COMMIT")
            await caught_up(watcher)


async def test_a_replica_whose_host_hangs_is_stalled_and_the_primary_is_read_on(
    beating: MySqlDatabase,
) -> None:
    async with traffic(beating), watching(beating, replica=True) as watcher:
        await caught_up(watcher)
        beating.cluster.replica.freeze()
        try:
            stalled = await until(lambda: only(watcher), lambda replica: replica.state == "stalled")
            assert stalled.why.startswith("no answer for ")
            assert (stalled.lag or 0) > 2
            later = await until(
                lambda: only(watcher), lambda replica: (replica.lag or 0) > (stalled.lag or 0) + 1
            )
            assert (later.state, later.replied) == ("stalled", stalled.replied)
            assert (await watcher.activity()).connections > 0
        finally:
            beating.cluster.replica.thaw()
        await caught_up(watcher)


async def test_a_replica_that_was_there_is_gone_and_not_lag_0(orders: MySqlDatabase) -> None:
    async with traffic(orders), watching(orders, replica=True) as watcher:
        await caught_up(watcher)
        orders.cluster.replica.stop()
        gone = await until(lambda: only(watcher), lambda replica: replica.state == "gone")
        assert (gone.name, gone.lag) == ("replica1", None)
        assert "can't connect" in gone.why
        orders.cluster.replica.start()
        assert (await caught_up(watcher)).name == "replica1"


# -- Rights, and mistakes


async def test_a_replica_that_the_change_file_does_not_name_is_unread(orders: MySqlDatabase) -> None:
    orders.cluster.primary.rows(f"GRANT {_listing(orders)} ON *.* TO deploy@localhost")
    try:
        async with watching(orders) as watcher:
            replica = await until(lambda: only_or_none(watcher), lambda replica: replica is not None)
            assert replica is not None
            assert replica.name == f"127.0.0.1:{orders.cluster.replica.port}"
            assert (replica.state, replica.lag) == ("unread", None)
            assert "[database] replicas" in replica.why
            orders.cluster.replica.stop()
            orders.run("INSERT INTO orders (id) VALUES (9)")
            await until(
                lambda: only_or_none(watcher), lambda replica: replica is not None and replica.state == "gone"
            )
    finally:
        orders.cluster.primary.rows(f"REVOKE {_listing(orders)} ON *.* FROM deploy@localhost")


async def test_without_the_right_to_list_replicas_one_that_is_not_named_is_still_noticed(
    orders: MySqlDatabase,
) -> None:
    async with watching(orders) as watcher:
        replica = await until(lambda: only_or_none(watcher), lambda replica: replica is not None, every=1.0)
        assert replica is not None
        assert (replica.state, replica.lag) == ("unread", None)
    async with watching(orders, replica=True) as watcher:
        for _ in range(12):
            assert (await only(watcher)).name == "replica1", "the one that is named is no stranger"
            await asyncio.sleep(1)


async def only_or_none(watcher: MySqlWatcher) -> Replica | None:
    found = await watcher.replicas()
    assert len(found) <= 1
    return found[0] if found else None


def _listing(orders: MySqlDatabase) -> str:
    return "REPLICATION MASTER ADMIN" if orders.family == "mariadb" else "REPLICATION SLAVE"


async def test_without_rights_the_lag_is_told_and_the_rest_is_said_to_be_hidden(
    orders: MySqlDatabase,
) -> None:
    async with traffic(orders), watching(orders, role="app", replica=True) as watcher:
        replica = await until(lambda: only(watcher), lambda replica: replica.state == "streaming")
        assert replica.lag is not None
        right = "REPLICA MONITOR" if orders.family == "mariadb" else "REPLICATION CLIENT"
        assert f"GRANT {right} ON *.* TO 'app'@'localhost'" in replica.why
        why, remedy = watcher.lacking("replication")
        assert "can't be seen" in why
        assert remedy == "GRANT PROCESS ON *.* TO 'app'@'localhost'"


async def test_a_replica_out_of_reach_was_never_read(orders: MySqlDatabase) -> None:
    nowhere = orders.replica_url().replace("replica1.sock", "nobody.sock")
    watcher = await MySqlWatcher.open(
        change_file(orders, "deploy", nowhere), facts(orders), None, lambda unix: unix
    )
    try:
        unread = (await watcher.replicas())[0]
        assert (unread.name, unread.state, unread.lag) == ("nobody", "unread", None)
        assert "can't connect" in unread.why
    finally:
        await watcher.close()


async def test_a_replica_that_is_none_is_found_out(orders: MySqlDatabase) -> None:
    watcher = await MySqlWatcher.open(
        change_file(orders, "deploy", orders.url()), facts(orders), None, lambda unix: unix
    )
    try:
        wrong = (await watcher.replicas())[0]
        assert (wrong.state, wrong.lag) == ("gone", None)
        assert wrong.why in ("it is no replica", "it is the primary itself")
    finally:
        await watcher.close()


async def test_a_primary_that_hangs_is_told_within_the_deadline_and_read_again_when_it_is_back(
    orders: MySqlDatabase,
) -> None:
    async with watching(orders, replica=True) as watcher:
        await watcher.lock_waits(frozenset())
        orders.cluster.primary.freeze()
        try:
            for take in (watcher.activity, watcher.replicas, lambda: watcher.lock_waits(frozenset())):
                with pytest.raises(DatabaseError, match="no answer within"):
                    await take()
        finally:
            orders.cluster.primary.thaw()

        async def back() -> bool:
            try:
                await watcher.activity()
            except DatabaseError:
                return False
            return True

        await until(back, bool)
