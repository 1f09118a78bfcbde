"""The monitor on a real server: what it reads there, and what it tells when that goes away."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from console import events
from console.change import Limits
from console.runner.monitor import Monitor
from console.throttle import Throttle
from tests.databases.postgresql.watching import background, until, watching
from tests.servers.database import Database


class Ear:
    """Hears what a monitor tells."""

    def __init__(self) -> None:
        self.told: list[events.Event] = []

    def of(self, kind: type[events.Event]) -> list[events.Event]:
        return [event for event in self.told if isinstance(event, kind)]


@contextlib.asynccontextmanager
async def monitoring(database: Database, role: str = "deploy") -> AsyncIterator[tuple[Monitor, Ear]]:
    ear = Ear()
    async with watching(database, role=role, replica=True) as watcher:
        monitor = Monitor(watcher, ear.told.append, time.time)
        monitor.start()
        try:
            yield monitor, ear
        finally:
            await monitor.stop()


@pytest.fixture
def orders(newest_database: Database) -> Database:
    newest_database.run("CREATE TABLE orders (id int)")
    newest_database.wait_until_replayed()
    return newest_database


async def heard(ear: Ear, kind: type[events.Event], number: int = 1) -> list[events.Event]:
    async def read() -> list[events.Event]:
        return ear.of(kind)

    return await until(read, lambda found: len(found) >= number)


def waiting(monitor: Monitor) -> Callable[[], Awaitable[int]]:
    async def read() -> int:
        return monitor._waits.waiting

    return read


def behind_us(monitor: Monitor) -> Callable[[], Awaitable[float]]:
    async def read() -> float:
        return monitor.readings().behind_us

    return read


async def test_a_real_server_is_read_whole(orders: Database) -> None:
    async with monitoring(orders) as (monitor, ear):
        await heard(ear, events.Sample, 3)
        sample = ear.of(events.Sample)[-1]
        assert isinstance(sample, events.Sample)
        assert None not in (sample.activity_at, sample.locks_at, sample.replication_at)
        assert sample.transactions_per_second is not None
        assert sample.transactions_per_second < 10
        assert [(replica.name, replica.state) for replica in sample.replicas] == [("standby1", "streaming")]
        assert ear.told == ear.of(events.Sample)
        assert not Throttle(Limits()).decide(monitor.readings(), time.time(), 0.0).stop
        assert len(events.encode(sample)) < 700


async def test_a_real_lock_wait_is_told_from_its_beginning_to_its_end(orders: Database) -> None:
    with orders.connect() as holder, orders.connect() as ours, orders.connect() as behind:
        holder.execute("BEGIN; LOCK TABLE orders IN ACCESS SHARE MODE")
        async with monitoring(orders) as (monitor, ear):
            monitor.set_ours(ours.info.backend_pid, 0)
            with background(ours, "ALTER TABLE orders ADD COLUMN c int"):
                await until(waiting(monitor), bool)
                with background(behind, "SELECT * FROM orders"):
                    await heard(ear, events.LockWaitsChanged, 2)
                    await until(behind_us(monitor), lambda seconds: seconds > 0.2)
                    assert [
                        r.name for r in Throttle(Limits()).decide(monitor.readings(), time.time(), 0).reasons
                    ] == ["lock waits"]
                    holder.execute("COMMIT")
                    await until(behind_us(monitor), lambda seconds: seconds == 0)
            ended = {pid for event in ear.of(events.LockWaitsChanged) for pid in getattr(event, "ended", ())}
            assert ended == {holder.info.backend_pid, ours.info.backend_pid, behind.info.backend_pid}


async def test_connections_that_are_ended_are_told_and_made_anew(orders: Database) -> None:
    async with monitoring(orders) as (_, ear):
        await heard(ear, events.Sample)
        with orders.connect("postgres") as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'column-console watcher'"
            )
        await heard(ear, events.ReadingFailed)
        await heard(ear, events.ReadingMended)


async def test_a_server_that_stops_is_told_and_read_again_when_it_is_back(orders: Database) -> None:
    async with monitoring(orders) as (monitor, ear):
        await heard(ear, events.Sample)
        orders.cluster.restart_primary()
        failed = await heard(ear, events.ReadingFailed)
        assert failed
        await heard(ear, events.ReadingMended)

        async def read() -> bool:
            return Throttle(Limits()).decide(monitor.readings(), time.time(), 0.0).stop

        assert not await until(read, lambda stop: not stop)


async def test_rights_that_are_lost_on_the_way_are_told_with_the_grant(orders: Database) -> None:
    orders.run("GRANT pg_read_all_stats TO visitor", role="postgres")
    try:
        async with monitoring(orders, role="visitor") as (_, ear):
            await heard(ear, events.Sample, 2)
            assert ear.of(events.ReadingFailed) == []
            orders.run("REVOKE pg_read_all_stats FROM visitor", role="postgres")
            (failed,) = await heard(ear, events.ReadingFailed)
            assert isinstance(failed, events.ReadingFailed)
            assert (failed.reading, failed.remedy) == ("activity", "GRANT pg_read_all_stats TO visitor")
            orders.run("GRANT pg_read_all_stats TO visitor", role="postgres")
            await heard(ear, events.ReadingMended)
    finally:
        orders.run("REVOKE pg_read_all_stats FROM visitor", role="postgres")
