"""A maker of walks, each ended with its test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.servers.database import Database
from tests.walk.walking import Walk, change_toml, walks


@pytest.fixture
def make_walk(database: Database) -> Iterator[Callable[..., Walk]]:
    """`make_walk(body, limits="")`: a walk on the test's database."""
    with walks() as started:

        def make(body: str, *, limits: str = "", replica: bool = True) -> Walk:
            standby = database.standby_url() if replica else ""
            return started(change_toml(database.url(), standby, body, limits=limits))

        yield make
