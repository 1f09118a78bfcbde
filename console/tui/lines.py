"""Lines of the screen as plain data: spans of text, each in a style that has a name.

What is drawn is made of these and of nothing else, so text from outside can be no markup: there is none. Every
span passes through `console.words.plain`, so no control character reaches the terminal either. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size, split_graphemes

from console.words import plain

LONGEST = 4000
"""No span is longer than this many characters; a screen is narrower."""


class Span(NamedTuple):
    """Text in one style, named as in `console.tui.theme.STYLES`; the empty name is the panel's own."""

    text: str
    style: str = ""


class Line(NamedTuple):
    """A line. `key` names what it stands for where it can be picked (a process id, a phase), else it is empty."""

    spans: tuple[Span, ...] = ()
    key: str = ""

    @property
    def text(self) -> str:
        """The line without its styles."""
        return "".join(span.text for span in self.spans)

    @property
    def width(self) -> int:
        """Cells."""
        return sum(cell_len(span.text) for span in self.spans)


Part = str | tuple[str, str] | Span


def safe(text: str) -> str:
    r"""Text from outside, on one line, harmless.

    >>> safe("a\x1b[2Jb\tc")
    'a␛[2Jb c'
    """
    return harmless(text[:LONGEST])


def harmless(text: str) -> str:
    """The whole text on one line, however long, without control characters."""
    return text if text.isprintable() else plain(text)


def line(*parts: Part, key: str = "") -> Line:
    """A line of parts, each a text or a pair of text and style.

    >>> line("lag ", ("2.4 s", "err")).text
    'lag 2.4 s'
    """
    spans = []
    for part in parts:
        text, style = (part, "") if isinstance(part, str) else part
        if text:
            spans.append(Span(safe(text), style))
    return Line(tuple(spans), key)


def cut(text: str, width: int, ellipsis: str = "…") -> str:
    """The text in at most `width` cells.

    >>> cut("backfill", 6), cut("表表表", 5), cut("ok", 6)
    ('backf…', '表表…', 'ok')
    """
    # A cell holds few characters: what lies far beyond the width is not looked at.
    text = safe(text[: 8 * width + 64])
    if len(text) * 2 <= width or cell_len(text) <= width:
        return text
    if width <= cell_len(ellipsis):
        return set_cell_size(text, max(0, width))
    return set_cell_size(text, width - cell_len(ellipsis)).rstrip() + ellipsis


def left(text: str, width: int, ellipsis: str = "…") -> str:
    """The text in exactly `width` cells, at the left.

    >>> left("db2", 5), left("replica", 5)
    ('db2  ', 'repl…')
    """
    text = cut(text, width, ellipsis)
    return text + " " * (width - cell_len(text))


def right(text: str, width: int, ellipsis: str = "…") -> str:
    """The text in exactly `width` cells, at the right.

    >>> right("12s", 5)
    '  12s'
    """
    text = cut(text, width, ellipsis)
    return " " * (width - cell_len(text)) + text


def fit(given: Line, width: int, ellipsis: str = "…") -> Line:
    """The line in at most `width` cells, cut at its end.

    >>> fit(line("one ", ("two three", "dim")), 8).text
    'one two…'
    """
    if given.width <= width:
        return given
    spans: list[Span] = []
    room = width
    for span in given.spans:
        size = cell_len(span.text)
        if size < room or (size == room and span is given.spans[-1]):
            spans.append(span)
            room -= size
            continue
        # What follows does not fit: the ellipsis takes the last cell.
        kept = set_cell_size(span.text, min(size, max(0, room - cell_len(ellipsis)))).rstrip()
        spans.append(Span(kept + (ellipsis if room > 0 else ""), span.style))
        break
    return Line(tuple(spans), given.key)


def sides(at_left: Line, at_right: Line, width: int, ellipsis: str = "…") -> Line:
    """Two lines on one, at the edges; the left one gives way.

    >>> sides(line("public.orders"), line("LIVE"), 14).text
    'public.o… LIVE'
    """
    room = max(0, width - at_right.width - 1)
    shown = fit(at_left, room, ellipsis)
    gap = max(1, width - shown.width - at_right.width)
    return Line((*shown.spans, Span(" " * gap), *at_right.spans), at_left.key)


def wrap(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells, broken between words where that is possible.

    >>> wrap("Fill placed_on in the existing rows", 14)
    ['Fill placed_on', 'in the', 'existing rows']
    >>> wrap("abcdefgh", 3)
    ['abc', 'def', 'gh']
    """
    width = max(1, width)
    out: list[str] = []
    row = ""
    for word in harmless(text).split(" "):
        if row and cell_len(row) + 1 + cell_len(word) <= width:
            row = f"{row} {word}"
            continue
        if row:
            out.append(row)
        pieces = chunks(word, width)
        out.extend(pieces[:-1])
        row = pieces[-1] if pieces else ""
    out.append(row)
    return out


def chunks(text: str, width: int) -> list[str]:
    """The text in pieces of at most `width` cells.

    >>> chunks("表表a", 3)
    ['表', '表a']
    """
    if text.isascii():
        return [text[at : at + width] for at in range(0, len(text), width)]
    out, row, size = [], "", 0
    for start, end, cells in split_graphemes(text)[0]:
        if row and size + cells > width:
            out.append(row)
            row, size = "", 0
        row += text[start:end]
        size += cells
    return [*out, row] if row else out


def paragraph(text: str, width: int, style: str = "", indent: str = "") -> list[Line]:
    """A paragraph of text as lines, each behind `indent`; what is far too long for a panel is cut."""
    if len(text) > LONGEST:
        text = text[:LONGEST] + "…"
    return whole(text, width, style, indent)


def whole(text: str, width: int, style: str = "", indent: str = "") -> list[Line]:
    """As `paragraph`, and never cut."""
    return [line(indent, (row, style)) for row in _wrapped(text, width - cell_len(indent))]


@lru_cache(maxsize=512)
def _wrapped(text: str, width: int) -> tuple[str, ...]:
    """Remembered: most of what is wrapped is drawn again each second."""
    return tuple(wrap(text, width))


def beside(columns: Iterable[tuple[list[Line], int]], gap: int = 2) -> list[Line]:
    """Columns of lines side by side, each in its width."""
    given = list(columns)
    height = max((len(rows) for rows, _ in given), default=0)
    out = []
    for y in range(height):
        spans: list[Span] = []
        for number, (rows, width) in enumerate(given):
            row = fit(rows[y], width) if y < len(rows) else Line()
            spans.extend(row.spans)
            if number < len(given) - 1:
                spans.append(Span(" " * (width - row.width + gap)))
        out.append(Line(tuple(spans)))
    return out
