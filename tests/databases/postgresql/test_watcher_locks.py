"""Who waits for whom, read from real servers with real sessions in each other's way."""

import contextlib

import psycopg
import pytest

from console.databases.base import Refused
from console.events import LockWait, ServerSession
from tests.databases.postgresql.watching import background, by_pid, until, watching
from tests.servers.database import Database

TABLE = """
CREATE TABLE orders (id int PRIMARY KEY, note text);
INSERT INTO orders SELECT i, 'n' FROM generate_series(1, 9) i;
"""


@pytest.fixture
def orders(database: Database) -> Database:
    database.run(TABLE)
    return database


@pytest.fixture
def newest_orders(newest_database: Database) -> Database:
    newest_database.run(TABLE)
    return newest_database


def pid_of(connection: psycopg.Connection) -> int:
    return connection.info.backend_pid


async def test_nothing_waits(newest_orders: Database) -> None:
    async with watching(newest_orders) as watcher:
        assert await watcher.lock_waits(frozenset()) == ()


async def test_a_reader_holds_our_alter_and_sessions_queue_behind_it(orders: Database) -> None:
    with contextlib.ExitStack() as stack:
        reader, ours, first, second = (stack.enter_context(orders.connect()) for _ in range(4))
        late = stack.enter_context(orders.connect("app"))
        orders.run("GRANT SELECT ON orders TO app")
        reader.execute("BEGIN; SELECT note FROM orders WHERE note = 'secret'")
        stack.enter_context(background(ours, "ALTER TABLE orders ADD COLUMN c int"))
        me = pid_of(ours)
        async with watching(orders) as watcher:
            await until(lambda: watcher.lock_waits(frozenset({me})), lambda waits: len(waits) == 2)
            for connection in (first, second, late):
                stack.enter_context(background(connection, "SELECT count(*) FROM orders"))
            waits = await until(lambda: watcher.lock_waits(frozenset({me})), lambda waits: len(waits) == 5)

            found = by_pid(waits)
            root, our = found[pid_of(reader)], found[me]
            assert waits[0] is root
            assert (root.mode, root.on, root.blocked_by) == ("", "", ())
            assert (root.session.state, root.session.user, root.session.ours) == (
                "idle in transaction",
                "deploy",
                False,
            )
            assert "secret" not in root.session.query
            assert "SELECT note FROM orders" in root.session.query
            assert root.session.transaction_began is not None
            assert root.session.transaction_began <= our.began
            assert (our.mode, our.on, our.blocked_by) == ("AccessExclusiveLock", "orders", (pid_of(reader),))
            assert our.session.ours
            for connection in (first, second, late):
                queued = found[pid_of(connection)]
                assert (queued.mode, queued.on, queued.blocked_by) == ("AccessShareLock", "orders", (me,))
                assert our.began <= queued.began
            assert found[pid_of(late)].session.user == "app"

            assert await watcher.queued_behind(me) == 3
            assert await watcher.queued_behind(pid_of(reader)) == 4
            assert await watcher.queued_behind(pid_of(late)) == 0
            assert [session.pid for session in await watcher.blockers(me)] == [pid_of(reader)]
            assert [session.pid for session in await watcher.blockers(pid_of(late))] == [pid_of(reader), me]

            again = by_pid(await watcher.lock_waits(frozenset({me})))
            assert {pid: wait.began for pid, wait in again.items()} == {
                pid: wait.began for pid, wait in found.items()
            }, "a time told twice is the same time"

            reader.execute("COMMIT")
            await until(lambda: watcher.lock_waits(frozenset({me})), lambda waits: waits == ())


