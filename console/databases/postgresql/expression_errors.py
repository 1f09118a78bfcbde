"""What is wrong with an expression of the change file: the server's message, the place, a near miss. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from console.databases.base import BadExpression, DatabaseError
from console.databases.nearest import near_misses
from console.databases.postgresql import tokens
from console.databases.postgresql.errors import sentence, tidy, translate
from console.databases.postgresql.identifiers import quote

_SHOWN = 24  # characters of the expression after the place

_ABOUT_THE_TEXT = ("0A", "21", "22", "2F", "38", "39", "3F", "42", "54", "P0")


def explain(
    error: psycopg.Error, what: str, text: str, offset: int, columns: Sequence[str] = ()
) -> DatabaseError:
    """The error as BadExpression, if the server says it of the text; else what `translate` makes of it.

    `offset`: characters of the statement before `text`. `columns`: the names that the text may use.
    """
    state = error.sqlstate or ""
    if not state.startswith(_ABOUT_THE_TEXT) or state == "42501":
        return translate(error, f"the {what} could not be tried")
    place = error.diag.statement_position
    where, mend = "", ""
    if place is not None:
        at = int(place) - 1 - offset
        if 0 <= at < len(text):
            rest = tidy(text[at : at + _SHOWN])
            where = f" at character {at + 1} ({rest}" + ("…)" if at + _SHOWN < len(text) else ")")
            if state == "42703":
                mend = _near(text[at:], columns)
        elif at >= len(text):
            where = " at its end"
    if not mend and error.diag.message_hint:
        mend = tidy(error.diag.message_hint)
    return BadExpression(f"the {what} is wrong{where}: {sentence(error, show_values=True)}", mend)


def _near(text: str, columns: Sequence[str]) -> str:
    """The column that was meant, by the name at the beginning of the text (`a` or `orders.a`)."""
    wanted, dotted = "", True
    for token in tokens.tokens(text):
        if token.text == ".":
            dotted = True
        elif dotted and token.kind in ("word", "name"):
            wanted, dotted = next(iter(tokens.names(token.text))), False
        else:
            break
    meant = near_misses(wanted, columns)
    return f"Did you mean {' or '.join(quote(name) for name in meant)}?" if meant else ""
