"""The replay's time line: where the play head is, what happened when, how the curves stood, and how fast it plays."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from console.tui.clock import stopwatch
from console.tui.draw import braille, charts
from console.tui.lines import Line, Span, cut, left, line, right
from console.tui.replay.moments import WORDS, Kind
from console.tui.replay.track import Cells
from console.tui.view import Playing, View

STYLES: dict[Kind, str] = {
    "bookmark": "key",
    "error": "err",
    "warning": "warn",
    "note": "ok",
    "phase": "strong",
    "action": "replay",
    "retry": "warn",
    "lock": "warn",
    "throttle": "warn",
}
ROWS = ((22, 1), (38, 2), (50, 3))
"""The rows of the time line on a terminal below so many lines; a taller one has four."""
OVER = "!"
"""Stands in the curve where the lag was over its limit."""


def rows(height: int) -> int:
    """How many rows it takes of a terminal with so many.

    >>> rows(20), rows(24), rows(40), rows(60)
    (1, 2, 3, 4)
    """
    return next((wanted for below, wanted in ROWS if height < below), 4)


def parts(view: View, width: int) -> tuple[Line, int, int, Line]:
    """What stands before the track, where the track begins, how wide it is, and what stands behind it."""
    playing = view.playing
    assert playing is not None
    state = "FOLLOWS" if playing.follows else "PLAYING" if playing.running else "PAUSED "
    speed = f" {playing.speed:g}x".ljust(6) + ("skips quiet " if playing.skips else "")
    # As wide as at the end: a track that changed its width on the way would be laid out anew, and seem to jump.
    at = stopwatch(playing.position).rjust(len(stopwatch(playing.duration)))
    before = line((f" {state} ", "on-replay"), speed, at, " ")
    end = f" {stopwatch(playing.duration)}" + ("+" if playing.written else "")
    digits = len(str(playing.events))
    behind = line(end, (f"  event {playing.event:>{digits}} of {playing.events} ", "label"))
    if width < 100:
        behind = line(f"{end} ")
    track = max(5, width - before.width - behind.width)
    return before, before.width, track, behind


def draw(view: View, width: int, height: int = 1) -> list[Line]:
    """From the bottom up: the track with its marks; the rows per second; the lag; the phases by name."""
    playing = view.playing
    if playing is None:
        return []
    if playing.opening:
        return [*[line("")] * (height - 1), line((" OPENS  ", "on-replay"), f" {playing.opening}")]
    before, start, wide, behind = parts(view, width)
    cells = playing.track.cells(wide)
    head = playing.track.cell(playing.position, wide)
    track = Line((*before.spans, *_track(view, cells, head, named=height >= 4), *behind.spans))
    if height <= 1:
        return [track]
    if height == 2:
        return [_both(view, cells, start), track]
    lines = [_rate(view, cells, start), _lag(view, cells, start, behind.width), track]
    return lines if height == 3 else [_names(view, playing, start, wide), *lines]


def _joined(cells: Sequence[tuple[str, str]]) -> tuple[Span, ...]:
    """Cells as spans, those of one style together."""
    spans: list[Span] = []
    for text, style in cells:
        if spans and spans[-1].style == style:
            spans[-1] = Span(spans[-1].text + text, style)
        else:
            spans.append(Span(text, style))
    return tuple(spans)


def _track(view: View, cells: Cells, head: int, *, named: bool) -> tuple[Span, ...]:
    out = []
    for cell, kind in enumerate(cells.but_phases if named else cells.marks):
        if cell == head:
            out.append((view.glyphs.head, "replay"))
        elif kind is not None:
            out.append((WORDS[kind][0], STYLES[kind]))
        else:
            out.append((view.glyphs.track, "replay" if cell < head else "rule"))
    return _joined(out)


def _level(view: View, value: float, top: float) -> str:
    """A cell that is as full as the value asks for; what is not nothing shows."""
    levels = view.glyphs.levels
    if value <= 0:
        return levels[0]
    return levels[max(1, min(len(levels) - 1, round(value / top * (len(levels) - 1))))]


def _labelled(text: str, start: int, spans: tuple[Span, ...], end: Line | None = None) -> Line:
    return Line((Span(right(f"{text} ", start), "label"), *spans, *(end.spans if end else ())))


def _both(view: View, cells: Cells, start: int) -> Line:
    """One row for both curves: rows per second, and where the lag was over its limit."""
    playing = view.playing
    assert playing is not None
    limit = playing.track.limit
    top = braille.ceiling(max(cells.rows, default=0.0))
    out, over = [], False
    for rate, lag in zip(cells.rows, cells.lags, strict=True):
        if lag is not None and limit and lag > limit:
            out.append((OVER, "err"))
            over = True
        else:
            near = lag is not None and bool(limit) and lag > limit / 2 if limit else False
            out.append((_level(view, rate, top), "warn" if near else "fill"))
    words = f"to {charts.short(top, '')} rows/s" if any(cells.rows) else "no backfill"
    return _labelled(f"{words} {OVER} lag" if over else words, start, _joined(out))


def _rate(view: View, cells: Cells, start: int) -> Line:
    peak = max(cells.rows, default=0.0)
    top = braille.ceiling(peak)
    words = f"rows/s to {charts.short(top, '')}" if peak else "no backfill"
    return _labelled(words, start, _joined([(_level(view, rate, top), "fill") for rate in cells.rows]))


def _lag(view: View, cells: Cells, start: int, room: int) -> Line:
    playing = view.playing
    assert playing is not None
    limit = playing.track.limit
    known = [lag for lag in cells.lags if lag is not None]
    top = braille.ceiling(max([*known, limit or 0.0]))
    out = []
    for lag in cells.lags:
        style = "err" if lag is not None and limit and lag > limit else "second"
        # No lag is a low curve; no reading is none.
        out.append((view.glyphs.levels[0] if lag is None else _level(view, max(lag, 1e-9), top), style))
    words = f"lag to {top:g} s" if known else "no lag read"
    peak = max(known, default=0.0)
    if limit and peak > limit:
        end = line(" ", (cut(f"{peak:.1f} s, limit {limit:g} s", room - 1), "err"))
    else:
        end = line(" ", (cut(f"at most {peak:.1f} s", room - 1), "label")) if known else Line()
    return _labelled(words, start, _joined(out), end)


def _names(view: View, playing: Playing, start: int, width: int) -> Line:
    """The phases by name, each where it began."""
    begins: dict[int, str] = {}
    for moment in playing.track.moments:
        if moment.kind == "phase":
            begins[playing.track.cell(moment.t, width)] = moment.text.partition(":")[0]
    cells = sorted(begins)
    spans = [Span(" " * cells[0] if cells else "", "")]
    for at, following in pairwise([*cells, width]):
        room = following - at - 1
        spans.append(Span(view.glyphs.bar, "rule"))
        spans.append(Span(left(begins[at], room, view.glyphs.ellipsis) if room > 0 else "", "label"))
    return _labelled("phases", start, tuple(spans))


def moment(view: View, width: int, x: int) -> float | None:
    """The time that stands at cell `x` of any row, None beside the track."""
    if view.playing is None:
        return None
    _, start, track, _ = parts(view, width)
    if not start <= x < start + track:
        return None
    return view.playing.track.moment(x - start, track)