async def test_row_waits_name_the_table(orders: Database) -> None:
    with contextlib.ExitStack() as stack:
        holder, first, second = (stack.enter_context(orders.connect()) for _ in range(3))
        holder.execute("BEGIN; UPDATE orders SET note = 'a' WHERE id = 1")
        update = "UPDATE orders SET note = 'b' WHERE id = 1"
        async with watching(orders) as watcher:

            async def read() -> tuple[LockWait, ...]:
                return await watcher.lock_waits(frozenset())

            stack.enter_context(background(first, update))
            await until(read, lambda waits: len(waits) == 2)
            stack.enter_context(background(second, update))
            found = by_pid(await until(read, lambda waits: len(waits) == 3))
            assert [(wait.on, wait.blocked_by) for wait in found.values()] == [
                ("", ()),
                ("a row of orders", (pid_of(holder),)),
                ("a row of orders", (pid_of(first),)),
            ]
            holder.execute("ROLLBACK")


async def test_waits_elsewhere_are_not_ours_to_show_unless_tied_to_us(newest_orders: Database) -> None:
    newest_orders.run("CREATE TABLE other (id int)")
    with contextlib.ExitStack() as stack:
        holder, waiter = (stack.enter_context(newest_orders.connect()) for _ in range(2))
        holder.execute("BEGIN; LOCK TABLE other")
        stack.enter_context(background(waiter, "SELECT * FROM other"))
        async with watching(newest_orders) as watcher, watching(newest_orders, table="public.other") as other:
            assert len(await until(lambda: other.lock_waits(frozenset()), lambda waits: len(waits) == 2)) == 2
            assert await watcher.lock_waits(frozenset()) == ()
            tied = await watcher.lock_waits(frozenset({pid_of(holder)}))
            assert [wait.session.ours for wait in tied] == [True, False]
            holder.execute("ROLLBACK")


async def test_a_partition_is_the_table_too(newest_database: Database) -> None:
    newest_database.run(
        "CREATE TABLE orders (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        "CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (10)"
    )
    with contextlib.ExitStack() as stack:
        holder, waiter = (stack.enter_context(newest_database.connect()) for _ in range(2))
        holder.execute("BEGIN; LOCK TABLE orders_1")
        stack.enter_context(background(waiter, "SELECT * FROM orders_1"))
        async with watching(newest_database) as watcher:
            waits = await until(lambda: watcher.lock_waits(frozenset()), lambda waits: len(waits) == 2)
            assert [wait.on for wait in waits] == ["", "orders_1"]
            assert pid_of(holder) in [session.pid for session in await watcher.holders("public.orders")]
            holder.execute("ROLLBACK")


async def test_reading_never_waits_for_the_table_itself(newest_orders: Database) -> None:
    """Even while someone holds it, and its partitions, against everyone."""
    newest_orders.run(
        "CREATE TABLE part (id int) PARTITION BY RANGE (id); CREATE TABLE part_1 PARTITION OF part DEFAULT"
    )
    with newest_orders.connect() as holder, newest_orders.connect() as waiter:
        holder.execute("BEGIN; LOCK TABLE part, part_1, orders")
        with background(waiter, "SELECT * FROM part"):
            async with watching(newest_orders, table="public.part") as watcher:
                await until(lambda: watcher.lock_waits(frozenset()), lambda waits: len(waits) == 2)
                assert len(await watcher.holders("public.part")) == 1
                await watcher.activity()
                assert await watcher.progress(pid_of(waiter)) is None
            holder.execute("ROLLBACK")


async def test_an_index_build_waits_for_a_transaction_and_names_it(orders: Database) -> None:
    with contextlib.ExitStack() as stack:
        writer, builder = (stack.enter_context(orders.connect()) for _ in range(2))
        writer.execute("BEGIN; UPDATE orders SET note = 'a' WHERE id = 1")
        stack.enter_context(background(builder, "CREATE INDEX CONCURRENTLY orders_note ON orders (note)"))
        me = pid_of(builder)
        async with watching(orders) as watcher:
            waits = await until(lambda: watcher.lock_waits(frozenset({me})), lambda waits: len(waits) == 2)
            assert [(wait.on, wait.blocked_by) for wait in waits] == [
                ("", ()),
                ("a transaction's end", (pid_of(writer),)),
            ]
            progress = await watcher.progress(me)
            assert progress is not None
            assert progress.doing == "CREATE INDEX CONCURRENTLY: waiting for writers before build"
            assert (progress.done, progress.total, progress.unit) == (0, 1, "transactions")
            assert progress.waits_for is not None
            assert progress.waits_for.pid == pid_of(writer)
            writer.execute("COMMIT")
            await until(lambda: watcher.progress(me), lambda progress: progress is None)


