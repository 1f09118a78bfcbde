"""The fixtures that `tests.servers` describes."""

import itertools
import os
from collections.abc import Iterator

import psycopg
import pytest

from console.demo.errors import DemoError
from console.demo.place import Place, make_directory, server_account, sweep
from console.demo.postgresql.binaries import stage
from console.demo.postgresql.cluster import Cluster
from tests.servers.database import Database
from tests.servers.versions import NEWEST, VERSIONS, binaries_of

SETTINGS = {
    # Small, because several test processes may share one small machine.
    "shared_buffers": "32MB",
    "max_connections": "80",
    "io_method": "sync",
    # What preflight looks at: prepared transactions and logical slots.
    "max_prepared_transactions": "5",
    "wal_level": "logical",
}
_ONLY_SINCE_18 = ("io_method",)

_numbers = itertools.count(1)


class Servers:
    """The pairs of this test process, one per version, of which one runs at a time."""

    def __init__(self) -> None:
        self._clusters: dict[str, Cluster] = {}

    def running(self, version: str) -> Cluster:
        """The pair of a version, made when it is asked for the first time."""
        if version not in self._clusters:
            self.rest()
            return self._built(version)
        for other, cluster in self._clusters.items():
            if other != version:
                cluster.stop()
        self._clusters[version].start()
        return self._clusters[version]

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

    def _built(self, version: str) -> Cluster:
        try:
            binaries = binaries_of(version)
        except DemoError as error:
            pytest.fail(str(error), pytrace=False)
        account = server_account()
        place = Place.claim(make_directory("test"))
        settings = {k: v for k, v in SETTINGS.items() if binaries.major >= 18 or k not in _ONLY_SINCE_18}
        if account is not None:
            binaries = stage(binaries, place.directory)
        cluster = Cluster(place, binaries=binaries, account=account, settings=settings, segment_mb=1)
        self._clusters[version] = cluster
        cluster.build()
        with cluster.primary.connect() as connection:
            connection.execute("CREATE ROLE visitor LOGIN")
        return cluster


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The pairs of servers of this test process."""
    sweep()
    owned = Servers()
    yield owned
    owned.close()


@pytest.fixture(scope="session", params=VERSIONS)
def pg_version(request: pytest.FixtureRequest) -> str:
    """The version that a test runs on; session-wide, so that pytest groups the tests of one version."""
    version: str = request.param
    return version


@pytest.fixture
def cluster(servers: Servers, pg_version: str) -> Iterator[Cluster]:
    """A healthy pair, of each version in turn."""
    yield from _lent(servers, pg_version)


@pytest.fixture
def newest_cluster(servers: Servers) -> Iterator[Cluster]:
    """A healthy pair of the newest version."""
    yield from _lent(servers, NEWEST)


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Database]:
    """A fresh database, on each version in turn."""
    yield from _fresh(cluster)


@pytest.fixture
def newest_database(newest_cluster: Cluster) -> Iterator[Database]:
    """A fresh database on the newest version."""
    yield from _fresh(newest_cluster)


def _lent(servers: Servers, version: str) -> Iterator[Cluster]:
    cluster = servers.running(version)
    yield cluster
    cluster.heal()


def _fresh(cluster: Cluster) -> Iterator[Database]:
    database = Database(f"test_{os.getpid()}_{next(_numbers)}", cluster)
    database.create()
    yield database
    cluster.heal()
    try:
        database.drop()
    except psycopg.errors.ObjectInUse as error:
        pytest.fail(f"the test left something behind in its database: {error}", pytrace=False)
