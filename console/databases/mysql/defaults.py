"""The change's default as SQL, and whether it is a literal: only one that is can be had instantly on MySQL. Pure."""

from __future__ import annotations

import re

from console.change import Change
from console.facts import TableFacts

_LITERAL = re.compile(r"[-+]?[\d.]|['\"]|[xXbBnN]'|_\w+\s*['\"]|(?i:true|false)\b")


def is_literal(default: str) -> bool:
    """Whether a default, as it stands after DEFAULT, is a literal and not an expression.

    >>> [is_literal(text) for text in ("'a'", "-1.5", "x'00'", "(now(6))", "CURRENT_TIMESTAMP", "NULL")]
    [True, True, True, False, False, False]
    """
    return _LITERAL.match(default) is not None


def default_sql(change: Change, facts: TableFacts) -> str:
    """The change's default as it stands after SET DEFAULT; empty where there is none, or it is NULL."""
    if change.default is None:
        return ""
    text = facts.default_sql or change.default
    if text.upper() == "NULL":
        return ""
    return text if is_literal(text) or text.startswith("(") else f"({text})"
