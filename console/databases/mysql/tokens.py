"""SQL text of MySQL and MariaDB taken apart, as far as looking at an expression needs. Pure.

For sessions with neither ANSI_QUOTES nor NO_BACKSLASH_ESCAPES, which ours are (`connect`): "x" is a text.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping

from console.databases.mysql.identifiers import quote
from console.databases.sql_text import Token, holds_query, see_one_expression

_TOKEN = re.compile(
    r"""
    (?P<comment> --(?=[\s\x00-\x1f]|\Z)[^\n]* | \#[^\n]* | /\*.*?(?:\*/|\Z) )
  | (?P<literal>
        (?:[nNxXbB](?=')|_[A-Za-z0-9]+\s*(?=['"]))? (?: '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" )
      | 0[xX][0-9A-Fa-f]+\b | 0b[01]+\b
      | (?: \d+(?:\.\d*)? | \.\d+ ) (?:[eE][-+]?\d+)? (?![\w$]) )
  | (?P<name> `(?:[^`]|``)*` )
  | (?P<word> @{0,2}[\w$\u0080-\uffff]+ )
  | (?P<mark> \S )
    """,
    re.VERBOSE | re.DOTALL,
)


def tokens(text: str) -> Iterator[Token]:
    """The tokens of an SQL text, white space left out.

    >>> [(token.kind, token.text) for token in tokens("a+`b`.c - 'it''s' # d")][-2:]
    [('literal', "'it''s'"), ('comment', '# d')]
    >>> [token.text for token in tokens("x'00' 1.5e3 @a @@session.time_zone 2x")]
    ["x'00'", '1.5e3', '@a', '@@session', '.', 'time_zone', '2x']
    """
    for match in _TOKEN.finditer(text):
        yield Token(match.lastgroup or "", match[0], match.start())


def unquoted(token: Token) -> str:
    """The name that a word or a quoted name means.

    >>> [unquoted(token) for token in tokens("a `b``c`")]
    ['a', 'b`c']
    """
    return token.text[1:-1].replace("``", "`") if token.kind == "name" else token.text


def fold(name: str) -> str:
    """A column's name as the server compares it: without regard to capitals.

    >>> fold("Placed_At") == fold("placed_AT")
    True
    """
    return name.lower()


def names(text: str) -> set[str]:
    """Every name that the text could mean a column by, folded.

    >>> sorted(names("Placed_At + `Order`.`a b` + length('x')"))
    ['a b', 'length', 'order', 'placed_at']
    """
    return {fold(unquoted(token)) for token in tokens(text) if token.kind in ("word", "name")}


def has_subquery(text: str) -> bool:
    """Whether the expression may hold a query of its own.

    >>> has_subquery("(SELECT max(id) FROM days)"), has_subquery("'select'")
    (True, False)
    """
    return holds_query(tokens(text))


def variables(text: str) -> list[str]:
    """The user's and the server's variables that the text reads.

    >>> variables("@x + @@session.time_zone")
    ['@x', '@@session.time_zone']
    """
    parts, found = list(tokens(text)), []
    for number, token in enumerate(parts):
        if token.kind == "word" and token.text.startswith("@"):
            name = token.text
            for dot, word in zip(parts[number + 1 :: 2], parts[number + 2 :: 2], strict=False):
                if dot.text != "." or not name.startswith("@@"):
                    break
                name += f".{word.text}"
            found.append(name)
    return found


def joins(text: str) -> bool:
    """Whether the text joins two things with ||.

    >>> joins("a || b"), joins("a | b"), joins("'||'")
    (True, False, False)
    """
    parts = list(tokens(text))
    return any(
        one.text == "|" == other.text and other.start == one.start + 1
        for one, other in itertools.pairwise(parts)
    )


def plain_literal(text: str) -> bool:
    """Whether the text is one literal: a number with its sign, a text, TRUE, FALSE.

    >>> [plain_literal(text) for text in ("-1.5", "'a'", "x'00'", "TRUE", "1 + 2", "now()", "NULL")]
    [True, True, True, True, False, False, False]
    """
    parts = list(tokens(text))
    if len(parts) == 2 and parts[0].text in ("-", "+"):
        return parts[1].kind == "literal" and parts[1].text[0].isdigit()
    return len(parts) == 1 and (parts[0].kind == "literal" or parts[0].text.lower() in ("true", "false"))


def calls(text: str) -> list[str]:
    """The names of the functions that the text calls, in order, each once, in small letters, without their schemas.

    Some are called without brackets.

    >>> calls("MD5(CONCAT(rand(), `f`(x), current_date, 'uuid()'))")
    ['md5', 'concat', 'rand', 'f', 'current_date']
    """
    found: dict[str, None] = {}
    before: Token | None = None
    for token in tokens(text):
        if token.text == "(" and before is not None and before.kind in ("word", "name"):
            found[unquoted(before).lower()] = None
        elif token.kind == "word" and token.text.lower() in _BARE_CALLS:
            found[token.text.lower()] = None
        before = token
    return list(found)


_BARE_CALLS = {
    *("current_date", "current_time", "current_timestamp", "current_user", "localtime", "localtimestamp"),
    *("utc_date", "utc_time", "utc_timestamp"),
}


def one_expression(text: str, what: str) -> str:
    """The text, if it can stand in brackets within a statement of ours. Raises BadExpression.

    >>> one_expression("a) + (b", "value")
    Traceback (most recent call last):
    console.databases.base.BadExpression: the value closes a bracket that it did not open. ...
    """
    see_one_expression(tokens(text), what, "?")
    return text


def over_row(text: str, columns: Mapping[str, str], table: str, schema: str, row: str) -> str:
    """The text with each of the table's columns taken from `row`: `NEW` in a trigger.

    `columns`: the columns' own names, by their folded ones. A name before a bracket is a function's, one behind a
    dot belongs to what stands before it.

    >>> columns = {"id": "id", "at": "At"}
    >>> print(over_row("id + at(AT) + orders.`at` + shop.orders.id + 'id'", columns, "orders", "shop", "NEW"))
    NEW.`id` + at(NEW.`At`) + NEW.`At` + NEW.`id` + 'id'
    >>> columns = {"day": "day", "date": "date"}
    >>> print(over_row("CAST(date AS date) + INTERVAL 1 day + EXTRACT(day FROM day)", columns, "t", "s", "NEW"))
    CAST(NEW.`date` AS date) + INTERVAL 1 day + EXTRACT(day FROM NEW.`day`)
    >>> print(over_row("date + INTERVAL day day", columns, "t", "s", "NEW"))
    NEW.`date` + INTERVAL NEW.`day` day
    """
    parts = list(tokens(text))
    out, copied, number, behind = [], 0, 0, -1
    while number < len(parts):
        path = _path(parts, number)
        # A word right behind a column is a unit: INTERVAL days day.
        if not path or _is_keyword(parts, number) or (number == behind and parts[number].kind == "word"):
            number += 1
            continue
        first, last = path[0], path[-1]
        number += 2 * len(path) - 1
        after = parts[number].text if number < len(parts) else ""
        ours = [unquoted(token) for token in path[:-1]] in ([], [table], [schema, table])
        column = columns.get(fold(unquoted(last)))
        if column is None or not ours or after == "(" or (last.kind == "word" and after[:1] in ("'", '"')):
            continue  # a function, or `DATE '2026-01-01'`
        out += [text[copied : first.start], f"{row}.{quote(column)}"]
        copied, behind = last.start + len(last.text), number
    return "".join([*out, text[copied:]])


_NAMES_A_THING = {"as", "using", "collate", "returning", "over"}
_TAKES_A_UNIT = {"extract", "timestampadd", "timestampdiff", "get_format"}


def _is_keyword(parts: list[Token], number: int) -> bool:
    """Whether the word stands where a type or a unit does, though a column may be called the same: `AS date`."""
    if parts[number].kind != "word" or number == 0:
        return False
    before = parts[number - 1]
    if before.kind in ("literal", "name") or before.text == ")":
        return True  # INTERVAL 1 day
    if before.text == "(":
        return number > 1 and parts[number - 2].text.lower() in _TAKES_A_UNIT
    if before.text == ",":
        return _opener(parts, number) == "convert"
    return before.text.lower() in _NAMES_A_THING


def _opener(parts: list[Token], number: int) -> str:
    """The function whose brackets the token stands in."""
    depth = 0
    for place in range(number - 1, 0, -1):
        depth += {")": 1, "(": -1}.get(parts[place].text, 0)
        if depth < 0:
            return parts[place - 1].text.lower()
    return ""


def _path(parts: list[Token], number: int) -> list[Token]:
    """The names joined by dots that begin at a token: `a`, `t.a`, `d.t.a`; empty where there is none."""
    path: list[Token] = []
    while number < len(parts) and parts[number].kind in ("word", "name"):
        if parts[number].text.startswith("@"):
            return []
        path.append(parts[number])
        if number + 1 >= len(parts) or parts[number + 1].text != ".":
            break
        number += 2
    return path
