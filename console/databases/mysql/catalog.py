"""What the catalog says of a table: the table itself, its columns, its key, its sizes, its partitions.

All of it comes from `information_schema`, which takes no lock on the table that anybody could queue behind; only
counting a small table reads its rows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any, NamedTuple

from console.change import TableName
from console.databases.base import DatabaseError, NotFound
from console.databases.mysql.identifiers import qualified, quote
from console.databases.mysql.lane import Lane
from console.databases.nearest import near_misses
from console.facts import Column, Key, Partition, TableKind

_SEARCHED = 5000  # names looked through for a near miss
_COUNTED = 10_000
"""Rows up to which a table is counted; beyond, the server's estimate stands."""

_TABLE = """
SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, COALESCE(ENGINE, ''), COALESCE(ROW_FORMAT, ''),
       COALESCE(CREATE_OPTIONS, ''), COALESCE(TABLE_ROWS, 0), COALESCE(DATA_LENGTH, 0), COALESCE(INDEX_LENGTH, 0),
       COALESCE(TABLE_COLLATION, '')
  FROM information_schema.TABLES WHERE TABLE_SCHEMA = COALESCE(%s, DATABASE()) AND TABLE_NAME = %s
"""

SYSTEM = ("mysql", "information_schema", "performance_schema", "sys")


class Relation(NamedTuple):
    """A table, view or the like. `sql` is its qualified name, quoted; sizes are bytes, `rows` an estimate."""

    schema: str
    name: str
    kind: TableKind
    sql: str
    table_type: str
    """As the server calls it: `BASE TABLE`, `VIEW`, `SYSTEM VERSIONED`, `SEQUENCE`."""
    engine: str
    row_format: str
    options: str
    rows: int
    bytes: int
    index_bytes: int
    collation: str

    @property
    def is_table(self) -> bool:
        """Whether it has rows of its own."""
        return self.kind in ("ordinary", "partitioned")


async def relation(lane: Lane, table: TableName) -> Relation:
    """The table that the change file means. Raises NotFound, with what it may have meant."""
    if not lane.family.mariadb:
        # What the server remembers of a table's size may be a day old.
        await lane.execute("SET SESSION information_schema_stats_expiry = 0", what="looking at the table")
    rows = await lane.rows(_TABLE, (table.schema, table.name), what=f"looking at {table}")
    if not rows:
        raise await _not_found(lane, table)
    schema, name, table_type, engine, row_format, options, count, size, index_size, collation = rows[0]
    kind: TableKind = "other"
    if table_type in ("VIEW", "SYSTEM VIEW"):
        kind = "view"
    elif "TEMPORARY" in table_type:
        kind = "temporary"
    elif table_type in ("BASE TABLE", "SYSTEM VERSIONED"):
        kind = "partitioned" if "partitioned" in options else "ordinary"
    return Relation(
        schema,
        name,
        kind,
        qualified(schema, name),
        table_type,
        engine,
        row_format,
        options,
        int(count),
        int(size),
        int(index_size),
        collation,
    )


async def relation_or_none(lane: Lane, table: TableName) -> Relation | None:
    """The table, or None where there is none."""
    try:
        return await relation(lane, table)
    except NotFound:
        return None


async def _not_found(lane: Lane, table: TableName) -> NotFound:
    ((database,),) = await lane.rows("SELECT DATABASE()")
    if table.schema is None and database is None:
        return NotFound(
            f"which database {table} is in is not said",
            "Name it in [database] url, or write [change] table as DATABASE.TABLE",
        )
    rows = await lane.rows(
        "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN %s"
        " ORDER BY TABLE_SCHEMA = %s DESC, TABLE_NAME = %s DESC, 1, 2 LIMIT %s",
        (SYSTEM, table.schema or database, table.name, _SEARCHED),
    )
    elsewhere = [f"{schema}.{name}" for schema, name in rows if name == table.name]
    full = [f"{schema}.{name}" for schema, name in rows]
    here = [name for schema, name in rows if schema == database]
    meant = elsewhere or near_misses(str(table), full if table.schema else here)
    where = "" if table.schema else f" in database {database}"
    return NotFound(
        f"there is no table {table}{where}",
        f"Did you mean {' or '.join(meant[:3])}?" if meant else "Correct [change] table",
    )


class TableColumn(NamedTuple):
    """A column with what only MySQL and MariaDB say of it."""

    column: Column
    data_type: str
    """The type's bare name: `varchar`."""
    collation: str
    extra: str
    expression: str
    """What a generated column is computed from."""

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name


_COLUMNS = """
SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, COALESCE(GENERATION_EXPRESSION, ''),
       DATA_TYPE, COALESCE(COLLATION_NAME, '')
  FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY ORDINAL_POSITION
"""


