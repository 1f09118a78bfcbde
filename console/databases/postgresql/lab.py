"""Expressions tried out on a row of NULLs that has the table's columns: no lock, no right on the table needed.

What an expression is, the server's own parser and planner tell:

- a set that the planner may not flatten, because of a volatile function in it, stays a node of its own in the plan;
- `x IS NULL AND x IS NOT NULL` is proved false, under constraint_exclusion, only where x is immutable;
- an expression reads exactly the columns without which it no longer parses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import psycopg

from console.databases.base import BadExpression
from console.databases.postgresql import tokens
from console.databases.postgresql.asking import explained, fetch_one, probe
from console.databases.postgresql.connect import Connection
from console.databases.postgresql.expression_errors import explain
from console.databases.postgresql.identifiers import quote

Volatility = Literal["immutable", "stable", "volatile"]

_MARK = "column_console_mark"


class LabColumn(NamedTuple):
    """A column of the row: its name, and its type as SQL, collation included."""

    name: str
    type: str


class Type(NamedTuple):
    """A type as the server reads it, in the catalog's spelling; `kind` is `pg_type.typtype`."""

    name: str
    oid: int
    modifier: int
    kind: str


class Expression(NamedTuple):
    """What the server says of an expression."""

    type: str
    columns: tuple[str, ...]
    """The columns of the row that it reads, in the table's order."""
    volatility: Volatility
    calls: tuple[str, ...]
    """Names of the functions it calls, those that an inlined function calls included."""

    @property
    def volatile(self) -> bool:
        """May differ each time it is computed."""
        return self.volatility == "volatile"

    @property
    def constant(self) -> bool:
        """The same for every row."""
        return not self.columns and not self.volatile


