"""Values and defaults as the server reads them: what they read, what makes them differ, what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest

from console.change import Backfill, Change, TableName
from console.databases.base import BadExpression
from console.databases.mysql.inspect import see
from console.facts import TableFacts
from tests.databases.mysql.looking import facts_of, reading
from tests.servers.mysql_database import MySqlDatabase

TABLE = """
CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, a int, b varchar(30), `c d` int, at datetime(6),
    ts timestamp NULL, day int, date date, e enum('x','y'), j json, g int GENERATED ALWAYS AS (a * 2) STORED);
INSERT INTO t (a, b, `c d`, at, ts, day, date, e, j)
VALUES (5, 'Ana', 7, '2026-05-04 03:02:01.5', '2026-05-04 03:02:01', 3, '2026-02-03', 'y', '{"k": 1}');
CREATE FUNCTION plus(n int) RETURNS int DETERMINISTIC RETURN n + 1;
CREATE FUNCTION unsure(n int) RETURNS int NOT DETERMINISTIC RETURN n + 1;
"""


@pytest.fixture
def table(mysql_database: MySqlDatabase) -> MySqlDatabase:
    for statement in filter(str.strip, TABLE.split(";")):
        mysql_database.run(statement, "root")
    return mysql_database


async def look(database: MySqlDatabase, value: str, type_: str = "int", **fields: Any) -> TableFacts:
    wanted = Change(
        table=TableName(None, "t"), column="new", type=type_, backfill=Backfill(value=value), **fields
    )
    return await facts_of(database, wanted)


COLUMNS = {
    "a * 100": ("a",),
    "A + `C D`": ("a", "c d"),
    "t.a + `t`.`c d`": ("a", "c d"),
    "'a' + 1": (),
    "CASE WHEN a > 3 THEN b ELSE 'id' END": ("a", "b"),
    "CAST(at AS date)": ("at",),
    "CAST(date AS date)": ("date",),
    "at + INTERVAL 1 day": ("at",),
    "at + INTERVAL day day": ("at", "day"),
    "EXTRACT(day FROM at)": ("at",),
    "day(date)": ("date",),
    "date(at)": ("at",),
    "g + 1": ("g",),
    "CONVERT(a, char)": ("a",),
    "CONVERT(b USING latin1)": ("b",),
    "b COLLATE utf8mb4_bin": ("b",),
    "JSON_EXTRACT(j, '$.a')": ("j",),
    "plus(a)": ("a",),
    "IF(b LIKE '%a%', a, NULL)": ("a", "b"),
    "a IS NULL": ("a",),
    "`a`+-`c d`": ("a", "c d"),
    "TIMESTAMPDIFF(day, date, at)": ("date", "at"),
    "(SELECT COUNT(*) FROM t x WHERE x.a = t.a)": ("a",),
}


async def test_columns_exactly(table: MySqlDatabase) -> None:
    for value, columns in COLUMNS.items():
        facts = await look(table, value, "varchar(99)")
        assert sorted(facts.value_columns) == sorted(columns), value
        assert not facts.value_volatile_names, value


VOLATILE = {
    "rand()": ("rand",),
    "UUID()": ("uuid",),
    "now()": ("now",),
    "CURRENT_TIMESTAMP": ("current_timestamp",),
    "date(sysdate()) + a": ("sysdate",),
    "concat(connection_id(), rand())": ("connection_id", "rand"),
    "unix_timestamp()": ("unix_timestamp",),
    "unsure(a)": ("unsure",),
    "@x": ("@x",),
    "random_bytes(4)": ("random_bytes",),
    "'rand()'": (),
    "unix_timestamp(at)": (),
    "plus(3)": (),
    "@@session.time_zone": (),
    "from_unixtime(a)": (),
}


async def test_what_differs_each_time(table: MySqlDatabase) -> None:
    for value, names in VOLATILE.items():
        facts = await look(table, value, "varbinary(99)")
        assert facts.value_volatile_names == names, value
        assert facts.value_constant == (value in ("'rand()'", "plus(3)")), value


CONSTANTS = [
    ("int", "1 + 2"),
    ("int", "7 / 2"),
    ("int", "-5"),
    ("int", "TRUE"),
    ("bigint unsigned", "18446744073709551615"),
    ("decimal(5,2)", "10 / 3"),
    ("double", "1 / 4"),
    ("varchar(9)", "concat('it''s', '\\\\')"),
    ("varchar(9)", "'naïve'"),
    ("char(3)", "upper('ab')"),
    ("binary(2)", "unhex('00FF')"),
    ("varbinary(9)", "x'00ff'"),
    ("date", "date '2026-02-01' + interval 1 day"),
    ("datetime(3)", "timestamp('2026-02-01 01:02:03.456')"),
    ("timestamp", "'2026-02-01 01:02:03'"),
    ("time", "maketime(1, 2, 3)"),
    ("year", "2000 + 26"),
    ("enum('x','y')", "'y'"),
    ("bit(4)", "b'101'"),
    ("tinyint(1)", "not false"),
]


async def test_a_constant_as_a_literal_gives_what_an_update_gives(table: MySqlDatabase) -> None:
    for type_, value in CONSTANTS:
        facts = await look(table, value, type_)
        assert facts.value_constant, value
        table.run(
            f"ALTER TABLE t ADD COLUMN one {type_} NOT NULL DEFAULT {facts.value_literal}, ALGORITHM=INSTANT;"
            f"ALTER TABLE t ADD COLUMN two {type_}; UPDATE t SET two = {value}"
        )
        assert table.rows("SELECT HEX(one) = HEX(two), two IS NULL FROM t") == [(1, 0)], (
            value,
            facts.value_literal,
        )
        table.run("ALTER TABLE t DROP COLUMN one, DROP COLUMN two")


NOT_CONSTANT = [
    ("int", "a"),
    ("int", "NULL"),
    ("int", "(SELECT 1)"),
    ("datetime", "from_unixtime(7)"),
    ("varchar(64)", "database()"),
    ("int", "cast('12x' as signed)"),
    ("point", "point(1, 2)"),
]


async def test_what_is_no_constant(table: MySqlDatabase) -> None:
    of_family = [("text", "'x'"), ("json", "'{}'")] if table.family == "mysql" else []
    for type_, value in [*NOT_CONSTANT, *of_family]:
        facts = await look(table, value, type_)
        assert (facts.value_constant, facts.value_literal) == (False, ""), value
    # Where the column can't be added at once, neither can its value.
    table.run("CREATE FULLTEXT INDEX words ON t (b)")
    facts = await look(table, "1 + 2")
    assert (facts.value_constant, facts.value_literal) == (False, "3")


IN_TRIGGER = [
    "a * 100 + `c d`",
    "t.A + 1",
    "CAST(date AS date)",
    "date + INTERVAL day day",
    "EXTRACT(day FROM date)",
    "CONCAT(b, 'a')",
    "IF(e = 'y', e + 0, 9)",
    "TIMESTAMPDIFF(day, date, at)",
    "CONVERT(date, date)",
    "CONVERT(b USING utf8mb4)",
    "b COLLATE utf8mb4_bin",
    "JSON_EXTRACT(j, '$.k')",
    "g + 1",
    "DATE '2026-01-01'",
    "day(date)",
    "CASE day WHEN 3 THEN a END",
]


async def test_over_new_a_trigger_computes_what_an_update_computes(table: MySqlDatabase) -> None:
    table.run("ALTER TABLE t ADD COLUMN one varchar(99), ADD COLUMN two varchar(99)")
    for value in IN_TRIGGER:
        facts = await look(table, value, "varchar(99)")
        assert facts.value_over_new, (value, facts.value_over_new_why_not)
        table.run(
            "DROP TRIGGER IF EXISTS column_console_x;"
            f"CREATE TRIGGER column_console_x BEFORE INSERT ON t FOR EACH ROW SET NEW.one = {facts.value_over_new};"
            "DELETE FROM t WHERE id > 1;"
            "INSERT INTO t (a, b, `c d`, at, ts, day, date, e, j)"
            " SELECT a, b, `c d`, at, ts, day, date, e, j FROM t WHERE id = 1;"
            f"UPDATE t SET two = {value}"
        )
        assert table.rows("SELECT one <=> two, two IS NULL FROM t WHERE id > 1") == [(1, 0)], value


async def test_what_a_trigger_can_not_compute(table: MySqlDatabase) -> None:
    for value, why in (
        ("id + 1", "it reads `id`, whose number is not there yet when a trigger fires"),
        ("(SELECT MAX(x.a) FROM t x)", "it holds a query, whose names can't be told from the row's"),
    ):
        facts = await look(table, value)
        assert (facts.value_over_new, facts.value_over_new_why_not) == ("", why)
    table.run("CREATE TRIGGER other BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 9")
    facts = await look(table, "g + 1")
    assert facts.value_over_new_why_not == (
        "it reads the generated column `g`, which does not show what trigger other changes"
    )
    # What that says is so.
    table.run(
        "ALTER TABLE t ADD COLUMN one int;"
        "CREATE TRIGGER ours BEFORE INSERT ON t FOR EACH ROW FOLLOWS other SET NEW.one = NEW.g;"
        "INSERT INTO t (a) VALUES (1)"
    )
    assert table.rows("SELECT one, g FROM t ORDER BY id DESC LIMIT 1") == [(2, 18)]


WRONG = [
    ("a::date", "near ::date", "CAST(... AS DATE)"),
    ("a::int", "near ::int", "CAST(... AS SIGNED)"),
    ("at at time zone 'UTC'", "near at time zone", "CONVERT_TZ"),
    ("b ILIKE 'x'", "near ILIKE", "LIKE pays no regard to capitals"),
    ("at + interval '1 day'", "at its end", "Write INTERVAL 1 DAY"),
    ("extract(epoch from at)", "near epoch", "UNIX_TIMESTAMP"),
    ("date_trunc('day', at)", "date_trunc", "DATE_FORMAT"),
    ("b || 'x'", "which means OR here", "CONCAT"),
    ('"b"', "which is a text here", "Write `b`"),
    ("nosuch(a)", "nosuch", ""),
    ("plcaed", "Unknown column 'plcaed'", ""),
    ("dat", "Unknown column 'dat'", "Did you mean `date`"),
    ("max(a)", "Invalid use of group function", ""),
    ("row_number() over ()", "indow function", ""),
    ("(a, b)", "1 column", ""),
    ("", "is empty", ""),
    ("a -- x", "holds a comment", ""),
    ("a # x", "holds a comment", ""),
    ("a /*! + 1 */", "holds a comment", ""),
    ("a; DROP TABLE t", "semicolon", ""),
    ("a) + (b", "closes a bracket", ""),
    ("(a", "leaves 1 bracket open", ""),
    ("?", "holds a parameter", ""),
    ("new + 1", "the value reads new, the column that it fills", ""),
    ("a +", "wrong", ""),
    ("'open", "wrong", ""),
]


async def test_what_is_wrong_with_a_value(table: MySqlDatabase) -> None:
    for value, seen, mend in WRONG:
        with pytest.raises(BadExpression) as caught:
            await look(table, value)
        assert seen in caught.value.text, value
        assert mend in caught.value.remedy, (value, str(caught.value))
        assert "\n" not in str(caught.value)
    table.run("ALTER TABLE t ADD COLUMN new int")
    with pytest.raises(BadExpression, match="the column that it fills"):
        await look(table, "New + 1")
    assert table.rows("SELECT COUNT(*) FROM t") == [(1,)]


async def test_pipes_where_the_server_joins_with_them(table: MySqlDatabase) -> None:
    table.run("SET GLOBAL sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,STRICT_TRANS_TABLES'", "root")
    assert (await look(table, "b || 'x'", "varchar(99)")).value_columns == ("b",)
    with pytest.raises(BadExpression, match="a text here"):
        await look(table, '"c d" + 1')


DEFAULTS = [
    ("int", "5", "5"),
    ("int", "-1.5", "-1.5"),
    ("int", "1 + 2", "(1 + 2)"),
    ("varchar(9)", "'x'", "'x'"),
    ("datetime", "current_timestamp", "(current_timestamp)"),
    ("varchar(40)", "uuid()", "(uuid())"),
    ("int", "NULL", "NULL"),
]


async def test_default_as_the_server_takes_it(table: MySqlDatabase) -> None:
    of_family = {"mysql": ("text", "'x'", "(CONCAT('x'))"), "mariadb": ("text", "'x'", "'x'")}[table.family]
    for type_, given, sql in [*DEFAULTS, of_family]:
        facts = await look(table, "a", type_, default=given)
        assert facts.default_sql == sql
        table.run(
            f"ALTER TABLE t ADD COLUMN one {type_}; ALTER TABLE t ALTER COLUMN one SET DEFAULT {sql};"
            "INSERT INTO t (a) VALUES (1); ALTER TABLE t DROP COLUMN one"
        )


async def test_what_is_wrong_with_a_default(table: MySqlDatabase) -> None:
    for given, seen in (
        ("(SELECT 1)", "the default holds a query"),
        ("plus(1)", "the default calls a stored function (plus)"),
        ("a", "Unknown column 'a'"),
        ("nosuch()", "nosuch"),
        ("now()::date", "near ::date"),
        ("5, ADD COLUMN x int", "wrong"),
    ):
        with pytest.raises(BadExpression) as caught:
            await look(table, "b", default=given)
        assert seen in caught.value.text, given


async def test_reading_an_expression_runs_nothing(table: MySqlDatabase) -> None:
    """A value that would take a lock for ever, or sleep, is only read."""
    async with reading(table.url()) as lane:
        wanted = Change(
            table=TableName(None, "t"),
            column="new",
            type="int",
            backfill=Backfill(value="sleep(100) + get_lock('x', 100)"),
        )
        facts = (await see(lane, wanted)).facts
        assert facts.value_volatile_names == ("sleep", "get_lock")
    assert table.rows("SELECT IS_USED_LOCK('x')") == [(None,)]
