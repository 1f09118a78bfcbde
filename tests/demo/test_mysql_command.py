"""`demo --database mysql|mariadb`, as a user runs it: the whole walk, seen on both servers afterwards."""

import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from console.databases.mysql.families import FamilyName
from console.demo.mysql.binaries import VARIABLES
from console.demo.mysql.node import connect
from tests.cli.command import complaint, run
from tests.demo.watching import nothing_left_of
from tests.servers.fixtures import Servers
from tests.servers.mysql_fixtures import MySqlServers

pytestmark = [pytest.mark.slow, pytest.mark.server]


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with connect(path, "root", "shop") as link, link.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def test_it_walks_the_change_and_both_servers_have_it(
    servers: Servers, mysql_servers: MySqlServers, mysql_family: FamilyName, short_tmp: Path
) -> None:
    servers.rest()
    mysql_servers.rest()
    command = [
        "demo",
        "--database",
        mysql_family,
        "--rows",
        "5000",
        "--headless",
        "--advance",
        "auto",
        "--keep",
    ]
    done = run(*command, home=short_tmp / "own", TMPDIR=str(short_tmp))
    ended = re.search(r"end it: +kill (\d+)", done.stderr)
    assert ended, done.stderr
    try:
        (world,) = short_tmp.glob("column-console-demo-*")
        assert done.returncode == 0, done.stderr
        assert re.search(r"[\d,]+ rows compared, 0 differences", done.stderr)
        for name in ("primary", "replica1"):
            path = world / "run" / f"{name}.sock"
            ((nullable, default),) = rows(
                path,
                "SELECT is_nullable, lower(column_default) FROM information_schema.columns"
                " WHERE table_schema = 'shop' AND table_name = 'orders' AND column_name = 'placed_on'",
            )
            assert nullable == "NO"
            assert re.fullmatch(r"curdate\(\)|current_date(\(\))?", default)
            assert rows(
                path,
                "SELECT column_name FROM information_schema.statistics"
                " WHERE table_schema = 'shop' AND index_name = 'orders_placed_on_idx'",
            ) == [("placed_on",)]
            assert rows(
                path,
                "SELECT referenced_table_name FROM information_schema.key_column_usage"
                " WHERE table_schema = 'shop' AND column_name = 'placed_on' AND referenced_table_name <> ''",
            ) == [("days",)]
            assert (
                rows(
                    path, "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = 'shop'"
                )
                == []
            )
            assert rows(path, "SHOW TABLES") == [("customers",), ("days",), ("orders",)]
            assert rows(path, "SELECT count(*) FROM orders WHERE placed_on <> cast(placed_at AS date)") == [
                (0,)
            ]
    finally:
        os.kill(int(ended[1]), signal.SIGTERM)
    nothing_left_of(world)


@pytest.mark.parametrize("family", ["mysql", "mariadb"])
def test_a_missing_server_is_one_sentence(family: FamilyName, short_tmp: Path) -> None:
    missing = {VARIABLES[family]: str(short_tmp), "TMPDIR": str(short_tmp)}
    done = run("demo", "--database", family, "--headless", home=short_tmp / "own", **missing)
    assert re.fullmatch(
        rf"{VARIABLES[family]} is {short_tmp}, which has no \w+ server: install one with .*apt-get install .*",
        complaint(done, 1),
    )
    assert not list(short_tmp.glob("column-console-demo-*"))
