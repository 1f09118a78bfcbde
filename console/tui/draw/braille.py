"""A chart in a few cells: dots of braille, two wide and four high in each cell, or whole cells without it.

The columns are of several seconds, aligned to the clock, so that a chart moves by a whole cell every so often
and not with each second. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from console.tui.glyphs import Glyphs
from console.tui.lines import Line, Span

STEPS = (1, 2, 5, 10, 15, 30, 60)
"""Seconds that a column of dots may stand for."""

# The bits of the dots of a braille cell, by column, from the bottom up.
BITS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))


class Series:
    """One curve: values by time, oldest first, None where there was none; `style` names its colour."""

    def __init__(
        self,
        points: Sequence[tuple[float, float | None]],
        style: str = "ok",
        *,
        fill: bool = False,
    ) -> None:
        self.points = points
        self.style = style
        self.fill = fill


def step(width: int, span: float, per_cell: int = 2) -> int:
    """Seconds for a column of dots, so that `width` cells show `span` seconds, but for a fifth at most.

    >>> step(50, 600), step(20, 600), step(190, 600), step(29, 183)
    (5, 15, 2, 5)
    """
    for seconds in STEPS:
        if seconds * width * per_cell >= 0.8 * span:
            return seconds
    return STEPS[-1]


def ceiling(value: float) -> float:
    """The top of a scale: the next of a few round numbers, so that it seldom changes.

    >>> ceiling(8410), ceiling(2.4), ceiling(0), ceiling(0.034)
    (10000.0, 3.0, 1.0, 0.04)
    """
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    for factor in (1, 1.5, 2, 3, 4, 5, 6, 8, 10):
        if value <= factor * power * (1 + 1e-9):
            return round(factor * power, 9)
    return 10 * power


def columns(
    points: Sequence[tuple[float, float | None]], now: float, seconds: int, count: int, per_cell: int
) -> list[float | None]:
    """The largest value in each of `count` columns of `seconds`, the last of which holds `now`.

    The last cell is filled as time goes on, so the columns move by whole cells.
    """
    # The end of the cell in which `now` lies.
    cell = seconds * per_cell
    end = (math.floor(now / cell) + 1) * cell
    start = end - count * seconds
    out: list[float | None] = [None] * count
    for t, value in points:
        index = int((t - start) // seconds)
        if value is not None and 0 <= index < count:
            old = out[index]
            out[index] = value if old is None else max(old, value)
    return out


def plot(
    series: Sequence[Series],
    now: float,
    *,
    seconds: int,
    width: int,
    height: int,
    top: float,
    glyphs: Glyphs,
    limit: float | None = None,
) -> list[Line]:
    """The curves in `width` by `height` cells, with the limit drawn in; what is above it looks like trouble."""
    per_cell = 2 if glyphs.braille else 1
    per_row = 4 if glyphs.braille else 1
    dots = height * per_row
    bits = [[0] * width for _ in range(height)]
    styles = [[""] * width for _ in range(height)]
    for curve in series:
        before: int | None = None
        values = columns(curve.points, now, seconds, width * per_cell, per_cell)
        for x, value in enumerate(values):
            if value is None:
                before = None
                continue
            level = _level(value, top, dots)
            # A curve that is not filled is joined up, so that a jump is a line and no pair of dots.
            low = 0 if curve.fill else level
            if not curve.fill and before is not None:
                low, high = min(level, before), max(level, before)
                low = low + 1 if before < level else low
                high = high - 1 if before > level else high
                span = range(min(low, level), max(high, level) + 1)
            else:
                span = range(low, level + 1)
            before = level
            over = limit is not None and value > limit
            for dot in span:
                row = height - 1 - dot // per_row
                bits[row][x // per_cell] |= BITS[x % 2][dot % 4] if glyphs.braille else 1
                styles[row][x // per_cell] = "err" if over else curve.style
    limit_row = None
    if limit is not None and limit <= top:
        limit_row = height - 1 - _level(limit, top, dots) // per_row
    return [_row(bits[y], styles[y], glyphs, limit=y == limit_row) for y in range(height)]


def _level(value: float, top: float, dots: int) -> int:
    """The dot of a value, from 0 at the bottom."""
    return max(0, min(dots - 1, round(value / top * (dots - 1))))


def _row(bits: list[int], styles: list[str], glyphs: Glyphs, *, limit: bool) -> Line:
    spans: list[Span] = []
    for bit, style in zip(bits, styles, strict=True):
        curve = chr(0x2800 + bit) if glyphs.braille else glyphs.chart
        text = curve if bit else glyphs.limit if limit else " "
        colour = style if bit else "warn" if limit else ""
        if spans and spans[-1].style == colour:
            spans[-1] = Span(spans[-1].text + text, colour)
        else:
            spans.append(Span(text, colour))
    return Line(tuple(spans))
