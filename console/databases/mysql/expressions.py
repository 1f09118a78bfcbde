"""Expressions of the change file, read by the server itself, and nothing made for it.

A lab asks the server to parse the expression over the table's columns, and reads nothing. Whether it gives the same
each time, the server's own rule for stored generated columns tells: an ALTER TABLE that can't run (the session is
read-only, and there is no such table) is refused for the expression first, if there is anything to refuse in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import pymysql

from console.databases.base import BadExpression, DatabaseError
from console.databases.mysql import tokens
from console.databases.mysql.catalog import Relation, TableColumn
from console.databases.mysql.errors import number_of
from console.databases.mysql.expression_errors import explain
from console.databases.mysql.identifiers import literal, quote
from console.databases.mysql.lane import Lane
from console.databases.mysql.types import Type, cast_as, read_type, takes_literal

# Functions by what their result depends on, beside the row. From the manuals' chapters on functions.
VOLATILE = {
    *("rand", "uuid", "uuid_short", "uuid_v4", "uuid_v7", "sys_guid", "random_bytes"),
    *(
        "now",
        "sysdate",
        "current_timestamp",
        "localtime",
        "localtimestamp",
        "curdate",
        "current_date",
        "curtime",
    ),
    *(
        "current_time",
        "utc_date",
        "utc_time",
        "utc_timestamp",
        "connection_id",
        "last_insert_id",
        "row_count",
    ),
    *(
        "found_rows",
        "sleep",
        "get_lock",
        "release_lock",
        "is_free_lock",
        "is_used_lock",
        "benchmark",
        "load_file",
    ),
    *("nextval", "lastval", "setval", "source_pos_wait", "master_pos_wait", "ps_current_thread_id"),
}
SETTINGS = {
    *("from_unixtime", "unix_timestamp", "dayname", "monthname", "date_format", "time_format", "str_to_date"),
    *("week", "yearweek", "database", "schema", "user", "session_user", "system_user", "current_user"),
    *("current_role", "version", "charset", "collation", "password", "encrypt"),
}

NOTHING = "(SELECT 1 AS column_console) AS column_console"
"""One row to compute over; without a table, MariaDB keeps an earlier statement's warnings."""
_NOWHERE = "column_console_nowhere"
_REFUSES = (3102, 3763, 3772, 3593, 1901)
"""What a generated column's expression may not hold, on MySQL and MariaDB."""
_COULD_NOT_RUN = (1044, 1046, 1142, 1146, 1290, 1792, 1836)
"""The ALTER was understood, and refused for want of a right, a table or a writable session."""

_REFUSED_NAME = re.compile(r"disallowed function: (.+?)\.?$|Function or expression '(.+?)' cannot", re.DOTALL)


class Expression(NamedTuple):
    """What the server read an expression as."""

    columns: tuple[str, ...]
    """The row's columns that it reads."""
    volatile: tuple[str, ...]
    """What makes it give another result each time: functions, variables, stored functions, by name."""
    settings: tuple[str, ...]
    """What makes it depend on the session's settings."""
    query: bool
    """Whether it holds a query of its own."""

    @property
    def constant(self) -> bool:
        """Whether it is the same for every row, whoever computes it and when."""
        return not (self.columns or self.volatile or self.settings or self.query)


class OverNew(NamedTuple):
    """A value over the columns of NEW, or why it can't be written so."""

    sql: str
    why_not: str = ""


