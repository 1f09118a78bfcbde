"""Values and defaults: what the server's parser and planner say of them, on both versions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from console.change import Backfill, Change, TableName
from console.databases.base import BadExpression, LockTimeout
from console.databases.postgresql.connect import Connection, connect
from console.databases.postgresql.inspect import inspect
from console.facts import TableFacts
from tests.servers.database import Database

TABLE = """
CREATE TABLE orders (
    id int PRIMARY KEY, placed_at timestamptz NOT NULL, at timestamp, amount numeric(10, 2), status text,
    "Note" text COLLATE "C", "sélect" int, tags text[], doc jsonb, twice int GENERATED ALWAYS AS (id * 2) STORED
);
CREATE TABLE days (id int, day date, limit_ int);
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE DOMAIN short AS varchar(3) CHECK (value <> 'no');
CREATE FUNCTION wrapped(int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT $1 + 1';
CREATE FUNCTION roll() RETURNS float8 LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN random(); END';
CREATE FUNCTION steady() RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN 1; END';
CREATE FUNCTION whole(orders) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE SEQUENCE numbers;
"""


@pytest.fixture
async def orders(database: Database) -> AsyncIterator[Connection]:
    database.run(TABLE)
    async with await connect(database.url(), purpose="test", read_only=True, lock_timeout=0.3) as connection:
        yield connection


async def look(connection: Connection, value: str | None, type_: str = "int", **fields: Any) -> TableFacts:
    return await inspect(
        connection,
        Change(
            table=TableName("public", "orders"),
            **{"column": "new", **fields},
            type=type_,
            backfill=None if value is None else Backfill(value=value),
        ),
    )


READS = [
    ("(placed_at at time zone 'UTC')::date", "date", ("placed_at",)),
    ("amount", "numeric", ("amount",)),
    ("ORDERS.Amount * 2", "numeric", ("amount",)),
    ('length("Note") + "sélect"', "int", ("Note", "sélect")),
    ('U&"\\004Eote"', "text", ("Note",)),
    ("status || ' id amount'", "text", ("status",)),
    ("'orders.*' || status", "text", ("status",)),
    ("tags[1]", "text", ("tags",)),
    ("doc ->> 'id'", "text", ("doc",)),
    ("twice + 1", "int", ("twice",)),
    ("coalesce(id, amount)", "numeric", ("id", "amount")),
    ("case when status = 'x' then at::date end", "date", ("at", "status")),
    ("(select max(limit_) from days where days.id = orders.id)", "int", ("id",)),
    ("(select max(id) from days)", "int", ()),
    ("(select max(limit_) from days where day = at::date)", "int", ("at",)),
    ("$$id$$", "text", ()),
    ("wrapped(id)", "int", ("id",)),
]


async def test_columns_read(orders: Connection) -> None:
    for value, type_, columns in READS:
        assert (await look(orders, value, type_)).value_columns == columns, value


CONSTANT = [
    ("5", "int", True),
    ("'new'", "text", True),
    ("'2026-01-01'", "date", True),
    ("NULL", "int", True),
    ("now()", "timestamptz", True),
    ("current_date", "date", True),
    ("steady()", "int", True),
    ("ARRAY[1, 2]", "int[]", True),
    ("'glad'", "mood", True),
    ("1 + 2 * 3", "int", True),
    ("'2026-01-01'::timestamp with time zone", "timestamptz", True),
    ("random()", "float8", False),
    ("clock_timestamp()", "timestamptz", False),
    ("nextval('numbers')", "bigint", False),
    ("gen_random_uuid()", "uuid", False),
    ("roll()", "float8", False),
    ("md5(roll()::text)", "text", False),
    ("id * 0", "int", False),
    ("(select 1)", "int", False),
    ("exists (select from days)", "boolean", False),
    ("coalesce(1, roll())", "float8", False),
]


async def test_constant(orders: Connection, database: Database) -> None:
    database.run("INSERT INTO orders (id, placed_at) SELECT n, now() FROM generate_series(1, 100) n")
    before = database.rows("SELECT pg_relation_filenode('orders')")
    for value, type_, constant in CONSTANT:
        assert (await look(orders, value, type_)).value_constant == constant, value
        if constant:
            # What was called constant is added as metadata alone: the table keeps its file.
            database.run(f"ALTER TABLE orders ADD COLUMN new {type_} DEFAULT ({value})")
            assert database.rows("SELECT pg_relation_filenode('orders')") == before, value
            database.run("ALTER TABLE orders DROP COLUMN new")


TAKEN = [
    ("id", "bigint"),
    ("id", "numeric(10, 2)"),
    ("id", "text"),  # assignment takes any type as a string
    ("amount", "int"),  # an assignment cast
    ("amount", "varchar(3)"),
    ("placed_at", "date"),
    ("'x'", "varchar(10)"),
    ("'glad'", "mood"),
    ("'{1,2}'", "int[]"),
    ("NULL", "jsonb"),
    ("status", "short"),
    ("'yes'", "short"),
    ("status", "varchar(2)"),
    ("tags", "varchar(5)[]"),
    ("ARRAY[id]", "bigint[]"),
    ("'1'::short", "text"),
]
NOT_TAKEN = [
    ("id", "date", "integer", "date"),
    ("status", "date", "text", "date"),
    ("status", "int", "text", "integer"),
    ("status", "mood", "text", "mood"),
    ("placed_at", "int", "timestamp with time zone", "integer"),
    ("doc", "int", "jsonb", "integer"),
    ("tags", "int[]", "text[]", "integer[]"),
    ("id", "boolean", "integer", "boolean"),
]


async def test_taken_by_the_type(orders: Connection, database: Database) -> None:
    for value, type_ in TAKEN:
        await look(orders, value, type_)
        database.run(f"ALTER TABLE orders ADD COLUMN new {type_}; EXPLAIN UPDATE orders SET new = ({value})")
        database.run("ALTER TABLE orders DROP COLUMN new")


async def test_not_taken_by_the_type(orders: Connection) -> None:
    for value, type_, has, wants in NOT_TAKEN:
        with pytest.raises(BadExpression) as caught:
            await look(orders, value, type_)
        assert (
            caught.value.text == f"the value is of type {has}, which a column of type {wants} does not take"
        )
        assert caught.value.remedy == f"Cast it: ({value})::{wants}"


WRONG = [
    ("placed_att", "at character 1 (placed_att): column", "Did you mean placed_at?"),
    ("1 + orders.amuont", "at character 5 (orders.amuont): column", "Did you mean amount?"),
    ("length(note)", "at character 8 (note)): column", 'Did you mean "Note"?'),
    ("nope", 'column "nope" does not exist', ""),
    ("other.id", "missing FROM-clause entry", ""),
    ("nope(id)", "function nope(integer) does not exist", "No function matches"),
    ("id +", "at its end: syntax error", ""),
    ("id id", "syntax error", ""),
    ("id, 1", "does not take", "Give one SQL expression"),
    ("", "the value is empty", ""),
    ("id)", "closes a bracket that it did not open", ""),
    ("id) + (id", "closes a bracket that it did not open", ""),
    ("(id", "leaves 1 bracket open", ""),
    ("id; DROP TABLE orders", "semicolon", ""),
    ("id -- the key", "comment", ""),
    ("id /* the key */", "comment", ""),
    ("'open", "unterminated quoted string", ""),
    ("count(*)", "aggregate functions are not allowed", ""),
    ("row_number() over ()", "window functions are not allowed", ""),
    ("generate_series(1, 2)", "set-returning functions are not allowed", ""),
    ("unnest(tags)", "set-returning functions are not allowed", ""),
    ("1 / 0", "division by zero", ""),
    ("'x'", 'invalid input syntax for type integer: "x"', ""),
    ("$1", "holds a parameter", ""),
    ("default", "DEFAULT is not allowed", ""),
    ("to_jsonb(orders)", "takes the whole row", ""),
    ("orders.*::text", "takes the whole row", ""),
    ("hashtext(orders::text)", "takes the whole row", ""),
    ("whole(orders)", "takes the whole row", ""),
    ("whole(orders) + id", "takes the whole row", ""),
    ("(orders).id", "takes the whole row", ""),
    ("xmin::text::int", 'column "xmin" does not exist', ""),
    ("tableoid::int", 'column "tableoid" does not exist', ""),
    ("new + 1", "reads new, the column that it fills", "Compute it from other columns"),
]


async def test_wrong_value_is_one_sentence(orders: Connection) -> None:
    for value, said, mend in WRONG:
        type_ = "jsonb" if "jsonb" in value else "text" if value.endswith("::text") else "int"
        with pytest.raises(BadExpression) as caught:
            await look(orders, value, type_)
        assert caught.value.text.startswith("the value"), value
        assert said in caught.value.text, value
        assert caught.value.remedy.startswith(mend), value
        assert "\n" not in str(caught.value)


async def test_value_may_not_read_its_column_when_it_is_there_either(
    orders: Connection, database: Database
) -> None:
    database.run("ALTER TABLE orders ADD COLUMN new int")
    with pytest.raises(BadExpression, match="reads new, the column that it fills"):
        await look(orders, "coalesce(new, id)")
    assert (await look(orders, "id")).value_columns == ("id",)


async def test_default(orders: Connection, database: Database) -> None:
    for default, type_ in (
        ("current_date", "date"),
        ("0", "int"),
        ("nextval('numbers')", "bigint"),
        ("'x'", "text"),
        ("roll()", "float8"),
    ):
        await look(orders, None, type_, default=default)
        database.run(
            f"ALTER TABLE orders ADD COLUMN new {type_}; ALTER TABLE orders ALTER new SET DEFAULT {default}"
        )
        database.run("ALTER TABLE orders DROP COLUMN new")


async def test_wrong_default(orders: Connection) -> None:
    for default, said in (
        ("id + 1", 'column "id" does not exist'),
        ("(select 1)", "the default holds a query"),
        ("'x'", "invalid input syntax"),
        ("current_date", "the default is of type date"),
        ("0, DROP COLUMN id", "the default is wrong"),
        ("generate_series(1, 2)", "set-returning functions"),
    ):
        with pytest.raises(BadExpression, match="the default") as caught:
            await look(orders, None, "int", default=default)
        assert said in caught.value.text


async def test_looking_takes_no_lock_that_waits_and_writes_nothing(
    orders: Connection, database: Database
) -> None:
    with database.connect() as other, other.transaction():
        other.execute("LOCK TABLE days")
        # The value's own table is locked: the lab can't look at it, and says so at once.
        with pytest.raises(LockTimeout):
            await look(orders, "(select max(limit_) from days)")
    before = database.rows("SELECT last_value, is_called FROM numbers")
    await look(orders, "nextval('numbers')", "bigint")
    assert database.rows("SELECT last_value, is_called FROM numbers") == before
