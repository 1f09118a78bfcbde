"""Whether a column is added instantly: what is foretold, held against an ALTER TABLE that asks for it."""

from __future__ import annotations

import pymysql
import pytest

from console.change import Change, TableName
from console.databases.mysql.identifiers import quote
from console.facts import Instant
from tests.databases.mysql.looking import facts_of
from tests.servers.mysql_database import MySqlDatabase

TABLES = {
    "plain": "id int PRIMARY KEY, t text",
    "a.b `ü-c`": "id int PRIMARY KEY, t text",
    "compact": "id int PRIMARY KEY, t text) ROW_FORMAT=COMPACT -- ",
    "redundant": "id int PRIMARY KEY, t text) ROW_FORMAT=REDUNDANT -- ",
    "compressed": "id int PRIMARY KEY, t text) ROW_FORMAT=COMPRESSED -- ",
    "words": "id int PRIMARY KEY, t text, FULLTEXT (t)",
    "once_words": "id int PRIMARY KEY, t text, FULLTEXT w (t)); ALTER TABLE once_words DROP INDEX w -- ",
    "own_words": "id int PRIMARY KEY, FTS_DOC_ID bigint unsigned NOT NULL",
    "parted": "id int PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3 -- ",
    "generated": "id int PRIMARY KEY, v int AS (id + 1) VIRTUAL, s int AS (id + 1) STORED, KEY (s)",
    "isam": "id int PRIMARY KEY) ENGINE=MyISAM -- ",
    "memory": "id int PRIMARY KEY) ENGINE=MEMORY -- ",
    "indexed_virtual": "id int PRIMARY KEY, v int AS (id + 1) VIRTUAL, KEY v (v)",
    "compressed_place": "id int PRIMARY KEY, p point NOT NULL, SPATIAL KEY (p)) ROW_FORMAT=COMPRESSED -- ",
    "keyless": "id int",
    "place": "id int PRIMARY KEY, p point NOT NULL, SPATIAL KEY (p)",
    "child": "id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES plain (id)",
}
_WHY = {
    "compressed": "its row format is COMPRESSED",
    "words": "it has a FULLTEXT index (t)",
    "once_words": "it once had a FULLTEXT index, whose hidden column stays",
    "isam": "its engine is MyISAM",
    "memory": "its engine is MEMORY",
}


_WHY_OF = {
    "mysql": {"compressed_place": "its row format is COMPRESSED"},
    "mariadb": {
        "compressed_place": "its row format is COMPRESSED",
        "indexed_virtual": "it has an index over a virtual column (v)",
    },
}


async def instant(database: MySqlDatabase, table: str, role: str = "deploy") -> Instant:
    wanted = Change(table=TableName(None, table), column="new", type="int")
    return (await facts_of(database, wanted, role=role)).instant


def takes(database: MySqlDatabase, table: str, algorithm: str, lock: str = "") -> bool:
    """Whether the server takes it; if so the column is gone again."""
    lock = f", LOCK={lock}" if lock else ""
    try:
        database.run(f"ALTER TABLE {quote(table)} ADD COLUMN new int, ALGORITHM={algorithm}{lock}")
    except pymysql.Error as error:
        refused = error.args[0] in (1845, 1846, 4092)
        if not refused:
            raise
        return False
    database.run(f"ALTER TABLE {quote(table)} DROP COLUMN new")
    return True


def rebuilds_online(database: MySqlDatabase, table: str) -> bool:
    """Whether NOT NULL can be set on the column `n` while others write."""
    try:
        database.run(f"ALTER TABLE {quote(table)} MODIFY n int NOT NULL, ALGORITHM=INPLACE, LOCK=NONE")
    except pymysql.Error as error:
        refused = error.args[0] in (1845, 1846)
        if not refused:
            raise
        return False
    return True


async def test_foretold_as_it_is(mysql_database: MySqlDatabase) -> None:
    for table, columns in TABLES.items():
        mysql_database.run(
            f"CREATE TABLE {quote(table)} ({columns}\n)"
            if "--" not in columns
            else f"CREATE TABLE {quote(table)} ({columns.removesuffix('-- ')}"
        )
    why = _WHY | _WHY_OF[mysql_database.family]
    for table in TABLES:
        foretold = await instant(mysql_database, table)
        assert foretold.why_not == why.get(table, "")
        assert foretold.possible == (table not in why) == takes(mysql_database, table, "INSTANT"), table
        lock = "SHARED" if foretold.blocks_writes else "NONE"
        if not foretold.possible:
            assert takes(mysql_database, table, foretold.algorithm, lock), (table, foretold)
            assert foretold.blocks_writes != takes(mysql_database, table, "INPLACE", "NONE"), table
        if table not in ("isam", "memory"):
            mysql_database.run(f"ALTER TABLE {quote(table)} ADD COLUMN n int")
            assert rebuilds_online(mysql_database, table) == (not foretold.not_null_blocks), table
        # Without PROCESS, what InnoDB's own dictionary knows is not known.
        alone = await instant(mysql_database, table, "app")
        assert alone.row_versions is None
        assert alone.possible == (foretold.possible or table == "once_words")


async def test_row_versions_are_counted_and_run_out(mysql_database: MySqlDatabase) -> None:
    if mysql_database.family == "mariadb":
        mysql_database.run("CREATE TABLE t (id int PRIMARY KEY)")
        assert (await instant(mysql_database, "t")).row_versions_limit == 0
        return
    mysql_database.run(
        "CREATE TABLE t (id int PRIMARY KEY) PARTITION BY RANGE (id)"
        " (PARTITION a VALUES LESS THAN (9), PARTITION b VALUES LESS THAN (99))"
    )
    limit = mysql_database.cluster.family.row_versions
    assert limit is not None
    with mysql_database.connect() as link, link.cursor() as cursor:
        for number in range(limit):
            change = "ADD COLUMN c int" if number % 2 == 0 else "DROP COLUMN c"
            cursor.execute(f"ALTER TABLE t {change}, ALGORITHM=INSTANT")
            if number in (0, limit - 2):
                seen = await instant(mysql_database, "t")
                assert (seen.row_versions, seen.row_versions_limit) == (number + 1, limit)
                assert seen.possible
    seen = await instant(mysql_database, "t")
    assert (seen.possible, seen.algorithm, seen.blocks_writes) == (False, "INPLACE", False)
    assert seen.why_not == f"it has used all of its {limit} row versions"
    assert not takes(mysql_database, "t", "INSTANT")
    assert takes(mysql_database, "t", "INPLACE", "NONE")
    assert (await instant(mysql_database, "t")).possible


async def test_switched_off_for_the_server(mysql_database: MySqlDatabase) -> None:
    mysql_database.run("CREATE TABLE t (id int PRIMARY KEY)")
    if mysql_database.family == "mysql":
        with pytest.raises(pymysql.Error):
            mysql_database.run("SET GLOBAL innodb_instant_alter_column_allowed = never", "root")
        return
    mysql_database.run("SET GLOBAL innodb_instant_alter_column_allowed = never", "root")
    seen = await instant(mysql_database, "t")
    assert (seen.possible, seen.algorithm, seen.blocks_writes) == (False, "INPLACE", False)
    assert not takes(mysql_database, "t", "INSTANT")
