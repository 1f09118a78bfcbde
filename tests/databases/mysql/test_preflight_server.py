"""Findings that lie in the server, its users, its replicas and what goes on there."""

from __future__ import annotations

import pymysql
import pytest

from console.change import Reference, TableName
from console.databases.mysql.preflight import activity
from tests.databases.mysql.looking import INDEXED, ORDERS, change, look, transaction
from tests.databases.mysql.watching import until
from tests.servers.mysql_database import MySqlDatabase


@pytest.fixture
def orders(mysql_database: MySqlDatabase) -> MySqlDatabase:
    mysql_database.run(ORDERS.format(rows=300))
    mysql_database.wait_until_replayed()
    return mysql_database


# -- Settings

SETTINGS = [
    ("sql_mode = ''", "settings.sql-mode", "warning", "(empty) is not strict"),
    ("foreign_key_checks = OFF", "settings.foreign-key-checks", "warning", "checked against no parent"),
    (
        "innodb_lock_wait_timeout = 1",
        "settings.row-lock-wait",
        "warning",
        "gives up on a locked row after 1.0 s",
    ),
    ("binlog_format = STATEMENT", "settings.binlog-format", "blocker", "refuses writes under READ COMMITTED"),
    ("binlog_format = MIXED", "settings.binlog-format", "warning", "binlog_format is MIXED"),
    ("log_bin_trust_function_creators = OFF", "right.trigger", "blocker", "may make no trigger"),
]


async def test_settings(orders: MySqlDatabase) -> None:
    codes = {code for _, code, _, _ in SETTINGS}
    assert not codes & (await look(orders)).codes
    for setting, code, severity, seen in SETTINGS:
        name = setting.split(" ")[0]
        ((before,),) = orders.rows(f"SELECT @@GLOBAL.{name}")
        orders.run(f"SET GLOBAL {setting}", "root")
        finding = (await look(orders)).one(code)
        assert (finding.severity, seen in finding.seen, bool(finding.remedy)) == (severity, True, True), (
            finding
        )
        orders.run(f"SET GLOBAL {name} = {before!r}", "root")
    assert not codes & (await look(orders)).codes


async def test_what_the_finding_of_a_trigger_says_is_so(orders: MySqlDatabase) -> None:
    orders.run("SET GLOBAL log_bin_trust_function_creators = OFF", "root")
    trigger = "CREATE TRIGGER x BEFORE INSERT ON orders FOR EACH ROW SET NEW.amount = NEW.amount"
    with pytest.raises(pymysql.Error) as caught:
        orders.run(trigger)
    assert caught.value.args[0] == 1419
    orders.run(trigger, "root")


async def test_online_log(orders: MySqlDatabase) -> None:
    assert "settings.online-log" not in (await look(orders)).codes
    assert (await look(orders, INDEXED)).one("settings.online-log").severity == "note"
    orders.run("SET GLOBAL innodb_online_alter_log_max_size = 1048576", "root")
    finding = (await look(orders, INDEXED)).one("settings.online-log")
    assert (finding.severity, "is 1.0 MB" in finding.seen) == ("warning", True)


async def test_short_row_events_and_who_does_not_want_them(orders: MySqlDatabase) -> None:
    finding = (await look(orders)).one("settings.row-image")
    assert (finding.severity, "change data capture" in finding.seen) == ("note", True)
    stranger = (await look(orders, replicas=())).one("settings.row-image")
    assert (stranger.severity, "it is read by more than" in stranger.seen) == ("warning", True)
    keeping = await look(orders, url=orders.url(**{"binlog-row-image": "keep"}))
    assert "settings.row-image" not in keeping.codes
    assert keeping.preflight.estimate is not None
    short = (await look(orders)).preflight.estimate
    assert short is not None
    assert short.wal_bytes * 5 < keeping.preflight.estimate.wal_bytes


async def test_semi_synchronous(orders: MySqlDatabase) -> None:
    assert "settings.synchronous" not in (await look(orders)).codes
    if orders.family == "mysql":
        orders.run("INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'", "root")
    source = "source" if orders.family == "mysql" else "master"
    orders.run(f"SET GLOBAL rpl_semi_sync_{source}_enabled = ON", "root")
    finding = (await look(orders)).one("settings.synchronous")
    assert (finding.severity, "10.0 s at most: none is connected" in finding.seen) == ("warning", True)
    orders.run(f"SET GLOBAL rpl_semi_sync_{source}_enabled = OFF", "root")


