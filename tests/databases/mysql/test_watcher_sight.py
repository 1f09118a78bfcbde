"""What the watcher tells where less is to be read from, by the server's settings or for want of a right."""

from __future__ import annotations

import contextlib

import pytest

from console.databases.base import Refused
from console.events import LockWait
from tests.databases.mysql.watching import (
    INSTRUMENT,
    background,
    by_pid,
    pid_of,
    run,
    until,
    watched_orders,
    watching,
)
from tests.servers.mysql_database import MySqlDatabase


@pytest.fixture
def orders(mysql_database: MySqlDatabase) -> MySqlDatabase:
    return watched_orders(mysql_database)


@pytest.mark.parametrize("plugin", [True, False], ids=["plugin", "states"])
async def test_without_the_instrument_the_queue_is_still_told(orders: MySqlDatabase, plugin: bool) -> None:
    """By MariaDB's plugin whole; by the sessions' states without the holder, and it is said what is missing."""
    primary = orders.cluster.primary
    primary.rows(INSTRUMENT.format("NO"))
    plugin = plugin and orders.family == "mariadb"
    if plugin:
        primary.rows("INSTALL SONAME 'metadata_lock_info'")
    try:
        with contextlib.ExitStack() as stack:
            reader, ours, first = (stack.enter_context(orders.connect()) for _ in range(3))
            run(reader, "BEGIN", "SELECT * FROM orders")
            me = pid_of(ours)
            async with watching(orders) as watcher:
                await until(
                    watcher.activity,
                    lambda seen: seen.oldest is not None and seen.oldest.pid == pid_of(reader),
                )
                stack.enter_context(background(orders, ours, "ALTER TABLE orders ADD COLUMN c int"))

                async def read() -> tuple[LockWait, ...]:
                    return await watcher.lock_waits(frozenset({me}))

                await until(read, lambda waits: me in by_pid(waits))
                stack.enter_context(background(orders, first, "SELECT count(*) FROM orders"))
                found = by_pid(await until(read, lambda waits: pid_of(first) in by_pid(waits)))
                assert found[pid_of(first)].blocked_by == (me,)
                assert (found[me].mode, found[me].on) == ("EXCLUSIVE", f"{orders.name}.orders")
                assert await watcher.queued_behind(me) == 1
                (blocker,) = await watcher.blockers(me)
                assert blocker.pid == pid_of(reader)
                if plugin:
                    assert found[me].blocked_by == (pid_of(reader),)
                    assert watcher.lacking("locks") == ("", "")
                    assert blocker.state == "idle in transaction"
                    assert pid_of(reader) in [one.pid for one in await watcher.holders("orders")]
                else:
                    assert found[me].blocked_by == ()
                    why, remedy = watcher.lacking("locks")
                    assert "can't be seen" in why
                    assert remedy == INSTRUMENT.format("YES")
                    assert blocker.state == "perhaps in the way: idle in transaction"
                    with pytest.raises(Refused, match="can't be seen"):
                        await watcher.holders("orders")
                run(reader, "COMMIT")
                await until(read, lambda waits: waits == ())
    finally:
        if plugin:
            primary.rows("UNINSTALL SONAME 'metadata_lock_info'")
        primary.rows(INSTRUMENT.format("YES"))


async def test_without_rights_what_is_hidden_is_no_zero(orders: MySqlDatabase) -> None:
    with orders.connect() as reader, orders.connect() as ours:
        run(reader, "BEGIN", "SELECT * FROM orders")
        with background(orders, ours, "ALTER TABLE orders ADD COLUMN c int"):
            async with watching(orders, role="app") as watcher:
                await watcher.lock_waits(frozenset())
                why, remedy = watcher.lacking("locks")
                assert why.startswith("what other users' sessions do can't be seen, nor who queues behind")
                assert remedy == "GRANT PROCESS ON *.* TO 'app'@'localhost'"
                activity = await until(watcher.activity, lambda activity: (activity.active or 0) >= 1)
                assert (activity.oldest, activity.oldest_began) == (None, None)
                assert activity.connections >= 3
                assert activity.transactions > 0
                assert "can't be seen" in activity.why
                assert activity.remedy == "GRANT PROCESS ON *.* TO 'app'@'localhost'"
            run(reader, "COMMIT")


async def test_the_guard_is_blind_without_rights_and_sees_by_either(orders: MySqlDatabase) -> None:
    primary = orders.cluster.primary
    with contextlib.ExitStack() as stack:
        reader, ours, first = (stack.enter_context(orders.connect()) for _ in range(3))
        run(reader, "BEGIN", "SELECT * FROM orders")
        stack.enter_context(background(orders, ours, "ALTER TABLE orders ADD COLUMN c int"))
        async with watching(orders) as watcher:
            await until(lambda: watcher.blockers(pid_of(ours)), lambda blockers: len(blockers) == 1)
            stack.enter_context(background(orders, first, "SELECT count(*) FROM orders"))
            await until(lambda: watcher.queued_behind(pid_of(ours)), lambda queued: queued == 1)
        async with watching(orders, role="app") as watcher:
            with pytest.raises(Refused, match="nor who queues behind a statement of ours") as refused:
                await watcher.queued_behind(pid_of(ours))
            assert refused.value.remedy == "GRANT PROCESS ON *.* TO 'app'@'localhost'"
        for right in ("PROCESS ON *.*", "SELECT ON performance_schema.*"):
            primary.rows(f"GRANT {right} TO app@localhost")
            try:
                async with watching(orders, role="app") as watcher:
                    assert await watcher.queued_behind(pid_of(ours)) == 1, right
            finally:
                primary.rows(f"REVOKE {right} FROM app@localhost")
        run(reader, "COMMIT")
