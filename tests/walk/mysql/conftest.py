"""A maker of walks on MySQL and MariaDB, each ended with its test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.servers.mysql_database import MySqlDatabase
from tests.walk.walking import Walk, change_toml, walks


@pytest.fixture
def make_walk(mysql_database: MySqlDatabase) -> Iterator[Callable[..., Walk]]:
    """`make_walk(body, limits="")`: a walk on the test's database."""
    with walks() as started:

        def make(body: str, *, limits: str = "", replica: bool = True) -> Walk:
            second = mysql_database.replica_url() if replica else ""
            return started(change_toml(mysql_database.url(), second, body, limits=limits))

        yield make
