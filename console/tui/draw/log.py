"""The event log: time, level in a word, and what happened."""

from __future__ import annotations

from console.session import LogLine
from console.tui.clock import clock
from console.tui.lines import Line, fit, line
from console.tui.view import View

LEVELS = {"info": ("info", "dim"), "warning": ("WARN", "warn"), "error": ("ERROR", "err")}


def draw(view: View, width: int, height: int) -> list[Line]:
    """All lines of the log, the newest last."""
    if not view.session.log and view.playing is not None and view.playing.opening:
        return [line(("being read", "dim"))]
    if not view.session.log:
        return [line(("nothing has happened yet", "dim"))]
    return [row(view, number, entry, width) for number, entry in enumerate(view.session.log)]


def row(view: View, number: int, entry: LogLine, width: int) -> Line:
    """One line of the log, with its place in the log as key."""
    word, style = LEVELS.get(entry.level, (entry.level, ""))
    text_style = {"warning": "warn", "error": "err"}.get(entry.level, "")
    return fit(
        line(
            (clock(view.session.header, entry.t), "label"),
            " ",
            (f"{word:<5}", style),
            " ",
            (entry.text, text_style),
            key=f"log {number}",
        ),
        width,
        view.glyphs.ellipsis,
    )
