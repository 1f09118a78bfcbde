"""What the catalog says of a table: the relation, its columns, its key, its sizes, its partitions.

Only `sizes` needs a lock on the table, ACCESS SHARE for a moment, under the connection's lock timeout.
"""

from __future__ import annotations

from typing import NamedTuple

import psycopg

from console.change import TableName
from console.databases.base import NotFound
from console.databases.nearest import near_misses
from console.databases.postgresql.asking import fetch, fetch_one
from console.databases.postgresql.connect import Connection
from console.databases.postgresql.identifiers import qualified
from console.databases.postgresql.lab import LabColumn
from console.facts import Column, Key, TableKind

_SEARCHED = 5000  # names looked through for a near miss
_COUNTED = 2000  # pages; a table that was never analysed is counted up to here, and estimated beyond
_GUESSED = 60  # rows in a page, where we may not even ask the planner

# The rule of the catalog for what a name without a schema means.
_RELATION = """
SELECT c.oid::int8, n.nspname, c.relname, c.relkind::text, c.relpersistence::text, c.relispartition
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relname = %s AND CASE WHEN %s::text IS NULL THEN pg_table_is_visible(c.oid) ELSE n.nspname = %s END
   AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
"""

_KINDS: dict[str, TableKind] = {"r": "ordinary", "p": "partitioned", "f": "foreign", "v": "view"}


class Relation(NamedTuple):
    """A table, view or the like. `sql` is its qualified name, quoted."""

    oid: int
    schema: str
    name: str
    kind: TableKind
    sql: str


async def relation(connection: Connection, table: TableName) -> Relation:
    """The relation that the change file means. Raises NotFound, with what it may have meant."""
    row = await fetch_one(connection, _RELATION, table.name, table.schema, table.schema)
    if row is None:
        raise await _not_found(connection, table)
    oid, schema, name, relkind, persistence, is_partition = row
    kind = _KINDS.get(relkind, "other")
    if persistence == "t":
        kind = "temporary"
    elif is_partition and kind in ("ordinary", "partitioned"):
        kind = "partition"
    return Relation(oid, schema, name, kind, qualified(schema, name))


async def relation_or_none(connection: Connection, table: TableName) -> Relation | None:
    """The relation, or None where there is none."""
    try:
        return await relation(connection, table)
    except NotFound:
        return None


async def _not_found(connection: Connection, table: TableName) -> NotFound:
    rows = await fetch(
        connection,
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND n.nspname NOT LIKE 'pg\\_%%'"
        " AND n.nspname <> 'information_schema' ORDER BY c.relname = %s DESC, 1, 2 LIMIT %s",
        table.name,
        _SEARCHED,
    )
    elsewhere = [f"{schema}.{name}" for schema, name in rows if name == table.name]
    full = [f"{schema}.{name}" for schema, name in rows]
    bare = [name for _, name in rows]
    meant = elsewhere or near_misses(str(table), full if table.schema else bare)
    if not table.schema:
        meant = [f"{schema}.{name}" for schema, name in rows if name in meant] or meant
    where = "" if table.schema else " in the search path"
    return NotFound(
        f"there is no table {table}{where}",
        f"Did you mean {' or '.join(meant[:3])}?" if meant else "Correct [change] table",
    )


# The server's `attnotnull` is true from 18 on while a NOT NULL constraint is still NOT VALID.
_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod),
       NOT a.attnotnull OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid
           AND k.contype = 'n' AND a.attnum = ANY (k.conkey) AND NOT k.convalidated),
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
       a.attgenerated <> '',
       CASE WHEN a.attcollation <> t.typcollation THEN
           (SELECT quote_ident(n.nspname) || '.' || quote_ident(c.collname)
              FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace WHERE c.oid = a.attcollation) END
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
"""


async def columns(
    connection: Connection, table: Relation
) -> tuple[tuple[Column, ...], tuple[LabColumn, ...]]:
    """The table's columns in order, as facts, and as the lab wants them."""
    rows = await fetch(connection, _COLUMNS, table.oid)
    facts = tuple(
        Column(name=name, type=kind, nullable=nullable, default=default, generated=generated)
        for name, kind, nullable, default, generated, _ in rows
    )
    lab = tuple(
        LabColumn(name, kind if collation is None else f"{kind} COLLATE {collation}")
        for name, kind, _, _, _, collation in rows
    )
    return facts, lab


