"""Tables to walk: every kind of key and name. Each says how rows are written, and what the column should hold."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from typing import Any

from console.demo.mysql.node import Connection
from tests.servers.mysql_database import MySqlDatabase

ROWS = 8000

NUMBERS = (
    "SELECT a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 1 AS n FROM digits a, digits b, digits c, digits d"
    f" WHERE a.n + 10 * b.n + 100 * c.n + 1000 * d.n < {ROWS}"
)


@dataclasses.dataclass(frozen=True)
class Shop:
    """A table, its change, and its application. Names are quoted as SQL; `n` in `values` numbers a row."""

    name: str
    create: str
    columns: str
    """The columns that the application inserts, the source last."""
    values: str
    """Their values but the source's, over a number `n`."""
    pick: str
    """A condition that finds a row or none, by `{n}`."""
    table: str = "t"
    toml_table: str = "t"
    source: str = "source"
    column: str = "copy"
    value: str = "upper({source})"
    """What the column should hold; `{source}` is the source column."""
    more: str = ""
    """More lines of [change]."""
    written: str = "'new'"
    """What the table holds where the application writes 'new'."""

    @property
    def expression(self) -> str:
        """The change file's value."""
        return self.value.format(source=self.source)

    def make(self, database: MySqlDatabase) -> None:
        """Creates the table, and fills it at first."""
        digits = " UNION ALL ".join(f"SELECT {n} AS n" for n in range(10))
        database.run(
            f"{self.create}; CREATE TABLE digits AS {digits};"
            f" INSERT INTO {self.table} ({self.columns}) SELECT {self.values}, CONCAT('s', n) FROM ({NUMBERS}) numbers;"
            f" DROP TABLE digits; ANALYZE TABLE {self.table}"
        )

    def body(self) -> str:
        """The change file's part that is the shop's own."""
        return (
            f"[change]\ntable = '''{self.toml_table}'''\ncolumn = '''{self.column}'''\n"
            f'type = "varchar(60)"\nnullable = false\ndefault = "\'none\'"\n{self.more}'
            f"[backfill]\nvalue = '''{self.expression}'''\n"
            f"[[indexes]]\nname = 'the new index'\ncolumns = ['''{self.column}''']\n"
        )

    def wrong_rows(self) -> str:
        """How many rows do not hold what they should, computed apart from everything of ours."""
        wanted = f"CONVERT({self.expression} USING utf8mb4)"
        return (
            f"SELECT COUNT(*) FROM {self.table}"
            f" WHERE NOT (CONVERT(`{self.column}` USING utf8mb4) COLLATE utf8mb4_bin <=> {wanted} COLLATE utf8mb4_bin)"
        )


