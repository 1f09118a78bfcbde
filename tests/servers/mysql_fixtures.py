"""The fixtures for MySQL and MariaDB that `tests.servers` describes."""

import itertools
import os
from collections.abc import Iterator

import pymysql
import pytest

from console.databases.mysql.families import FamilyName
from console.demo.errors import DemoError
from console.demo.mysql.binaries import find_installation
from console.demo.mysql.cluster import MySqlCluster
from console.demo.place import Place, make_directory, sweep
from tests.servers.leave_out import VARIABLE, left_out
from tests.servers.mysql_database import MySqlDatabase

FAMILIES: tuple[FamilyName, ...] = ("mysql", "mariadb")
AT_HAND = tuple(family for family in FAMILIES if not left_out(family))

SETTINGS = {
    # Small, because several test processes may share one small machine.
    "innodb_buffer_pool_size": "64M",
    "max_connections": "100",
}
_OF_FAMILY = {
    "mysql": {
        "innodb_redo_log_capacity": "64M",
        "innodb_log_buffer_size": "4M",
        "performance_schema_digests_size": "2000",
        "performance_schema_events_statements_history_long_size": "100",
    },
    "mariadb": {"innodb_log_file_size": "64M"},
}

_numbers = itertools.count(1)


class MySqlServers:
    """The pairs of this test process, one per family, of which one runs at a time."""

    def __init__(self) -> None:
        self._clusters: dict[FamilyName, MySqlCluster] = {}

    def running(self, family: FamilyName) -> MySqlCluster:
        """The pair of a family, made when it is asked for the first time."""
        if family not in self._clusters:
            self.rest()
            return self._built(family)
        for other, cluster in self._clusters.items():
            if other != family:
                cluster.stop()
        if not self._clusters[family].primary.running:
            self._clusters[family].start()
            self._clusters[family].wait_until_replicating()
        return self._clusters[family]

    def rest(self) -> None:
        """Stop whichever runs, for a test that brings servers of its own."""
        for cluster in self._clusters.values():
            cluster.stop()

    def close(self) -> None:
        """End all of them and remove their files."""
        for cluster in self._clusters.values():
            cluster.stop(at_once=True)
            cluster.place.remove()
        self._clusters.clear()

    def _built(self, family: FamilyName) -> MySqlCluster:
        try:
            installation = find_installation(family)
        except DemoError as error:
            pytest.fail(f"{error}; to leave its tests out, set {VARIABLE}={family}", pytrace=False)
        place = Place.claim(make_directory("test"))
        cluster = MySqlCluster(
            place,
            installation=installation,
            account=installation.account(),
            settings={**SETTINGS, **_OF_FAMILY[family]},
        )
        self._clusters[family] = cluster
        cluster.build()
        return cluster


@pytest.fixture(scope="session")
def mysql_servers() -> Iterator[MySqlServers]:
    """The pairs of MySQL and MariaDB servers of this test process."""
    sweep()
    owned = MySqlServers()
    yield owned
    owned.close()


@pytest.fixture(scope="session", params=AT_HAND)
def mysql_family(request: pytest.FixtureRequest) -> FamilyName:
    """The family that a test runs on; session-wide, so that pytest groups the tests of one family."""
    family: FamilyName = request.param
    return family


@pytest.fixture
def mysql_cluster(mysql_servers: MySqlServers, mysql_family: FamilyName) -> Iterator[MySqlCluster]:
    """A healthy pair, of each family in turn."""
    cluster = mysql_servers.running(mysql_family)
    yield cluster
    cluster.heal()


@pytest.fixture
def mysql_database(mysql_cluster: MySqlCluster) -> Iterator[MySqlDatabase]:
    """A fresh database, on each family in turn."""
    database = MySqlDatabase(f"test_{os.getpid()}_{next(_numbers)}", mysql_cluster)
    database.create()
    yield database
    mysql_cluster.heal()
    try:
        database.drop()
    except pymysql.OperationalError as error:
        pytest.fail(f"the test left something behind in its database: {error}", pytrace=False)
