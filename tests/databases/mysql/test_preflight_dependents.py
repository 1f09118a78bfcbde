"""Findings about what hangs on the table, what an earlier run left, indexes, the referenced table, statements."""

from __future__ import annotations

from typing import Any

import pymysql
import pytest

from console.change import Backfill, Index, Reference, TableName
from tests.databases.mysql.looking import Case, change, healthy_orders, look, see_all
from tests.servers.mysql_database import MySqlDatabase


async def test_a_trigger_that_writes_elsewhere(mysql_database: MySqlDatabase) -> None:
    """MySQL has a batch wait for the rows it writes; MariaDB can do without waiting."""
    healthy_orders(mysql_database)
    mysql_database.run("CREATE TRIGGER quiet AFTER UPDATE ON orders FOR EACH ROW SET @update = 'insert into'")
    assert "trigger.waits" not in (await look(mysql_database)).codes
    mysql_database.run(
        "CREATE TABLE audit (n int);"
        " CREATE TRIGGER counts AFTER UPDATE ON orders FOR EACH ROW UPDATE audit SET n = n + 1"
    )
    found = (await look(mysql_database)).all("trigger.waits")
    if mysql_database.family == "mariadb":
        assert found == []
        return
    (finding,) = found
    assert finding.severity == "warning"
    assert "trigger counts writes other rows" in finding.seen
    assert "1213" in finding.remedy


@pytest.fixture
def orders(mysql_database: MySqlDatabase) -> MySqlDatabase:
    return healthy_orders(mysql_database)


HANGING = [
    Case(
        "trigger.fires",
        "warning",
        "trigger stamp on",
        "CREATE TRIGGER stamp AFTER UPDATE ON orders FOR EACH ROW SET @stamped = 1",
        "DROP TRIGGER stamp",
    ),
    Case(
        "trigger.before",
        "note",
        "(early, late)",
        "CREATE TRIGGER late BEFORE INSERT ON orders FOR EACH ROW SET NEW.amount = NEW.amount;"
        "CREATE TRIGGER early BEFORE INSERT ON orders FOR EACH ROW PRECEDES late SET NEW.amount = NEW.amount",
        "DROP TRIGGER early; DROP TRIGGER late",
    ),
    Case(
        "trigger.other-tool",
        "warning",
        "pt-online-schema-change",
        "CREATE TRIGGER pt_osc_shop_orders_ins AFTER INSERT ON orders FOR EACH ROW SET @x = 1",
        "DROP TRIGGER pt_osc_shop_orders_ins",
    ),
    Case(
        "trigger.on-update",
        "note",
        "changed_at is set to the time of each update",
        "ALTER TABLE orders ADD changed_at timestamp NULL ON UPDATE CURRENT_TIMESTAMP",
        "ALTER TABLE orders DROP changed_at",
    ),
    Case(
        "foreign-key.out",
        "note",
        "to days",
        "ALTER TABLE orders ADD d date, ADD CONSTRAINT o_d FOREIGN KEY (d) REFERENCES days (day)",
        "ALTER TABLE orders DROP FOREIGN KEY o_d",
    ),
    Case(
        "foreign-key.in",
        "note",
        "l_o from order_lines",
        "CREATE TABLE order_lines (o bigint unsigned, CONSTRAINT l_o FOREIGN KEY (o) REFERENCES orders (id))",
        "DROP TABLE order_lines",
    ),
    Case(
        "foreign-key.cascade",
        "warning",
        "changes d by ON UPDATE CASCADE",
        "ALTER TABLE orders ADD CONSTRAINT o_d FOREIGN KEY (d) REFERENCES days (day) ON UPDATE CASCADE",
        "ALTER TABLE orders DROP FOREIGN KEY o_d",
        change(backfill=Backfill(value="COALESCE(d, DATE(placed_at))")),
    ),
    Case(
        "view.dependent",
        "warning",
        ".seen",
        "CREATE VIEW seen AS SELECT o.* FROM orders o JOIN days d ON d.day = o.placed_at",
        "DROP VIEW seen",
    ),
    Case(
        "routine.names",
        "note",
        "procedure",
        "CREATE PROCEDURE p() SELECT COUNT(*) FROM orders",
        "DROP PROCEDURE p",
    ),
    Case(
        "routine.insert",
        "warning",
        "insert into the table without naming its columns",
        "CREATE PROCEDURE p() INSERT INTO orders VALUES (NULL, NOW(), 'x', 1)",
        "DROP PROCEDURE p",
    ),
    Case(
        "routine.insert",
        "warning",
        "trigger",
        "CREATE TABLE archive LIKE orders; CREATE TRIGGER keep AFTER DELETE ON days FOR EACH ROW"
        " INSERT INTO archive SELECT * FROM orders WHERE placed_at = OLD.day",
        "DROP TRIGGER keep",
    ),
    Case(
        "leftover.other-tool",
        "warning",
        "_orders_gho",
        "CREATE TABLE _orders_gho (id int PRIMARY KEY)",
        "DROP TABLE _orders_gho",
    ),
    Case(
        "leftover.other",
        "note",
        "column_console_0123456789_progress",
        "CREATE TABLE column_console_0123456789_progress (item int PRIMARY KEY)",
        "DROP TABLE column_console_0123456789_progress",
    ),
]


