"""The demo on MySQL or MariaDB: a primary with a GTID replica, and the shop on them."""

import asyncio
from collections.abc import Mapping
from typing import Literal

import pymysql

from console.demo import ground
from console.demo.errors import DemoError
from console.demo.ground import Progress
from console.demo.link import Link, Refused, first_line
from console.demo.mysql.binaries import find_installation
from console.demo.mysql.cluster import MySqlCluster
from console.demo.mysql.link import MySqlLink
from console.demo.mysql.node import MySqlNode
from console.demo.mysql.shop import DATABASE, build_shop
from console.demo.operations import Dialect
from console.demo.place import Place

DIALECT = Dialect(
    now="utc_timestamp(6)",
    day="cast(placed_at AS date)",
    row_lock="FOR UPDATE",
    returning="",
    column="SELECT 1 FROM information_schema.columns"
    " WHERE table_schema = database() AND table_name = 'orders' AND column_name = %s",
    patience="SET SESSION lock_wait_timeout = 5, innodb_lock_wait_timeout = 5",
    snapshot="START TRANSACTION WITH CONSISTENT SNAPSHOT",
    sleep="sleep(%s)",
)
SETTINGS: Mapping[str, str] = {
    "innodb_buffer_pool_size": "256M",
    "max_connections": "200",
}
_OF_FAMILY: Mapping[str, Mapping[str, str]] = {
    "mysql": {"innodb_redo_log_capacity": "1G"},
    "mariadb": {
        "innodb_log_file_size": "1G",
        # As many appliers as MySQL has by itself, and its record of who holds a metadata lock.
        "slave_parallel_threads": "4",
        "performance_schema_instrument": "wait/lock/metadata/sql/mdl=ON",
    },
}


class Replica:
    """See `console.demo.ground.Follower`."""

    word = "replica"
    shares = "a metadata lock"
    stall_help = "stops the replica's applier, so that its lag grows; again: starts it"
    stalled_text = "the replica's applier is stopped"
    resumed_text = "the replica applies again"

    def __init__(self, cluster: MySqlCluster) -> None:
        self._cluster = cluster
        self.launch = cluster.replica.launch
        self.stop = cluster.replica.stop
        self.wait_until_ready = cluster.replica.wait_until_ready
        self.stalled = cluster.applier_stopped
        self.stall = cluster.stop_applier
        self.resume = cluster.start_applier

    @property
    def running(self) -> bool:
        return self._cluster.replica.running


class MySqlGround:
    """See `console.demo.ground.Ground`."""

    dialect = DIALECT

    def __init__(self, place: Place, name: Literal["mysql", "mariadb"]) -> None:
        self._place = place
        self._name = name
        self._built: MySqlCluster | None = None

    @property
    def cluster(self) -> MySqlCluster:
        """The servers."""
        if self._built is None:
            raise DemoError("the servers are not there yet")
        return self._built

    @property
    def follower(self) -> Replica:
        return Replica(self.cluster)

    async def build(self, rows: int, say: Progress) -> None:
        say(f"looking for a {ground.TITLES[self._name]} server", 0, 0)
        installation = await asyncio.to_thread(find_installation, self._name)
        cluster = MySqlCluster(
            self._place,
            installation=installation,
            account=await asyncio.to_thread(installation.account),
            settings={**SETTINGS, **_OF_FAMILY[self._name]},
        )
        self._built = cluster
        primary = cluster.primary
        try:
            say(f"making a {installation.family} primary", 0, 0)
            await asyncio.to_thread(cluster.prepare_primary)
            await _start(primary)
            await asyncio.to_thread(cluster.create_roles, primary)
            await build_shop(primary, rows=rows, progress=say)
            # The replica comes after the data: copying them is faster than replaying how they were made.
            say("making its replica", rows, rows)
            await asyncio.to_thread(primary.stop)
            await asyncio.to_thread(cluster.prepare_replica)
            await _start(primary, cluster.replica)
            await asyncio.to_thread(cluster.attach)
        except (pymysql.Error, Refused) as error:
            raise DemoError(f"the demo could not be built: {first_line(error)}") from error

    def change_file(self) -> str:
        return change_file(self.cluster.primary, self.cluster.replica)

    def look_around(self) -> str:
        installation = self.cluster.primary.installation
        client = installation.client or installation.family.name
        return f"{client} --no-defaults --socket={self.cluster.primary.socket} --user=deploy {DATABASE}"

    async def connect(self, name: str) -> Link:
        return await MySqlLink.open(self.cluster.primary.socket, "app", DATABASE, name)

    async def connect_to_follower(self, name: str) -> Link:
        return await MySqlLink.open(self.cluster.replica.socket, "app", DATABASE, name)

    def interrupt(self) -> None:
        if self._built is not None:
            self._built.interrupt()

    def stop(self) -> None:
        if self._built is not None:
            self._built.stop(at_once=True)


def change_file(primary: MySqlNode, replica: MySqlNode) -> str:
    """The text of the change file on these servers."""
    return ground.change_file(
        url=primary.url("deploy", DATABASE),
        replica=replica.url("deploy", DATABASE),
        table="orders",
        day="cast(placed_at as date)",
        default="current_date",
    )


async def _start(*nodes: MySqlNode) -> None:
    for node in nodes:
        node.launch()  # from this thread, the main one, because the server ends with it
    for node in nodes:
        await asyncio.to_thread(node.wait_until_ready)
