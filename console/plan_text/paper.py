"""Comments and ends of statements in a script, the same for every client. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from console.words import plain

WIDTH = 100


def comment(said: str) -> Iterator[str]:
    """A line break in a name must not end the comment."""
    indent = " " * (len(said) - len(said.lstrip()))
    yield from textwrap.wrap(
        plain(said),
        WIDTH,
        initial_indent="-- ",
        subsequent_indent=f"-- {indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def commented(sql: str) -> Iterator[str]:
    """A statement that is not to run."""
    for line in sql.split("\n"):
        yield f"--     {plain(line)}"


def ended(statement: str) -> str:
    """With its semicolon, which a comment at the end must not swallow."""
    return f"{statement}\n;" if "--" in statement.rpartition("\n")[2] else f"{statement};"