async def test_what_hangs_on_the_table(orders: MySqlDatabase) -> None:
    await see_all(orders, HANGING)


async def test_leftovers_of_this_change(orders: MySqlDatabase) -> None:
    key = change().key
    orders.run(
        f"CREATE TABLE column_console_{key}_progress (item varchar(100) PRIMARY KEY, value longtext NOT NULL);"
        f"CREATE TRIGGER column_console_{key}_insert BEFORE INSERT ON orders FOR EACH ROW SET NEW.amount = 1"
    )
    looked = await look(orders)
    assert looked.one("leftover.progress").severity == "note"
    finding = looked.one("leftover.trigger")
    assert finding.severity == "blocker"
    assert {"trigger.before", "leftover.other"} & looked.codes == set()
    orders.run("ALTER TABLE orders ADD placed_on date")
    assert (await look(orders)).one("leftover.trigger").severity == "note"
    orders.run(finding.remedy)
    orders.run(f"DROP TABLE column_console_{key}_progress")
    assert not {"leftover.trigger", "leftover.progress"} & (await look(orders)).codes


INDEXES = [
    Case(
        "index.exists",
        "note",
        "`by_day` is there already",
        "ALTER TABLE orders ADD placed_on date, ADD KEY by_day (placed_on)",
        "ALTER TABLE orders DROP KEY by_day",
        change(indexes=(Index("by_day", ("placed_on",)),)),
    ),
    Case(
        "index.name-taken",
        "blocker",
        "BTREE over amount",
        "ALTER TABLE orders ADD KEY by_day (amount)",
        "ALTER TABLE orders DROP KEY by_day",
        change(indexes=(Index("BY_DAY", ("placed_on",)),)),
    ),
    Case(
        "index.type",
        "blocker",
        "can't stand whole in index",
        change=change(type="text", indexes=(Index("by_day", ("placed_on",)),)),
    ),
    Case(
        "index.long",
        "blocker",
        "takes up to 4,000 bytes",
        change=change(type="varchar(1000)", indexes=(Index("by_day", ("placed_on",)),)),
    ),
]


async def test_index(orders: MySqlDatabase) -> None:
    await see_all(orders, INDEXES)


async def test_unique_index_over_partitions(orders: MySqlDatabase) -> None:
    orders.run(
        "CREATE TABLE parted (id int PRIMARY KEY, placed_at datetime) PARTITION BY HASH (id) PARTITIONS 2"
    )
    for unique in (True, False):
        wanted = change("parted", indexes=(Index("by_day", ("placed_on",), unique=unique),))
        assert ("index.partitions" in (await look(orders, wanted)).codes) == unique


