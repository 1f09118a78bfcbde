"""What every test may ask for: `tests.servers` describes the database servers."""

import signal

import pytest

from tests.servers.fixtures import cluster, database, newest_cluster, newest_database, pg_version, servers
from tests.servers.mysql_fixtures import mysql_cluster, mysql_database, mysql_family, mysql_servers
from tests.servers.versions import NEWEST
from tests.setup import environment

__all__ = [
    "cluster",
    "database",
    "mysql_cluster",
    "mysql_database",
    "mysql_family",
    "mysql_servers",
    "newest_cluster",
    "newest_database",
    "pg_version",
    "servers",
]


WALKS = ("tests/walk/", "tests/databases/")


def pytest_configure() -> None:
    """See where `make test` found what the tests need."""
    environment.load()
    # A shell starts what runs in the background deaf to ctrl-C, and programs that tests start would inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what needs servers, and keep the tests of one server in one process, which then runs one pair.

    Here and not when all are collected: there xdist has looked at the groups before.
    """
    names = getattr(item, "fixturenames", ())
    if "servers" not in names and "mysql_servers" not in names:
        return
    item.add_marker("server")
    if item.config.pluginmanager.hasplugin("xdist") and item.get_closest_marker("xdist_group") is None:
        item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    """The server that a test runs on."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    if params.get("shop_on", "postgresql") != "postgresql":
        return str(params["shop_on"])
    if "shop_on" not in params and "mysql_servers" in getattr(item, "fixturenames", ()):
        return str(params.get("mysql_family", "mysql"))
    version = params.get("pg_version", NEWEST)
    # Half of all tests with servers: two processes share them, each with a pair of its own.
    walks = item.nodeid.startswith(WALKS)
    return f"postgresql-{version}" if walks or version != NEWEST else f"postgresql-{version}-commands"
