"""Names and literals as SQL: always quoted, never trusted. Pure.

Whatever stands in a statement of ours came through here, or is a parameter. Literals are written for sessions
without NO_BACKSLASH_ESCAPES, which ours are (`connect`).
"""

from __future__ import annotations

import re

from console.change import TableName

LONGEST = 64
"""Characters of a name; the server refuses longer ones."""

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def quote(name: str) -> str:
    """A name as SQL, in backticks, which every SQL mode takes.

    Raises ValueError for what can be no name: an empty one, one with a NUL, or with a space at its end.

    >>> print(quote("orders"), quote("a`b"), quote("größe"), quote("a.b"))
    `orders` `a``b` `größe` `a.b`
    """
    if not name or "\0" in name or name.endswith(" "):
        raise ValueError(f"{name!r} is no name")
    return "`" + name.replace("`", "``") + "`"


def qualified(schema: str | None, name: str) -> str:
    """A name with its database, as SQL.

    >>> print(qualified("shop", "orders"), qualified(None, "orders"))
    `shop`.`orders` `orders`
    """
    return f"{quote(schema)}.{quote(name)}" if schema else quote(name)


def table_text(table: TableName) -> str:
    """The table of a change file as SQL. Without a database, the connection's own holds.

    >>> print(table_text(TableName(None, "Orders")), table_text(TableName("shop", "a.b")))
    `Orders` `shop`.`a.b`
    """
    return qualified(table.schema, table.name)


def literal(text: str) -> str:
    r"""A text as an SQL literal.

    >>> print(literal("it's"), literal("a\\b"), literal("a\0b"))
    'it''s' 'a\\b' 'a\0b'
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "''").replace("\0", "\\0") + "'"


def number(text: str) -> str:
    """A number as SQL. Raises ValueError for what is none.

    >>> print(number("18446744073709551615"), number("-1.50"))
    18446744073709551615 -1.50
    """
    if not NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is no number")
    return text


def binary(hexadecimal: str) -> str:
    """Bytes as SQL, from their hexadecimal text. Raises ValueError for what is none.

    >>> print(binary("00FF"))
    X'00FF'
    """
    return f"X'{bytes.fromhex(hexadecimal).hex().upper()}'"


def too_long(name: str) -> bool:
    """Whether the server refuses the name for its length.

    >>> too_long("ä" * 64), too_long("a" * 65)
    (False, True)
    """
    return len(name) > LONGEST
