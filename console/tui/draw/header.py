"""The two lines at the top: what change, where it is, LIVE or REPLAY, who has control, and what is late."""

from __future__ import annotations

from rich.cells import cell_len

from console.session import Session
from console.tui import people
from console.tui.clock import clock, countdown, next_end, stopwatch
from console.tui.lines import Line, Part, Span, cut, line, sides
from console.tui.view import OLD, View
from console.words import age, plural

STATES = {
    "starting": ("STARTING", "on-dim"),
    "waiting": ("WAITING", "on-warn"),
    "running": ("RUNNING", "on-ok"),
    "paused": ("PAUSED", "on-warn"),
    "parked": ("PARKED", "on-err"),
    "ended": ("ENDED", "on-dim"),
}
TROUBLES = (
    ("no connection", ("NO CONNECTION", "on-err")),
    ("rolling back", ("ROLLING BACK", "on-warn")),
)
"""What the reason of a running session begins with, and the word for it."""
KINDS = {"postgresql": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB"}
SILENT = OLD
"""Seconds without any event after which the header says so; a sample comes each second."""


def draw(view: View, width: int, height: int = 2) -> list[Line]:
    """The header's lines, `width` cells wide."""
    lines = [_what(view, width), _who(view, width)]
    return lines[:height]


def _what(view: View, width: int) -> Line:
    session = view.session
    header = session.header
    title = header.title if header else view.title or "session"
    word, style = _state(view)
    mode = (" REPLAY ", "on-replay") if view.mode == "replay" else (" LIVE ", "on-ok")
    if view.link:
        mode = (" NO LINK ", "on-err")
    held: list[Part] = []
    if view.playing is not None and view.playing.chain is not None and view.playing.chain.broken:
        held = [(" NOT AS WRITTEN ", "on-err"), " "]
    elif view.playing is not None and view.playing.problems:
        held = [(" INCOMPLETE ", "on-err"), " "]
    elif view.playing is not None and view.playing.cut_off:
        held = [(" NO END ", "on-warn"), " "]
    if word == "RUNNING" and any(reason.stops for reason in session.throttle):
        held += [(" HELD BACK ", "on-err"), " "]
    # What has ended does not live; a recording stays one.
    over = session.ended is not None and view.mode == "live"
    modes: list[Part] = [] if over else [" ", mode]
    badges = line(" ", *held, (f" {word} ", style), *modes)
    where = position(session)
    room = width - badges.width - 2
    parts: list[Part] = [(f" {cut(title, max(12, room - len(where) - 4))}", "title")]
    if where:
        parts += [("   ", ""), (where, "strong")]
    if header:
        server = header.server
        said = line(*parts)
        for name in (f"{server.name}, {KINDS[server.kind]} {server.version}", server.name):
            if said.width + 3 + cell_len(name) <= room:
                parts += [("   ", ""), (name, "label")]
                break
    return sides(line(*parts), badges, width, view.glyphs.ellipsis)


def trouble(reason: str) -> tuple[str, str] | None:
    """The word for why a running session does something else than its phase, with its style.

    >>> trouble("no connection to the database: refused; next try in 2.0 s"), trouble("")
    (('NO CONNECTION', 'on-err'), None)
    """
    return next((word for begins, word in TROUBLES if reason.startswith(begins)), None)


def _state(view: View) -> tuple[str, str]:
    """The word for the state, and its style; where the link is lost it is what it was."""
    session = view.session
    word, style = STATES[session.state]
    if session.state == "running":
        word, style = trouble(session.reason) or (word, style)
    return (f"WAS {word}", "on-dim") if view.link else (word, style)


def position(session: Session) -> str:
    """Which phase, of how many: `phase 5 of 10, Backfill`; phases left out are not counted."""
    if session.ended is not None:
        return f"{session.ended.outcome}"
    counted = [phase for phase in session.phases if phase.state != "left-out"]
    names = [phase.name for phase in counted]
    if session.phase not in names:
        return ""
    number = names.index(session.phase)
    return f"phase {number + 1} of {len(names)}, {counted[number].title}"


def _who(view: View, width: int) -> Line:
    late = _late(view)
    # Before the people: it must not be what is cut off.
    parts: list[Part] = [" ", *_file(view, width), *_people(view)]
    if late:
        parts[1:1] = [(late, "warn"), "   "]
    return sides(line(*parts), line(*_times(view, width)), width, view.glyphs.ellipsis)


def _file(view: View, width: int) -> list[Part]:
    """What is replayed. It stands before who was there at that moment."""
    if view.playing is None:
        return []
    written = (
        ", still written" if view.playing.written else ", waits for more" if view.playing.follows else ""
    )
    if width < 100:
        return [(cut(view.title, 20, view.glyphs.ellipsis), "replay"), (written, "label"), "  "]
    return [(f"recording {view.title}", "replay"), (f"{written or ', read only'}", "label"), "   "]


def _people(view: View) -> list[Part]:
    session = view.session
    if view.link:
        return [(view.link, "err")]
    if people.one_control(session):
        return _one_control(view)
    operators = sorted({client.name for client in session.clients if client.role == "operator"})
    watching = sum(1 for client in session.clients if client.role != "operator")
    if not session.clients:
        return [("nobody is attached", "label")]
    control = " and ".join(operators) if operators else "nobody"
    verb = "have" if len(operators) > 1 else "has"
    screens = plural(len(session.clients), "screen")
    rest = f", {screens} attached" + (f", {watching} watching only" if watching else "")
    return [(control, "strong" if operators else "warn"), (f" {verb} control{rest}", "label")]


def _one_control(view: View) -> list[Part]:
    """Who has control, who else is here, and what the people here are asked."""
    session = view.session
    said, here = people.in_control(session, view.me)
    parts: list[Part] = [(said, "strong" if here else "warn")]
    waiting = people.pending(session)
    if waiting:
        # First, for a narrow screen cuts the rest off.
        return [(people.waits(waiting[-1], view.now), "warn"), "   ", *parts]
    watching = people.others(session, view.me)
    return [*parts, (f", {watching}", "label")] if watching else parts


def _late(view: View) -> str:
    """What the header must say about readings: the age of the newest one, when it is old."""
    session = view.session
    if session.ended is not None or session.sample is None or view.link:
        return ""
    silence = view.now - session.t
    if silence > SILENT:
        return f"OLD: nothing heard for {age(silence)}"
    gone = view.now - session.sample.t
    return f"OLD: last reading {age(gone)} ago" if gone > SILENT else ""


def _times(view: View, width: int) -> list[Part]:
    session = view.session
    parts: list[Part] = []
    closes = window_closes(session, view.now)
    if closes is not None and session.ended is None:
        left = closes - view.now
        style = "warn" if left < 1800 else "label"
        parts += [(f"window closes in {countdown(left)}", style), "   "]
    if width >= 100:
        parts += [(f"{stopwatch(view.now)} since start", "label"), "   "]
    parts += [(clock(session.header, view.now), "strong"), " "]
    return parts


def window_closes(session: Session, now: float) -> float | None:
    """When the maintenance window closes next, on the session's clock; None where there is none."""
    if session.header is None or not session.header.window:
        return None
    return next_end(session.header, now)


def space(width: int) -> Line:
    """An empty line of the header's own colour."""
    return Line((Span(" " * width),))
