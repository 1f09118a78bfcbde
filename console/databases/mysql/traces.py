"""Traces that an application leaves: rows that it wrote lately, and statements of its that use the column. Pure text.

InnoDB does not tell when a row was written. What is seen are new rows behind the last key of a moment ago, where keys
grow, and the server's summaries of statements, where `performance_schema` is on: they count each kind of statement,
literals left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from console.change import Change
from console.databases.base import KeyValue
from console.databases.mysql.identifiers import literal, quote
from console.databases.mysql.walk import Walk

TAIL_ROWS = 2000
DIGESTS = "performance_schema.events_statements_summary_by_digest"
LOST = f"SELECT COALESCE(SUM(COUNT_STAR), 0) FROM {DIGESTS} WHERE DIGEST IS NULL"
"""How many statements the server did not keep apart, because its table of digests was full when they first came."""
FORGET = f"TRUNCATE TABLE {DIGESTS}"
"""What makes room in it."""

_WORD = re.compile("[A-Za-z_]+")


def rows_behind(walk: Walk, piece: str, after: KeyValue | None) -> str:
    """How many rows lie behind a key, among the first of them; and how many of those lack their value."""
    lacks = "column_console_lacks"
    return (
        f"SELECT COUNT(*), COALESCE(SUM({lacks}), 0) FROM (SELECT ({walk.lacking()}) AS {lacks} FROM {piece}"
        f" WHERE {walk.within(after, None)} ORDER BY {walk.order} LIMIT {TAIL_ROWS}) AS behind"
    )


def newest(walk: Walk, piece: str, name: str) -> str:
    """How many of the newest rows there are, and in how many the column differs from the expression.

    The columns are named: `*` leaves out the INVISIBLE ones, which the value may read.
    """
    order = ", ".join(f"{column} DESC" for column in walk.columns)
    read = ", ".join(walk.read_columns)
    return walk.compare(
        f"(SELECT {read} FROM {piece} ORDER BY {order} LIMIT {TAIL_ROWS}) AS {name}", None, None
    )


@dataclass(frozen=True)
class Bare:
    """Which names the server takes without backticks, and so may show without them: `Bare.probe` finds out.

    A digest writes names in backticks, save those that are keywords and were not quoted: `status` reads STATUS there.
    """

    table: bool = False
    column: bool = False

    @staticmethod
    def probe(name: str) -> str | None:
        """A query that fails where the name is a reserved word; None where it can't stand without backticks at all."""
        if not _WORD.fullmatch(name):
            return None
        return f"SELECT {name} FROM (SELECT 1 AS {quote(name)}) AS column_console_probe"


def writes(change: Change, schema: str, bare: Bare) -> str:
    """How often statements that add rows to the table ran, and how often those of them that name the column."""
    column = f"DIGEST_TEXT LIKE {_anywhere(quote(change.column))}"
    if bare.column:
        word = change.column.upper()
        listed = f"^[^(]*[(]([^()]* )?{word} [^()]*[)]"
        column = f"({column} OR DIGEST_TEXT REGEXP {literal(f'{listed}|( SET|,) {word} =')})"
    return (
        f"SELECT COALESCE(SUM(COUNT_STAR), 0), COALESCE(SUM(IF({column}, COUNT_STAR, 0)), 0)"
        f" FROM {DIGESTS}"
        f" WHERE {_names_table(change, schema, bare)}"
        " AND DIGEST_TEXT REGEXP '^(INSERT|REPLACE)'"
    )


def readers(change: Change, schema: str, bare: Bare) -> str:
    """A SELECT that names table and column, seen within the last minute; no row: none. Ours name themselves."""
    column = f"DIGEST_TEXT LIKE {_anywhere(quote(change.column))}"
    if bare.column:
        # Not what only reads alike: DATE ( … ), DATE ?, INTERVAL ? DAY.
        alike = literal(f"[^?] {change.column.upper()}( [^(?]|$)")
        column = f"({column} OR TRIM(DIGEST_TEXT) REGEXP {alike})"
    return (
        f"SELECT DIGEST_TEXT FROM {DIGESTS}"
        f" WHERE {_names_table(change, schema, bare)}"
        f" AND {column} AND DIGEST_TEXT REGEXP '^(SELECT|WITH)'"
        # What asks the catalog names the column in a literal at most, which digests leave out.
        r" AND DIGEST_TEXT NOT LIKE '%information\_schema%'"
        r" AND DIGEST_TEXT NOT LIKE '%column\_console\_%' AND LAST_SEEN > NOW(6) - INTERVAL 60 SECOND"
        " ORDER BY LAST_SEEN DESC LIMIT 1"
    )


def running_readers(change: Change) -> str:
    """As `readers`, of what runs at this moment: where the server keeps no summaries."""
    table, column = _anywhere(change.table.name), _anywhere(change.column)
    return (
        "SELECT INFO FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID()"
        f" AND INFO LIKE {table} AND INFO LIKE {column} AND INFO NOT LIKE '/* column-console */%'"
        " AND INFO NOT LIKE '%information\\_schema%'"
        " AND INFO REGEXP '^[[:space:]]*(/[*].*[*]/[[:space:]]*)?([Ss][Ee][Ll][Ee][Cc][Tt]|[Ww][Ii][Tt][Hh])' LIMIT 1"
    )


def _names_table(change: Change, schema: str, bare: Bare) -> str:
    """The condition of a digest that names the table: by itself, or with its database, whatever the session's own is.

    SCHEMA_NAME is the default database of the session, and NULL where it has none.
    """
    table = quote(change.table.name)
    alone = f"DIGEST_TEXT LIKE {_anywhere(table)}"
    if bare.table:
        words = f"(INTO|FROM|JOIN|,|INSERT|REPLACE|IGNORE) {change.table.name.upper()}( |$)"
        alone = f"({alone} OR DIGEST_TEXT REGEXP {literal(words)})"
    full = " OR ".join(f"DIGEST_TEXT LIKE {_anywhere(quote(schema) + dot + table)}" for dot in (" . ", "."))
    return f"((SCHEMA_NAME = {literal(schema)} AND {alone}) OR {full})"


def _anywhere(word: str) -> str:
    for special in ("\\", "%", "_"):
        word = word.replace(special, "\\" + special)
    return literal(f"%{word}%")
