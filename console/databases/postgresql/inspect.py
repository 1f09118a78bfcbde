"""The table as it is now: everything that a plan is made from. Looks only."""

from __future__ import annotations

import psycopg

from console.change import Change
from console.databases.base import BadExpression, DatabaseError, LockTimeout, NotFound
from console.databases.nearest import near_misses
from console.databases.postgresql import catalog, tokens
from console.databases.postgresql.asking import fetch, fetch_one
from console.databases.postgresql.connect import Connection, name_of
from console.databases.postgresql.errors import translate
from console.databases.postgresql.lab import Expression, Lab, LabColumn, Type
from console.facts import Column, Partition, Server, TableFacts

UNNAMED = "column_console_row"
"""What the lab calls the row of a partitioned table, which each partition's UPDATE knows by another name."""


async def inspect(connection: Connection, change: Change) -> TableFacts:
    """The table that the change is about, as it is now.

    Raises NotFound and BadExpression for what the change file names and the database does not have; LockTimeout
    where another session keeps us from looking, under the connection's own lock timeout; Refused.
    """
    try:
        return await _inspect(connection, change)
    except psycopg.errors.LockNotAvailable as error:
        raise await _locked(connection, change, error) from None
    except psycopg.Error as error:
        raise translate(error, f"looking at {change.table}") from None


async def _inspect(connection: Connection, change: Change) -> TableFacts:
    server = await server_of(connection)
    table = await catalog.relation(connection, change.table)
    columns, lab_columns = await catalog.columns(connection, table)
    _see_columns(change, columns)
    lab = lab_of(connection, table, lab_columns, change)
    type_ = await type_or_none(lab, change)
    value = await _value(lab, change, type_)
    await _default(connection, change, type_)
    leaves = await catalog.leaves(connection, table)
    sizes = await catalog.sizes(connection, leaves)
    reference = change.reference and await catalog.relation_or_none(connection, change.reference.table)
    return TableFacts(
        server=server,
        name=table.sql,
        schema=table.schema,
        kind=table.kind,
        key=await catalog.key(connection, table),
        columns=columns,
        rows=sum(size.rows for size in sizes.values()),
        bytes=sum(size.bytes for size in sizes.values()),
        index_bytes=sum(size.index_bytes for size in sizes.values()),
        index_count=max((size.indexes for size in sizes.values()), default=0),
        partitions=tuple(Partition(name=leaf.sql, rows=sizes[leaf.oid].rows) for leaf in leaves)
        if table.kind == "partitioned"
        else (),
        existing=next((column for column in columns if column.name == change.column), None),
        type=type_.name if type_ else "",
        value_constant=_constant(change, value),
        value_volatile=bool(value and value.volatile),
        value_columns=value.columns if value else (),
        before_triggers=await _before_triggers(connection, [table.oid, *(leaf.oid for leaf in leaves)]),
        reference_table=reference.sql if reference else "",
    )


async def server_of(connection: Connection) -> Server:
    """The server, by its own account."""
    row = await fetch_one(
        connection, "SELECT current_setting('server_version'), current_setting('server_version_num')::int"
    )
    assert row is not None
    return Server(
        kind="postgresql",
        version=row[0].split()[0],
        number=row[1],
        name=name_of(connection),
    )


def lab_of(
    connection: Connection, table: catalog.Relation, columns: tuple[LabColumn, ...], change: Change
) -> Lab:
    """A lab with the table's columns, all but the one to add: the value may not read it."""
    alias = UNNAMED if table.kind == "partitioned" else table.name
    return Lab(connection, alias, [column for column in columns if column.name != change.column])


async def type_or_none(lab: Lab, change: Change) -> Type | None:
    """The change's type; None where the server can't read it, which preflight reports with the reason."""
    try:
        return await lab.type(change.type)
    except BadExpression:
        return None


async def _value(lab: Lab, change: Change, type_: Type | None) -> Expression | None:
    if change.backfill is None:
        return None
    try:
        return await lab.value(change.backfill.value, type_)
    except BadExpression as error:
        if change.column in tokens.names(change.backfill.value) and f'"{change.column}"' in error.text:
            raise BadExpression(
                f"the value reads {change.column}, the column that it fills", "Compute it from other columns"
            ) from None
        raise


async def _default(connection: Connection, change: Change, type_: Type | None) -> None:
    if change.default is None:
        return
    if tokens.has_subquery(change.default):
        raise BadExpression("the default holds a query, which no default can", "Use a function or a constant")
    await Lab(connection, UNNAMED, ()).value(change.default, type_, "default")


def _constant(change: Change, value: Expression | None) -> bool:
    """Whether the value can be a default: what a default can't hold is not constant to us."""
    if value is None or change.backfill is None:
        return False
    return value.constant and not tokens.has_subquery(change.backfill.value)


def _see_columns(change: Change, columns: tuple[Column, ...]) -> None:
    known = [column.name for column in columns]
    for index in change.indexes:
        for name in index.columns:
            if name != change.column and name not in known:
                meant = near_misses(name, [change.column, *known])
                raise NotFound(
                    f"index {index.name} names column {name}, which {change.table} does not have",
                    f"Did you mean {' or '.join(meant)}?" if meant else "Correct [[indexes]] columns",
                )


# tgtype is a set of bits: 1 row, 2 before, 4 insert, 16 update (catalog/pg_trigger.h).
_BEFORE_TRIGGERS = """
SELECT DISTINCT tgname FROM pg_trigger
 WHERE tgrelid = ANY (%s::oid[]) AND NOT tgisinternal AND tgenabled IN ('O', 'A')
   AND tgtype & 3 = 3 AND tgtype & 20 <> 0 AND tgname NOT LIKE 'zz\\_column\\_console\\_%%'
 ORDER BY 1
"""


async def _before_triggers(connection: Connection, tables: list[int]) -> tuple[str, ...]:
    return tuple(name for (name,) in await fetch(connection, _BEFORE_TRIGGERS, tables))


_HOLDERS = """
SELECT l.pid, coalesce(a.usename, '?'), coalesce(a.application_name, ''), l.granted
  FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.relation = ANY (%s::oid[])
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
 ORDER BY l.granted DESC, l.pid LIMIT 3
"""


async def _locked(connection: Connection, change: Change, error: psycopg.Error) -> DatabaseError:
    """Who keeps us from looking; reads no more than the catalog and the lock table."""
    try:
        table = await catalog.relation(connection, change.table)
        leaves = await catalog.leaves(connection, table)
        rows = await fetch(connection, _HOLDERS, [table.oid, *(leaf.oid for leaf in leaves)])
    except psycopg.Error:
        return translate(error, f"looking at {change.table}")
    who = ", ".join(
        f"pid {pid} ({' '.join(filter(None, (user, application)))}"
        f"{'' if granted else ', itself waiting for it'})"
        for pid, user, application, granted in rows
    )
    return LockTimeout(
        f"{change.table} can't be looked at: another session locks it exclusively"
        + (f", {who}" if who else ""),
        "Wait until its DDL is done, or end it, then try again",
    )
