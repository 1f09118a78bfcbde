"""The phases: as a list with a word for each state and the time taken, and as one compact strip."""

from __future__ import annotations

from rich.cells import cell_len

from console.session import PhaseView
from console.tui.clock import stopwatch
from console.tui.lines import Line, Part, Span, cut, fit, left, line, right
from console.tui.view import View

STYLES = {
    "ahead": "dim",
    "running": "ok",
    "passed": "ok",
    "already-done": "ok",
    "left-out": "dim",
    "skipped": "warn",
    "parked": "err",
    "failed": "err",
    "undone": "warn",
}
WORDS = {"already-done": "done before", "left-out": "left out"}


def word(view: View, phase: PhaseView) -> str:
    """The state of a phase in a word; the one whose turn it is says what it waits for."""
    state = view.session.state
    if phase.name == view.session.phase and view.session.ended is None:
        if phase.state == "ahead" and state == "waiting":
            return "NEXT"
        if phase.state == "running":
            return {"paused": "PAUSED", "parked": "PARKED", "waiting": "WAITING"}.get(state, "RUNNING")
    return WORDS.get(phase.state, phase.state)


def style(view: View, phase: PhaseView) -> str:
    """The style of the phase's glyph and word."""
    said = word(view, phase)
    if said in ("NEXT", "PAUSED", "WAITING"):
        return "warn"
    return "err" if said == "PARKED" else STYLES[phase.state]


def glyph(view: View, phase: PhaseView) -> str:
    """The glyph of the phase's state."""
    if word(view, phase) == "NEXT":
        return view.glyphs.states["running"]
    return view.glyphs.states[phase.state]


def seconds(view: View, phase: PhaseView) -> float | None:
    """How long the phase took, or has been at work; None where it has not begun, or where nobody knows.

    >>> from console.session import Session
    >>> view = View(session=Session(), now=9.0, mode="replay")
    >>> passed, parked = (PhaseView(name="x", title="X", state=state, seconds=0.0) for state in ("passed", "parked"))
    >>> seconds(view, passed), seconds(view, parked)
    (0.0, None)
    """
    if phase.state == "running" and phase.began is not None:
        return max(0.0, view.now - phase.began)
    # Until lately, a phase that was stopped did not say how long it took: unknown is not 0:00.
    if phase.state in ("parked", "failed", "undone"):
        return phase.seconds or None
    return phase.seconds if phase.state not in ("ahead", "left-out") else None


def draw(view: View, width: int, height: int) -> list[Line]:
    """One line a phase."""
    rows = view.session.phases
    if not rows:
        return [line(("no plan yet", "dim"))]
    lines = []
    took = {phase.name: _took(view, phase) for phase in rows}
    took_width = max(5, *(len(text) + 1 for text in took.values()))
    longest = max(cell_len(phase.title) for phase in rows)
    longest_word = max(len(word(view, phase)) for phase in rows)
    # Three cells of glyph, three of number, one between name and state; the state gives way first, down to RUNNING.
    name_width = max(8, min(longest + 3, width - 4 - 7 - took_width))
    state_width = max(7, min(max(12, longest_word), width - name_width - 4 - took_width))
    for number, phase in enumerate(rows, 1):
        said = word(view, phase)
        colour = style(view, phase)
        here = phase.name == view.session.phase
        name = left(f"{number:>2} {phase.title}", name_width, view.glyphs.ellipsis)
        lines.append(
            line(
                (f" {glyph(view, phase)} ", colour),
                (name, "strong" if here else "dim" if phase.state == "left-out" else ""),
                " ",
                (left(said, state_width, view.glyphs.ellipsis), colour),
                (right(took[phase.name], took_width), "" if here else "label"),
                key=f"phase {phase.name}",
            )
        )
    return [fit(row, width, view.glyphs.ellipsis) for row in lines]


def _took(view: View, phase: PhaseView) -> str:
    spent = seconds(view, phase)
    if spent is None:
        return ""
    return "<1s" if spent < 1 and phase.state != "running" else stopwatch(spent)


def strip(view: View, width: int) -> Line:
    """All phases on one line: a glyph each, and in full the one whose turn it is."""
    parts: list[Part] = [" "]
    for phase in view.session.phases:
        colour = style(view, phase)
        if phase.name == view.session.phase:
            spent = seconds(view, phase)
            took = f" {stopwatch(spent)}" if spent is not None else ""
            parts.append((f" {glyph(view, phase)} {phase.title} {word(view, phase)}{took} ", f"{colour}"))
        else:
            parts.append((f"{glyph(view, phase)} ", colour))
    ahead = [
        phase.title for phase in _after(view.session.phases, view.session.phase) if phase.state == "ahead"
    ]
    shown = line(*parts)
    if ahead and width - shown.width > 12:
        then = f" then {', '.join(ahead)}"
        shown = Line((*shown.spans, Span(cut(then, width - shown.width - 1, view.glyphs.ellipsis), "label")))
    return fit(shown, width, view.glyphs.ellipsis)


def _after(phases: tuple[PhaseView, ...], name: str) -> tuple[PhaseView, ...]:
    names = [phase.name for phase in phases]
    return phases[names.index(name) + 1 :] if name in names else ()
