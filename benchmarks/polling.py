"""What the readings cost: client time and server CPU of each, as ratios to `SELECT 1` in the same state.

Two states: many idle sessions and nothing in the way, and an ALTER that waits with a queue behind it. The readings
take turns, so that what else the machine does falls on each alike. To reach: all readings of a second together under
1 % of a core of the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psycopg

from console.change import Change, ChangeFile, Limits, SessionRules, TableName, Target
from console.databases.postgresql.line import Line
from console.databases.postgresql.watcher import PostgresWatcher
from console.demo.postgresql.cluster import Cluster
from console.facts import Server, TableFacts
from tests.servers.fixtures import Servers
from tests.servers.versions import NEWEST

ROUNDS = 150
IDLE = 40
"""Sessions that do nothing. The servers that the tests lend take 80."""
QUEUED = 20
EACH_SECOND = ("lock waits", "activity", "replicas")


def main() -> None:
    """Start a pair of servers, and print a table for each state."""
    servers = Servers()
    try:
        cluster = servers.running(NEWEST)
        with cluster.primary.connect() as connection:
            connection.execute("CREATE TABLE orders (id int)")
        with sessions(cluster, IDLE):
            print(f"{IDLE} idle sessions, nothing waits")
            asyncio.run(measure(cluster, 0))
            print(f"\n{IDLE} idle sessions, an ALTER waits and {QUEUED} sessions queue behind it")
            with pile_up(cluster) as pid:
                asyncio.run(measure(cluster, pid))
    finally:
        servers.close()


@contextlib.contextmanager
def sessions(cluster: Cluster, number: int) -> Iterator[list[psycopg.Connection]]:
    """Connections that are there."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(cluster.primary.connect()) for _ in range(number)]


@contextlib.contextmanager
def pile_up(cluster: Cluster) -> Iterator[int]:
    """A reader in a transaction, an ALTER that waits for it, and a queue; gives the id of the ALTER's session."""
    with sessions(cluster, 2 + QUEUED) as (reader, ours, *queue):
        reader.execute("BEGIN; SELECT * FROM orders")
        threads = [threading.Thread(target=ours.execute, args=["ALTER TABLE orders ADD COLUMN c int"])]
        threads += [threading.Thread(target=one.execute, args=["SELECT * FROM orders"]) for one in queue]
        with cluster.primary.connect() as looking:
            for number, thread in enumerate(threads, 1):
                thread.start()
                while looking.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() != (
                    number,
                ):
                    time.sleep(0.01)
        try:
            yield ours.info.backend_pid
        finally:
            reader.execute("ROLLBACK")
            for thread in threads:
                thread.join()


async def measure(cluster: Cluster, pid: int) -> None:
    """Take every reading many times, in turn; `pid` is our waiting session, or 0."""
    url = cluster.primary.url("postgres", "postgres")
    floor = Line(url, purpose="benchmark", password=None)
    watcher = await PostgresWatcher.open(change_file(url), FACTS, None, lambda unix: unix)
    ours = frozenset({pid} if pid else ())
    readings: dict[str, Callable[[], Awaitable[object]]] = {
        "SELECT 1": lambda: floor.rows("SELECT 1", what="nothing"),
        "lock waits": lambda: watcher.lock_waits(ours),
        "activity": watcher.activity,
        "replicas": watcher.replicas,
        "queued behind us": lambda: watcher.queued_behind(pid),
        "who blocks us": lambda: watcher.blockers(pid),
        "who holds the table": lambda: watcher.holders("public.orders"),
        "progress": lambda: watcher.progress(pid),
    }
    took: dict[str, list[float]] = {name: [] for name in readings}
    used: dict[str, float] = dict.fromkeys(readings, 0.0)
    try:
        for _ in range(ROUNDS):
            for name, take in readings.items():
                began, before = time.perf_counter(), server_cpu(cluster)
                await take()
                took[name].append(time.perf_counter() - began)
                used[name] += server_cpu(cluster) - before
    finally:
        await watcher.close()
        await floor.close()
    tell(took, used)


def tell(took: dict[str, list[float]], used: dict[str, float]) -> None:
    """Print the table."""
    unit = statistics.median(took["SELECT 1"])
    print(f"{'':<22}{'client':>9}{'ratio':>8}{'server CPU':>13}   (median and mean of {ROUNDS})")
    for name, seconds in took.items():
        median = statistics.median(seconds)
        cpu = f"{used[name] / ROUNDS * 1000:.2f} ms" if used[name] else "not told"
        print(f"{name:<22}{median * 1000:>6.2f} ms{median / unit:>8.1f}{cpu:>13}")
    second = sum(used[name] for name in EACH_SECOND) / ROUNDS
    print(f"{'all of one second':<22}{'':>9}{'':>8}{second * 1000:>10.2f} ms = {second:.2%} of a core")


def server_cpu(cluster: Cluster) -> float:
    """CPU seconds that all processes of the primary have used so far; 0 where the system does not tell."""
    nanoseconds = 0
    for child in children(cluster.primary.pid):
        with contextlib.suppress(OSError):
            nanoseconds += int(Path(f"/proc/{child}/schedstat").read_text(encoding="utf-8").split()[0])
    return nanoseconds / 1e9


def children(pid: int | None) -> list[str]:
    """The processes that a process has started."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return path.read_text(encoding="utf-8").split() if path.exists() else []


def change_file(url: str) -> ChangeFile:
    """A change file without a replica: what is measured is the primary."""
    return ChangeFile(
        path="",
        target=Target(kind="postgresql", url=url),
        change=Change(table=TableName("public", "orders"), column="c", type="int"),
        limits=Limits(),
        session=SessionRules(),
    )


FACTS = TableFacts(
    server=Server(kind="postgresql", version="", number=0, name=""),
    name="public.orders",
    schema="public",
    kind="ordinary",
    key=None,
    columns=(),
    rows=0,
    bytes=0,
)


if __name__ == "__main__":
    main()