async def test_a_prepared_transaction_in_the_way_has_a_row(orders: Database) -> None:
    with orders.connect() as holder, orders.connect() as waiter:
        holder.execute("BEGIN; LOCK TABLE orders IN SHARE MODE")
        holder.execute("PREPARE TRANSACTION 'left over'")
        with background(waiter, "ALTER TABLE orders ADD COLUMN c int"):
            async with watching(orders) as watcher:
                waits = await until(lambda: watcher.lock_waits(frozenset()), lambda waits: len(waits) == 2)
                assert (waits[0].session.pid, waits[0].session.application) == (0, "prepared transaction")
                assert waits[1].blocked_by == (0,)
                assert [session.pid for session in await watcher.blockers(pid_of(waiter))] == [0]
                assert [session.pid for session in await watcher.holders("public.orders")] == [0]
            holder.execute("ROLLBACK PREPARED 'left over'")


async def test_holders_are_listed_oldest_first_and_without_us(orders: Database) -> None:
    with (
        orders.connect() as old,
        orders.connect() as young,
        psycopg.connect(orders.url(), autocommit=True, application_name="column-console worker") as ours,
    ):
        for connection in (old, young, ours):
            connection.execute("BEGIN; SELECT * FROM orders")
        async with watching(orders) as watcher:
            assert [session.pid for session in await watcher.holders("public.orders")] == [
                pid_of(old),
                pid_of(young),
            ]
            assert await watcher.holders("public.nowhere") == ()


async def test_literals_are_shown_only_where_the_change_file_says_so(newest_orders: Database) -> None:
    with newest_orders.connect() as holder:
        holder.execute("BEGIN; SELECT * FROM orders WHERE note = 'secret'")
        async with watching(newest_orders) as careful, watching(newest_orders, record_literals=True) as open_:
            (hidden,) = await careful.holders("public.orders")
            (shown,) = await open_.holders("public.orders")
            assert "secret" not in hidden.query
            assert "secret" in shown.query


# -- Rights


async def test_without_rights_the_tree_is_whole_and_what_is_hidden_is_no_zero(orders: Database) -> None:
    with orders.connect() as reader, orders.connect() as ours:
        reader.execute("BEGIN; SELECT * FROM orders")
        with background(ours, "ALTER TABLE orders ADD COLUMN c int"):
            async with watching(orders, role="visitor") as watcher:
                waits = await until(lambda: watcher.lock_waits(frozenset()), lambda waits: len(waits) == 2)
                assert [(wait.session.pid, wait.mode) for wait in waits] == [
                    (pid_of(reader), ""),
                    (pid_of(ours), "AccessExclusiveLock"),
                ]
                assert {(wait.session.user, wait.session.state) for wait in waits} == {("deploy", "")}
                activity = await watcher.activity()
                assert (activity.active, activity.oldest, activity.oldest_began) == (None, None, None)
                assert activity.connections >= 3
                assert activity.transactions > 0
                assert "can't be seen" in activity.why
                assert activity.remedy == "GRANT pg_read_all_stats TO visitor"
                with pytest.raises(Refused, match="GRANT pg_read_all_stats TO visitor"):
                    await watcher.cancel(waits[1].session)
            reader.execute("COMMIT")


async def test_the_grant_that_is_named_mends_it(orders: Database) -> None:
    async with watching(orders, role="visitor") as watcher:
        remedy = (await watcher.activity()).remedy
        orders.run(remedy, role="postgres")
        try:
            with orders.connect() as reader:
                reader.execute("BEGIN; SELECT * FROM orders")
                activity = await watcher.activity()
                assert (activity.why, activity.remedy) == ("", "")
                assert activity.oldest is not None
                assert activity.oldest.pid == pid_of(reader)
        finally:
            orders.run("REVOKE pg_read_all_stats FROM visitor", role="postgres")


