"""The type of a change file in the catalog's spelling, and what follows from it. Pure.

No statement gives the catalog's spelling of a type without making a column of it, so the rules are here: the manuals'
chapter "Data Types", held against both servers by the tests.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from console.databases.base import BadExpression
from console.databases.mysql.families import Family
from console.databases.mysql.identifiers import literal
from console.databases.mysql.tokens import tokens
from console.databases.sql_text import Token

# Every way to write a type's name -> the catalog's name.
_WRITTEN = {
    "tinyint": ("tinyint", "int1"),
    "smallint": ("smallint", "int2"),
    "mediumint": ("mediumint", "int3", "middleint"),
    "int": ("int", "integer", "int4"),
    "bigint": ("bigint", "int8"),
    "bool": ("bool", "boolean"),
    "decimal": ("decimal", "dec", "numeric", "fixed"),
    "float": ("float", "float4"),
    "double": ("double", "double precision", "float8", "real"),
    "char": ("char", "character", "nchar", "national char", "national character"),
    "varchar": (
        *("varchar", "varcharacter", "char varying", "character varying"),
        *("nvarchar", "nchar varchar", "nchar varying", "national varchar", "national varcharacter"),
        *("national char varying", "national character varying"),
    ),
    "mediumtext": ("mediumtext", "long", "long varchar", "long char varying"),
    "mediumblob": ("mediumblob", "long varbinary"),
}
_PLAIN = (
    *("bit", "binary", "varbinary", "tinytext", "text", "longtext", "tinyblob", "blob", "longblob"),
    *("date", "time", "datetime", "timestamp", "year", "enum", "set", "json", "vector"),
    *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"),
    *("geometrycollection", "geomcollection", "uuid", "inet4", "inet6"),
)
_NAMES = {name: name for name in _PLAIN} | {way: name for name, ways in _WRITTEN.items() for way in ways}

_INTEGERS = {"tinyint": (4, 3), "smallint": (6, 5), "mediumint": (9, 8), "int": (11, 10), "bigint": (20, 20)}
"""Display widths, signed and unsigned."""
_BYTES = {"tinyint": 1, "smallint": 2, "mediumint": 3, "int": 4, "bigint": 8}
_GEOMETRY = (
    *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"),
    *("geometrycollection", "geomcollection"),
)
_NEEDS_LENGTH = ("varchar", "varbinary")
_IS_BINARY = {
    "char": "binary",
    "varchar": "varbinary",
    "tinytext": "tinyblob",
    "text": "blob",
    "mediumtext": "mediumblob",
    "longtext": "longblob",
}

_CLAUSES = {
    "generated": "a generated column is no part of this change",
    "auto_increment": "a counter is no part of this change",
    "default": "the default is a key of its own, and set last",
    "not": "NOT NULL is a key of its own (nullable)",
    "null": "nullability is a key of its own",
    "check": "a check copies the table while writers stand still",
    "references": "a foreign key is a section of its own",
    "primary": "a primary key is no part of this change",
    "key": "a key is no part of the type",
    "unique": "a unique index is built by [[indexes]]",
    "comment": "the comment is a key of its own",
    "constraint": "constraints are keys of their own",
    "first": "the column's place is no part of the type",
    "after": "the column's place is no part of the type",
    "on": "ON UPDATE is no part of this change",
    "invisible": "visibility is no part of the type",
}


class Type(NamedTuple):
    """A type: `spelled` as the catalog has it, `name` bare, `members` of an ENUM or SET, unquoted."""

    spelled: str
    name: str
    numbers: tuple[int, ...] = ()
    members: tuple[str, ...] = ()
    unsigned: bool = False
    collated: str = ""
    """What the text says of character set and collation, as it stands after the type."""

    @property
    def is_text(self) -> bool:
        """Whether it has a character set and a collation."""
        return self.name in ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set")

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers."""
        return self.name in _INTEGERS or self.name in ("decimal", "float", "double", "year")

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The least and the greatest value of an integer type; None of any other."""
        if self.name not in _INTEGERS:
            return None
        bits = 8 * _BYTES[self.name]
        return (0, 2**bits - 1) if self.unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def read_type(text: str, family: Family, *, real_as_float: bool = False) -> Type:
    """The type that a text names. Raises BadExpression, also where the text says more than a type.

    >>> mysql, maria = Family.of("9.7.4"), Family.of("10.11.2-MariaDB")
    >>> [read_type(t, mysql).spelled for t in ("INTEGER(5)", "bool", "dec", "BIGINT  unsigned", "varchar(20)")]
    ['int', 'tinyint(1)', 'decimal(10,0)', 'bigint unsigned', 'varchar(20)']
    >>> [read_type(t, maria).spelled for t in ("INTEGER", "bool", "json", "BIGINT unsigned", "year")]
    ['int(11)', 'tinyint(1)', 'longtext', 'bigint(20) unsigned', 'year(4)']
    >>> read_type("int not null", mysql)
    Traceback (most recent call last):
    console.databases.base.BadExpression: type says more than a type: NOT NULL is a key of its own (nullable). ...
    """
    parts = list(tokens(text))
    if any(token.kind == "comment" for token in parts):
        raise BadExpression("the type holds a comment", "Leave the comment out")
    words = [token.text.lower() for token in parts]
    length = next((n for n in (3, 2, 1) if " ".join(words[:n]) in _NAMES), 0)
    if words[:1] == ["serial"]:
        raise BadExpression(f"{text} is no type: it makes a counter and a key", "Take bigint unsigned")
    if not length:
        raise BadExpression(f"{text} is no type that {family} knows", "Correct [change] type")
    written = " ".join(words[:length])
    arguments, after = _arguments(parts, length)
    attributes, collated = _attributes(text, parts[after:])
    if written.startswith(("n", "nat")) and _NAMES[written] in ("char", "varchar"):
        collated = collated or "CHARACTER SET utf8mb3"
    name = _NAMES[written]
    if written == "real" and real_as_float:
        name = "float"
    return _spelled(_Written(text, name, arguments, attributes, collated), family)


def _arguments(parts: list[Token], start: int) -> tuple[list[str], int]:
    """What stands in the brackets after the name, and where the rest begins."""
    if start >= len(parts) or parts[start].text != "(":
        return [], start
    out: list[str] = []
    for number in range(start + 1, len(parts)):
        if parts[number].text == ")":
            return out, number + 1
        if parts[number].kind == "literal":
            out.append(parts[number].text)
    return out, len(parts)


def _attributes(text: str, parts: list[Token]) -> tuple[set[str], str]:
    """`unsigned`, `zerofill`, `binary`; and character set and collation as they were written."""
    attributes: set[str] = set()
    collated: list[str] = []
    words = [token.text.lower() for token in parts]
    number = 0
    while number < len(words):
        word = words[number]
        if word in ("character", "char", "charset", "collate"):
            length = 2 if word in ("charset", "collate") else 3
            named = words[number : number + length]
            if len(named) < length or (length == 3 and named[1] != "set"):
                raise BadExpression(f"type: {text} is not complete", "Correct [change] type")
            collated.append(" ".join(token.text for token in parts[number : number + length]))
            attributes |= {"byte"} if named[-1] == "binary" else set()
            number += length
        elif word in ("unsigned", "signed", "zerofill", "binary", "ascii", "unicode", "byte"):
            attributes.add(word)
            collated += [word] if word in ("ascii", "unicode", "binary") else []
            number += 1
        elif word in ("srid", "ref_system_id"):
            number = len(words)
        else:
            more = _CLAUSES.get(word, f"{parts[number].text} is no part of it")
            raise BadExpression(f"type says more than a type: {more}", "Leave only the type itself")
    return attributes, " ".join(collated)


class _Written(NamedTuple):
    """A type taken apart."""

    text: str
    name: str
    arguments: list[str]
    attributes: set[str]
    collated: str


def _spelled(written: _Written, family: Family) -> Type:
    text, name, arguments, attributes, collated = written
    if name in ("enum", "set"):
        members = tuple(_member(argument) for argument in arguments)
        inside = ",".join("'" + member.replace("'", "''") + "'" for member in members)
        return Type(f"{name}({inside})", name, members=members, collated=collated)
    if not all(argument.isdecimal() for argument in arguments):
        raise BadExpression(f"type: {text} has a length that is no number", "Correct [change] type")
    numbers = tuple(int(argument) for argument in arguments)
    unsigned = bool(attributes & {"unsigned", "zerofill"})
    signs = (" unsigned" if unsigned else "") + (" zerofill" if "zerofill" in attributes else "")
    if name == "bool":
        return Type("tinyint(1)", "tinyint", (1,))
    if name in _INTEGERS:
        return Type(
            _integer(name, numbers, attributes, unsigned, family) + signs, name, numbers, unsigned=unsigned
        )
    if name in ("decimal", "float", "double"):
        name, numbers = _real(name, numbers)
        return Type(f"{name}{_in_brackets(numbers)}{signs}", name, numbers, unsigned=unsigned)
    if "byte" in attributes:
        name, collated = _IS_BINARY.get(name, name), ""
    return _other(text, name, numbers, collated, family)


def _other(text: str, name: str, numbers: tuple[int, ...], collated: str, family: Family) -> Type:
    if name in ("bit", "char", "binary"):
        numbers = numbers or (1,)
    elif name in _NEEDS_LENGTH and not numbers:
        raise BadExpression(f"type: {text} needs a length", f"Write {name}(N)")
    elif name in ("text", "blob") and numbers:
        raise BadExpression(
            f"type: {text} takes its size by its name", f"Take tiny{name}, {name}, medium{name} or long{name}"
        )
    elif name in ("datetime", "timestamp", "time"):
        numbers = numbers if any(numbers) else ()
    elif name == "year":
        numbers = (4,) if family.mariadb or family.number < 80019 else ()
    elif name == "vector" and not numbers:
        numbers = (2048,)
    if name in ("geometrycollection", "geomcollection"):
        name = "geometrycollection" if family.mariadb else "geomcollection"
    if name == "json" and family.mariadb:
        return Type("longtext", "json", collated="CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    return Type(f"{name}{_in_brackets(numbers)}", name, numbers, collated=collated)


def _integer(
    name: str, numbers: tuple[int, ...], attributes: set[str], unsigned: bool, family: Family
) -> str:
    widths = _INTEGERS[name]
    width = numbers[0] if numbers else widths[unsigned]
    shown = family.mariadb or family.number < 80019 or "zerofill" in attributes
    boolean = name == "tinyint" and width == 1 and not unsigned
    return f"{name}({width})" if shown or boolean else name


def _real(name: str, numbers: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    if name == "decimal":
        return name, (*numbers, *(10, 0)[len(numbers) :])
    if name == "float" and len(numbers) == 1:
        return ("float" if numbers[0] <= 24 else "double"), ()
    return name, numbers


def _in_brackets(numbers: tuple[int, ...]) -> str:
    return f"({','.join(map(str, numbers))})" if numbers else ""


def _member(written: str) -> str:
    """What a member of an ENUM or SET is; the server drops spaces at its end."""
    mark = written[-1]
    inside = written[written.index(mark) + 1 : -1].replace(mark * 2, mark)
    return re.sub(r"\\(.)", r"\1", inside).rstrip(" ")


def placeholder(type_: Type, family: Family) -> str:
    """A literal that a NOT NULL column of the type can hold until its rows are filled; empty: it takes none.

    >>> mysql = Family.of("9.7.4")
    >>> [placeholder(read_type(t, mysql), mysql) for t in ("int", "datetime(3)", "enum('a','b')", "text")]
    ['0', "'1970-01-01 00:00:00'", "'a'", '']
    """
    name = type_.name
    if name in _INTEGERS or name in ("decimal", "float", "double"):
        return "0"
    if name == "enum":
        return literal(type_.members[0]) if type_.members else ""
    if name == "json":
        return "'null'" if family.mariadb else ""
    if name.endswith(("text", "blob")):
        return "''" if family.text_defaults else ""
    if name == "binary":
        return f"X'{'00' * type_.numbers[0]}'"  # what the server makes of '' in it
    return {
        "bit": "0",
        "char": "''",
        "varchar": "''",
        "varbinary": "''",
        "set": "''",
        "date": "'1970-01-01'",
        "datetime": "'1970-01-01 00:00:00'",
        "timestamp": "'2000-01-01 00:00:00'",  # within its range in every time zone
        "time": "'00:00:00'",
        "year": "1970",
        "uuid": "'00000000-0000-0000-0000-000000000000'",
        "inet4": "'0.0.0.0'",
        "inet6": "'::'",
    }.get(name, "")


def takes_literal(type_: Type, family: Family) -> bool:
    """Whether a column of the type can have a literal as its default."""
    if type_.name in _GEOMETRY or type_.name == "vector":
        return False
    return family.text_defaults or not (type_.name == "json" or type_.name.endswith(("text", "blob")))


def cast_as(type_: Type) -> str:
    """What CAST takes to turn a value into the type, as near as it comes; empty where there is no such cast.

    >>> mysql = Family.of("9.7.4")
    >>> [cast_as(read_type(t, mysql)) for t in ("int unsigned", "decimal(8,2)", "varchar(3)", "datetime(3)", "bit")]
    ['UNSIGNED', 'DECIMAL(8,2)', 'CHAR', 'DATETIME(3)', '']
    """
    name, brackets = type_.name, _in_brackets(type_.numbers)
    if name in _INTEGERS:
        return "UNSIGNED" if type_.unsigned else "SIGNED"
    if name == "decimal":
        return f"DECIMAL{brackets}"
    if name in ("float", "double"):
        return "DOUBLE"
    if type_.is_text:
        return "CHAR"
    if name in ("binary", "varbinary") or name.endswith("blob"):
        return "BINARY"
    if name in ("date", "datetime", "time"):
        return f"{name.upper()}{brackets}"
    return {"timestamp": f"DATETIME{brackets}", "year": "UNSIGNED"}.get(name, "")