# -- The server's part


async def test_the_other_family_by_url(orders: MySqlDatabase) -> None:
    other = "mariadb" if orders.family == "mysql" else "mysql"
    assert "server.family" not in (await look(orders)).codes
    finding = (await look(orders, url=orders.url().replace(f"{orders.family}://", f"{other}://"))).one(
        "server.family"
    )
    assert finding.severity == "note"
    assert f"the server is {orders.cluster.family}" in finding.seen
    assert f"Write {orders.family}://" in finding.remedy


async def test_a_replica_given_as_the_primary(orders: MySqlDatabase) -> None:
    finding = (await look(orders, url=orders.replica_url(), replicas=())).one("server.standby")
    assert finding.severity == "blocker"
    assert "and replicates from 127.0.0.1" in finding.seen
    orders.run("SET GLOBAL read_only = ON", "root")
    finding = (await look(orders)).one("server.standby")
    assert finding.seen.endswith("is read-only")
    assert "SET GLOBAL read_only = OFF" in finding.remedy
    orders.run("SET GLOBAL read_only = OFF", "root")
    assert not {"server.standby", "server.replicates"} & (await look(orders)).codes


async def test_a_replica_that_takes_writes(orders: MySqlDatabase) -> None:
    with orders.cluster.replica.connect() as link, link.cursor() as cursor:
        cursor.execute("SET GLOBAL read_only = OFF")
    assert (await look(orders)).one("replica.writable").severity == "warning"
    assert (await look(orders, url=orders.replica_url(), replicas=())).one(
        "server.replicates"
    ).severity == "warning"


# -- Rights


def account(database: MySqlDatabase, *grants: str) -> str:
    """The URL of a user with these rights, and those on the database's rows."""
    statements = ["DROP USER IF EXISTS somebody@localhost", "CREATE USER somebody@localhost IDENTIFIED BY ''"]
    statements += [f"GRANT {grant} TO somebody@localhost" for grant in grants]
    for statement in statements:
        database.run(statement, "root")
    return database.url().replace("://deploy@", "://somebody@")


async def test_rights_each_with_its_grant(orders: MySqlDatabase) -> None:
    """Beginning with a few, and following each finding's own remedy, until none is left."""
    wanted = change(indexes=INDEXED.indexes, reference=Reference(table=TableName(None, "days"), column="day"))
    url = account(orders, f"SELECT ON `{orders.name}`.*")
    followed: dict[str, str] = {}
    while True:
        looked = await look(orders, wanted, url=url, replicas=())
        rights = [f for f in looked.preflight.findings if f.code.startswith("right.")]
        if not rights:
            break
        assert rights[0].code not in followed, rights[0]
        followed[rights[0].code] = rights[0].severity
        orders.run(rights[0].remedy, "root")
    assert followed == {
        "right.table": "blocker",
        "right.schema-create": "blocker",
        "right.references": "blocker",
        "right.process": "warning",
        "right.performance-schema": "warning",
        "right.replication": "warning",
        "right.signal": "note",
        "right.variables": "note",
    }
    assert looked.preflight.blockers == ()


async def test_what_is_not_permitted_to_see_is_said(orders: MySqlDatabase) -> None:
    url = account(orders, f"ALL PRIVILEGES ON `{orders.name}`.*")
    looked = await look(orders, url=url, replicas=())
    assert "who queues behind a statement of ours" in looked.one("right.process").seen
    said = {
        "statements.unread",
        "holders.unread",
        "transaction.unread",
        "standby.not-permitted",
        "space.log-unread",
    }
    of_mysql = {"history.unread", "instant.unread"}
    assert {code for code in looked.codes if code.endswith(("unread", "not-permitted"))} == (
        said | of_mysql if orders.family == "mysql" else said
    )
    assert looked.preflight.blockers == ()


async def test_the_queue_is_seen_without_process_where_locks_are_recorded(orders: MySqlDatabase) -> None:
    orders.run(
        "UPDATE performance_schema.setup_instruments SET ENABLED = 'YES' WHERE NAME = 'wait/lock/metadata/sql/mdl'",
        "root",
    )
    url = account(orders, f"ALL PRIVILEGES ON `{orders.name}`.*", "SELECT, UPDATE ON performance_schema.*")
    assert "queues behind" not in (await look(orders, url=url, replicas=())).one("right.process").seen


