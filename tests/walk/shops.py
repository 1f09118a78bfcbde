"""Tables to walk: every kind of key and name. Each says how rows are written, and what the column should hold."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import psycopg

ROWS = 8000


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
    toml_table: str = "public.t"
    source: str = "source"
    column: str = "copy"
    value: str = "upper({source})"
    """What the column should hold; `{source}` is the source column."""

    @property
    def expression(self) -> str:
        """The change file's value."""
        return self.value.format(source=self.source)

    @property
    def fill(self) -> str:
        """Fills the table at first."""
        return (
            f"INSERT INTO {self.table} ({self.columns})"
            f" SELECT {self.values}, 's' || n FROM generate_series(1, {ROWS}) n; ANALYZE {self.table}"
        )

    def body(self) -> str:
        """The change file's part that is the shop's own."""
        return (
            f"[change]\ntable = '''{self.toml_table}'''\ncolumn = '''{self.column}'''\n"
            'type = "text"\nnullable = false\ndefault = "\'none\'"\n'
            f"[backfill]\nvalue = '''{self.expression}'''\n"
            f"[[indexes]]\nname = 'the new index'\ncolumns = ['''{self.column}''']\n"
        )

    def wrong_rows(self) -> str:
        """How many rows do not hold what they should, computed apart from everything of ours."""
        return f'SELECT count(*) FROM {self.table} WHERE "{self.column}" IS DISTINCT FROM ({self.expression})'


class Application:
    """Writes to a shop. Once `writes_column` is set, it writes the new column by itself."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.writes_column = False

    @property
    def deeds(self) -> list[Any]:
        return [self.insert, self.update, self.update, self.delete]

    def insert(self, connection: psycopg.Connection[Any], dice: random.Random) -> None:
        shop = self._shop
        columns, values = shop.columns, f"{shop.values}, 'new'"
        if self.writes_column:
            columns += f', "{shop.column}"'
            values += ", " + shop.value.format(source="'new'")
        sql = (
            f"INSERT INTO {shop.table} ({columns}) SELECT {values}"
            f" FROM (SELECT {dice.randrange(1_000_000, 900_000_000)} AS n) x ON CONFLICT DO NOTHING"
        )
        connection.execute(sql.encode())

    def update(self, connection: psycopg.Connection[Any], dice: random.Random) -> None:
        shop = self._shop
        changed = f"({shop.source} || '!')"
        sets = f"{shop.source} = {changed}"
        if self.writes_column:
            sets += f', "{shop.column}" = {shop.value.format(source=changed)}'
        where = shop.pick.format(n=dice.randrange(1, ROWS))
        connection.execute(f"UPDATE {shop.table} SET {sets} WHERE {where}".encode())

    def delete(self, connection: psycopg.Connection[Any], dice: random.Random) -> None:
        where = self._shop.pick.format(n=dice.randrange(1, ROWS))
        connection.execute(f"DELETE FROM {self._shop.table} WHERE {where}".encode())


def keyed(name: str, kind: str, key: str) -> Shop:
    """A table with one key column of type `kind`, whose value is `key` over a number `n`."""
    return Shop(
        name=name,
        create=f"CREATE TABLE t (id {kind} PRIMARY KEY, source text NOT NULL)",
        columns="id, source",
        values=key,
        pick=f"id = (SELECT {key} FROM (SELECT {{n}} AS n) x)",
    )


SHOPS = (
    keyed("int", "int", "n"),
    keyed("bigint with gaps", "bigint", "n::bigint * 1000003"),
    keyed("uuid", "uuid", "md5(n::text)::uuid"),
    keyed("text", "text", "'k' || n"),
    keyed("timestamp", "timestamptz", "'2026-01-01 00:00Z'::timestamptz + n * interval '1 millisecond'"),
    Shop(
        name="composite",
        create="CREATE TABLE t (tenant int, seq bigint, source text NOT NULL, PRIMARY KEY (tenant, seq))",
        columns="tenant, seq, source",
        values="n % 7, n",
        pick="tenant = {n} % 7 AND seq = {n}",
    ),
    Shop(
        name="unique and no primary key",
        create="CREATE TABLE t (code text NOT NULL UNIQUE, source text NOT NULL)",
        columns="code, source",
        values="'c' || n",
        pick="code = 'c{n}'",
    ),
    Shop(
        name="names that need quotes",
        create=(
            'CREATE SCHEMA "My Shop";'
            'CREATE TABLE "My Shop"."Bestell.ungen" ("Id ""x""" bigint PRIMARY KEY, "größe %" text NOT NULL)'
        ),
        columns='"Id ""x""", "größe %"',
        values="n",
        pick='"Id ""x""" = {n}',
        table='"My Shop"."Bestell.ungen"',
        toml_table='"My Shop"."Bestell.ungen"',
        source='"größe %"',
        column="neue Größe",
        value="upper({source}) || '%s'",
    ),
    Shop(
        name="partitioned",
        create=(
            "CREATE TABLE t (id bigint, part int, source text NOT NULL, PRIMARY KEY (id, part))"
            " PARTITION BY LIST (part);"
            "CREATE TABLE t_0 PARTITION OF t FOR VALUES IN (0); CREATE TABLE t_1 PARTITION OF t FOR VALUES IN (1);"
            "CREATE TABLE t_2 PARTITION OF t DEFAULT"
        ),
        columns="id, part, source",
        values="n, n % 3",
        pick="id = {n} AND part = {n} % 3",
    ),
)
