"""What can be told of an SQL expression by its tokens alone, in any dialect. Pure.

The server decides what an expression means; each database has a lexer of its own, and what is done with its tokens
is here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from console.databases.base import BadExpression


class Token(NamedTuple):
    """A piece of SQL text. `kind`: word, name (quoted), literal, comment, or mark (any other character)."""

    kind: str
    text: str
    start: int


def holds_query(parts: Iterable[Token]) -> bool:
    """Whether the expression may hold a query of its own."""
    before = ""
    for token in parts:
        if before == "(" and token.text.lower() in ("select", "values", "table", "with"):
            return True
        before = token.text
    return False


def see_one_expression(parts: Iterable[Token], what: str, parameter: str) -> None:
    """Sees that the tokens can stand in brackets within a statement of ours. Raises BadExpression.

    `parameter`: the mark of a parameter, which has no value here.
    """
    depth, some = 0, False
    for token in parts:
        some = True
        if token.kind == "comment":
            raise BadExpression(
                f"the {what} holds a comment", "Leave the comment out; the change file takes # comments"
            )
        if token.text == parameter:
            raise BadExpression(f"the {what} holds a parameter ({parameter})", "Give the value itself")
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "mark" else 0
        if token.text == ";":
            raise BadExpression(f"the {what} holds a semicolon", "Give one SQL expression")
        if depth < 0:
            raise BadExpression(
                f"the {what} closes a bracket that it did not open", "Give one SQL expression"
            )
    if depth:
        raise BadExpression(f"the {what} leaves {depth} bracket{'s' if depth > 1 else ''} open", "Close it")
    if not some:
        raise BadExpression(f"the {what} is empty", "Give an SQL expression, or leave the key out")
