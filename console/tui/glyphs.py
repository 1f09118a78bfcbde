"""The characters that the screen is drawn with: one set for UTF-8 terminals, one for all others.

Every glyph is one cell wide. A glyph never stands alone: a word beside it says the same.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Glyphs:
    """One set. `states` is by phase state; `braille` says whether charts may use dots."""

    name: str
    braille: bool
    states: dict[str, str]
    bar_full: str
    bar_part: str
    """Partly filled cells, emptiest first; may be empty."""
    bar_rest: str
    rule: str
    bar: str
    dot: str
    ellipsis: str
    to: str
    dash: str
    branch: str
    last_branch: str
    trunk: str
    root: str
    limit: str
    chart: str
    """One cell of a chart where there is no braille."""
    levels: str
    """A curve in one row: how full a cell is, from empty to full."""
    head: str
    track: str
    cursor: str
    checked: str
    unchecked: str
    border: str
    """The name of Textual's border style."""


UNICODE = Glyphs(
    name="unicode",
    braille=True,
    states={
        "ahead": "○",
        "running": "►",
        "passed": "✓",
        "already-done": "✓",
        "left-out": "–",
        "skipped": "»",
        "parked": "■",
        "failed": "✗",
        "undone": "↺",
    },
    bar_full="█",
    bar_part="▏▎▍▌▋▊▉",
    bar_rest="░",
    rule="─",
    bar="│",
    dot="·",
    ellipsis="…",
    to="→",
    dash="–",
    branch="├─",
    last_branch="└─",
    trunk="│ ",
    root="●",
    limit="╌",
    chart="█",
    levels=" ▁▂▃▄▅▆▇█",
    head="●",
    track="━",
    cursor="▸",
    checked="●",
    unchecked="○",
    border="round",
)

ASCII = Glyphs(
    name="ascii",
    braille=False,
    states={
        "ahead": ".",
        "running": ">",
        "passed": "+",
        "already-done": "+",
        "left-out": "-",
        "skipped": "~",
        "parked": "#",
        "failed": "x",
        "undone": "<",
    },
    bar_full="#",
    bar_part="",
    bar_rest=".",
    rule="-",
    bar="|",
    dot="-",
    ellipsis="~",
    to="->",
    dash="-",
    branch="|-",
    last_branch="`-",
    trunk="| ",
    root="o",
    limit="-",
    chart="#",
    levels=" .:=#",
    head="O",
    track="=",
    cursor=">",
    checked="x",
    unchecked=" ",
    border="ascii",
)
