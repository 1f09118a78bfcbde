"""The whole session laid along a line of cells: what is marked in each, and how the curves stood there. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

from console.session import Point
from console.tui.replay.moments import WORDS, Kind, Moment

KINDS = tuple(WORDS)
APART = 5.0
"""Seconds between two samples above which nothing is known of what lies between."""


class Cells(NamedTuple):
    """A track of some width, cell by cell."""

    marks: tuple[Kind | None, ...]
    but_phases: tuple[Kind | None, ...]
    """The marks where phases are shown by name."""
    rows: tuple[float, ...]
    """The most rows per second."""
    lags: tuple[float | None, ...]
    """The highest lag of any replica, in seconds; None where none was read."""


NO_LAG = -1.0
"""Of a sample that read no replica: below every lag."""


class Curves:
    """The curves of a recording, column by column: a night has a hundred thousand samples, laid along each width."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.times = [point.t for point in points]
        self.rates = [point.rows_per_second for point in points]
        self.lags = [point.lags for point in points]


def furthest(samples: Iterable[Sequence[float | None]]) -> float:
    """The highest lag of several samples.

    >>> furthest([(0.5, 2.0), (1.0, 0.5)]), furthest([(0.5, 2.0), (0.5, None)])
    (2.0, 2.0)
    >>> furthest([(None,)]), furthest([()])
    (-1.0, -1.0)
    """
    every: list[Any] = list(chain.from_iterable(samples))
    try:
        # Nearly always every replica was read, each time, and this does it.
        most = max(every)
    except (TypeError, ValueError):
        most = None
    if most is None:
        return max((lag for lag in every if lag is not None), default=NO_LAG)
    return float(most)


class Track:
    """What the time line is drawn from. Laid out once for each width."""

    def __init__(
        self, moments: Sequence[Moment], curves: Curves, duration: float, limit: float | None = None
    ) -> None:
        """`limit`: the lag's, in seconds."""
        self.moments = moments
        self.duration = duration
        self.limit = limit
        self._curves = curves
        self._cells: dict[int, Cells] = {}

    def cell(self, t: float, width: int) -> int:
        """The cell in which a moment lies.

        >>> Track((), Curves(()), 100.0).cell(50.0, 11), Track((), Curves(()), 0.0).cell(0.0, 11)
        (5, 0)
        """
        share = t / self.duration if self.duration else 0.0
        return max(0, min(width - 1, round(share * (width - 1))))

    def moment(self, cell: int, width: int) -> float:
        """The time that stands at a cell.

        >>> Track((), Curves(()), 100.0).moment(5, 11)
        50.0
        """
        return cell / max(1, width - 1) * self.duration

    def cells(self, width: int) -> Cells:
        """Laid along so many cells."""
        laid = self._cells.get(width)
        if laid is None:
            if len(self._cells) > 8:
                self._cells.clear()
            laid = self._cells[width] = self._lay(width)
        return laid

    def _lay(self, width: int) -> Cells:
        times, rates, lags = self._curves.times, self._curves.rates, self._curves.lags

        def cell(t: float) -> int:
            return self.cell(t, width)

        most = [0.0] * width
        lag = [NO_LAG] * width
        begin = 0
        for at in range(width):
            if begin >= len(times):
                break
            end = bisect_right(times, at, lo=begin, key=cell)
            if end > begin:
                most[at] = max(0.0, *rates[begin:end])
                lag[at] = furthest(lags[begin:end])
            elif begin and times[begin] - times[begin - 1] <= APART:
                # Samples that lie further apart than cells: each tells of the time since the one before.
                most[at], lag[at] = max(0.0, rates[begin]), furthest(lags[begin : begin + 1])
            begin = end
        known = tuple(one if one >= 0 else None for one in lag)
        marks = self._marks([moment for moment in self.moments if moment.kind != "phase"], width)
        return Cells(self._marks(self.moments, width), marks, tuple(most), known)

    def _marks(self, moments: Sequence[Moment], width: int) -> tuple[Kind | None, ...]:
        """The mark of each cell; of several the one that stands first in `WORDS`."""
        marks: list[Kind | None] = [None] * width
        for moment in moments:
            at = self.cell(moment.t, width)
            old = marks[at]
            if old is None or KINDS.index(moment.kind) < KINDS.index(old):
                marks[at] = moment.kind
        return tuple(marks)
