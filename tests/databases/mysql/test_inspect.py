"""The table as it is: kinds, keys, sizes, partitions, names; and what is not there."""

from __future__ import annotations

from typing import Any

import pytest

from console.change import Backfill, Change, Index, Reference, TableName
from console.databases.base import NotFound, Refused
from console.databases.mysql.identifiers import quote
from console.facts import Column, Key, TableFacts
from tests.databases.mysql.looking import ORDERS, change, facts_of, reading
from tests.servers.mysql_database import MySqlDatabase


async def look(database: MySqlDatabase, table: str = "t", **fields: Any) -> TableFacts:
    wanted = Change(table=TableName(None, table), **{"column": "new", "type": "int", **fields})
    return await facts_of(database, wanted)


async def test_orders(mysql_database: MySqlDatabase, mysql_family: str) -> None:
    mysql_database.run(ORDERS.format(rows=300))
    wanted = change(reference=Reference(table=TableName(None, "days"), column="day"), default="current_date")
    facts = await facts_of(mysql_database, wanted)
    family = mysql_database.cluster.family
    assert (facts.server.kind, facts.server.version) == (mysql_family, family.version)
    assert (facts.server.number, facts.server.name) == (family.number, f"local/{mysql_database.name}")
    name = quote(mysql_database.name)
    assert (facts.name, facts.schema, facts.kind) == (f"{name}.`orders`", mysql_database.name, "ordinary")
    big = "bigint unsigned" if mysql_family == "mysql" else "bigint(20) unsigned"
    assert facts.key == Key(name="PRIMARY", columns=("id",), types=(big,), primary=True, collations=("",))
    assert facts.columns == (
        Column(name="id", type=big, nullable=False),
        Column(name="placed_at", type="datetime(6)", nullable=False),
        Column(name="status", type="varchar(20)", nullable=False, default="new"),
        Column(name="amount", type="decimal(10,2)", nullable=False),
    )
    assert (facts.rows, facts.index_count, facts.partitions, facts.existing) == (300, 2, (), None)
    assert facts.bytes >= 16384 <= facts.index_bytes
    assert (facts.type, facts.value_constant, facts.value_columns) == ("date", False, ("placed_at",))
    assert (facts.value_over_new, facts.value_over_new_why_not) == ("DATE(NEW.`placed_at`)", "")
    assert (facts.default_sql, facts.placeholder) == ("(current_date)", "'1970-01-01'")
    assert facts.reference_table == f"{name}.`days`"
    assert facts.instant.possible


ODD = [
    ("Order Lines", "Note"),
    ("größe-日本", "ä"),
    ("a.b", "c`d"),
    ("it's", "100%"),
    ("back\\slash", "%s"),
    ("select", "key"),
    ("`", '"quoted"'),
    ("#sql-x", "a#b"),
    ("€", "--x"),
]


async def test_odd_names(mysql_database: MySqlDatabase) -> None:
    for table, column in ODD:
        mysql_database.run(
            f"CREATE TABLE {quote(table)} ({quote(column)} int PRIMARY KEY);"
            f"INSERT INTO {quote(table)} VALUES (1), (2), (3)"
        )
        for value in (f"{quote(column)} + 1", f"{quote(table)}.{quote(column)} + 1"):
            facts = await look(mysql_database, table, backfill=Backfill(value=value))
            assert (facts.name, facts.rows) == (f"{quote(mysql_database.name)}.{quote(table)}", 3)
            assert facts.key is not None
            assert facts.key.columns == facts.value_columns == (column,)
            assert facts.value_over_new == f"NEW.{quote(column)} + 1"
            assert facts.instant.possible
            assert facts.instant.row_versions == (0 if mysql_database.family == "mysql" else None)


KEYS = [
    ("id int PRIMARY KEY", ("id",)),
    ("id bigint unsigned PRIMARY KEY", ("id",)),
    ("id binary(16) PRIMARY KEY", ("id",)),
    ("id varchar(40) COLLATE utf8mb4_bin PRIMARY KEY", ("id",)),
    ("id decimal(12,2) PRIMARY KEY", ("id",)),
    ("id datetime(6) PRIMARY KEY", ("id",)),
    ("b varchar(9), a int, PRIMARY KEY (a, b)", ("a", "b")),
    ("a int NOT NULL UNIQUE", ("a",)),
    ("a int NOT NULL, b int NOT NULL UNIQUE, UNIQUE (a, b)", ("b",)),
    ("a varchar(9) NOT NULL UNIQUE, b int PRIMARY KEY", ("b",)),
    ("a enum('x') PRIMARY KEY, b int NOT NULL UNIQUE", ("b",)),
]


