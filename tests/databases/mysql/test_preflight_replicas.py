"""Findings about replicas: those that the change file names, those it does not, and what long statements do to them."""

from __future__ import annotations

import pytest

from console.change import Backfill
from console.databases.mysql.preflight import forecast, replicas
from console.databases.mysql.preflight.look import Look
from tests.databases.mysql.looking import INDEXED, change, healthy_orders, look, transaction
from tests.databases.mysql.watching import until
from tests.servers.mysql_database import MySqlDatabase


@pytest.fixture
def orders(mysql_database: MySqlDatabase) -> MySqlDatabase:
    return healthy_orders(mysql_database)


async def test_replicas_named_and_not_named(orders: MySqlDatabase) -> None:
    looked = await look(orders)
    assert not {"standby.not-named", "standby.none"} & looked.codes
    assert "follows, applies with" in looked.one("replica.seen").seen
    finding = (await look(orders, replicas=())).one("standby.not-named")
    assert (finding.severity, "1 of them not named" in finding.seen) == ("warning", True)
    finding = (await look(orders, replicas=[orders.url()])).one("replica.primary")
    assert finding.severity == "blocker"
    nobody = orders.replica_url().replace("replica", "nowhere")
    assert (await look(orders, replicas=[nobody])).one("replica.unreachable").severity == "blocker"
    orders.cluster.stop_receiver()
    await until_gone(orders)
    assert (await look(orders, replicas=())).one("standby.none").severity == "note"


async def until_gone(database: MySqlDatabase) -> None:
    """Waits until nobody reads the binary log of the primary any more; the server notices when it next writes."""

    async def readers() -> int:
        database.run("CREATE TABLE IF NOT EXISTS noise (id int); DROP TABLE noise")
        found = database.rows(
            "SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'"
        )
        return len(found)

    await until(readers, lambda left: left == 0)


def on_replica(database: MySqlDatabase, *statements: str) -> None:
    """Statements on the replica, its replication stopped meanwhile."""
    word = "SLAVE" if database.family == "mariadb" else "REPLICA"
    with database.cluster.replica.connect() as link, link.cursor() as cursor:
        for statement in (f"STOP {word}", *statements, f"START {word}"):
            cursor.execute(statement)


async def test_a_replica_that_lags_on_purpose_or_leaves_things_out(orders: MySqlDatabase) -> None:
    codes = {"replica.delayed", "replica.filtered"}
    assert not codes & (await look(orders)).codes
    if orders.family == "mysql":
        late, hush = (
            "CHANGE REPLICATION SOURCE TO SOURCE_DELAY = ",
            "CHANGE REPLICATION FILTER REPLICATE_IGNORE_DB = ",
        )
        some, none = "(shop)", "()"
    else:
        late, hush = "CHANGE MASTER TO MASTER_DELAY = ", "SET GLOBAL replicate_ignore_db = "
        some, none = "'shop'", "''"
    on_replica(orders, f"{late}5", f"{hush}{some}")
    looked = await look(orders)
    assert (looked.one("replica.delayed").severity, looked.one("replica.filtered").severity) == (
        "blocker",
        "warning",
    )
    assert "5.0 s late on purpose" in looked.one("replica.delayed").seen
    assert "Replicate_Ignore_DB = shop" in looked.one("replica.filtered").seen
    assert (await look(orders, replication_lag=9)).one("replica.delayed").severity == "warning"
    on_replica(orders, f"{late}0", f"{hush}{none}")
    assert not codes & (await look(orders)).codes


async def test_a_replica_of_another_server(orders: MySqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the primary is not the one that the replica follows; a third server would cost one."""

    async def another(_: Look) -> str:
        return "4711"

    assert "replica.stranger" not in (await look(orders)).codes
    monkeypatch.setattr(replicas, "_identity", another)
    assert (await look(orders)).one("replica.stranger").severity == "blocker"


async def test_a_stopped_replica_says_why(orders: MySqlDatabase) -> None:
    assert "replica.stopped" not in (await look(orders)).codes
    orders.cluster.stop_applier()
    finding = (await look(orders)).one("replica.stopped")
    assert (finding.severity, "applies nothing (No)" in finding.seen) == ("warning", True)
    orders.cluster.start_applier()
    orders.cluster.stop_receiver()
    assert "receives nothing (No)" in (await look(orders)).one("replica.stopped").seen


async def test_a_replica_that_may_not_be_looked_at(orders: MySqlDatabase) -> None:
    finding = (await look(orders, replicas=[orders.replica_url("app")])).one("replica.unread")
    assert finding.severity == "warning"
    assert finding.remedy.startswith("GRANT REPL")


async def test_a_long_transaction_on_a_replica(orders: MySqlDatabase) -> None:
    with transaction(orders.connect_replica("app"), "SELECT COUNT(*) FROM orders"):
        await until(lambda: look(orders), lambda looked: "replica.long-transaction" in looked.codes)
    await until(lambda: look(orders), lambda looked: "replica.long-transaction" not in looked.codes)


async def test_what_a_long_statement_does_to_replicas(
    orders: MySqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The forecast goes by rows a second; with few rows here, the server is taken for a slow one."""
    assert "replica.ddl" not in (await look(orders, INDEXED)).codes
    monkeypatch.setattr(forecast, "_INDEX", {"mysql": 10.0, "mariadb": 10.0})
    finding = (await look(orders, INDEXED)).one("replica.ddl")
    assert finding.severity == "warning"
    assert (
        "an index build takes about 30.0 s on the primary, and then as long on each replica" in finding.seen
    )
    if orders.family == "mysql":
        assert "sql_log_bin = 0" in finding.remedy
        return
    assert finding.remedy.startswith("SET GLOBAL slave_parallel_threads = 4 on ")
    orders.cluster.stop_applier()
    with orders.cluster.replica.connect() as link, link.cursor() as cursor:
        cursor.execute("SET GLOBAL slave_parallel_threads = 4")
    orders.cluster.start_applier()
    finding = (await look(orders, INDEXED)).one("replica.ddl")
    assert (finding.severity, "on the replicas at the same time" in finding.seen) == ("note", True)


async def test_the_forecast_knows_the_way_to_not_null(
    orders: MySqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecast, "_REBUILD", 10.0)
    at_once = change(nullable=False)
    assert "replica.ddl" not in (await look(orders, at_once)).codes
    rebuilt = change(nullable=False, backfill=Backfill(value="DATE(placed_at)", sync="application"))
    assert (
        "the rebuild for NOT NULL takes about 30.0 s" in (await look(orders, rebuilt)).one("replica.ddl").seen
    )
