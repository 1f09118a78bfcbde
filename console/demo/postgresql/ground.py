"""The demo on PostgreSQL: a primary with a streaming standby, and the shop on them."""

import asyncio
from collections.abc import Mapping

import psycopg

from console.demo import ground
from console.demo.errors import DemoError
from console.demo.ground import Progress
from console.demo.link import Link, first_line
from console.demo.operations import Dialect
from console.demo.place import Place, server_account
from console.demo.postgresql.binaries import Binaries, find_binaries, stage
from console.demo.postgresql.cluster import Cluster
from console.demo.postgresql.link import PostgresqlLink
from console.demo.postgresql.node import Node
from console.demo.postgresql.shop import DATABASE, build_shop

DIALECT = Dialect(
    now="now()",
    day="(placed_at AT TIME ZONE 'UTC')::date",
    row_lock="FOR NO KEY UPDATE",
    returning="RETURNING id",
    column="SELECT 1 FROM pg_attribute"
    " WHERE attrelid = 'public.orders'::regclass AND attname = %s AND NOT attisdropped",
    patience="SET lock_timeout = '5s'",
    snapshot="BEGIN ISOLATION LEVEL REPEATABLE READ",
    sleep="pg_sleep(%s)",
)
SETTINGS: Mapping[str, str] = {
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    # A standby that is stopped for hours must not fill the disk.
    "max_slot_wal_keep_size": "4GB",
}


class Standby:
    """See `console.demo.ground.Follower`."""

    word = "standby"
    shares = "ACCESS SHARE"
    stall_help = "pauses replay on the standby, so that its lag grows; again: resumes"
    stalled_text = "replay on the standby is paused"
    resumed_text = "the standby replays again"

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.launch = cluster.standby.launch
        self.stop = cluster.standby.stop
        self.wait_until_ready = cluster.standby.wait_until_ready
        self.stalled = cluster.replay_paused
        self.stall = cluster.pause_replay
        self.resume = cluster.resume_replay

    @property
    def running(self) -> bool:
        return self._cluster.standby.running


class PostgresqlGround:
    """See `console.demo.ground.Ground`."""

    dialect = DIALECT

    def __init__(self, place: Place) -> None:
        self._place = place
        self._built: Cluster | None = None

    @property
    def cluster(self) -> Cluster:
        """The servers."""
        if self._built is None:
            raise DemoError("the servers are not there yet")
        return self._built

    @property
    def follower(self) -> Standby:
        return Standby(self.cluster)

    async def build(self, rows: int, say: Progress) -> None:
        say("looking for a PostgreSQL server", 0, 0)
        account = server_account()
        binaries = await asyncio.to_thread(find_binaries)
        if account is not None:
            binaries = await asyncio.to_thread(stage, binaries, self._place.directory)
        cluster = Cluster(self._place, binaries=binaries, account=account, settings=_settings(binaries))
        self._built = cluster
        try:
            say(f"making a PostgreSQL {binaries.major} primary", 0, 0)
            await asyncio.to_thread(cluster.prepare_primary)
            await _start(cluster.primary)
            await asyncio.to_thread(cluster.create_roles)
            await build_shop(cluster.primary, rows=rows, progress=say)
            # The standby comes after the data: copying them is faster than replaying how they were made.
            say("making its standby", rows, rows)
            await asyncio.to_thread(cluster.prepare_standby)
            await _start(cluster.standby)
            await asyncio.to_thread(cluster.wait_until_streaming)
        except psycopg.Error as error:
            raise DemoError(f"the demo could not be built: {first_line(error)}") from error

    def change_file(self) -> str:
        return change_file(self.cluster.primary, self.cluster.standby)

    def look_around(self) -> str:
        return f"psql 'host={self.cluster.primary.sockets} user=deploy dbname={DATABASE}'"

    async def connect(self, name: str) -> Link:
        return await _connected(self.cluster.primary, name)

    async def connect_to_follower(self, name: str) -> Link:
        return await _connected(self.cluster.standby, name)

    def interrupt(self) -> None:
        if self._built is not None:
            self._built.interrupt()

    def stop(self) -> None:
        if self._built is not None:
            self._built.stop(at_once=True)


def change_file(primary: Node, standby: Node) -> str:
    """The text of the change file on these servers."""
    return ground.change_file(
        url=primary.url("deploy", DATABASE),
        replica=standby.url("deploy", DATABASE),
        table="public.orders",
        day="(placed_at at time zone 'UTC')::date",
        default="current_date",
    )


async def _connected(node: Node, name: str) -> Link:
    return await PostgresqlLink.open(node.url("app", DATABASE, application_name=name, connect_timeout="5"))


async def _start(node: Node) -> None:
    node.launch()  # from this thread, the main one, because the server ends with it
    await asyncio.to_thread(node.wait_until_ready)


def _settings(binaries: Binaries) -> dict[str, str]:
    """The demo's settings; statements are counted where the installation can."""
    if binaries.has_extension("pg_stat_statements"):
        return {**SETTINGS, "shared_preload_libraries": "pg_stat_statements"}
    return dict(SETTINGS)