async def test_key(mysql_database: MySqlDatabase) -> None:
    for columns, key in KEYS:
        mysql_database.run(f"DROP TABLE IF EXISTS t; CREATE TABLE t ({columns})")
        facts = await look(mysql_database)
        assert facts.key is not None, columns
        types = {column.name: column.type for column in facts.columns}
        assert facts.key.columns == key, columns
        assert facts.key.types == tuple(types[name] for name in key)
        assert facts.key.primary == ("PRIMARY" in columns and "enum" not in columns), columns
        assert [bool(collation) for collation in facts.key.collations] == [
            "varchar" in type_ for type_ in facts.key.types
        ]


NO_KEYS = [
    "a int",
    "a int UNIQUE",
    "a int NOT NULL, b int, UNIQUE (a, b)",
    "a varchar(99) NOT NULL, UNIQUE (a(9))",
    "a int NOT NULL, KEY (a)",
    "a float PRIMARY KEY",
    "a set('x') PRIMARY KEY",
    "a bit(9) PRIMARY KEY",
]
_NO_KEYS_OF = {
    "mysql": [
        "a int NOT NULL, UNIQUE ((a + 1))",
        "a int NOT NULL, b int NOT NULL, UNIQUE (a, b DESC)",
        "a int NOT NULL, b int, UNIQUE KEY (a) INVISIBLE, PRIMARY KEY (b DESC, a)",
    ],
    "mariadb": [
        "id enum('x') PRIMARY KEY, a int NOT NULL, UNIQUE KEY (a) IGNORED",
        "a blob NOT NULL, UNIQUE (a) USING HASH",
    ],
}


async def test_no_key(mysql_database: MySqlDatabase) -> None:
    for columns in [*NO_KEYS, *_NO_KEYS_OF[mysql_database.family]]:
        mysql_database.run(f"DROP TABLE IF EXISTS t; CREATE TABLE t ({columns})")
        assert (await look(mysql_database)).key is None, columns


async def test_kinds_and_partitions(mysql_database: MySqlDatabase) -> None:
    mysql_database.run(
        "CREATE TABLE t (id int PRIMARY KEY); CREATE VIEW v AS SELECT * FROM t;"
        "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id)"
        " (PARTITION `p b` VALUES LESS THAN (10), PARTITION pa VALUES LESS THAN (20));"
        "INSERT INTO p VALUES (1), (2), (11); ANALYZE TABLE p"
    )
    kinds = {name: (await look(mysql_database, name)).kind for name in ("t", "v", "p")}
    assert kinds == {"t": "ordinary", "v": "view", "p": "partitioned"}
    partitions = (await look(mysql_database, "p")).partitions
    assert [(partition.name, partition.rows) for partition in partitions] == [("`p b`", 2), ("`pa`", 1)]
    if mysql_database.family == "mariadb":
        mysql_database.run("CREATE SEQUENCE s")
        assert (await look(mysql_database, "s")).kind == "other"


async def test_rows_are_counted_where_few_and_fresh_where_many(mysql_database: MySqlDatabase) -> None:
    mysql_database.run("CREATE TABLE t (id int PRIMARY KEY)")
    assert (await look(mysql_database)).rows == 0
    mysql_database.run("INSERT INTO t VALUES (1), (2)")
    assert (await look(mysql_database)).rows == 2
    mysql_database.run(
        "SET @@SESSION.{} = 100000; INSERT INTO t WITH RECURSIVE r AS (SELECT 3 AS n UNION ALL SELECT n + 1 FROM r"
        " WHERE n < 40000) SELECT n FROM r; ANALYZE TABLE t".format(
            "cte_max_recursion_depth" if mysql_database.family == "mysql" else "max_recursive_iterations"
        )
    )
    # An estimate, but of now: MySQL remembers it for a day unless told not to.
    assert 20_000 < (await look(mysql_database)).rows < 80_000