async def columns(lane: Lane, table: Relation) -> tuple[TableColumn, ...]:
    """The columns, in order, types in the catalog's own spelling."""
    rows = await lane.rows(_COLUMNS, (table.schema, table.name), what=f"looking at {table.sql}")
    return tuple(
        TableColumn(
            Column(
                name=name,
                type=text_of(type_),
                nullable=nullable == "YES",
                default=lane.family.default_text(default if default is None else text_of(default)),
                generated=bool(expression),
            ),
            data_type,
            collation,
            extra,
            text_of(expression),
        )
        for name, type_, nullable, default, extra, expression, data_type, collation in rows
    )


def text_of(value: Any) -> str:
    """A text that some versions of the catalog send as bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


class IndexFacts(NamedTuple):
    """An index; each part is column (empty: an expression), prefix length (0: whole), `A` or `D`, nullable."""

    name: str
    unique: bool
    kind: str
    """`BTREE`, `FULLTEXT`, `SPATIAL`, `HASH`."""
    parts: tuple[tuple[str, int, str, bool], ...]
    virtual: bool
    """Whether it holds a column that is computed and not stored."""
    hidden: bool
    """Invisible or ignored: the server keeps it up, and reads nothing by it."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns, in order."""
        return tuple(name for name, *_ in self.parts)


async def indexes(lane: Lane, table: Relation, known: tuple[TableColumn, ...]) -> tuple[IndexFacts, ...]:
    """The indexes over the columns `known`, the primary key first."""
    virtual = {column.name for column in known if "VIRTUAL" in column.extra.upper()}
    rows = await lane.records(
        "SELECT * FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
        " ORDER BY INDEX_NAME = 'PRIMARY' DESC, INDEX_NAME, SEQ_IN_INDEX",
        (table.schema, table.name),
        what=f"looking at the indexes of {table.sql}",
    )
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[row["INDEX_NAME"]].append(row)
    return tuple(
        IndexFacts(
            name,
            not int(parts[0]["NON_UNIQUE"]),
            parts[0]["INDEX_TYPE"],
            tuple(
                (
                    part["COLUMN_NAME"] or "",
                    int(part["SUB_PART"] or 0),
                    part["COLLATION"] or "",
                    part["NULLABLE"] == "YES",
                )
                for part in parts
            ),
            any(part["COLUMN_NAME"] in virtual for part in parts),
            parts[0].get("IS_VISIBLE") == "NO" or parts[0].get("IGNORED") == "YES",
        )
        for name, parts in grouped.items()
    )


# Types whose order in the index is not the order in which their values compare, or whose text is not exact.
_UNWALKABLE = ("enum", "set", "float", "bit", "geometry", "json", "vector")
_FIXED_ZONE = re.compile(r"[-+]\d\d?:\d\d|(?i:(?:Etc/)?UTC)")


async def shifting_zone(lane: Lane) -> str:
    """The session's time zone, where an hour of it may come twice a year; empty: its offset is fixed."""
    ((session, system),) = await lane.rows("SELECT @@SESSION.time_zone, @@system_time_zone")
    zone = text_of(system if session == "SYSTEM" else session)
    return "" if _FIXED_ZONE.fullmatch(zone) else zone


def why_no_key(index: IndexFacts, by_name: dict[str, TableColumn], zone: str) -> str:
    """Why a unique index is no key to walk, as words; empty: it is one. `zone`: that of `shifting_zone`.

    A TIMESTAMP can only be compared in the session's zone: two moments of the hour that comes twice are one there.
    """
    reasons = []
    if index.kind != "BTREE":
        reasons.append(f"a {index.kind} index")
    if index.hidden:
        reasons.append("invisible")
    if any(not name for name, *_ in index.parts):
        reasons.append("over an expression")
    prefixes = [name for name, prefix, _, _ in index.parts if prefix]
    if prefixes:
        reasons.append(f"over the beginning of {', '.join(prefixes)}")
    nullable = [name for name, _, _, null in index.parts if null]
    if nullable:
        reasons.append(f"nullable {', '.join(nullable)}")
    if len({direction for _, _, direction, _ in index.parts}) > 1:
        reasons.append("ascending and descending")
    reasons += [
        f"{name} is {by_name[name].data_type}"
        for name in index.columns
        if name in by_name and by_name[name].data_type in _UNWALKABLE
    ]
    reasons += [
        f"{name} is timestamp, and not exact in the time zone {zone}, whose clocks change"
        for name in index.columns
        if zone and name in by_name and by_name[name].data_type == "timestamp"
    ]
    return ", ".join(reasons)