async def test_rights_by_a_role(orders: MySqlDatabase) -> None:
    url = account(orders)
    for statement in (
        "CREATE ROLE some_role",
        f"GRANT ALL PRIVILEGES ON `{orders.name}`.* TO some_role",
        "GRANT PROCESS ON *.* TO some_role",
        "GRANT some_role TO somebody@localhost",
        "SET DEFAULT ROLE some_role " + ("TO" if orders.family == "mysql" else "FOR") + " somebody@localhost",
    ):
        orders.run(statement, "root")
    looked = await look(orders, url=url, replicas=())
    assert not {"right.table", "right.schema-create", "right.process"} & looked.codes
    orders.run("DROP ROLE some_role", "root")


# -- What goes on


async def test_who_holds_the_table(orders: MySqlDatabase) -> None:
    if orders.family == "mariadb":
        finding = (await look(orders)).one("holders.unread")
        assert (finding.severity, "setup_instruments" in finding.remedy) == ("warning", True)
        orders.run(finding.remedy)
    assert not {"holders.unread", "transaction.on-table"} & (await look(orders)).codes
    with transaction(orders.connect("app"), "SELECT COUNT(*) FROM orders"):
        await until(
            lambda: look(orders, lock_timeout=0.5), lambda looked: "transaction.on-table" in looked.codes
        )
        finding = (await look(orders, lock_timeout=0.5)).one("transaction.on-table")
        assert "(app, Sleep) holds SHARED_READ on" in finding.seen
        # A young one is none, however it is named.
        assert "transaction.on-table" not in (await look(orders, lock_timeout=3600)).codes
    assert "transaction.on-table" not in (await look(orders, lock_timeout=0.5)).codes
    # A strong lock is told of however young it is.
    with orders.connect("root") as link, link.cursor() as cursor:
        cursor.execute("LOCK TABLES orders WRITE")
        finding = (await look(orders, change(backfill=None), lock_timeout=3600)).one("transaction.on-table")
        assert "(root, Sleep) holds SHARED_NO_READ_WRITE" in finding.seen


async def test_old_transactions_and_what_purge_has_to_clear(
    orders: MySqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "transaction.old" not in (await look(orders)).codes
    monkeypatch.setattr(activity, "OLD", 0.5)
    monkeypatch.setattr(activity, "_HISTORY", 1)
    with transaction(orders.connect("app"), "SELECT COUNT(*) FROM orders"):
        for _ in range(3):
            orders.run("UPDATE orders SET amount = amount + 1")
        await until(
            lambda: look(orders, INDEXED), lambda looked: {"transaction.old", "history.long"} <= looked.codes
        )
        finding = (await look(orders, INDEXED)).all("transaction.old")[0]
        assert "an index build at its very end" in finding.seen
        assert "(app, Sleep)" in finding.seen


async def test_prepared_transactions(orders: MySqlDatabase) -> None:
    role = "root" if orders.family == "mysql" else "deploy"
    assert "prepared.old" not in (await look(orders, role=role, replicas=())).codes
    with orders.connect("root") as link, link.cursor() as cursor:
        for statement in ("XA START 'x'", "UPDATE orders SET amount = 1", "XA END 'x'", "XA PREPARE 'x'"):
            cursor.execute(statement)
        try:
            found = (await look(orders, change(backfill=None), role=role, replicas=())).one("prepared.old")
        finally:
            cursor.execute("XA ROLLBACK 'x'")
        assert (found.severity, found.seen.endswith("ends them: x")) == ("warning", True), found


async def test_performance_schema_off(orders: MySqlDatabase) -> None:
    assert "performance-schema.off" not in (await look(orders)).codes
    primary = orders.cluster.primary
    settings = primary.settings_file.read_text()
    try:
        primary.stop()
        primary.settings_file.write_text(f"{settings}performance_schema = OFF\n")
        primary.launch()
        primary.wait_until_ready()
        looked = await look(orders, replicas=())
        assert looked.one("performance-schema.off").severity == "warning"
        assert {"statements.unread", "holders.unread"} <= looked.codes
        assert looked.preflight.blockers == ()
    finally:
        primary.stop()
        primary.settings_file.write_text(settings)
        primary.launch()
        primary.wait_until_ready()