PARENTS = """
CREATE TABLE numbers (id bigint unsigned PRIMARY KEY, plain int);
CREATE TABLE names (name varchar(30) COLLATE utf8mb4_bin PRIMARY KEY);
CREATE TABLE isam (day date PRIMARY KEY) ENGINE=MyISAM;
CREATE TABLE parted (day date PRIMARY KEY) PARTITION BY KEY (day) PARTITIONS 2;
CREATE VIEW seen AS SELECT * FROM days;
"""
REFERENCES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("reference.missing", "blocker", "there is no table dayz", {"table": "dayz"}),
    ("reference.missing", "blocker", "has no column `dya`", {"column": "dya"}),
    ("reference.kind", "blocker", "it is a table of MyISAM", {"table": "isam"}),
    ("reference.kind", "blocker", "it is view", {"table": "seen"}),
    ("reference.partitioned", "blocker", "is partitioned", {"table": "parted"}),
    (
        "reference.key",
        "blocker",
        "has no unique key of its own",
        {"table": "numbers", "column": "plain", "type": "int"},
    ),
    ("reference.type", "blocker", "can't refer to", {"table": "numbers", "column": "id", "type": "bigint"}),
    (
        "reference.collation",
        "blocker",
        "is utf8mb4_bin",
        {"table": "names", "column": "name", "type": "varchar(9)"},
    ),
    ("reference.on-delete", "blocker", "set null and nullable", {"on_delete": "set null", "nullable": False}),
    ("reference.on-delete", "blocker", "not known to InnoDB", {"on_delete": "set default"}),
    ("reference.cascade", "warning", "without firing its triggers", {"on_delete": "cascade"}),
    ("reference.no-index", "note", "builds one of its own", {"indexes": ()}),
]


async def test_reference(orders: MySqlDatabase) -> None:
    for statement in filter(str.strip, PARENTS.split(";")):
        orders.run(statement)
    good = change(
        reference=Reference(table=TableName(None, "days"), column="day"),
        indexes=(Index(name="by_day", columns=("placed_on",)),),
    )
    assert not {code for code in (await look(orders, good)).codes if code.startswith("reference")}
    for code, severity, seen, given in REFERENCES:
        fields: dict[str, Any] = {"indexes": (Index(name="by_day", columns=("placed_on",)),), **given}
        table, column = fields.pop("table", "days"), fields.pop("column", "day")
        reference = Reference(
            table=TableName(None, table), column=column, on_delete=fields.pop("on_delete", "no action")
        )
        finding = (await look(orders, change(reference=reference, **fields))).one(code)
        assert (finding.severity, seen in finding.seen) == (severity, True), finding
    mended = change(
        type="varchar(9) COLLATE utf8mb4_bin",
        reference=Reference(table=TableName(None, "names"), column="name"),
        backfill=Backfill(value="LEFT(status, 3)"),
    )
    assert "reference.collation" not in (await look(orders, mended)).codes


async def test_a_foreign_key_of_the_name_that_ours_will_have(orders: MySqlDatabase) -> None:
    wanted = change(reference=Reference(table=TableName(None, "days"), column="day"))
    orders.run(
        "CREATE TABLE other (d date, CONSTRAINT orders_placed_on_fk FOREIGN KEY (d) REFERENCES days (day))"
    )
    assert (await look(orders, wanted)).one("constraint.name-taken").severity == "blocker"
    orders.run("DROP TABLE other")
    assert "constraint.name-taken" not in (await look(orders, wanted)).codes
    orders.run(
        "ALTER TABLE orders ADD placed_on date,"
        " ADD CONSTRAINT orders_placed_on_fk FOREIGN KEY (placed_on) REFERENCES days (day)"
    )
    assert (await look(orders, wanted)).one("leftover.constraint").severity == "note"


async def test_statements_that_a_new_column_breaks(orders: MySqlDatabase) -> None:
    codes = {"statements.insert", "statements.insert-select"}
    orders.run("CREATE TABLE archive LIKE orders")
    orders.run("INSERT INTO orders (placed_at, amount) VALUES (NOW(), 1)", "app")
    orders.run("INSERT INTO archive (id, placed_at, status, amount) SELECT * FROM orders WHERE id = 0", "app")
    assert not {"statements.insert", "statements.unread"} & (await look(orders)).codes
    orders.run("INSERT INTO orders VALUES (NULL, NOW(), 'x', 1)", "app")
    orders.run("INSERT INTO archive SELECT * FROM orders WHERE id = 1", "app")
    looked = await look(orders)
    assert codes <= looked.codes
    for code in codes:
        assert {finding.severity for finding in looked.all(code)} == {"warning"}
    # What the finding says is so.
    orders.run("ALTER TABLE orders ADD placed_on date")
    for statement in (
        "INSERT INTO orders VALUES (NULL, NOW(), 'x', 1)",
        "INSERT INTO archive SELECT * FROM orders",
    ):
        with pytest.raises(pymysql.Error, match="Column count doesn't match"):
            orders.run(statement, "app")