async def test_columns_as_they_are(mysql_database: MySqlDatabase) -> None:
    mysql_database.run(
        "CREATE TABLE t (id int PRIMARY KEY, a int DEFAULT 7, b varchar(9) DEFAULT 'x''y', c timestamp NULL DEFAULT"
        " CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, d int GENERATED ALWAYS AS (a + 1) VIRTUAL,"
        " e int GENERATED ALWAYS AS (a + 1) STORED, new int NOT NULL DEFAULT 5)"
    )
    facts = await look(mysql_database, column="NEW")
    by_name = {column.name: column for column in facts.columns}
    assert [name for name, column in by_name.items() if column.generated] == ["d", "e"]
    assert (by_name["a"].default, by_name["b"].default, by_name["id"].default) == ("7", "x'y", None)
    assert facts.existing == by_name["new"]
    assert facts.existing.default == "5"
    assert not facts.existing.nullable
    assert facts.stamped_columns == ("c",)


async def test_before_triggers_in_their_order(mysql_database: MySqlDatabase) -> None:
    mysql_database.run(
        "CREATE TABLE t (id int PRIMARY KEY, a int);"
        "CREATE TRIGGER z BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1;"
        "CREATE TRIGGER b BEFORE INSERT ON t FOR EACH ROW PRECEDES z SET NEW.a = 1;"
        "CREATE TRIGGER c BEFORE UPDATE ON t FOR EACH ROW SET NEW.a = 1;"
        "CREATE TRIGGER d AFTER UPDATE ON t FOR EACH ROW SET @x = 1;"
        "CREATE TRIGGER column_console_0123456789_insert BEFORE INSERT ON t FOR EACH ROW FOLLOWS z SET NEW.a = 2"
    )
    assert (await look(mysql_database)).before_triggers == ("b", "z", "c")


async def test_what_is_not_there(mysql_database: MySqlDatabase) -> None:
    mysql_database.run("CREATE TABLE orders (id int PRIMARY KEY, note int)")
    with pytest.raises(NotFound) as caught:
        await look(mysql_database, "ordrs")
    assert str(caught.value) == (
        f"there is no table ordrs in database {mysql_database.name}. Did you mean orders?"
    )
    with pytest.raises(NotFound, match=r"Did you mean .*\.orders\?"):
        await facts_of(mysql_database, change(schema="shop"))
    with pytest.raises(NotFound) as caught:
        await look(mysql_database, "orders", indexes=(Index(name="i", columns=("new", "nte")),))
    assert "index i names column nte" in str(caught.value)
    assert "Did you mean note?" in str(caught.value)


async def test_without_a_database_in_the_url(mysql_database: MySqlDatabase) -> None:
    mysql_database.run("CREATE TABLE orders (id int PRIMARY KEY, placed_at datetime)")
    nowhere = mysql_database.cluster.primary.url("deploy", "")
    database = type(mysql_database)("", mysql_database.cluster)
    assert database.url() == nowhere
    with pytest.raises(NotFound, match="which database orders is in is not said"):
        await facts_of(database, change())
    assert (await facts_of(database, change(schema=mysql_database.name))).schema == mysql_database.name


async def test_without_any_right(mysql_database: MySqlDatabase) -> None:
    mysql_database.run("CREATE TABLE orders (id int PRIMARY KEY, placed_at datetime)")
    with pytest.raises(NotFound, match="there is no table"):
        await facts_of(database_of_root(mysql_database), change(schema=mysql_database.name), role="visitor")


def database_of_root(database: MySqlDatabase) -> MySqlDatabase:
    """The server without a database, for those who may not enter this one."""
    return type(database)("", database.cluster)


async def test_nothing_is_made_and_nothing_is_logged(mysql_database: MySqlDatabase) -> None:
    mysql_database.run(ORDERS.format(rows=10))
    status = mysql_database.cluster.family.binlog_status
    before = mysql_database.rows(status), mysql_database.rows("SHOW TABLES")
    await facts_of(mysql_database, change(default="current_date"))
    with pytest.raises(Refused, match="READ ONLY"):
        async with reading(mysql_database.url()) as lane:
            await lane.execute("CREATE TABLE made (id int)")
    assert (mysql_database.rows(status), mysql_database.rows("SHOW TABLES")) == before
