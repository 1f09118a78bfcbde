"""Values of columns by their type: how a key travels as text and back, and when two values are the same. Pure.

A key's text must name the key exactly, and stand in a comparison that the key's index serves: so numbers are
written as numbers (a text would be compared as floating point), and bytes as hexadecimal.
"""

from __future__ import annotations

import re

from console.databases.mysql.identifiers import NUMBER, binary, literal, number

_NUMBERS = (*("tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "double", "year"),)
_BYTES = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob")
_TEXTS = ("varchar", "tinytext", "text", "mediumtext", "longtext")
_MEMBER = re.compile("'((?:[^']|'')*)'")
_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint", "bit")


def bare(type_: str) -> str:
    """The type's name alone.

    >>> bare("bigint(20) unsigned"), bare("datetime(6)"), bare("enum('a b')")
    ('bigint', 'datetime', 'enum')
    """
    return type_.partition("(")[0].split()[0].lower()


def key_text(column: str, type_: str) -> str:
    """The SQL of a key's column (quoted) as text.

    >>> print(key_text("`id`", "binary(16)"), key_text("`id`", "bigint unsigned"))
    HEX(`id`) CAST(`id` AS CHAR CHARACTER SET utf8mb4)
    """
    if bare(type_) in _BYTES:
        return f"HEX({column})"
    return f"CAST({column} AS CHAR CHARACTER SET utf8mb4)"


def key_literal(text: str, type_: str) -> str:
    """A key's text as SQL again. Raises ValueError for a text that can't be such a key.

    >>> print(key_literal("18446744073709551615", "bigint unsigned"), key_literal("it's", "varchar(9)"))
    18446744073709551615 'it''s'
    """
    name = bare(type_)
    if name in _BYTES:
        return binary(text)
    return number(text) if name in _NUMBERS else literal(text)


def same(one: str, other: str, type_: str) -> str:
    """Whether column `one` of a type holds what storing `other` in it gives; NULL is the same as NULL.

    Both are SQL. Texts are the same to the last bit: a collation would take A for a.

    >>> print(same("c", "ROUND(a)", "date"))
    c <=> CAST(ROUND(a) AS DATE)
    >>> print(same("c", "0", "int unsigned"), "|", same("c", "a", "int"))
    c <=> CAST(0 AS UNSIGNED) | c <=> CAST(IF(CHARSET(a) = 'binary', a, ROUND(CAST(a AS DECIMAL(65,30)))) AS SIGNED)
    """
    name = bare(type_)
    inside = type_.partition("(")[2].partition(")")[0]
    precision = f"({inside})" if inside else ""
    if name in _INTEGERS:
        column = f"({one} + 0)" if name == "bit" else one
        wide = "UNSIGNED" if "unsigned" in type_ or name == "bit" else "SIGNED"
        rounded = other if name == "bit" or NUMBER.fullmatch(other) else _rounded(other)
        return f"{column} <=> CAST({rounded} AS {wide})"
    if name == "decimal":
        return f"{one} <=> CAST({other} AS DECIMAL{precision})"
    if name == "float":
        near = f"ABS({one} - ({other})) <= 1e-6 * ABS({other}) + 1e-37"
        return f"COALESCE({near}, {one} IS NULL AND ({other}) IS NULL)"
    if name == "double":
        return f"{one} <=> ({other}) + 0e0"
    if name in ("date", "datetime", "time"):
        return f"{one} <=> CAST({other} AS {name.upper()}{precision})"
    if name == "timestamp":
        return f"{one} <=> CAST({other} AS DATETIME{precision})"
    if name == "year":
        return f"{one} <=> CAST({other} AS UNSIGNED)"
    if name == "binary":
        return f"{one} <=> CAST({other} AS BINARY{precision})"
    if name in _BYTES:
        return f"{one} <=> CAST({other} AS BINARY)"
    if name == "char":  # spaces at its end are not stored
        return f"{_exact(f'TRIM(TRAILING FROM {one})')} <=> {_exact(f'TRIM(TRAILING FROM {other})')}"
    if name == "json":
        return f"CAST({one} AS CHAR) <=> CAST(CAST({other} AS JSON) AS CHAR)"
    if name in ("uuid", "inet4", "inet6"):
        return f"{one} <=> CAST({other} AS {name.upper()})"
    if name in ("enum", "set"):
        return _same_member(one, other, type_)
    if name in _TEXTS:
        return f"{_exact(one)} <=> {_exact(other)}"
    return f"HEX({one}) <=> HEX({other})"


def _rounded(other: str) -> str:
    """A text that is stored as an integer is rounded, and CAST cuts it off. A number has the character set binary."""
    return f"IF(CHARSET({other}) = 'binary', {other}, ROUND(CAST({other} AS DECIMAL(65,30))))"


def _same_member(one: str, other: str, type_: str) -> str:
    """An ENUM or SET is given as a text, in any case and order of its members, or as a number.

    >>> print(same("c", "'b'", "enum('a','b')"))
    LOWER(CAST(c AS CHAR CHARACTER SET utf8mb4)) <=> LOWER(CAST('b' AS CHAR CHARACTER SET utf8mb4))
    >>> print(same("c", "'b'", "set('a','b')"))
    (c + 0) <=> (FIND_IN_SET('a', 'b') > 0) * 1 + (FIND_IN_SET('b', 'b') > 0) * 2
    """
    members = [found.replace("''", "'") for found in _MEMBER.findall(type_)]
    exact = f"{_exact(one)} <=> {_exact(other)}"
    if bare(type_) == "set":
        bits = (f"(FIND_IN_SET({literal(name)}, {other}) > 0) * {1 << n}" for n, name in enumerate(members))
        text = f"({one} + 0) <=> {' + '.join(bits)}"
    elif len({name.lower() for name in members}) == len(members):
        text = f"LOWER({_text(one)}) <=> LOWER({_text(other)})"
    else:
        text = exact
    if other.startswith("'"):
        return text
    number_ = f"({one} + 0) <=> CAST({other} AS UNSIGNED)"
    return f"IF(CHARSET({other}) = 'binary' AND NOT ({exact}), {number_}, {text})"


def _exact(text: str) -> str:
    return f"CAST({_text(text)} AS BINARY)"


def _text(value: str) -> str:
    return f"CAST({value} AS CHAR CHARACTER SET utf8mb4)"
