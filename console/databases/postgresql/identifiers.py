"""Names and literals as SQL: quoted where SQL needs it, and never trusted. Pure.

Whatever stands in a statement of ours came through here, or is a parameter.
"""

from __future__ import annotations

import re

from console.change import TableName
from console.databases.postgresql.keywords import KEYWORDS

LONGEST = 63
"""Bytes of a name; the server cuts longer ones off, with no more than a notice."""

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


def quote(name: str) -> str:
    """A name as SQL, quoted only where it must be, as the server's own `quote_ident` does.

    Raises ValueError for what can be no name: an empty one, and one with a NUL.

    >>> print(quote("orders"), quote("Order"), quote("user"), quote('a"b'), quote("größe"), quote("a.b"))
    orders "Order" "user" "a""b" "größe" "a.b"
    """
    if not name or "\0" in name:
        raise ValueError(f"{name!r} is no name")
    if _PLAIN.fullmatch(name) and name not in KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def qualified(schema: str | None, name: str) -> str:
    """A name with its schema, as SQL.

    >>> print(qualified("public", "orders"), qualified("Shop", "order"), qualified(None, "orders"))
    public.orders "Shop"."order" orders
    """
    return f"{quote(schema)}.{quote(name)}" if schema else quote(name)


def table_text(table: TableName) -> str:
    """The table of a change file as SQL; also what `to_regclass` takes. Without a schema, the search path decides.

    >>> print(table_text(TableName(None, "Orders")), table_text(TableName("public", "a.b")))
    "Orders" public."a.b"
    """
    return qualified(table.schema, table.name)


def literal(text: str) -> str:
    r"""A text as an SQL literal. Raises ValueError for a NUL, which no text holds.

    >>> print(literal("it's"), literal("a\\b"))
    'it''s' E'a\\b'
    """
    if "\0" in text:
        raise ValueError("a text with a NUL is no literal")
    doubled = text.replace("'", "''")
    if "\\" in doubled:
        return "E'" + doubled.replace("\\", "\\\\") + "'"
    return f"'{doubled}'"


def too_long(name: str) -> bool:
    """Whether the server would cut the name off.

    >>> too_long("a" * 63), too_long("ä" * 32)
    (False, True)
    """
    return len(name.encode()) > LONGEST
