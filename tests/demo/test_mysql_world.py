"""The world on MySQL and on MariaDB: that each trouble does what it says, as the database sees it."""

import shlex
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest

from console.config import load
from console.databases.mysql.families import Family, FamilyName
from console.demo.client import World
from console.demo.mysql.binaries import find_installation
from console.demo.mysql.node import connect
from tests.demo.conftest import ROWS
from tests.demo.watching import eventually

TROUBLES = [
    "hold-lock",
    "hold-row-locks",
    "long-report",
    "long-report-on-replica",
    "stall-replica",
    "stop-replica",
    "burst",
    "deploy",
]


@pytest.fixture
def calm(mysql_world: World) -> Iterator[World]:
    """The world without trouble, before and after."""
    yield mysql_world
    for name in ("stop-replica", *TROUBLES[:5], "burst"):
        mysql_world.ask(name, on=False)
    mysql_world.ask("deploy", version="v1")


def rows(world: World, query: str, *, replica: bool = False, role: str = "root") -> list[tuple[Any, ...]]:
    path = world.directory / "run" / f"{'replica1' if replica else 'primary'}.sock"
    with connect(path, role, "shop") as link, link.cursor() as cursor:
        *before, last = query.split(";")
        for statement in before:
            cursor.execute(statement)
        cursor.execute(last)
        return list(cursor.fetchall())


def active(world: World) -> set[str]:
    return {trouble.name for trouble in world.status().troubles if trouble.active}


def sessions(world: World, name: str, *, replica: bool = False) -> list[tuple[Any, ...]]:
    """The application's sessions of a name: number and command of each, and whether it is in a transaction."""
    query = f"""
        SELECT p.id, p.command, t.trx_id IS NOT NULL
          FROM performance_schema.session_connect_attrs a
          JOIN information_schema.processlist p ON p.id = a.processlist_id
          LEFT JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id
         WHERE a.attr_name = 'program_name' AND a.attr_value = '{name}' AND p.user = 'app'
    """
    # InnoDB tells of transactions anew where nobody has asked for 0.1 s: asked more often, it tells the same for ever.
    time.sleep(0.15)
    return rows(world, query, replica=replica)


def replication(world: World) -> dict[str, Any]:
    family = Family.of(rows(world, "SELECT VERSION()")[0][0])
    path = world.directory / "run" / "replica1.sock"
    with connect(path, "root", "") as link, link.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute(family.replica_status)
        (row,) = cursor.fetchall()
    names = ("Replica_IO_Running", "Replica_SQL_Running")
    return {name: family.replication_column(row, name) for name in names}


def test_it_says_what_there_is(calm: World) -> None:
    found = calm.status()
    assert found.ready
    assert [trouble.name for trouble in found.troubles] == TROUBLES
    assert not any("standby" in f"{trouble.title} {trouble.help}" for trouble in found.troubles)
    assert rows(calm, "SELECT count(*) >= 1 FROM orders", replica=True) == [(1,)]
    assert rows(calm, "SELECT @@read_only", replica=True) == [(1,)]


def test_the_change_file_leads_to_the_servers_as_deploy(calm: World, mysql_family: FamilyName) -> None:
    file = load(calm.change_file)
    assert file.change.title == "orders.placed_on"
    assert file.change.backfill is not None
    assert file.change.reference is not None
    for url in (file.target.url, *file.target.replicas):
        assert url.startswith(f"{mysql_family}://deploy@localhost/shop?socket={calm.directory}/run/")
    grants = " ".join(grant for (grant,) in rows(calm, "SHOW GRANTS", role="deploy"))
    assert "ON `shop`.* TO" in grants
    assert "SUPER" not in grants
    value = rows(calm, f"SELECT count({file.change.backfill.value}) > 0 FROM orders", role="deploy")
    assert value == [(1,)]


def test_the_way_to_look_around_leads_there(calm: World, mysql_family: FamilyName) -> None:
    (line,) = (line for line in calm.how_to_use().splitlines() if "look around:" in line)
    command = shlex.split(line.partition(":")[2])
    said = subprocess.run([*command, "-e", "SELECT VERSION()"], capture_output=True, text=True, check=True)
    assert str(find_installation(mysql_family).family).split()[1] in said.stdout


def test_statements_are_counted_and_only_the_applications(calm: World) -> None:
    def counted() -> list[str]:
        query = "SELECT digest_text FROM performance_schema.events_statements_summary_by_digest"
        return [text for (text,) in rows(calm, f"{query} WHERE schema_name = 'shop'", role="deploy")]

    eventually(lambda: any(text.startswith("INSERT INTO `orders`") for text in counted()), "an insert")
    assert not any("INSERT INTO `customers`" in text for text in counted())