async def test_activity_counts_others_and_neither_us_nor_the_idle(orders: Database) -> None:
    with orders.connect() as idle, orders.connect() as busy, orders.connect() as old:
        old.execute("BEGIN; SELECT 1")
        idle.execute("SELECT 1")
        with (
            background(busy, "SELECT pg_sleep(60)"),
            psycopg.connect(orders.url(), autocommit=True, application_name="column-console worker") as ours,
            background(ours, "SELECT pg_sleep(60)"),
        ):
            async with watching(orders) as watcher:
                activity = await until(watcher.activity, lambda activity: activity.active == 1)
                assert activity.connections == 6  # with the two connections of the watcher itself
                assert activity.oldest is not None
                assert activity.oldest.pid == pid_of(old)
                before = activity.transactions
                for _ in range(50):
                    idle.execute("SELECT 1")
                # The server counts a session's transactions once it has been quiet for a while.
                await until(watcher.activity, lambda activity: activity.transactions >= before + 50)


# -- Cancelling


async def test_cancel_hits_the_session_that_is_meant(orders: Database) -> None:
    with orders.connect() as busy, background(busy, "SELECT pg_sleep(60)") as thread:
        async with watching(orders) as watcher:
            activity = await until(watcher.activity, lambda activity: activity.oldest is not None)
            assert activity.oldest is not None
            assert activity.oldest.pid == pid_of(busy)
            assert await watcher.cancel(activity.oldest)
            thread.join(30)
            assert not thread.is_alive()
            assert busy.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("seconds", [0.000002, -0.000002, 60.0])
async def test_a_session_that_got_the_same_id_since_is_not_hit(orders: Database, seconds: float) -> None:
    with orders.connect() as connection:
        row = connection.execute(
            "SELECT extract(epoch FROM backend_start)::float8 FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        ).fetchone()
        assert row is not None
        another = ServerSession(pid=pid_of(connection), started=row[0] + seconds)
        async with watching(orders) as watcher:
            assert not await watcher.terminate(another)
            assert not await watcher.cancel(another)
            assert connection.execute("SELECT 1").fetchone() == (1,)
            assert await watcher.terminate(ServerSession(pid=pid_of(connection), started=row[0]))
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT pg_sleep(30)")


async def test_without_the_right_to_cancel_the_grant_is_named(orders: Database) -> None:
    orders.run("GRANT pg_read_all_stats TO visitor", role="postgres")
    try:
        with orders.connect() as busy, background(busy, "SELECT pg_sleep(60)") as thread:
            async with watching(orders, role="visitor") as watcher:
                activity = await until(watcher.activity, lambda activity: activity.oldest is not None)
                assert activity.oldest is not None
                with pytest.raises(Refused, match="GRANT pg_signal_backend TO visitor"):
                    await watcher.cancel(activity.oldest)
                assert thread.is_alive()
    finally:
        orders.run("REVOKE pg_read_all_stats FROM visitor", role="postgres")


async def test_our_own_statement_is_cancelled_by_its_id_and_nobody_elses(orders: Database) -> None:
    with (
        orders.connect() as other,
        psycopg.connect(orders.url(), autocommit=True, application_name="column-console runner") as ours,
        background(other, "SELECT pg_sleep(60)") as theirs,
        background(ours, "SELECT pg_sleep(60)") as thread,
    ):
        async with watching(orders) as watcher:
            await until(watcher.activity, lambda activity: activity.active == 1)
            assert not await watcher.cancel_ours(pid_of(other))
            assert await until(lambda: watcher.cancel_ours(pid_of(ours)), bool)
            thread.join(30)
            assert (thread.is_alive(), theirs.is_alive()) == (False, True)
