"""SQL text taken apart into words, names, literals and comments, as far as looking at an expression needs. Pure.

The server decides what an expression means; what is done here is to find names in it, without being fooled by
what stands inside a literal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from console.databases.sql_text import Token, holds_query, see_one_expression

_TOKEN = re.compile(
    r"""
    (?P<comment> --[^\n]* | /\*.*?(?:\*/|\Z) )
  | (?P<literal>
        [eE]'(?:[^'\\]|\\.|'')*'
      | (?:[uU]&|[bBxXnN])?'(?:[^']|'')*'
      | (?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?P=tag) )
  | (?P<name> (?:[uU]&)?"(?:[^"]|"")*" )
  | (?P<word> [^\W\d][\w$]* )
  | (?P<mark> \S )
    """,
    re.VERBOSE | re.DOTALL,
)


def tokens(text: str) -> Iterator[Token]:
    """The tokens of an SQL text, white space left out.

    >>> [token.kind for token in tokens("a || 'b.c' -- d")]
    ['word', 'mark', 'mark', 'literal', 'comment']
    """
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        yield Token("literal" if kind == "tag" else kind, match[0], match.start())


def names(text: str) -> set[str]:
    """Every name that the text could mean a column or table by, as the server would fold it.

    >>> sorted(names('Placed_At + "Order"."a""b" + length(\\'x\\')'))
    ['Order', 'a"b', 'length', 'placed_at']
    """
    found = set()
    for token in tokens(text):
        if token.kind == "word":
            found.add(token.text.lower())
        elif token.kind == "name":
            found.add(token.text[token.text.index('"') + 1 : -1].replace('""', '"'))
    return found


def mentions_alone(text: str, name: str) -> bool:
    """Whether the name stands in the text without a column after it: as a whole row, perhaps.

    >>> [mentions_alone(text, "orders") for text in ("orders.id", "orders.*", "f(orders)", "(orders).id", "'orders'")]
    [False, True, True, True, False]
    """
    parts = list(tokens(text))
    for number, token in enumerate(parts):
        if token.kind in ("word", "name") and names(token.text) == {name}:
            after = [part.text for part in parts[number + 1 : number + 3]]
            if len(after) < 2 or after[0] != "." or after[1] == "*":
                return True
    return False


def has_escaped_names(text: str) -> bool:
    """Whether a name is written in Unicode escapes (U&"..."), which `names` does not resolve."""
    return any(token.kind == "name" and not token.text.startswith('"') for token in tokens(text))


def has_subquery(text: str) -> bool:
    """Whether the expression may hold a query of its own.

    >>> has_subquery("(SELECT max(id) FROM days)"), has_subquery("'select'")
    (True, False)
    """
    return holds_query(tokens(text))


def calls(text: str) -> list[str]:
    """The names of the functions that the text calls, in order, each once, without their schemas.

    >>> calls("md5((pg_catalog.random())::text) || coalesce(random()::text, lower(a))")
    ['md5', 'random', 'coalesce', 'lower']
    """
    found: dict[str, None] = {}
    before: Token | None = None
    for token in tokens(text):
        if token.text == "(" and before is not None and before.kind in ("word", "name"):
            found[next(iter(names(before.text)))] = None
        before = token
    return list(found)


def one_expression(text: str, what: str) -> str:
    """The text, if it can stand in brackets within a statement of ours. Raises BadExpression.

    >>> one_expression("a) + (b", "value")
    Traceback (most recent call last):
    console.databases.base.BadExpression: the value closes a bracket that it did not open. ...
    """
    see_one_expression(tokens(text), what, "$")
    return text