class Lab:
    """Tries expressions out on the columns of one table, which the row calls `alias`."""

    def __init__(self, connection: Connection, alias: str, columns: Sequence[LabColumn]) -> None:
        self._connection = connection
        self._name = alias
        self._alias = quote(alias)
        self._columns = tuple(columns)

    def with_column(self, name: str, type_: str) -> Lab:
        """The same with one more column."""
        return Lab(self._connection, self._name, (*self._columns, LabColumn(name, type_)))

    def _row(self, without: str | None = None, alias: str | None = None) -> str:
        columns = ", ".join(
            f"NULL::{column.type} AS {quote(column.name)}"
            for column in self._columns
            if column.name != without
        )
        # OFFSET 0 keeps the planner from folding the NULLs into the expression.
        return f"(SELECT {columns} FROM (VALUES (1), (2)) AS two OFFSET 0) AS {alias or self._alias}"

    async def value(self, text: str, type_: Type | None, what: str = "value") -> Expression:
        """What the expression is, and that a column of `type_` takes it. Raises BadExpression."""
        tokens.one_expression(text, what)
        read = await self._parsed(text, what)
        await self._no_whole_row(text, what)
        columns = await self._columns_read(text)
        # Where rows are picked, the server takes neither aggregates nor sets, as in an UPDATE's SET.
        contradiction = await self._plan(
            f"SELECT 1 FROM {self._row()} WHERE (", text, f") IS NULL AND ({text}) IS NOT NULL", what
        )
        flattened = await self._plan(
            f"SELECT {_MARK}.v, {_MARK}.v FROM (SELECT (",
            text,
            f") AS v FROM {self._row()}) AS {_MARK}",
            what,
        )
        shown = [*_texts(contradiction), *_texts(flattened)]
        if type_ is not None:
            await self._taken(text, read, type_, what)
        volatility: Volatility = "stable"
        if _keeps_mark(flattened):
            volatility = "volatile"
        elif contradiction.get("One-Time Filter") == "false":
            volatility = "immutable"
        called = dict.fromkeys(name for line in [text, *shown] for name in tokens.calls(line))
        return Expression(read.name, columns, volatility, tuple(called))

    async def condition(self, text: str, what: str) -> Expression:
        """What a condition over the row is. Raises BadExpression where it is none."""
        boolean = Type("boolean", 16, -1, "b")
        return await self.value(text, boolean, what)

    async def type(self, text: str) -> Type:
        """The type that the text names. Raises BadExpression, also where the text says more than a type."""
        tokens.one_expression(text, "type")
        # The wire tells of a domain the type beneath it. A subquery without rows never checks a domain's rules.
        prefix = "SELECT (SELECT CAST(NULL AS "
        none = f"{text}) WHERE false)"
        try:
            probed = await probe(
                self._connection, f"{prefix}{none}, pg_typeof((SELECT CAST(NULL AS {none})::oid::int8"
            )
        except psycopg.Error as error:
            raise explain(error, "type", text, len(prefix)) from None
        # An undecided pseudo-type (anyelement, unknown) reads as text in a cast.
        pseudo = await fetch_one(
            self._connection,
            "SELECT oid::int8 FROM pg_type WHERE oid = to_regtype(%s) AND typtype = 'p'",
            text,
        )
        return await self._type(pseudo[0] if pseudo else probed.rows[0][1], probed.types[0][1])

    async def _type(self, oid: int, modifier: int) -> Type:
        row = await fetch_one(
            self._connection,
            "SELECT format_type(oid, %s), typtype::text FROM pg_type WHERE oid = %s",
            modifier,
            oid,
        )
        assert row is not None
        return Type(row[0], oid, modifier, row[1])

    async def _parsed(self, text: str, what: str) -> Type:
        prefix = "SELECT ("
        try:
            probed = await probe(self._connection, f"{prefix}{text}) AS v FROM {self._row()} WHERE false")
        except psycopg.Error as error:
            names = [column.name for column in self._columns]
            raise explain(error, what, text, len(prefix), names) from None
        return await self._type(*probed.types[0])

    async def _plan(self, before: str, text: str, after: str, what: str) -> dict[str, Any]:
        await fetch_one(self._connection, "SELECT set_config('constraint_exclusion', 'on', false)")
        try:
            return await explained(self._connection, f"{before}{text}{after}")
        except psycopg.Error as error:
            raise explain(error, what, text, len(_EXPLAIN) + len(before)) from None

    async def _columns_read(self, text: str) -> tuple[str, ...]:
        mentioned = tokens.names(text)
        every = tokens.has_escaped_names(text)
        candidates = [column.name for column in self._columns if every or column.name in mentioned]
        return tuple([name for name in candidates if not await self._parses_without(text, name)])

    async def _parses_without(self, text: str, column: str) -> bool:
        try:
            await probe(self._connection, f"SELECT ({text}) AS v FROM {self._row(column)} WHERE false")
        except psycopg.Error as error:
            if error.sqlstate is None:
                raise
            return False
        return True

    async def _taken(self, text: str, read: Type, wanted: Type, what: str) -> None:
        """Sees that an assignment takes the value, which allows more than comparing and less than a cast."""
        row = await fetch_one(self._connection, _ASSIGNABLE, read.oid, wanted.oid)
        if row is not None and row[0]:
            return
        # A literal has no type of its own yet, and here takes the column's.
        prefix = f"SELECT CASE WHEN false THEN NULL::{wanted.name} ELSE ("
        try:
            await probe(self._connection, f"{prefix}{text}) END FROM {self._row()} WHERE false")
        except psycopg.Error as error:
            if error.sqlstate in ("42804", "42846"):
                raise BadExpression(
                    f"the {what} is of type {read.name}, which a column of type {wanted.name} does not take",
                    f"Cast it: ({text})::{wanted.name}"
                    if read.name != "record"
                    else "Give one SQL expression",
                ) from None
            raise explain(error, what, text, len(prefix)) from None

    async def _no_whole_row(self, text: str, what: str) -> None:
        """Raises BadExpression where the row stands by itself, and not only as `orders.id`."""
        known = any(column.name == self._name for column in self._columns)
        if known or not tokens.mentions_alone(text, self._name):
            return
        try:
            await probe(self._connection, f"SELECT ({text}) AS v FROM {self._row(alias=_MARK)} WHERE false")
        except psycopg.Error as error:
            if error.sqlstate is None:
                raise
            raise BadExpression(
                f"the {what} takes the whole row, the new column with it", "Name the columns it needs"
            ) from None


_EXPLAIN = "EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) "

# Parser rules for assignment: the same type; a cast for assignment; any type to a string; element by element.
_ASSIGNABLE = """
WITH RECURSIVE step AS (
    SELECT side, oid FROM (VALUES ('s', %s::oid), ('t', %s::oid)) AS given(side, oid)
    UNION ALL
    SELECT step.side, t.typbasetype FROM step JOIN pg_type t ON t.oid = step.oid WHERE t.typtype = 'd'
), base AS (
    SELECT step.side, t.* FROM step JOIN pg_type t ON t.oid = step.oid WHERE t.typtype <> 'd'
)
SELECT s.oid = t.oid OR t.typcategory = 'S' OR EXISTS (
    SELECT FROM pg_cast WHERE castcontext IN ('i', 'a')
       AND ((castsource = s.oid AND casttarget = t.oid)
         OR (s.typcategory = 'A' AND t.typcategory = 'A' AND castsource = s.typelem AND casttarget = t.typelem)))
  FROM base s, base t WHERE s.side = 's' AND t.side = 't'
"""


def _texts(node: Any) -> Iterator[str]:
    """Every text in a plan."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for part in node.values():
            yield from _texts(part)
    elif isinstance(node, list):
        for part in node:
            yield from _texts(part)


def _keeps_mark(plan: dict[str, Any]) -> bool:
    return plan.get("Alias") == _MARK
