"""Breaks SQL into lines where it takes any white space, and nowhere else. Pure."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
    (?P<dollar>\$(?:[A-Za-z_]\w*)?\$) .*? (?P=dollar)   # a dollar-quoted text
    | '(?:[^']|'')*' | "(?:[^"]|"")*"                     # a literal, a quoted name
    | /\*.*?\*/ | --[^\n]*\n?                             # comments
    | \n | [ \t]+ | [^\s'"$/-]+ | .
    """,
    re.VERBOSE | re.DOTALL,
)


def wrap_sql(sql: str, width: int) -> list[str]:
    """Lines of at most `width` characters, where that can be had without breaking a quoted text.

    A continued line is indented by two spaces. Line breaks that are there already stay.

    >>> wrap_sql("UPDATE orders SET note = 'a  long    note' WHERE id > 1", 32)
    ['UPDATE orders SET note =', "  'a  long    note' WHERE id > 1"]
    >>> wrap_sql("CREATE FUNCTION f() AS $b$\\n  one two three\\n$b$ LANGUAGE sql", 20)
    ['CREATE FUNCTION f()', '  AS $b$', '  one two three', '$b$ LANGUAGE sql']
    """
    lines = [""]
    for word, space in _words(sql):
        if word == "\n":
            lines.append("")
            continue
        first, *rest = word.split("\n")
        joined = lines[-1] + space + first
        if lines[-1].strip() and space and len(joined) > width:
            lines.append("  " + first)
        else:
            lines[-1] = joined
        lines.extend(rest)
    return lines


def _words(sql: str) -> list[tuple[str, str]]:
    """What must stay together, each with the white space before it."""
    words: list[tuple[str, str]] = []
    word, space = "", ""
    for match in _TOKEN.finditer(sql):
        piece = match[0]
        if piece == "\n" or piece.isspace():
            if word:
                words.append((word, space))
                word, space = "", ""
            if piece == "\n":
                words.append(("\n", ""))
                space = ""
            else:
                space = piece
        elif piece.startswith("--") and piece.endswith("\n"):
            words.append((word + piece[:-1], space))
            words.append(("\n", ""))
            word, space = "", ""
        else:
            word += piece
    if word:
        words.append((word, space))
    return words
