"""A shop on the tests' own servers, and room for worlds that bring theirs."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from psycopg import sql

from console.demo import ground
from console.demo.client import World, start_world
from console.demo.mysql import shop as mysql_shop_of
from console.demo.mysql.cluster import MySqlCluster
from console.demo.place import Place, make_directory
from console.demo.postgresql.cluster import Cluster
from console.demo.postgresql.shop import DATABASE, build_shop
from tests.demo.shops import MySqlShop, PostgresqlShop, Shop
from tests.servers.database import Database
from tests.servers.fixtures import Servers
from tests.servers.mysql_database import MySqlDatabase
from tests.servers.mysql_fixtures import AT_HAND, MySqlServers
from tests.servers.versions import NEWEST

ROWS = 3_000


@pytest.fixture
async def postgresql_shop(newest_cluster: Cluster) -> Database:
    """A small shop on PostgreSQL."""
    return await _on_postgresql(newest_cluster)


@pytest.fixture
async def mysql_shop(mysql_cluster: MySqlCluster) -> AsyncIterator[MySqlDatabase]:
    """A small shop on MySQL and on MariaDB."""
    yield await _on_mysql(mysql_cluster)
    mysql_cluster.heal()
    mysql_cluster.primary.rows(f"DROP DATABASE {mysql_shop_of.DATABASE}")


@pytest.fixture(scope="session", params=["postgresql", *AT_HAND])
def shop_on(request: pytest.FixtureRequest) -> str:
    """The database that a test of the application runs on; session-wide, so that pytest groups the tests of one."""
    name: str = request.param
    return name


@pytest.fixture
async def shop(
    shop_on: ground.Database, servers: Servers, mysql_servers: MySqlServers
) -> AsyncIterator[Shop]:
    """A small shop, on each database in turn."""
    if shop_on == "postgresql":
        mysql_servers.rest()
        cluster = servers.running(NEWEST)
        yield PostgresqlShop(await _on_postgresql(cluster))
        cluster.heal()
    else:
        servers.rest()
        pair = mysql_servers.running(shop_on)
        yield MySqlShop(await _on_mysql(pair))
        pair.heal()
        pair.primary.rows(f"DROP DATABASE {mysql_shop_of.DATABASE}")


async def _on_postgresql(cluster: Cluster) -> Database:
    with cluster.primary.connect() as link:
        link.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE)))
    await build_shop(cluster.primary, rows=ROWS, progress=lambda text, done, total: None)
    cluster.wait_until_replayed()
    return Database(DATABASE, cluster)


async def _on_mysql(cluster: MySqlCluster) -> MySqlDatabase:
    cluster.primary.rows(f"DROP DATABASE IF EXISTS {mysql_shop_of.DATABASE}")
    await mysql_shop_of.build_shop(
        cluster.primary, rows=ROWS, progress=lambda text, done, total: None, logged=True
    )
    cluster.wait_until_replayed()
    cluster.primary.rows("TRUNCATE performance_schema.events_statements_summary_by_digest")
    return MySqlDatabase(mysql_shop_of.DATABASE, cluster)


@pytest.fixture
def place() -> Iterator[Place]:
    """A claimed folder, removed afterwards."""
    claimed = Place.claim(make_directory("test"))
    yield claimed
    claimed.remove()


@pytest.fixture(scope="module")
def world(servers: Servers) -> Iterator[World]:
    """A world of its own, shared by the tests of one file."""
    servers.rest()
    with start_world(rows=ROWS, rate=50) as running:
        yield running


@pytest.fixture(scope="module")
def mysql_world(
    servers: Servers, mysql_servers: MySqlServers, mysql_family: ground.Database
) -> Iterator[World]:
    """A world on MySQL and one on MariaDB, shared by the tests of one file."""
    servers.rest()
    mysql_servers.rest()
    with start_world(database=mysql_family, rows=ROWS, rate=50) as running:
        yield running


@pytest.fixture
def short_tmp() -> Iterator[Path]:
    """A temporary folder with a path short enough for sockets, that any user may traverse."""
    directory = make_directory("test")
    directory.chmod(0o755)
    place = Place.claim(directory)
    yield directory
    place.remove()
