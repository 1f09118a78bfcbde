"""The line of tabs over the lower panel of a small screen."""

from __future__ import annotations

from collections.abc import Sequence

from console.tui.lines import Line, Part, line
from console.tui.view import View

Tab = tuple[str, str, str]
"""The key, the short name, and the panel's id."""


def draw(view: View, width: int, tabs: Sequence[Tab], shown: str) -> Line:
    """All tabs, the one that is shown set apart, with what wants to be seen in the others."""
    parts: list[Part] = [(view.glyphs.rule, "rule")]
    for key, name, panel in tabs:
        here = panel == shown
        parts.append((f" {key} {name}{_count(view, panel)} ", "on-dim" if here else "label"))
        parts.append((view.glyphs.rule, "rule"))
    row = line(*parts)
    return Line((*row.spans, *line((view.glyphs.rule * max(0, width - row.width), "rule")).spans))


def _count(view: View, panel: str) -> str:
    if panel == "locks":
        waiting = sum(1 for wait in view.session.lock_waits if wait.mode)
        return f" ({waiting})" if waiting else ""
    if panel == "replicas" and view.session.sample is not None:
        bad = sum(1 for replica in view.session.sample.replicas if replica.state != "streaming")
        return f" ({bad} !)" if bad else ""
    return ""


def at(tabs: Sequence[Tab], view: View, x: int) -> str | None:
    """The panel whose tab stands at cell `x`."""
    cell = 1
    for key, name, panel in tabs:
        end = cell + len(f" {key} {name}{_count(view, panel)} ")
        if cell <= x < end:
            return panel
        cell = end + 1
    return None
