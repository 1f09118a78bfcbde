"""What the readings cost on MySQL and MariaDB: as `benchmarks.polling`, on a pair of each.

Besides its two states a third: a transaction that holds 100,000 row locks, which makes a scan of
`performance_schema.data_locks` take 400 ms. MariaDB is measured with the metadata lock instrument on. To reach: all
readings of a second together under 1 % of a core of the server, in each state.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.polling import IDLE, QUEUED, ROUNDS, tell
from console.databases.mysql.address import read_address
from console.databases.mysql.connect import Session
from console.databases.mysql.families import FamilyName
from console.databases.mysql.lane import Lane
from console.databases.mysql.watcher import MySqlWatcher
from console.demo.mysql.cluster import MySqlCluster
from console.demo.mysql.node import Connection
from tests.databases.mysql.watching import change_file, facts, pid_of, run
from tests.servers.leave_out import left_out
from tests.servers.mysql_database import MySqlDatabase
from tests.servers.mysql_fixtures import FAMILIES, MySqlServers

LOCKED = 100_000
_DOUBLINGS = 17
_INSTRUMENT = """UPDATE performance_schema.setup_instruments SET ENABLED = 'YES'
 WHERE NAME = 'wait/lock/metadata/sql/mdl'"""
_THREADS = "SELECT THREAD_OS_ID FROM performance_schema.threads WHERE PROCESSLIST_USER = 'deploy'"


def main() -> None:
    """Start a pair of each family, and print a table for each state."""
    servers = MySqlServers()
    try:
        for family in FAMILIES:
            if not left_out(family):
                measure_family(servers.running(family), family)
    finally:
        servers.close()


def measure_family(cluster: MySqlCluster, family: FamilyName) -> None:
    """The three states of one family."""
    database = MySqlDatabase("benchmark", cluster)
    database.create()
    database.run("CREATE TABLE orders (id int AUTO_INCREMENT PRIMARY KEY, note varchar(20))")
    database.run("INSERT INTO orders (note) VALUES ('n')")
    for _ in range(_DOUBLINGS):
        database.run("INSERT INTO orders (note) SELECT note FROM orders")
    database.wait_until_replayed()
    cluster.primary.rows(_INSTRUMENT)
    with sessions(database, IDLE):
        print(f"{cluster.family}: {IDLE} idle sessions, nothing waits")
        asyncio.run(measure(database, 0))
        print(f"\n{cluster.family}: {IDLE} idle sessions, a transaction with {LOCKED} row locks")
        with sessions(database, 1) as (locker,):
            run(
                locker,
                "BEGIN",
                f"SELECT COUNT(*) FROM (SELECT id FROM orders LIMIT {LOCKED} FOR UPDATE) locked",
            )
            asyncio.run(measure(database, 0))
            run(locker, "ROLLBACK")
        print(
            f"\n{cluster.family}: {IDLE} idle sessions, an ALTER waits and {QUEUED} sessions queue behind it"
        )
        with pile_up(database) as pid:
            asyncio.run(measure(database, pid))
    print()


@contextlib.contextmanager
def sessions(database: MySqlDatabase, number: int) -> Iterator[list[Connection]]:
    """Connections that are there."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(database.connect()) for _ in range(number)]


@contextlib.contextmanager
def pile_up(database: MySqlDatabase) -> Iterator[int]:
    """A reader in a transaction, an ALTER that waits for it, and a queue; gives the id of the ALTER's session."""
    waiting = "SELECT COUNT(*) FROM performance_schema.metadata_locks WHERE LOCK_STATUS = 'PENDING'"
    with sessions(database, 2 + QUEUED) as (reader, ours, *queue):
        run(reader, "BEGIN", "SELECT * FROM orders LIMIT 1")
        threads = [threading.Thread(target=run, args=[ours, "ALTER TABLE orders ADD COLUMN c int"])]
        threads += [threading.Thread(target=run, args=[one, "SELECT * FROM orders LIMIT 1"]) for one in queue]
        for number, thread in enumerate(threads, 1):
            thread.start()
            while database.cluster.primary.rows(waiting) != [(number,)]:
                time.sleep(0.01)
        try:
            yield pid_of(ours)
        finally:
            run(reader, "ROLLBACK")
            for thread in threads:
                thread.join()


async def measure(database: MySqlDatabase, pid: int) -> None:
    """Take every reading many times, in turn; `pid` is our waiting session, or 0."""
    floor = Lane(read_address(database.url()), Session(purpose="benchmark"))
    file = change_file(database, "deploy", database.replica_url())
    watcher = await MySqlWatcher.open(file, facts(database), None, lambda unix: unix)
    ours = frozenset({pid} if pid else ())
    readings: dict[str, Callable[[], Awaitable[object]]] = {
        "SELECT 1": lambda: floor.rows("SELECT 1"),
        "lock waits": lambda: watcher.lock_waits(ours),
        "activity": watcher.activity,
        "replicas": watcher.replicas,
        "queued behind us": lambda: watcher.queued_behind(pid),
        "who blocks us": lambda: watcher.blockers(pid),
        "who holds the table": lambda: watcher.holders(file.change.table.name),
        "progress": lambda: watcher.progress(pid),
    }
    took: dict[str, list[float]] = {name: [] for name in readings}
    used: dict[str, float] = dict.fromkeys(readings, 0.0)
    try:
        for take in readings.values():
            await take()
        threads = [int(thread) for (thread,) in database.cluster.primary.rows(_THREADS)]
        for _ in range(ROUNDS):
            for name, take in readings.items():
                began, before = time.perf_counter(), server_cpu(database.cluster, threads)
                await take()
                took[name].append(time.perf_counter() - began)
                used[name] += server_cpu(database.cluster, threads) - before
    finally:
        await watcher.close()
        await floor.close()
    tell(took, used)


def server_cpu(cluster: MySqlCluster, threads: Sequence[int]) -> float:
    """CPU seconds that these threads of the primary have used so far; 0 where that is not told.

    Those of the sessions alone: what the server does in the background it does without readings, too.
    """
    nanoseconds = 0
    for thread in threads:
        path = Path(f"/proc/{cluster.primary.pid}/task/{thread}/schedstat")
        with contextlib.suppress(OSError):
            nanoseconds += int(path.read_text(encoding="utf-8").split()[0])
    return nanoseconds / 1e9


if __name__ == "__main__":
    main()
