"""Traces that an application leaves: rows that it wrote lately, and statements of its that read the column. Pure.

"The rows written since" are found by their `xmin` in two places: the newest keys, and the last pages of the heap,
where inserts and non-HOT updates land. That costs the same on a table of any size, and samples what it can't see
whole; the evidence says how many rows it saw.
"""

from __future__ import annotations

from collections.abc import Iterator

from console.change import Change
from console.databases.base import KeyValue
from console.databases.postgresql.identifiers import literal, quote
from console.databases.postgresql.sessions import OURS
from console.databases.postgresql.tokens import names, tokens
from console.databases.postgresql.walk import Walk
from console.databases.sql_text import Token
from console.facts import TableFacts

TAIL_PAGES = 200
TAIL_ROWS = 2000
ONE_BY_ONE = 50
"""Rows looked at each by itself, where the expression fails on some row."""
INTERACTIVE = (
    *("psql", "pgcli", "pgadmin", "dbeaver", "datagrip", "tableplus", "postico", "navicat", "beekeeper"),
    *("pg_dump", "pg_restore"),
)
"""How the names of programs begin that people use, in small letters: what they read says nothing of a deploy."""


def pieces(facts: TableFacts) -> tuple[str, ...]:
    """The relations that hold the rows."""
    return tuple(part.name for part in facts.partitions) if facts.kind == "partitioned" else (facts.name,)


def newest(change: Change, walk: Walk, piece: str, where: str = "true") -> str:
    """The rows of a piece with the greatest keys, called as the table is, so that the value may name it."""
    order = ", ".join(f"{column} DESC" for column in walk.columns)
    return (
        f"(SELECT * FROM {piece} WHERE {where} ORDER BY {order} LIMIT {TAIL_ROWS}) {quote(change.table.name)}"
    )


def beyond(change: Change, walk: Walk, piece: str, last: KeyValue | None) -> str:
    """As `newest`, of the rows whose key is greater than `last`."""
    return newest(change, walk, piece, walk.within(walk.bound(last) if last else None, None))


def rows_in(some: str) -> str:
    """How many rows `newest` or `beyond` has."""
    return f"SELECT count(*) FROM {some}"


def unfilled_keys(change: Change, walk: Walk, some: str) -> str:
    """The keys of the rows of `newest` or `beyond` without a value, the newest few."""
    order = ", ".join(f"{column} DESC" for column in walk.columns)
    return (
        f"SELECT {walk.key_texts()} FROM {some} WHERE {quote(change.column)} IS NULL"
        f" ORDER BY {order} LIMIT {ONE_BY_ONE}"
    )


def rows_written(change: Change, facts: TableFacts, piece: str, xid: str, *, computed: bool) -> str:
    """How many rows of a piece, among those looked at, transactions from `xid` on wrote; and how many carry the value.

    With `computed`, a row whose expression gives NULL has nothing to carry; that fails where the expression does.
    """
    column = quote(change.column)
    carries = f"{column} IS NOT NULL"
    if computed and change.backfill:
        carries += f" OR ({change.backfill.value}) IS NULL"
    new = f"age(xmin) <= age('{xid}'::xid)"
    first_page = (
        f"greatest(0, pg_relation_size({literal(piece)}::regclass) / current_setting('block_size')::bigint"
        f" - {TAIL_PAGES})"
    )
    tail = f"ctid >= format('(%s,0)', {first_page})::tid"
    parts = [f"SELECT ctid, ({carries}) AS carries FROM {piece} WHERE {tail} AND {new}"]
    if facts.key is not None:
        order = ", ".join(f"{quote(name)} DESC" for name in facts.key.columns)
        newest = f"SELECT ctid, xmin, * FROM {piece} ORDER BY {order} LIMIT {TAIL_ROWS}"
        parts.append(f"SELECT ctid, ({carries}) FROM ({newest}) {quote(change.table.name)} WHERE {new}")
    return f"SELECT count(*), count(*) FILTER (WHERE carries) FROM ({' UNION '.join(parts)}) w"


def statements(change: Change) -> str:
    """Statements of the last minute that may read the column, newest first: session, its name, its program, text.

    `pg_stat_activity` keeps each session's last statement, so that a look a second finds a reader soon. What the
    text means, `reads` tells.
    """
    return (
        "SELECT pid, coalesce(nullif(application_name, ''), usename, ''), application_name, query"
        " FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        f" AND application_name NOT LIKE {literal(OURS)}"
        f" AND query ILIKE {_anywhere(change.column)} AND query ILIKE {_anywhere(change.table.name)}"
        " AND query_start > now() - interval '60 seconds' ORDER BY query_start DESC"
    )


def interactive(program: str) -> bool:
    """Whether a session belongs to a program that people use by hand.

    >>> interactive("psql"), interactive("pgAdmin 4 - DB:shop"), interactive("shop")
    (True, True, False)
    """
    return program.lower().startswith(INTERACTIVE)


def reads(change: Change, query: str) -> bool:
    """Whether a statement is a SELECT that names the table, and the column, outside literals and comments.

    >>> from console.change import TableName
    >>> day = Change(table=TableName(None, "orders"), column="day", type="date")
    >>> [reads(day, q) for q in ('select "orders"."day" from orders', "SELECT Day FROM Orders", "WITH o AS (SELECT day"
    ...     " FROM orders) SELECT * FROM o")]
    [True, True, True]
    >>> [reads(day, q) for q in ("SELECT 1 FROM orders WHERE at > now() - interval '1 day'", "SELECT days FROM orders",
    ...     'SELECT "Day" FROM orders', "SELECT extract(day FROM at) FROM orders", "UPDATE orders SET day = now()",
    ...     "SELECT 1 /* day */ FROM orders", "SELECT at AS day FROM orders",
    ...     "SELECT id FROM orders WHERE note = 'a day")]
    [False, False, False, False, False, False, False, False]
    """
    parts = list(_whole(query))
    words = [part.text.lower() for part in parts if part.kind == "word"]
    if not words or words[0] not in ("select", "with"):
        return False
    if words[0] == "with" and {"insert", "delete", "merge", "set"} & set(words):
        return False
    named = {name for part in parts for name in names(part.text) if part.kind in ("word", "name")}
    return change.table.name in named and any(
        part.kind in ("word", "name") and names(part.text) == {change.column} and _is_column(parts, number)
        for number, part in enumerate(parts)
    )


def _whole(query: str) -> Iterator[Token]:
    """The tokens without comments, up to a literal or a name that the server cut off."""
    for token in tokens(query):
        if token.kind == "mark" and token.text in ("'", '"'):
            return
        if token.kind != "comment":
            yield token


def _is_column(parts: list[Token], number: int) -> bool:
    """Whether a word can be the column: no type, function, alias, or field of a time."""
    before = [part.text.lower() for part in parts[max(0, number - 2) : number]]
    after = parts[number + 1] if number + 1 < len(parts) else None
    if before[-1:] == ["as"] or before in ([":", ":"], ["extract", "("]):
        return False
    if number and parts[number - 1].kind == "literal":
        return False
    return after is None or (after.text != "(" and after.kind != "literal")


def _anywhere(word: str) -> str:
    for special in ("\\", "%", "_"):
        word = word.replace(special, "\\" + special)
    return literal(f"%{word}%")