class Lab:
    """Expressions over a table's columns. `columns` leaves out the column to add: the value may not read it."""

    def __init__(self, lane: Lane, table: Relation, columns: Sequence[TableColumn], sql_mode: str) -> None:
        self._lane = lane
        self._table = table
        self._columns = {column.name: column for column in columns}
        self._pipes = "PIPES_AS_CONCAT" in sql_mode.split(",")
        self._real_as_float = "REAL_AS_FLOAT" in sql_mode.split(",")

    @classmethod
    async def open(cls, lane: Lane, table: Relation, columns: Sequence[TableColumn]) -> Lab:
        """A lab on a lane, which must be read-only."""
        ((mode,),) = await lane.rows("SELECT @@SESSION.sql_mode")
        return cls(lane, table, columns, mode)

    # -- Types

    async def type(self, text: str) -> Type:
        """The type that the text names. Raises BadExpression, also where the text says more than a type."""
        type_ = read_type(text, self._lane.family, real_as_float=self._real_as_float)
        await self._parses(f"ADD COLUMN c {text}", "type", text)
        return type_

    async def _parses(self, clause: str, what: str, text: str) -> None:
        try:
            await self._alter(clause)
        except DatabaseError as error:
            raise explain(error, what, text, self._names) from None

    async def _alter(self, clause: str) -> None:
        """Has the server parse a clause of ALTER TABLE. Raises what it says of the clause itself."""
        try:
            await self._lane.execute(f"ALTER TABLE {quote(_NOWHERE)} {clause}", what="the lab")
        except DatabaseError as error:
            if _number(error) not in _COULD_NOT_RUN:
                raise

    # -- Values

    async def value(self, text: str, what: str = "value") -> Expression:
        """What the expression is. Raises BadExpression."""
        tokens.one_expression(text, what)
        self._no_quoted_names(text, what)
        if "||" in text and not self._pipes and tokens.joins(text):
            raise BadExpression(f"the {what} holds ||, which means OR here", "Write CONCAT(a, b), or OR")
        row = self._row()
        await self._try(f"SELECT ({text}) AS v FROM {row} LIMIT 0", text, what)
        # Where rows are picked, the server takes no aggregate, as in an UPDATE's SET.
        await self._try(f"SELECT 1 FROM {row} WHERE ({text}) IS NULL LIMIT 0", text, what)
        return Expression(
            columns=await self._columns_read(text),
            volatile=await self._volatile(text),
            settings=self._settings(text),
            query=tokens.has_subquery(text),
        )

    async def default(self, text: str, type_: Type | None) -> str:
        """A default as it stands after DEFAULT. Raises BadExpression."""
        tokens.one_expression(text, "default")
        self._no_quoted_names(text, "default")
        if tokens.has_subquery(text):
            raise BadExpression(
                "the default holds a query, which no default can", "Use a function or a constant"
            )
        await self._try(f"SELECT ({text}) AS v LIMIT 0", text, "default")
        stored = await self._stored_functions(text)
        if stored:
            raise BadExpression(
                f"the default calls a stored function ({stored[0]}), which no default can",
                "Use a function of the server's, or a constant",
            )
        sql = self._default_sql(text, type_)
        await self._parses(f"ALTER COLUMN c SET DEFAULT {sql}", "default", text)
        return sql

    def _default_sql(self, text: str, type_: Type | None) -> str:
        if text.strip().upper() == "NULL":
            return "NULL"
        if not tokens.plain_literal(text):
            return f"({text})"
        if type_ is None or takes_literal(type_, self._lane.family):
            return text.strip()
        # A literal in brackets is still one to ALTER COLUMN (error 1101, MySQL 9.7); the value of a function is none.
        return f"(CONCAT({text}))"

    async def literal(self, text: str, type_: Type) -> str:
        """A constant as a literal that can be a column's default; empty: it can't be one.

        The server computes it, and turns it into the type as it does for a row.
        """
        if not takes_literal(type_, self._lane.family):
            return ""
        if tokens.plain_literal(text):
            return text.strip()
        target = cast_as(type_)
        if not target:
            return ""
        of_bytes = target.startswith("BINARY")
        shown = f"HEX({text})" if of_bytes else f"CAST(CAST(({text}) AS {target}) AS CHAR)"
        value, warned = await self.computed(f"SELECT {shown} FROM {NOTHING}")
        if value is None or warned:
            return ""
        if of_bytes:
            return f"X'{value}'"
        return value if re.fullmatch(r"-?\d+(\.\d+)?", value) and type_.is_number else literal(value)

    async def computed(self, query: str) -> tuple[str | None, list[str]]:
        """The only field of a query as text, and what the server warned of. Raises DatabaseError."""

        def ask(connection: pymysql.Connection) -> tuple[str | None, list[str]]:
            with connection.cursor() as cursor:
                cursor.execute(f"/* column-console */ {query}")
                row = cursor.fetchone()
                cursor.execute("SHOW WARNINGS LIMIT 3")
                warnings = [str(warning[2]) for warning in cursor.fetchall()]
                value = row[0] if row else None
                return None if value is None else _text(value), warnings

        return await self._lane.call(ask, what="computing the value")

    async def over_new(self, text: str, read: Expression, before: Sequence[str] = ()) -> OverNew:
        """The value over the columns of NEW, as the server understands it too.

        `before`: other BEFORE triggers. What they change, a generated column in NEW does not show (tried on both).
        """
        if read.query:
            return OverNew("", "it holds a query, whose names can't be told from the row's")
        for name in read.columns:
            column = self._columns[name]
            if "auto_increment" in column.extra:
                return OverNew(
                    "", f"it reads {quote(name)}, whose number is not there yet when a trigger fires"
                )
            if column.column.generated and before:
                why = f"which does not show what trigger {before[0]} changes"
                return OverNew("", f"it reads the generated column {quote(name)}, {why}")
        sql = self._rewritten(text, "NEW")
        table = self._table.sql
        try:
            # Over two tables, a column that was left as it is would be ambiguous.
            await self._lane.rows(f"SELECT ({sql}) AS v FROM {table} AS `NEW` JOIN {table} AS `OLD` LIMIT 0")
        except DatabaseError:
            return OverNew("", "its columns can't be told from other names in it")
        return OverNew(sql)

    # -- Inside

    @property
    def _names(self) -> list[str]:
        return list(self._columns)

    def _rewritten(self, text: str, row: str) -> str:
        folded = {tokens.fold(name): name for name in self._columns}
        return tokens.over_row(text, folded, self._table.name, self._table.schema, row)

    def _row(self, without: str | None = None) -> str:
        """The table's columns without the one to add, under the table's own name."""
        names = ", ".join(quote(name) for name in self._columns if name != without) or "1"
        return f"(SELECT {names} FROM {self._table.sql}) AS {quote(self._table.name)}"

    async def _try(self, query: str, text: str, what: str) -> None:
        try:
            await self._lane.rows(query, what=f"the {what}")
        except DatabaseError as error:
            raise explain(error, what, text, self._names) from None

    async def _columns_read(self, text: str) -> tuple[str, ...]:
        mentioned = tokens.names(text)
        candidates = [name for name in self._columns if tokens.fold(name) in mentioned]
        return tuple([name for name in candidates if not await self._parses_without(text, name)])

    async def _parses_without(self, text: str, column: str) -> bool:
        try:
            await self._lane.rows(f"SELECT ({text}) AS v FROM {self._row(column)} LIMIT 0")
        except DatabaseError as error:
            if _number(error) not in (1054, 1109, 1247):
                raise
            return False
        return True

    def _settings(self, text: str) -> tuple[str, ...]:
        called = [name for name in tokens.calls(text) if name in SETTINGS and not _of_now(name, text)]
        variables = [name for name in tokens.variables(text) if name.startswith("@@")]
        return tuple(called + variables)

    async def _volatile(self, text: str) -> tuple[str, ...]:
        called = tokens.calls(text)
        named = [name for name in called if name in VOLATILE or _of_now(name, text)]
        named += [name for name in tokens.variables(text) if not name.startswith("@@")]
        named += await self._stored_functions(text, deterministic=False)
        if named or tokens.has_subquery(text):
            return tuple(dict.fromkeys(named))
        refused = await self._refused(text)
        stored = [name.lower() for name in await self._stored_functions(text)]
        if refused is None or refused in SETTINGS or refused in stored or refused.startswith("@"):
            return ()
        return (refused,)

    async def _refused(self, text: str) -> str | None:
        """What a stored generated column may not be computed with, by the server's rules; None: nothing."""
        try:
            await self._alter(f"ADD COLUMN c INT GENERATED ALWAYS AS ({text}) STORED")
        except DatabaseError as error:
            if _number(error) not in _REFUSES:
                raise explain(error, "value", text, self._names) from None
            if _number(error) == 3772:
                return "@"
            found = _REFUSED_NAME.search(_message(error))
            name = next((part for part in found.groups() if part), "") if found else ""
            return name.replace("`", "").removesuffix("()").lower() or "a function"
        return None

    async def _stored_functions(self, text: str, *, deterministic: bool | None = None) -> list[str]:
        """The stored functions that the text calls; with `deterministic` given, those that are said to be (not) so."""
        called = tokens.calls(text)
        if not called:
            return []
        rows = await self._lane.rows(
            "SELECT ROUTINE_NAME, IS_DETERMINISTIC FROM information_schema.ROUTINES"
            " WHERE ROUTINE_TYPE = 'FUNCTION' AND ROUTINE_NAME IN %s",
            (called,),
        )
        return [name for name, said in rows if deterministic is None or (said == "YES") is deterministic]

    def _no_quoted_names(self, text: str, what: str) -> None:
        """Raises BadExpression where a column stands in double quotes, which make it a text here."""
        for token in tokens.tokens(text):
            if token.kind == "literal" and token.text.startswith('"'):
                inside = token.text[1:-1]
                if tokens.fold(inside) in map(tokens.fold, self._columns):
                    raise BadExpression(
                        f'the {what} holds "{inside}", which is a text here, not the column',
                        f"Write {quote(inside)}, or '{inside}' if the text is meant",
                    )


def _of_now(name: str, text: str) -> bool:
    """Whether the function is one that tells the time where it is given nothing."""
    return name == "unix_timestamp" and "unix_timestamp()" in text.replace(" ", "").lower()


def _number(error: DatabaseError) -> int:
    return number_of(error.__cause__) if isinstance(error.__cause__, pymysql.Error) else 0


def _message(error: DatabaseError) -> str:
    cause = error.__cause__
    return str(cause.args[1]) if cause is not None and len(cause.args) > 1 else error.text


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
