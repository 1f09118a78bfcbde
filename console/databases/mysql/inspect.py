"""The table as it is now: everything that a plan is made from. Looks only."""

from __future__ import annotations

from typing import NamedTuple

from console.change import Change
from console.databases.base import BadExpression, DatabaseError, NotFound
from console.databases.mysql import catalog, tokens
from console.databases.mysql.catalog import IndexFacts, Relation, TableColumn
from console.databases.mysql.earlier_runs import with_earlier_runs
from console.databases.mysql.expressions import Expression, Lab, OverNew
from console.databases.mysql.instant import instant
from console.databases.mysql.lane import Lane
from console.databases.mysql.types import Type, placeholder
from console.databases.nearest import near_misses
from console.facts import Instant, Server, TableFacts


class Seen(NamedTuple):
    """What the facts were made from, which preflight looks at further."""

    facts: TableFacts
    relation: Relation
    columns: tuple[TableColumn, ...]
    indexes: tuple[IndexFacts, ...]
    lab: Lab
    type: Type | None
    zone: str
    """`catalog.shifting_zone`."""


async def inspect(lane: Lane, change: Change) -> TableFacts:
    """The table that the change is about, as it is now. The lane must be read-only.

    Raises NotFound and BadExpression for what the change file names and the database does not have; Refused.
    """
    return (await see(lane, change)).facts


async def see(lane: Lane, change: Change) -> Seen:
    """The facts, with what they were made from."""
    await lane.open()
    table = await catalog.relation(lane, change.table)
    columns = await catalog.columns(lane, table)
    indexes = await catalog.indexes(lane, table, columns)
    _see_columns(change, columns)
    existing = next((column for column in columns if _same(column.name, change.column)), None)
    lab = await Lab.open(lane, table, [column for column in columns if column is not existing])
    type_ = await type_or_none(lab, change)
    reads_rows = table.is_table
    before = await catalog.before_triggers(lane, table)
    value = await _value(lab, change, type_, before) if reads_rows else None
    reference = change.reference and await catalog.relation_or_none(lane, change.reference.table)
    at_once = await _instant(lane, table, columns, indexes)
    zone = await catalog.shifting_zone(lane)
    facts = TableFacts(
        server=await server_of(lane),
        name=table.sql,
        schema=table.schema,
        kind=table.kind,
        key=catalog.key_of(indexes, columns, zone),
        columns=tuple(column.column for column in columns),
        rows=await catalog.row_count(lane, table) if reads_rows else 0,
        bytes=table.bytes,
        index_bytes=table.index_bytes,
        index_count=len(indexes),
        partitions=await catalog.partitions(lane, table),
        existing=existing.column if existing else None,
        type=type_.spelled if type_ else "",
        # Where it is no default that can be added at once, a constant is filled in as any other value.
        value_constant=bool(value and value.literal and at_once.possible),
        value_columns=value.read.columns if value else (),
        value_literal=value.literal if value else "",
        value_volatile=bool(value and value.read.volatile),
        value_volatile_names=value.read.volatile if value else (),
        value_over_new=value.over_new.sql if value else "",
        value_over_new_why_not=value.over_new.why_not if value else "",
        default_sql=await lab.default(change.default, type_) if change.default is not None else "",
        before_triggers=before,
        stamped_columns=tuple(column.name for column in columns if "on update" in column.extra.lower()),
        reference_table=reference.sql if reference else "",
        instant=at_once,
        placeholder=placeholder(type_, lane.family) if type_ else "",
    )
    facts = await with_earlier_runs(lane, change, facts, indexes)
    return Seen(facts, table, columns, indexes, lab, type_, zone)


async def server_of(lane: Lane) -> Server:
    """The server, by its own account."""
    family = lane.family
    return Server(kind=family.name, version=family.version, number=family.number, name=lane.address.name)


async def type_or_none(lab: Lab, change: Change) -> Type | None:
    """The change's type; None where the server can't read it, which preflight reports with the reason."""
    try:
        return await lab.type(change.type)
    except BadExpression:
        return None


class _Value(NamedTuple):
    read: Expression
    literal: str
    over_new: OverNew


async def _value(lab: Lab, change: Change, type_: Type | None, before: tuple[str, ...]) -> _Value | None:
    if change.backfill is None:
        return None
    text = change.backfill.value
    try:
        read = await lab.value(text)
    except BadExpression as error:
        if tokens.fold(change.column) in tokens.names(text) and change.column.lower() in error.text.lower():
            raise BadExpression(
                f"the value reads {change.column}, the column that it fills", "Compute it from other columns"
            ) from None
        raise
    constant = read.constant and type_ is not None
    return _Value(
        read,
        await lab.literal(text, type_) if constant and type_ else "",
        await lab.over_new(text, read, before),
    )


async def _instant(
    lane: Lane, table: Relation, columns: tuple[TableColumn, ...], indexes: tuple[IndexFacts, ...]
) -> Instant:
    try:
        stored = await catalog.stored(lane, table)
    except DatabaseError:
        stored = None  # without PROCESS: preflight says so
    allowed = ""
    if lane.family.mariadb:
        rows = await lane.rows("SHOW GLOBAL VARIABLES LIKE 'innodb_instant_alter_column_allowed'")
        allowed = rows[0][1] if rows else ""
    return instant(table, columns, indexes, family=lane.family, stored=stored, allowed=allowed)


def _same(one: str, other: str) -> bool:
    return tokens.fold(one) == tokens.fold(other)


def _see_columns(change: Change, columns: tuple[TableColumn, ...]) -> None:
    known = [column.name for column in columns]
    folded = {tokens.fold(name) for name in (change.column, *known)}
    for index in change.indexes:
        for name in index.columns:
            if tokens.fold(name) not in folded:
                meant = near_misses(name, [change.column, *known])
                raise NotFound(
                    f"index {index.name} names column {name}, which {change.table} does not have",
                    f"Did you mean {' or '.join(meant)}?" if meant else "Correct [[indexes]] columns",
                )
