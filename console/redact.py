r"""Takes the literals out of a query's text, so that nobody's data reaches a recording or a screen. Pure.

Made for text that is cut off or broken: `pg_stat_activity` keeps the first kilobyte of a query. Where it can't be
told how a piece would be read, the rest of the text is taken out. Names, keywords and parameters (`$1`) stay.
The lexical rules are those of PostgreSQL's manual, section 4.1, and of MySQL's chapter "Language Structure". Where a
session's settings decide how a text is read (a backslash before a quote), it is ambiguous, and treated so.
"""

from __future__ import annotations

import re
from typing import Literal

Dialect = Literal["postgresql", "mysql"]
"""`mysql` is MariaDB's too: there `"..."` may be a string, and `#` begins a comment."""

_POSTGRESQL = re.compile(
    r"""
      (?P<literal>  (?>[eE]'(?>[^'\\]+|\\.|'')*+')
                  | (?>(?:[bBxXnN]|[uU]&)?'(?>[^'\\]+|\\(?!')|'')*+')
                  | (?:\d|\.\d)(?>[eE][+-](?=\d)|[\w.])*+ )
    | (?P<broken>   [eE]' )
    | (?P<keep>     "(?>[^"]+|"")*+"              # a quoted name
                  | [^\W\d][\w$]*+                   # a word
                  | [$]\d++                       # a parameter
                  | \s++ )
    | (?P<line>     --[^\n\r]*+ )
    | (?P<block>    /\* )
    | (?P<dollar>   [$](?:[^\W\d]\w*+)?[$] )
    | (?P<open>     ["'] )
    | (?P<other>    . )
    """,
    re.VERBOSE | re.DOTALL,
)
_MYSQL = re.compile(
    r"""
      (?P<literal>  (?>[bBxXnN]?'(?>[^'\\]+|\\\\|\\(?!')|'')*+')
                  | (?>"(?>[^"\\]+|\\\\|\\(?!")|"")*+")
                  | (?:\d|\.\d)(?>[eE][+-](?=\d)|[\w.])*+ )
    | (?P<keep>     `(?>[^`]+|``)*+`              # a quoted name
                  | [^\W\d][\w$]*+                   # a word
                  | [$]\d++
                  | \s++ )
    | (?P<line>     --(?![^\s\0-\x1f])[^\n]*+ )      # without a space behind it, it is a minus twice
    | (?P<hash>     \#[^\n]*+ )
    | (?P<hint>     /\*M?!(?:.*?\*/|.*) )            # runs on some versions
    | (?P<block>    /\* )
    | (?P<dollar>   [$](?:[^\W\d]\w*+)?[$] )
    | (?P<open>     ["'`] )
    | (?P<other>    . )
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_DIGITS = re.compile(r"\d+")


def redact_sql(text: str, dialect: Dialect = "postgresql") -> str:
    """`text` with `?` for each string, number and bit string.

    >>> redact_sql("UPDATE t2 SET name = 'O''Brien', n = -1.5e3 WHERE id = $1 AND k = x'1f'")
    'UPDATE t2 SET name = ?, n = -? WHERE id = $1 AND k = ?'
    >>> redact_sql("SELECT $q$it's$q$, E'a\\\\'b' /* page 7 */ FROM \\"it's\\" -- don't")
    'SELECT ?, ? /* page ? */ FROM "it\\'s" -- ?'
    >>> redact_sql("SELECT 'cut o"), redact_sql(r"SELECT 'C:\\', 'secret'")
    ('SELECT ?', 'SELECT ?')
    >>> redact_sql('SELECT `it"s`, "it\\'s" # why', "mysql")
    'SELECT `it"s`, ? '
    """
    token = _MYSQL if dialect == "mysql" else _POSTGRESQL
    out: list[str] = []
    position = 0
    while position < len(text):
        found = token.match(text, position)
        assert found is not None
        position = found.end()
        match found.lastgroup:
            case "literal":
                out.append("?")
            case "line":
                out.append("--" + _comment(found[0][2:]))
            case "hash":
                pass
            case "hint":
                out.append("/* ? */" if found[0].endswith("*/") else "/* ?")
            case "block":
                position = _block_end(text, position, nested=dialect == "postgresql")
                whole = text[found.start() : position]
                out.append(f"/*{_comment(whole[2:-2])}*/" if whole.endswith("*/") else "/* ?")
            case "dollar":
                end = text.find(found[0], position)
                position = len(text) if end < 0 else end + len(found[0])
                out.append("?")
            case "broken" | "open":
                position = len(text)
                out.append("?")
            case _:
                out.append(found[0])
    return "".join(out)


def _block_end(text: str, position: int, *, nested: bool) -> int:
    """Where a block comment ends that began before `position`; on PostgreSQL they nest."""
    if not nested:
        end = text.find("*/", position)
        return len(text) if end < 0 else end + 2
    depth = 1
    for edge in _BLOCK_EDGE.finditer(text, position):
        depth += 1 if edge[0] == "/*" else -1
        if not depth:
            return edge.end()
    return len(text)


def _comment(inside: str) -> str:
    """A comment may name the application; what is quoted in it, or could be, goes."""
    if "'" in inside or "$" in inside or '"' in inside or "*/" in inside:
        return " ? " if inside.endswith(" ") else " ?"
    return _DIGITS.sub("?", inside)
