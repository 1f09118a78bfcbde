"""Types in the catalog's spelling and their placeholders, each held against a column that was made."""

from __future__ import annotations

import pytest

from console.change import Backfill, Change, TableName
from console.databases.base import BadExpression
from console.databases.mysql.inspect import see
from console.databases.mysql.types import placeholder, takes_literal
from tests.databases.mysql.looking import reading
from tests.servers.mysql_database import MySqlDatabase

TYPES = [
    *(
        "tinyint",
        "smallint",
        "mediumint",
        "int",
        "integer",
        "bigint",
        "INT1",
        "int2",
        "int3",
        "middleint",
        "int4",
    ),
    *("int8", "int(5)", "int unsigned", "bigint unsigned", "tinyint(1)", "tinyint(1) unsigned", "tinyint(4)"),
    *("int zerofill", "int(5) zerofill", "smallint signed", "bool", "BOOLEAN", "year", "bit", "bit(12)"),
    *(
        "decimal",
        "dec(5)",
        "numeric(10,2)",
        "fixed(3,1) unsigned",
        "decimal(20,0)",
        "float",
        "float(10)",
        "float(30)",
    ),
    *(
        "float(7,3)",
        "double",
        "double precision",
        "double(9,2)",
        "real",
        "float4",
        "float8",
        "float unsigned",
    ),
    *("date", "time", "time(3)", "datetime", "datetime(0)", "datetime(6)", "timestamp", "timestamp(3)"),
    *(
        "char",
        "char(3)",
        "character(4)",
        "varchar(20)",
        "character varying(20)",
        "char varying(5)",
        "nchar(3)",
    ),
    *("nvarchar(3)", "national varchar(4)", "national char(4)", "varchar(9) character set latin1"),
    *("varchar(9) COLLATE utf8mb4_bin", "varchar(9) charset utf8mb4 collate utf8mb4_bin", "char(3) ascii"),
    *("varchar(9) character set binary", "char(3) byte", "text character set binary", "char(3) binary"),
    *(
        "binary",
        "binary(16)",
        "varbinary(255)",
        "tinytext",
        "text",
        "mediumtext",
        "longtext",
        "long",
        "long varchar",
    ),
    *("tinyblob", "blob", "mediumblob", "longblob", "long varbinary", "json"),
    *(
        "enum('a','b')",
        "enum('it''s', 'x ')",
        'enum("a,b","c)")',
        "set('a','b')",
        "ENUM('A') character set latin1",
    ),
    *("geometry", "point", "geometrycollection", "multipolygon"),
]
_TYPES_OF = {
    "mysql": ["geomcollection", "point srid 4326", "vector(3)", "vector"],
    "mariadb": ["uuid", "inet4", "inet6"],
}


async def test_spelled_as_in_the_catalog(mysql_database: MySqlDatabase) -> None:
    mysql_database.run("CREATE TABLE t (id int PRIMARY KEY)")
    async with reading(mysql_database.url()) as lane:
        known = (await see(lane, Change(table=TableName(None, "t"), column="new", type="int"))).lab
        for text in [*TYPES, *_TYPES_OF[mysql_database.family]]:
            read = await known.type(text)
            mysql_database.run(f"ALTER TABLE t ADD COLUMN made {text}")
            ((made, name),) = mysql_database.rows(
                "SELECT COLUMN_TYPE, DATA_TYPE FROM information_schema.COLUMNS"
                " WHERE TABLE_SCHEMA = DATABASE() AND COLUMN_NAME = 'made'"
            )
            assert read.spelled == made, text
            assert read.name == name or (read.name, name) == ("json", "longtext"), text
            mysql_database.run("ALTER TABLE t DROP COLUMN made")


async def test_a_placeholder_is_taken_at_once(mysql_database: MySqlDatabase) -> None:
    mysql_database.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    with_none = set()
    async with reading(mysql_database.url()) as lane:
        known = (await see(lane, Change(table=TableName(None, "t"), column="new", type="int"))).lab
        for text in [*TYPES, *_TYPES_OF[mysql_database.family]]:
            type_ = await known.type(text)
            value = placeholder(type_, lane.family)
            if not value:
                with_none.add(type_.name)
                continue
            assert takes_literal(type_, lane.family)
            mysql_database.run(
                f"SET SESSION time_zone = '-12:00', sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE';"
                f"ALTER TABLE t ADD COLUMN made {text} NOT NULL DEFAULT {value}, ALGORITHM=INSTANT"
            )
            moved = type_.name == "timestamp"
            assert mysql_database.rows(f"SELECT made = {value} FROM t") == [(int(not moved),)], text
            mysql_database.run("ALTER TABLE t DROP COLUMN made, ALGORITHM=INPLACE")
    shapes = {"geometry", "point", "multipolygon"}
    if mysql_database.family == "mariadb":
        assert with_none == {*shapes, "geometrycollection"}
    else:
        blobs = {f"{size}{kind}" for size in ("tiny", "", "medium", "long") for kind in ("text", "blob")}
        assert with_none == {*shapes, "geomcollection", "vector", "json", *blobs}


BAD = [
    ("nosuch", "nosuch is no type"),
    ("varchar", "needs a length"),
    ("serial", "makes a counter and a key"),
    ("int not null", "NOT NULL is a key of its own"),
    ("int default 5", "the default is a key of its own"),
    ("int auto_increment", "a counter is no part of this change"),
    ("int unique", "a unique index is built by [[indexes]]"),
    ("int comment 'x'", "the comment is a key of its own"),
    ("int after id", "the column's place"),
    ("int, add x int", ", is no part of it"),
    ("int check (new > 0)", "writers stand still"),
    ("int references p (id)", "a foreign key is a section of its own"),
    ("int generated always as (1)", "a generated column"),
    ("int -- x", "holds a comment"),
    ("int /* x */", "holds a comment"),
    ("text(100)", "takes its size by its name"),
    ("varchar(9) character set nosuch", "Unknown character set"),
    ("decimal(80,2)", "recision"),
    ("datetime(7)", "recision"),
    ("char(256)", "too big"),
    ("enum()", "the server does not understand it"),
]


@pytest.mark.parametrize(("text", "seen"), BAD)
async def test_what_is_no_type(mysql_database: MySqlDatabase, text: str, seen: str) -> None:
    mysql_database.run("CREATE TABLE t (id int PRIMARY KEY)")
    async with reading(mysql_database.url()) as lane:
        wanted = Change(table=TableName(None, "t"), column="new", type=text, backfill=Backfill(value="id"))
        found = await see(lane, wanted)
        assert found.facts.type == ""
        with pytest.raises(BadExpression) as caught:
            await found.lab.type(text)
        assert seen in caught.value.text
    assert len(mysql_database.rows("SHOW COLUMNS FROM t")) == 1
