"""Who waits for whom, read from real servers with real sessions in each other's way."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec
import pytest

from console.databases.base import Refused
from console.events import LockWait, ServerSession
from tests.databases.mysql.watching import background, by_pid, pid_of, run, until, watched_orders, watching
from tests.servers.mysql_database import MySqlDatabase


@pytest.fixture
def orders(mysql_database: MySqlDatabase) -> MySqlDatabase:
    return watched_orders(mysql_database)


async def test_nothing_waits(orders: MySqlDatabase) -> None:
    async with watching(orders) as watcher:
        assert await watcher.lock_waits(frozenset()) == ()
        assert watcher.lacking("locks") == ("", "")


async def test_a_reader_holds_our_alter_and_sessions_queue_behind_it(orders: MySqlDatabase) -> None:
    with contextlib.ExitStack() as stack:
        reader, ours, first, second = (stack.enter_context(orders.connect()) for _ in range(4))
        late = stack.enter_context(orders.connect("app"))
        run(reader, "BEGIN", 'SELECT note FROM orders WHERE note = "secret"')
        stack.enter_context(background(orders, ours, "ALTER TABLE orders ADD COLUMN c int"))
        me = pid_of(ours)
        async with watching(orders) as watcher:

            async def read() -> tuple[LockWait, ...]:
                return await watcher.lock_waits(frozenset({me}))

            await until(read, lambda waits: len(waits) == 2)
            for connection, statement in (
                (first, "SELECT count(*) FROM orders"),
                (second, "UPDATE orders SET note = 'x' WHERE id = 2"),
                (late, "SELECT count(*) FROM orders"),
            ):
                stack.enter_context(background(orders, connection, statement))
            waits = await until(read, lambda waits: len(waits) == 5)

            # Equal is not enough: what a driver makes of a number must be what a recording reads.
            assert msgspec.json.decode(msgspec.json.encode(waits), type=tuple[LockWait, ...]) == waits
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
            if orders.family == "mysql":  # MariaDB remembers no statement that is through
                assert root.session.query == "SELECT note FROM orders WHERE note = ?"
            assert root.session.transaction_began is not None
            assert root.session.transaction_began <= our.began
            assert (our.mode, our.on) == ("EXCLUSIVE", f"{orders.name}.orders")
            assert our.blocked_by == (pid_of(reader),)
            assert our.session.ours
            assert our.session.query == "ALTER TABLE orders ADD COLUMN c int"
            for connection, mode in ((first, "READ"), (second, "WRITE"), (late, "READ")):
                queued = found[pid_of(connection)]
                assert (queued.mode, queued.on) == (f"SHARED_{mode}", f"{orders.name}.orders")
                assert queued.blocked_by == (me,)
                assert our.began <= queued.began
            assert found[pid_of(late)].session.user == "app"

            assert await watcher.queued_behind(me) == 3
            assert await watcher.queued_behind(pid_of(reader)) == 4
            assert await watcher.queued_behind(pid_of(late)) == 0
            assert [session.pid for session in await watcher.blockers(me)] == [pid_of(reader)]
            assert [session.pid for session in await watcher.blockers(pid_of(late))] == [pid_of(reader), me]

            again = by_pid(await read())
            assert {pid: wait.began for pid, wait in again.items()} == {
                pid: wait.began for pid, wait in found.items()
            }, "a time told twice is the same time"
            assert {wait.session.started for wait in again.values()} == {root.session.started}

            run(reader, "COMMIT")
            await until(read, lambda waits: waits == ())


async def test_row_waits_name_the_table(orders: MySqlDatabase) -> None:
    with contextlib.ExitStack() as stack:
        holder, first, second = (stack.enter_context(orders.connect()) for _ in range(3))
        run(holder, "BEGIN", "UPDATE orders SET note = 'a' WHERE id = 1")
        update = "UPDATE orders SET note = 'b' WHERE id = 1"
        async with watching(orders) as watcher:

            async def read() -> tuple[LockWait, ...]:
                return await watcher.lock_waits(frozenset())

            stack.enter_context(background(orders, first, update))
            await until(read, lambda waits: len(waits) == 2)
            stack.enter_context(background(orders, second, update))
            found = by_pid(await until(read, lambda waits: len(waits) == 3))
            row = f"a row of {orders.name}.orders"
            assert [(wait.on, wait.blocked_by) for wait in found.values()] == [
                ("", ()),
                (row, (pid_of(holder),)),
                (row, (pid_of(holder),)),
            ]
            assert await watcher.queued_behind(pid_of(holder)) == 2
            assert await watcher.queued_behind(pid_of(first)) == 1
            ours = by_pid(await watcher.lock_waits(frozenset({pid_of(first)})))
            assert ours[pid_of(second)].blocked_by == (pid_of(holder), pid_of(first))
            run(holder, "ROLLBACK")


async def test_a_row_wait_and_a_metadata_wait_are_one_tree(orders: MySqlDatabase) -> None:
    with contextlib.ExitStack() as stack:
        holder, writer, ours = (stack.enter_context(orders.connect()) for _ in range(3))
        run(holder, "BEGIN", "UPDATE orders SET note = 'a' WHERE id = 1")
        stack.enter_context(background(orders, writer, "UPDATE orders SET note = 'b' WHERE id = 1"))
        async with watching(orders) as watcher:

            async def read() -> tuple[LockWait, ...]:
                return await watcher.lock_waits(frozenset({pid_of(ours)}))

            await until(read, lambda waits: len(waits) == 2)
            stack.enter_context(background(orders, ours, "ALTER TABLE orders ADD COLUMN c int"))
            found = by_pid(await until(read, lambda waits: len(waits) == 3))
            assert found[pid_of(writer)].blocked_by == (pid_of(holder),)
            assert pid_of(holder) in found[pid_of(ours)].blocked_by
            assert found[pid_of(ours)].mode == "EXCLUSIVE"
            run(holder, "ROLLBACK")


async def test_waits_elsewhere_are_not_ours_to_show_unless_tied_to_us(orders: MySqlDatabase) -> None:
    orders.run("CREATE TABLE other (id int PRIMARY KEY)")
    with contextlib.ExitStack() as stack:
        holder, waiter = (stack.enter_context(orders.connect()) for _ in range(2))
        run(holder, "LOCK TABLES other WRITE")
        stack.enter_context(background(orders, waiter, "SELECT * FROM other"))
        async with watching(orders) as watcher, watching(orders, table="other") as other:
            await until(lambda: other.lock_waits(frozenset()), lambda waits: len(waits) == 2)
            assert await watcher.lock_waits(frozenset()) == ()
            tied = await watcher.lock_waits(frozenset({pid_of(holder)}))
            assert [wait.session.ours for wait in tied] == [True, False]
            run(holder, "UNLOCK TABLES")


async def test_a_global_read_lock_is_named(orders: MySqlDatabase) -> None:
    with contextlib.ExitStack() as stack:
        backup = stack.enter_context(orders.cluster.primary.connect("root", orders.name))
        ours = stack.enter_context(orders.connect())
        run(backup, "FLUSH TABLES WITH READ LOCK")
        stack.enter_context(background(orders, ours, "ALTER TABLE orders ADD COLUMN c int"))
        async with watching(orders) as watcher:
            waits = await until(
                lambda: watcher.lock_waits(frozenset({pid_of(ours)})), lambda waits: len(waits) == 2
            )
            assert [wait.session.pid for wait in waits] == [pid_of(backup), pid_of(ours)]
            assert waits[1].on in ("the global read lock", "the backup lock")
            assert waits[1].blocked_by == (pid_of(backup),)
            run(backup, "UNLOCK TABLES")


async def test_who_waits_for_a_global_read_lock_is_shown_without_us(orders: MySqlDatabase) -> None:
    """The application stands still, on our table too, though no lock of the table is waited for."""
    with contextlib.ExitStack() as stack:
        backup = stack.enter_context(orders.cluster.primary.connect("root", orders.name))
        writer = stack.enter_context(orders.connect("app"))
        run(backup, "FLUSH TABLES WITH READ LOCK")
        stack.enter_context(background(orders, writer, "UPDATE orders SET note = 'w' WHERE id = 1"))
        async with watching(orders) as watcher:

            async def pids() -> set[int]:
                return {wait.session.pid for wait in await watcher.lock_waits(frozenset())}

            await until(pids, lambda seen: {pid_of(backup), pid_of(writer)} <= seen)
            run(backup, "UNLOCK TABLES")


async def test_holders_are_the_oldest_transactions_first_and_never_ours(orders: MySqlDatabase) -> None:
    with contextlib.ExitStack() as stack:
        old, young, ours, elsewhere = (stack.enter_context(orders.connect()) for _ in range(4))
        run(old, "BEGIN", "SELECT * FROM orders")
        run(elsewhere, "BEGIN", "SELECT 1")
        async with watching(orders) as watcher:
            (first,) = await watcher.holders("orders")
            assert (first.pid, first.state) == (pid_of(old), "idle in transaction")
            # InnoDB tells whole seconds: the younger one must begin in a later one.
            assert first.transaction_began is not None
            began = first.transaction_began

            async def clock() -> float:
                return float(orders.rows("SELECT UNIX_TIMESTAMP(NOW(6))")[0][0])

            await until(clock, lambda now: now > began + 1.5)
            run(young, "BEGIN", "SELECT * FROM orders")
            run(ours, "BEGIN", "SELECT * FROM orders")
            await watcher.lock_waits(frozenset({pid_of(ours)}))
            for name in ("orders", "`orders`", f"`{orders.name}`.`orders`"):
                assert [session.pid for session in await watcher.holders(name)] == [
                    pid_of(old),
                    pid_of(young),
                ]
            assert await watcher.holders("nowhere") == ()
            for connection in (old, young, ours, elsewhere):
                run(connection, "ROLLBACK")


async def test_a_transaction_that_began_just_after_the_last_look_is_seen(orders: MySqlDatabase) -> None:
    """InnoDB shows transactions as they were at a look of 0.1 s ago, whoever looked."""
    with orders.connect() as old:
        run(old, "BEGIN", "SELECT * FROM orders")
        async with watching(orders) as watcher:
            for _ in range(5):
                await watcher.holders("orders")
                with orders.connect() as young:
                    run(young, "BEGIN", "SELECT * FROM orders")
                    holders = await watcher.holders("orders")
                    assert {one.pid for one in holders} == {pid_of(old), pid_of(young)}
                    assert {one.state for one in holders} == {"idle in transaction"}
                    assert all(one.transaction_began is not None for one in holders)


async def test_literals_are_shown_only_where_the_change_file_says_so(orders: MySqlDatabase) -> None:
    with orders.connect() as holder, orders.connect() as waiter:
        run(holder, "BEGIN", "UPDATE orders SET note = 'a' WHERE id = 1")
        with background(orders, waiter, 'UPDATE orders SET note = "secret" WHERE id = 1'):
            async with watching(orders) as careful, watching(orders, record_literals=True) as open_:
                for watcher, shown in ((careful, False), (open_, True)):
                    waits = await until(
                        lambda watcher=watcher: watcher.lock_waits(frozenset()),  # type: ignore[misc]
                        lambda waits: len(waits) == 2,
                    )
                    assert ("secret" in waits[1].session.query) == shown
            run(holder, "ROLLBACK")


# -- Activity


async def test_activity_counts_others_and_neither_us_nor_the_idle(orders: MySqlDatabase) -> None:
    with (
        orders.connect() as idle,
        orders.connect() as busy,
        orders.connect() as old,
        orders.connect() as ours,
    ):
        run(old, "BEGIN", "SELECT * FROM orders")
        run(idle, "SELECT 1")
        with (
            background(orders, busy, "SELECT SLEEP(60)"),
            background(orders, ours, "/* column-console */ SELECT SLEEP(60)"),
        ):
            async with watching(orders) as watcher:
                activity = await until(watcher.activity, lambda activity: activity.active == 1)
                assert (activity.why, activity.remedy) == ("", "")
                assert (
                    6 <= activity.connections <= 7
                )  # with those of the watcher itself: the heartbeat's comes when it does
                assert activity.oldest is not None
                assert activity.oldest.pid == pid_of(old)
                assert activity.history is not None
                before = activity.transactions
                for _ in range(50):
                    run(idle, "SELECT * FROM orders")
                await until(watcher.activity, lambda activity: activity.transactions >= before + 50)
        run(old, "ROLLBACK")


# -- Cancelling


async def test_cancel_hits_the_session_that_is_meant_and_terminate_ends_it(orders: MySqlDatabase) -> None:
    with orders.connect("app") as holder, orders.connect("app") as waiter:
        run(holder, "BEGIN", "UPDATE orders SET note = 'a' WHERE id = 1")
        with background(orders, waiter, "UPDATE orders SET note = 'b' WHERE id = 1") as thread:
            async with watching(orders) as watcher:
                waits = await until(lambda: watcher.lock_waits(frozenset()), lambda waits: len(waits) == 2)
                root, wait = waits
                assert await watcher.cancel(ServerSession(pid=wait.session.pid, started=wait.session.started))
                thread.join(30)
                assert not thread.is_alive()
                assert run(waiter, "SELECT 1") == [(1,)]
                assert await watcher.terminate(root.session)
                await until(lambda: watcher.holders("orders"), lambda holders: holders == ())
                assert not await watcher.terminate(root.session)


@pytest.mark.parametrize("seconds", [60.0, -60.0])
async def test_another_start_is_another_session(orders: MySqlDatabase, seconds: float) -> None:
    with orders.connect() as old:
        run(old, "BEGIN", "SELECT * FROM orders")
        async with watching(orders) as watcher:
            (session,) = await watcher.holders("orders")
            other = ServerSession(pid=session.pid, started=session.started + seconds)
            assert not await watcher.terminate(other)
            assert run(old, "SELECT 1") == [(1,)]
            with pytest.raises(Refused, match="not known well enough"):
                await watcher.terminate(ServerSession(pid=session.pid))
            run(old, "ROLLBACK")


async def test_an_id_that_another_user_has_now_is_another_session(orders: MySqlDatabase) -> None:
    with orders.connect() as old:
        run(old, "BEGIN", "SELECT * FROM orders")
        async with watching(orders) as watcher:
            (session,) = await watcher.holders("orders")
            with orders.connect("app") as stranger:
                # As if the id had been given to someone else since: the watcher saw this one as another user's.
                watcher._sessions._seen[pid_of(stranger)] = watcher._sessions._seen[session.pid]
                meant = ServerSession(pid=pid_of(stranger), started=session.started)
                assert not await watcher.terminate(meant)
                assert run(stranger, "SELECT 1") == [(1,)]
            run(old, "ROLLBACK")


@pytest.fixture
def sighted(orders: MySqlDatabase) -> Iterator[MySqlDatabase]:
    """`app` may see everything and end nobody."""
    rights = ("PROCESS ON *.*", "SELECT ON performance_schema.*")
    for right in rights:
        orders.cluster.primary.rows(f"GRANT {right} TO app@localhost")
    yield orders
    for right in rights:
        orders.cluster.primary.rows(f"REVOKE {right} FROM app@localhost")


async def test_a_right_that_is_missing_is_named(sighted: MySqlDatabase) -> None:
    with sighted.connect() as old:
        run(old, "BEGIN", "SELECT * FROM orders")
        async with watching(sighted, role="app") as watcher:
            (session,) = await watcher.holders("orders")
            with pytest.raises(Refused) as refused:
                await watcher.terminate(session)
            right = "CONNECTION ADMIN" if sighted.family == "mariadb" else "CONNECTION_ADMIN"
            assert refused.value.remedy == f"GRANT {right} ON *.* TO 'app'@'localhost'"
        run(old, "ROLLBACK")


async def test_a_superusers_session_wants_a_further_right_on_mysql(orders: MySqlDatabase) -> None:
    with orders.cluster.primary.connect("root", orders.name) as old:
        run(old, "BEGIN", "SELECT * FROM orders")
        async with watching(orders) as watcher:
            (session,) = await watcher.holders("orders")
            if orders.family == "mariadb":
                assert await watcher.terminate(session)
                return
            with pytest.raises(Refused) as refused:
                await watcher.terminate(session)
            assert refused.value.remedy == "GRANT SYSTEM_USER ON *.* TO 'deploy'@'localhost'"
        run(old, "ROLLBACK")


async def test_cancel_ours_needs_no_right(orders: MySqlDatabase) -> None:
    with orders.connect("app") as ours, background(orders, ours, "SELECT SLEEP(60)") as thread:
        async with watching(orders, role="app") as watcher:
            assert await until(lambda: watcher.cancel_ours(pid_of(ours)), bool)
            thread.join(30)
            assert not thread.is_alive()
            await until(lambda: watcher.cancel_ours(pid_of(ours)), lambda found: not found)
            assert not await watcher.cancel_ours(999_999)
            with orders.connect() as other, background(orders, other, "SELECT SLEEP(60)"):
                assert not await watcher.cancel_ours(pid_of(other)), "another user's is none of ours"