def application(database: MySqlDatabase) -> Callable[[], Connection]:
    """The application's connections: without gap locks, over which its threads would fight among themselves."""
    return lambda: database.connect(init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")


class Application:
    """Writes to a shop. Once `writes_column` is set, it writes the new column by itself."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.writes_column = False

    @property
    def deeds(self) -> list[Callable[[Any, random.Random], None]]:
        return [self.insert, self.update, self.update, self.upsert, self.move, self.delete]

    def insert(self, connection: Any, dice: random.Random) -> None:
        self._run(connection, self._insert(dice.randrange(10_000, 900_000), "IGNORE "))

    def upsert(self, connection: Any, dice: random.Random) -> None:
        shop = self._shop
        sets = f"{shop.source} = CONCAT({shop.source}, '+')"
        if self.writes_column:
            # Assignments are made from left to right: this one reads what the first one wrote.
            sets += f", `{shop.column}` = {shop.expression}"
        self._run(connection, f"{self._insert(dice.randrange(1, ROWS), '')} ON DUPLICATE KEY UPDATE {sets}")

    def _insert(self, n: int, how: str) -> str:
        shop = self._shop
        columns, values = shop.columns, f"{shop.values}, 'new'"
        if self.writes_column:
            columns += f", `{shop.column}`"
            values += ", " + shop.value.format(source=shop.written)
        return f"INSERT {how}INTO {shop.table} ({columns}) SELECT {values} FROM (SELECT {n} AS n) numbers"

    def update(self, connection: Any, dice: random.Random) -> None:
        shop = self._shop
        sets = f"{shop.source} = CONCAT(LEFT({shop.source}, 30), '!')"
        if self.writes_column:
            sets += f", `{shop.column}` = {shop.expression}"
        self._run(connection, f"UPDATE {shop.table} SET {sets} WHERE {self._pick(dice)}")

    def move(self, connection: Any, dice: random.Random) -> None:
        """A row gets another key: deleted and written again, in one transaction."""
        shop = self._shop
        connection.begin()
        self._run(connection, f"DELETE FROM {shop.table} WHERE {self._pick(dice)}")
        self._run(connection, self._insert(dice.randrange(10_000, 900_000), "IGNORE "))
        connection.commit()

    def delete(self, connection: Any, dice: random.Random) -> None:
        self._run(connection, f"DELETE FROM {self._shop.table} WHERE {self._pick(dice)}")

    def _pick(self, dice: random.Random) -> str:
        return self._shop.pick.format(n=dice.randrange(1, ROWS))

    @staticmethod
    def _run(connection: Any, sql: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql)


def keyed(name: str, kind: str, key: str, *, more: str = "") -> Shop:
    """A table with one key column of type `kind`, whose value is `key` over a number `n`."""
    return Shop(
        name=name,
        create=f"CREATE TABLE t (id {kind} PRIMARY KEY, source varchar(60) NOT NULL) CHARACTER SET utf8mb4",
        columns="id, source",
        values=key,
        pick=f"id = (SELECT {key} FROM (SELECT {{n}} AS n) numbers)",
        more=more,
    )


SHOPS = (
    keyed("int", "int", "n"),
    keyed(
        "bigint unsigned with gaps", "bigint unsigned", "CAST(18446744073709551615 - n * 1000003 AS UNSIGNED)"
    ),
    keyed("varchar, no case", "varchar(40) COLLATE utf8mb4_unicode_ci", "CONCAT('Kä', n)"),
    keyed(
        "varchar, binary order", "varchar(40) COLLATE utf8mb4_bin", "CONCAT(IF(n % 2, 'k', 'K'), n, ' it''s')"
    ),
    keyed("varchar, latin1", "varchar(40) CHARACTER SET latin1", "CONVERT(CONCAT('ß', n) USING latin1)"),
    keyed("binary(16)", "binary(16)", "UNHEX(LEFT(SHA2(n, 256), 32))"),
    keyed("decimal", "decimal(20,4)", "n * 1.0007"),
    keyed("datetime(6)", "datetime(6)", "'2026-01-01' + INTERVAL n * 13 MICROSECOND"),
    keyed("date and text", "char(12)", "CONCAT('c', LPAD(n, 8, '0'))", more='not_null = "rebuild"\n'),
    keyed("stay nullable", "int", "n", more='not_null = "nullable"\n'),
    Shop(
        name="composite",
        create=(
            "CREATE TABLE t (tenant int, code varchar(20), source varchar(60) NOT NULL, PRIMARY KEY (tenant, code))"
            " CHARACTER SET utf8mb4"
        ),
        columns="tenant, code, source",
        values="n % 7, CONCAT('c', n)",
        pick="tenant = {n} % 7 AND code = 'c{n}'",
    ),
    Shop(
        name="unique and no primary key",
        create="CREATE TABLE t (code varchar(20) NOT NULL UNIQUE, source varchar(60) NOT NULL) CHARACTER SET utf8mb4",
        columns="code, source",
        values="CONCAT('c', n)",
        pick="code = 'c{n}'",
    ),
    Shop(
        name="names that need quotes",
        create=(
            "CREATE TABLE `Bestell.ungen ``x``` (`I d` bigint PRIMARY KEY, `größe %` varchar(60) NOT NULL,"
            " `group` int) CHARACTER SET utf8mb4"
        ),
        columns="`I d`, `größe %`",
        values="n",
        pick="`I d` = {n}",
        table="`Bestell.ungen ``x```",
        toml_table="`Bestell.ungen ``x```",
        source="`größe %`",
        column="neue Größe",
        value="concat(upper({source}), '%s')",
    ),
    Shop(
        name="partitioned",
        create=(
            "CREATE TABLE t (id bigint, part int, source varchar(60) NOT NULL, PRIMARY KEY (id, part))"
            " CHARACTER SET utf8mb4 PARTITION BY LIST (part % 3)"
            " (PARTITION p0 VALUES IN (0), PARTITION `p 1` VALUES IN (1), PARTITION p2 VALUES IN (2))"
        ),
        columns="id, part, source",
        values="n, n % 3",
        pick="id = {n} AND part = {n} % 3",
    ),
    Shop(
        name="a trigger and a generated column",
        create=(
            "CREATE TABLE t (id int PRIMARY KEY, source varchar(60) NOT NULL, l int AS (length(source)) VIRTUAL)"
            " CHARACTER SET utf8mb4;"
            "CREATE TRIGGER theirs BEFORE INSERT ON t FOR EACH ROW SET NEW.source = REPLACE(NEW.source, 'new', 'neu')"
        ),
        columns="id, source",
        values="n",
        pick="id = {n}",
        written="'neu'",
    ),
)