# A range of keys needs a unique btree over the whole table, checked at once, without NULLs, in one direction,
# ordered as the columns themselves compare.
_KEY = """
SELECT x.relname, i.indisprimary, array_agg(a.attname ORDER BY k.place),
       array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY k.place)
  FROM pg_index i
  JOIN pg_class x ON x.oid = i.indexrelid
  JOIN pg_am m ON m.oid = x.relam AND m.amname = 'btree'
  CROSS JOIN LATERAL unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[], i.indoption::int2[])
       WITH ORDINALITY AS k(attnum, opclass, ordering, option, place)
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
  JOIN pg_opclass o ON o.oid = k.opclass
 WHERE i.indrelid = %s AND i.indisunique AND i.indisvalid AND i.indisready AND i.indimmediate
   AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
 GROUP BY i.indexrelid, x.relname, i.indisprimary
HAVING bool_and(a.attnotnull AND o.opcdefault AND k.ordering = a.attcollation)
   AND count(DISTINCT k.option & 1) = 1
   AND NOT EXISTS (SELECT FROM pg_constraint n WHERE n.conrelid = %s AND n.contype = 'n' AND NOT n.convalidated
                      AND n.conkey && array_agg(a.attnum))
 ORDER BY i.indisprimary DESC, count(*), bool_and(a.attlen > 0) DESC, 1
 LIMIT 1
"""


async def key(connection: Connection, table: Relation) -> Key | None:
    """The key to walk: the primary key if it will do, else the narrowest unique index that does."""
    row = await fetch_one(connection, _KEY, table.oid, table.oid)
    if row is None:
        return None
    name, primary, names, types = row
    return Key(name=name, columns=tuple(names), types=tuple(types), primary=primary)


class Leaf(NamedTuple):
    """A table that holds rows: the table itself, or a leaf of a partitioned one."""

    oid: int
    sql: str
    kind: str
    """`pg_class.relkind`."""


# Through pg_inherits, because pg_partition_tree would lock every partition.
_LEAVES = """
WITH RECURSIVE tree AS (
    SELECT %s::oid AS oid
    UNION ALL
    SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid
      JOIN pg_class p ON p.oid = tree.oid AND p.relkind = 'p'
)
SELECT c.oid::int8, n.nspname, c.relname, c.relkind::text
  FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind <> 'p' ORDER BY n.nspname, c.relname
"""


async def leaves(connection: Connection, table: Relation) -> tuple[Leaf, ...]:
    """The tables that hold the rows, by name."""
    rows = await fetch(connection, _LEAVES, table.oid)
    return tuple(Leaf(oid, qualified(schema, name), kind) for oid, schema, name, kind in rows)


class Sizes(NamedTuple):
    """Rows (estimated), bytes of the table with its long values, of its indexes, and how many indexes."""

    rows: int
    bytes: int
    index_bytes: int
    indexes: int


_SIZES = """
SELECT c.oid::int8, c.reltuples::float8, c.relpages, pg_relation_size(c.oid) / current_setting('block_size')::int8,
       pg_table_size(c.oid), pg_indexes_size(c.oid), (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid)
  FROM pg_class c WHERE c.oid = ANY (%s::oid[]) AND c.relkind IN ('r', 'm', 't')
"""


async def sizes(connection: Connection, tables: tuple[Leaf, ...]) -> dict[int, Sizes]:
    """The sizes of each table, by oid. Raises psycopg's LockNotAvailable where one is locked."""
    rows = await fetch(connection, _SIZES, [table.oid for table in tables])
    by_oid = {row[0]: row for row in rows}
    found = {}
    for table in tables:
        if table.oid not in by_oid:
            found[table.oid] = Sizes(0, 0, 0, 0)
            continue
        _, tuples, pages, now, heap, index, count = by_oid[table.oid]
        # As the planner does: the density of the last vacuum or analyse, times the pages there are now.
        if now == 0:
            estimate = 0
        elif tuples > 0 and pages > 0:
            estimate = round(tuples / pages * now)
        else:
            estimate = await _never_analysed(connection, table.sql, now)
        found[table.oid] = Sizes(estimate, int(heap), int(index), count)
    return found


async def _never_analysed(connection: Connection, table: str, pages: int) -> int:
    try:
        if pages <= _COUNTED:
            (row,) = await fetch(connection, f"SELECT count(*) FROM ONLY {table}")
            return int(row[0])
        (plan,) = await fetch(connection, f"EXPLAIN (FORMAT JSON) SELECT FROM ONLY {table}")
    except psycopg.errors.InsufficientPrivilege:
        return pages * _GUESSED
    return int(plan[0][0]["Plan"]["Plan Rows"])
