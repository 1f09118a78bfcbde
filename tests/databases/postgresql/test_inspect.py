"""The table as it is: kinds, keys, sizes, partitions, names; and what is not there."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest

from console.change import Backfill, Change, Index, Reference, TableName
from console.databases.base import BadExpression, LockTimeout, NotFound, Refused
from console.databases.postgresql.connect import connect
from console.databases.postgresql.identifiers import qualified, quote
from console.databases.postgresql.inspect import inspect
from console.facts import Column, Key, TableFacts
from tests.databases.postgresql.changes import ORDERS
from tests.databases.postgresql.waiting import until
from tests.servers.database import Database


async def look(
    database: Database, table: TableName | str = "t", *, role: str = "deploy", **fields: Any
) -> TableFacts:
    name = TableName("public", table) if isinstance(table, str) else table
    wanted = Change(table=name, **{"column": "new", "type": "int", **fields})
    async with await connect(
        database.url(role), purpose="test", read_only=True, statement_timeout=5, lock_timeout=0.3
    ) as connection:
        return await inspect(connection, wanted)


async def test_orders(database: Database, pg_version: str) -> None:
    database.run(ORDERS.format(rows=2000))
    facts = await look(
        database,
        "orders",
        column="placed_on",
        type="date",
        backfill=Backfill(value="(placed_at at time zone 'UTC')::date"),
        reference=Reference(table=TableName(None, "days"), column="day"),
    )
    assert facts.server.kind == "postgresql"
    assert facts.server.version.split(".")[0] == pg_version
    assert facts.server.number // 10000 == int(pg_version)
    assert facts.server.name == f"local/{database.name}"
    assert (facts.name, facts.schema, facts.kind) == ("public.orders", "public", "ordinary")
    assert facts.key == Key(name="orders_pkey", columns=("id",), types=("bigint",), primary=True)
    assert facts.columns == (
        Column(name="id", type="bigint", nullable=False),
        Column(name="placed_at", type="timestamp with time zone", nullable=False),
        Column(name="status", type="text", nullable=False, default="'new'::text"),
        Column(name="amount", type="numeric", nullable=False),
    )
    assert facts.rows == 2000
    sizes = database.rows("SELECT pg_table_size('orders'), pg_indexes_size('orders')")
    assert [(facts.bytes, facts.index_bytes)] == sizes
    assert (facts.index_count, facts.partitions, facts.existing) == (2, (), None)
    assert (facts.type, facts.value_constant, facts.value_columns) == ("date", False, ("placed_at",))
    assert facts.reference_table == "public.days"


ODD = [
    ("Shop", "Order Lines", "Note"),
    ("größe", "日本", "ä"),
    ("a.b", 'c"d', "e'f"),
    ("public", "user", "select"),
    ("public", "it's", "100%"),
    ("public", "back\\slash", "%s"),
]


async def test_odd_names(database: Database) -> None:
    for schema, table, column in ODD:
        name = qualified(schema, table)
        database.run(
            f"CREATE SCHEMA IF NOT EXISTS {quote(schema)};"
            f"CREATE TABLE {name} ({quote(column)} int PRIMARY KEY);"
            f"INSERT INTO {name} SELECT generate_series(1, 5)"
        )
        for value in (f"{quote(column)} + 1", f"{quote(table)}.{quote(column)} + 1"):
            facts = await look(database, TableName(schema, table), backfill=Backfill(value=value))
            assert (facts.name, facts.schema, facts.rows) == (name, schema, 5)
            assert facts.key is not None
            assert facts.key.columns == facts.value_columns == (column,)


KEYS = [
    ("id int PRIMARY KEY", ("id",), ("integer",)),
    ("id smallint PRIMARY KEY", ("id",), ("smallint",)),
    ("id bigint PRIMARY KEY", ("id",), ("bigint",)),
    ("id uuid PRIMARY KEY", ("id",), ("uuid",)),
    ("id text PRIMARY KEY", ("id",), ("text",)),
    ("id varchar(40) PRIMARY KEY", ("id",), ("character varying(40)",)),
    ('id text COLLATE "C" PRIMARY KEY', ("id",), ("text",)),
    ("id timestamp PRIMARY KEY", ("id",), ("timestamp without time zone",)),
    ("id timestamptz PRIMARY KEY", ("id",), ("timestamp with time zone",)),
    ("id date PRIMARY KEY", ("id",), ("date",)),
    ("id numeric(12,2) PRIMARY KEY", ("id",), ("numeric(12,2)",)),
    ("b text, a int, PRIMARY KEY (a, b)", ("a", "b"), ("integer", "text")),
    ("a int NOT NULL UNIQUE", ("a",), ("integer",)),
    ("a int NOT NULL, b int NOT NULL, UNIQUE (a, b) INCLUDE (c), c int", ("a", "b"), ("integer", "integer")),
    ("a int NOT NULL, b int NOT NULL UNIQUE, UNIQUE (a, b)", ("b",), ("integer",)),
    ("a text NOT NULL UNIQUE, b int NOT NULL UNIQUE", ("b",), ("integer",)),
    ("a text NOT NULL UNIQUE, b int PRIMARY KEY", ("b",), ("integer",)),
]


async def test_key(database: Database) -> None:
    for columns, key, types in KEYS:
        database.run(f"DROP TABLE IF EXISTS t; CREATE TABLE t ({columns})")
        found = (await look(database)).key
        assert found is not None, columns
        assert (found.columns, found.types, found.primary) == (key, types, "PRIMARY" in columns), columns


NO_KEYS = [
    "CREATE TABLE t (a int)",
    "CREATE TABLE t (a int UNIQUE)",
    "CREATE TABLE t (a int NOT NULL, b int, UNIQUE (a, b))",
    "CREATE TABLE t (a int NOT NULL UNIQUE DEFERRABLE)",
    "CREATE TABLE t (a int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)",
    "CREATE TABLE t (a int NOT NULL); CREATE UNIQUE INDEX ON t (a) WHERE a > 0",
    "CREATE TABLE t (a int NOT NULL); CREATE UNIQUE INDEX ON t ((a + 1))",
    "CREATE TABLE t (a text NOT NULL); CREATE UNIQUE INDEX ON t (a text_pattern_ops)",
    'CREATE TABLE t (a text NOT NULL); CREATE UNIQUE INDEX ON t (a COLLATE "POSIX")',
    "CREATE TABLE t (a int NOT NULL, b int NOT NULL); CREATE UNIQUE INDEX ON t (a, b DESC)",
    "CREATE TABLE t (a int NOT NULL); CREATE INDEX ON t (a)",
]


async def test_no_key(database: Database) -> None:
    for statement in NO_KEYS:
        database.run(f"DROP TABLE IF EXISTS t; {statement}")
        assert (await look(database)).key is None, statement


async def test_an_invalid_index_is_no_key(database: Database) -> None:
    database.run("CREATE TABLE t (a int NOT NULL); INSERT INTO t VALUES (1), (1)")
    with database.connect() as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY ON t (a)")
    assert (await look(database)).key is None


async def test_a_key_over_a_column_that_may_still_be_null_is_none(newest_database: Database) -> None:
    newest_database.run(
        "CREATE TABLE t (a int UNIQUE); INSERT INTO t VALUES (NULL);"
        "ALTER TABLE t ADD CONSTRAINT nn NOT NULL a NOT VALID"
    )
    facts = await look(newest_database)
    assert facts.key is None
    assert facts.columns[0].nullable
    newest_database.run("DELETE FROM t; ALTER TABLE t VALIDATE CONSTRAINT nn")
    facts = await look(newest_database)
    assert facts.key is not None
    assert not facts.columns[0].nullable


async def test_kinds(database: Database) -> None:
    database.run(
        "CREATE TABLE t (id int PRIMARY KEY);"
        "CREATE VIEW v AS SELECT * FROM t; CREATE MATERIALIZED VIEW m AS SELECT * FROM t;"
        "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);"
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);"
        "CREATE UNLOGGED TABLE u (id int)"
    )
    database.run(
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;"
        "CREATE FOREIGN TABLE f (id int) SERVER s",
        "postgres",
    )
    kinds = {name: (await look(database, name)).kind for name in ("t", "v", "m", "p", "p1", "p2", "f", "u")}
    assert kinds == {
        "t": "ordinary",
        "u": "ordinary",
        "v": "view",
        "m": "other",
        "p": "partitioned",
        "p1": "partition",
        "p2": "partition",
        "f": "foreign",
    }
    with database.connect() as other:
        other.execute("CREATE TEMP TABLE x (id int)")
        row = other.execute("SELECT pg_my_temp_schema()::regnamespace::text").fetchone()
        assert row is not None
        assert (await look(database, TableName(row[0], "x"))).kind == "temporary"


async def test_partitions_in_the_order_of_their_names(database: Database) -> None:
    database.run(
        "CREATE TABLE t (id int, at int, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
        "CREATE TABLE t_b PARTITION OF t FOR VALUES FROM (0) TO (10);"
        'CREATE TABLE "T_c" PARTITION OF t FOR VALUES FROM (10) TO (20) PARTITION BY LIST (at);'
        'CREATE TABLE t_a PARTITION OF "T_c" DEFAULT;'
        "CREATE TABLE t_new (at int NOT NULL, id int NOT NULL, PRIMARY KEY (id, at));"
        "ALTER TABLE t ATTACH PARTITION t_new FOR VALUES FROM (20) TO (30);"
        "INSERT INTO t SELECT n, n FROM generate_series(0, 29) n; ANALYZE t"
    )
    facts = await look(database, backfill=Backfill(value="at * 2"))
    assert [(p.name, p.rows) for p in facts.partitions] == [
        ("public.t_a", 10),
        ("public.t_b", 10),
        ("public.t_new", 10),
    ]
    assert facts.rows == 30
    assert facts.bytes == sum(
        size
        for (size,) in database.rows("SELECT pg_table_size(r) FROM unnest('{t_a,t_b,t_new}'::regclass[]) r")
    )
    assert facts.index_count == 1
    assert facts.key is not None
    assert facts.key.columns == ("id", "at")


async def test_value_of_a_partitioned_table_names_columns_alone(database: Database) -> None:
    # Each partition's UPDATE knows the row by the partition's name, not by the parent's.
    database.run("CREATE TABLE t (id int PRIMARY KEY) PARTITION BY HASH (id)")
    with pytest.raises(BadExpression, match="the value is wrong at character 1"):
        await look(database, backfill=Backfill(value="t.id + 1"))
    assert (await look(database, backfill=Backfill(value="id + 1"))).value_columns == ("id",)


async def test_rows_are_estimated_from_the_size_there_is_now(database: Database) -> None:
    database.run("CREATE TABLE t (id int PRIMARY KEY, filler text)")
    assert (await look(database)).rows == 0
    database.run(
        "ALTER TABLE t SET (autovacuum_enabled = off);"
        "INSERT INTO t SELECT n, repeat('x', 100) FROM generate_series(1, 1000) n"
    )
    assert (await look(database)).rows == 1000  # never analysed, small: counted
    database.run("ANALYZE t; INSERT INTO t SELECT n, repeat('x', 100) FROM generate_series(1001, 10000) n")
    assert 9000 <= (await look(database)).rows <= 11000  # analysed at a tenth of its size
    database.run("INSERT INTO t SELECT n, repeat('x', 100) FROM generate_series(10001, 150000) n")
    database.run(
        "UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE oid = 'public.t'::regclass", "postgres"
    )
    assert 50_000 <= (await look(database)).rows <= 500_000  # never analysed, large: the planner's guess
    database.run("REVOKE ALL ON t FROM deploy")
    assert 50_000 <= (await look(database)).rows <= 500_000


async def test_existing_column(database: Database) -> None:
    database.run(
        "CREATE TABLE t (id int PRIMARY KEY, new bigint NOT NULL DEFAULT 7, g int GENERATED ALWAYS AS (id) STORED)"
    )
    facts = await look(database)
    assert facts.existing == Column(name="new", type="bigint", nullable=False, default="7")
    assert facts.type == "integer"
    assert (await look(database, column="g")).existing == Column(
        name="g", type="integer", nullable=True, generated=True
    )


TYPES = {
    "int": "integer",
    "int8": "bigint",
    "timestamptz": "timestamp with time zone",
    "varchar(40)": "character varying(40)",
    "numeric(10, 2)": "numeric(10,2)",
    "timestamp(3)": "timestamp(3) without time zone",
    "int[]": "integer[]",
    "char(2)": "character(2)",
    "public.mood": "mood",
    '"Odd Type"': '"Odd Type"',
    "day": "day",
    "day[]": "day[]",
    "always": "always",
    "pair": "pair",
    "serial": "",
    "no_such": "",
    "int default 5": "",
    "int, 1": "",
    "int); SELECT (1": "",
    "int)::text, CAST(NULL AS int": "",
}


async def test_type_in_the_catalogs_spelling(database: Database) -> None:
    database.run(
        "CREATE TABLE t (id int PRIMARY KEY); CREATE TYPE mood AS ENUM ('glad');"
        'CREATE TYPE "Odd Type" AS ENUM (); CREATE DOMAIN day AS date; CREATE TYPE pair AS (a int, b int);'
        "CREATE DOMAIN always AS int NOT NULL"
    )
    assert {given: (await look(database, type=given)).type for given in TYPES} == TYPES
    for spelling in filter(None, TYPES.values()):
        database.run(f"ALTER TABLE t ADD COLUMN new {spelling}")
        shown = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attname = 'new'"
        assert database.rows(shown) == [(spelling,)]
        database.run("ALTER TABLE t DROP COLUMN new")


async def test_before_triggers_of_others(database: Database) -> None:
    database.run(
        "CREATE TABLE t (id int PRIMARY KEY);"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER b_ins BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();"
        "CREATE TRIGGER a_upd BEFORE UPDATE OF id ON t FOR EACH ROW EXECUTE FUNCTION f();"
        "CREATE TRIGGER c_del BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION f();"
        "CREATE TRIGGER d_after AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();"
        "CREATE TRIGGER e_statement BEFORE UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION f();"
        "CREATE TRIGGER f_off BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();"
        "ALTER TABLE t DISABLE TRIGGER f_off;"
        "CREATE TRIGGER zz_column_console_0123456789_sync BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()"
    )
    assert (await look(database)).before_triggers == ("a_upd", "b_ins")


class TestNotThere:
    async def test_table(self, database: Database) -> None:
        database.run("CREATE SCHEMA shop; CREATE TABLE shop.orders (id int); CREATE TABLE customers (id int)")
        for table, meant in (
            (TableName("public", "customer"), "Did you mean public.customers?"),
            (TableName("public", "CUSTOMERS"), "Did you mean public.customers?"),
            (TableName("public", "orders"), "Did you mean shop.orders?"),
            (TableName(None, "orders"), "Did you mean shop.orders?"),
            (TableName("shpo", "orders"), "Did you mean shop.orders?"),
            (TableName("public", "zzz"), "Correct [change] table"),
        ):
            with pytest.raises(NotFound) as caught:
                await look(database, table)
            assert caught.value.text.startswith(f"there is no table {table}")
            assert caught.value.remedy == meant

    async def test_table_without_schema_is_sought_in_the_search_path(self, database: Database) -> None:
        database.run(
            "CREATE SCHEMA shop; CREATE TABLE shop.orders (id int); CREATE TABLE orders (id int);"
            f"ALTER DATABASE {database.name} SET search_path = shop, public"
        )
        assert (await look(database, TableName(None, "orders"))).name == "shop.orders"

    async def test_an_index_is_no_table(self, database: Database) -> None:
        database.run("CREATE TABLE t (id int PRIMARY KEY)")
        with pytest.raises(NotFound):
            await look(database, "t_pkey")

    async def test_column_of_an_index(self, database: Database) -> None:
        database.run('CREATE TABLE t (id int PRIMARY KEY, "Status" text)')
        with pytest.raises(NotFound, match=r"index i names column status") as caught:
            await look(database, indexes=(Index(name="i", columns=("new", "status")),))
        assert caught.value.remedy == "Did you mean Status?"
        await look(database, indexes=(Index(name="i", columns=("new", "Status")),))


class TestSomebodyElse:
    async def test_locks_the_table(self, database: Database) -> None:
        database.run("CREATE TABLE t (id int PRIMARY KEY)")
        with database.connect("app") as holder:
            database.run("GRANT ALL ON t TO app")
            with holder.transaction():
                holder.execute("LOCK TABLE t")
                with pytest.raises(LockTimeout) as caught:
                    await look(database)
            assert "public.t can't be looked at: another session locks it exclusively" in caught.value.text
            assert f"pid {holder.info.backend_pid} (app)" in caught.value.text

    async def test_waits_to_lock_the_table(self, database: Database) -> None:
        database.run("CREATE TABLE t (id int PRIMARY KEY)")
        async with (
            await psycopg.AsyncConnection.connect(database.url()) as reader,
            await psycopg.AsyncConnection.connect(database.url(), autocommit=True) as altering,
        ):
            await reader.execute("SELECT FROM t")
            waiting = asyncio.create_task(altering.execute("ALTER TABLE t ADD COLUMN other int"))
            await until(database, "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            with pytest.raises(LockTimeout) as caught:
                await look(database)
            assert f"pid {altering.info.backend_pid} (deploy, itself waiting for it)" in caught.value.text
            await reader.rollback()
            await waiting

    async def test_owns_the_table(self, database: Database) -> None:
        database.run("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 2)")
        facts = await look(database, role="visitor", backfill=Backfill(value="n + 1"))
        assert facts.value_columns == ("n",)
        assert facts.rows > 0

    async def test_keeps_a_function_for_themselves(self, database: Database) -> None:
        database.run(
            "CREATE TABLE t (id int PRIMARY KEY);"
            "CREATE FUNCTION f(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';"
            "REVOKE ALL ON FUNCTION f FROM public"
        )
        with pytest.raises(Refused, match="permission denied for function f"):
            await look(database, role="visitor", backfill=Backfill(value="f(id)"))