def key_of(found: tuple[IndexFacts, ...], known: tuple[TableColumn, ...], zone: str) -> Key | None:
    """The key to walk: the primary key, else the unique index with the fewest columns."""
    by_name = {column.name: column for column in known}
    fit = [index for index in found if index.unique and not why_no_key(index, by_name, zone)]
    if not fit:
        return None
    best = min(fit, key=lambda index: (index.name != "PRIMARY", len(index.parts)))
    parts = [by_name[name] for name in best.columns]
    return Key(
        name=best.name,
        columns=best.columns,
        types=tuple(part.column.type for part in parts),
        primary=best.name == "PRIMARY",
        collations=tuple(part.collation for part in parts),
    )


async def row_count(lane: Lane, table: Relation) -> int:
    """Rows: counted where they are few, else as the server estimates them."""
    try:
        ((counted,),) = await lane.rows(
            f"SELECT COUNT(*) FROM (SELECT 1 FROM {table.sql} LIMIT {_COUNTED + 1}) few"
        )
    except DatabaseError:
        return table.rows  # not permitted to read: preflight says so
    return int(counted) if counted <= _COUNTED else max(table.rows, int(counted))


async def partitions(lane: Lane, table: Relation) -> tuple[Partition, ...]:
    """The partitions, in order; none of a table that is not partitioned."""
    if table.kind != "partitioned":
        return ()
    rows = await lane.rows(
        "SELECT COALESCE(SUBPARTITION_NAME, PARTITION_NAME), COALESCE(TABLE_ROWS, 0)"
        " FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
        " AND PARTITION_NAME IS NOT NULL ORDER BY PARTITION_ORDINAL_POSITION, SUBPARTITION_ORDINAL_POSITION",
        (table.schema, table.name),
    )
    return tuple(Partition(name=quote(name), rows=int(count)) for name, count in rows)


async def before_triggers(lane: Lane, table: Relation) -> tuple[str, ...]:
    """Other BEFORE INSERT and BEFORE UPDATE triggers, in the order in which they fire."""
    rows = await lane.rows(
        "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = %s"
        " AND EVENT_OBJECT_TABLE = %s AND ACTION_TIMING = 'BEFORE' AND EVENT_MANIPULATION IN ('INSERT', 'UPDATE')"
        " ORDER BY EVENT_MANIPULATION, ACTION_ORDER",
        (table.schema, table.name),
    )
    return tuple(dict.fromkeys(name for (name,) in rows if not name.startswith("column_console_")))


class Stored(NamedTuple):
    """What InnoDB's own dictionary says of a table."""

    row_versions: int | None
    """Of the partition that has most; None where the server does not count them."""
    once_fulltext: bool
    """Whether the hidden column that a FULLTEXT index needs is there, index or not."""


async def stored(lane: Lane, table: Relation) -> Stored:
    """What InnoDB's dictionary says. Raises Refused without the right PROCESS."""
    family = lane.family
    view = "INNODB_SYS_TABLES" if family.mariadb else "INNODB_TABLES"
    counted = "0" if family.row_versions is None else "TOTAL_ROW_VERSIONS"
    exact = re.compile(f"{_in_files(table.schema)}/{_in_files(table.name)}(?:#[pP]#.*)?")
    like = f"{_like(table.schema)}/{_like(table.name)}%"
    rows = await lane.rows(
        f"SELECT NAME, TABLE_ID, {counted} FROM information_schema.{view} WHERE NAME LIKE %s",
        (like,),
        what="looking at InnoDB's dictionary",
    )
    ours = [row for row in rows if exact.fullmatch(row[0])]
    helpers = [f"{_like(table.schema)}/fts\\_{int(number):016x}\\_%" for _, number, _ in ours]
    once = False
    if helpers:
        condition = " OR ".join(["NAME LIKE %s"] * len(helpers))
        once = bool(
            await lane.rows(
                f"SELECT 1 FROM information_schema.{view} WHERE {condition} LIMIT 1",
                helpers,
                what="looking at InnoDB's dictionary",
            )
        )
    versions = [int(count) for *_, count in ours]
    return Stored(max(versions, default=None) if family.row_versions is not None else None, once)


def _in_files(name: str) -> str:
    """A pattern for a name as InnoDB's dictionary spells it: what is no letter or digit becomes `@` and a code.

    >>> re.fullmatch(_in_files("a.b ü"), "a@002eb@0020@1o") is not None
    True
    """
    return "".join(
        character
        if re.fullmatch("[0-9A-Za-z_]", character)
        else f"@{ord(character):04x}"
        if ord(character) < 128
        else "@(?:[0-9a-zA-Z]{2}|[0-9a-f]{4})"
        for character in name
    )


def _like(name: str) -> str:
    """The same for LIKE, as near as LIKE comes."""
    return "".join(
        "%" if ord(character) >= 128 else re.sub("([_%\\\\])", r"\\\1", _in_files(character))
        for character in name
    )