def test_hold_lock(calm: World) -> None:
    answer = calm.ask("hold-lock", seconds=600)
    assert answer.text == "a session holds a metadata lock on orders for 600 s"
    ((holder, *_),) = sessions(calm, "shop back office")
    # The server keeps its list of transactions for a tenth of a second.
    eventually(lambda: sessions(calm, "shop back office") == [(holder, "Sleep", 1)], "an idle transaction")
    assert active(calm) == {"hold-lock"}
    with pytest.raises(pymysql.OperationalError, match="Lock wait timeout exceeded"):
        rows(calm, "SET SESSION lock_wait_timeout = 1; ALTER TABLE orders COMMENT = 'x'")
    rows(calm, f"KILL {holder}", role="deploy")
    eventually(lambda: not active(calm), "the end noticed, by an operator's hand")
    rows(calm, "SET SESSION lock_wait_timeout = 10; ALTER TABLE orders COMMENT = 'x'")
    assert calm.ask("hold-lock").text == "a session holds a metadata lock on orders for 60 s"


def test_hold_lock_is_over_after_its_time(calm: World) -> None:
    assert calm.ask("hold-lock", seconds=0.2).ok
    eventually(lambda: not active(calm), "the session gone by itself")
    eventually(lambda: not sessions(calm, "shop back office"), "its session gone from the server")


def test_hold_row_locks(calm: World) -> None:
    calm.ask("hold-row-locks", seconds=600)
    free = {order for (order,) in rows(calm, "SELECT id FROM orders WHERE id < 2700 FOR UPDATE SKIP LOCKED")}
    spread = [order for (order,) in rows(calm, "SELECT id FROM orders WHERE id < 2700") if order not in free]
    assert len(spread) >= 5, "rows in all parts of the table"
    assert max(spread) - min(spread) > ROWS * 0.5
    calm.ask("hold-row-locks", on=False)
    eventually(lambda: not sessions(calm, "shop back office"), "the session gone")
    assert rows(calm, "SELECT count(*) FROM orders WHERE note = 'under review'") == [(0,)], "rolled back"


def test_long_report(calm: World) -> None:
    calm.ask("long-report", seconds=600)
    eventually(
        lambda: [s[1:] for s in sessions(calm, "shop report")] == [("Query", 1)],
        "a running query on a snapshot",
    )
    assert active(calm) == {"long-report"}
    calm.ask("long-report")
    eventually(lambda: not sessions(calm, "shop report"), "the query ended and its session gone")


def test_long_report_on_replica(calm: World) -> None:
    calm.ask("long-report-on-replica", seconds=600)
    eventually(
        lambda: [s[1:] for s in sessions(calm, "shop dashboard", replica=True)] == [("Sleep", 1)],
        "an idle transaction",
    )
    assert active(calm) == {"long-report-on-replica"}
    calm.ask("long-report-on-replica")
    eventually(lambda: not sessions(calm, "shop dashboard", replica=True), "the session gone")


def test_stall_replica(calm: World) -> None:
    assert calm.ask("stall-replica").text == "the replica's applier is stopped"
    assert active(calm) == {"stall-replica"}
    assert replication(calm) == {"Replica_IO_Running": "Yes", "Replica_SQL_Running": "No"}
    newest = "SELECT max(id) FROM orders"
    stands = rows(calm, newest, replica=True)
    eventually(lambda: rows(calm, newest) > stands, "orders on the primary")
    assert rows(calm, newest, replica=True) == stands
    assert calm.ask("stall-replica").text == "the replica applies again"
    eventually(lambda: rows(calm, newest, replica=True) > stands, "orders on the replica")
    assert active(calm) == set()


def test_stop_replica(calm: World) -> None:
    assert calm.ask("stop-replica").text == "the replica is stopped"
    assert active(calm) == {"stop-replica"}
    with pytest.raises(pymysql.OperationalError):
        rows(calm, "SELECT 1", replica=True)
    refused = calm.ask("stall-replica")
    assert not refused.ok
    assert "the replica is stopped" in refused.text
    assert not calm.ask("long-report-on-replica").ok
    assert calm.ask("stop-replica").text == "the replica runs"
    eventually(
        lambda: replication(calm) == {"Replica_IO_Running": "Yes", "Replica_SQL_Running": "Yes"},
        "the replica replicating again",
    )
    assert active(calm) == set()


@pytest.mark.parametrize("name", TROUBLES[:7])
def test_on_and_off_may_be_said_twice(calm: World, name: str) -> None:
    """A script says what it wants, not what it thinks there is."""
    for on in (True, True, False, False):
        assert calm.ask(name, on=on, seconds=600).ok
        assert active(calm) == ({name} if on else set())
