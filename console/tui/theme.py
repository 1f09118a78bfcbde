"""Our colours: one theme for terminals with 256 colours or more, one for 16 colours and for none at all.

Sky, yellow and vermillion tell good, careful and bad apart for people with any kind of colour vision (Okabe and
Ito's palette); a word always stands beside the colour. Purple is for replay and nothing else.
"""

from __future__ import annotations

from functools import lru_cache

from rich.style import Style
from textual.color import Color
from textual.theme import Theme

SKY = "#56B4E9"
YELLOW = "#F0E442"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"

RICH = "column-console"
PLAIN = "column-console-16"

LOOKS: dict[str, tuple[str, str, str]] = {
    "": ("", "", ""),
    "dim": ("faint", "", ""),
    "label": ("muted", "", ""),
    "strong": ("", "", "bold"),
    "title": ("primary", "", "bold"),
    "ok": ("success", "", ""),
    "warn": ("warning", "", ""),
    "err": ("error", "", "bold"),
    "ours": ("", "", "bold"),
    "key": ("primary", "", "bold"),
    "sql": ("sql", "", ""),
    "word": ("primary", "", ""),
    "replay": ("replay", "", ""),
    "second": ("second", "", ""),
    "third": ("third", "", ""),
    "fill": ("primary", "", ""),
    "rest": ("rule", "", ""),
    "rule": ("rule", "", ""),
    "on-ok": ("on-colour", "success", "bold"),
    "on-warn": ("on-colour", "warning", "bold"),
    "on-err": ("on-colour", "error", "bold"),
    "on-replay": ("on-colour", "replay", "bold"),
    "on-dim": ("ink", "chip", "bold"),
    "cursor": ("on-colour", "primary", ""),
}
"""The styles that a span may have: variable of its colour, variable of its ground, and how it is written."""


@lru_cache(maxsize=512)
def look(name: str, base: Style, ink: str, ground: str, *, ansi: bool) -> Style:
    """A named style on a base, with the colours that its variables have. On few colours what would be set apart by its
    ground is reversed instead, and what would be faint is dim."""
    _, wants_ground, written = LOOKS[name]
    if ansi and wants_ground:
        return base + Style.parse("bold reverse")
    if ansi and name == "dim":
        return base + Style(dim=True)
    style = Style.parse(written) if written else Style()
    color = Color.parse(ink).rich_color if ink else None
    bgcolor = Color.parse(ground).rich_color if ground else None
    return base + Style(color=color, bgcolor=bgcolor) + style


VARIABLES = {
    "ink": "#D5DDE5",
    "muted": "#8594A5",
    "faint": "#5A6877",
    "rule": "#2A3441",
    "rule-focus": SKY,
    "sql": "#B7CCE0",
    "replay": PURPLE,
    "second": "#E69F00",
    "third": "#009E73",
    "ground": "#0D1117",
    "raised": "#151B23",
    "chip": "#242E3A",
    "on-colour": "#0D1117",
}
"""Our own variables of the style sheet. They stand in every theme, so that a stock theme can be chosen too."""

ANSI_VARIABLES = {
    "ink": "ansi_default",
    "muted": "ansi_default",
    "faint": "ansi_bright_black",
    "rule": "ansi_bright_black",
    "rule-focus": "ansi_bright_cyan",
    "sql": "ansi_default",
    "replay": "ansi_magenta",
    "second": "ansi_bright_yellow",
    "third": "ansi_green",
    "ground": "ansi_default",
    "raised": "ansi_default",
    "chip": "ansi_default",
    "on-colour": "ansi_black",
}


def themes() -> tuple[Theme, Theme]:
    """The theme for many colours, and the one for few."""
    rich = Theme(
        name=RICH,
        primary=SKY,
        secondary="#8CB4D5",
        success=SKY,
        warning=YELLOW,
        error=VERMILLION,
        accent=SKY,
        foreground=VARIABLES["ink"],
        background=VARIABLES["ground"],
        surface=VARIABLES["ground"],
        panel=VARIABLES["raised"],
        dark=True,
        variables={
            **VARIABLES,
            "border": SKY,
            "border-blurred": VARIABLES["rule"],
            "scrollbar": "#2A3441",
            "scrollbar-hover": "#3B4858",
            "scrollbar-active": SKY,
            "scrollbar-background": VARIABLES["ground"],
            "scrollbar-background-hover": VARIABLES["ground"],
            "scrollbar-background-active": VARIABLES["ground"],
            "scrollbar-corner-color": VARIABLES["ground"],
            "input-selection-background": "#56B4E9 35%",
        },
    )
    plain = Theme(
        name=PLAIN,
        ansi=True,
        primary="ansi_cyan",
        secondary="ansi_cyan",
        success="ansi_bright_cyan",
        warning="ansi_bright_yellow",
        error="ansi_bright_red",
        accent="ansi_cyan",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        dark=True,
        variables={
            **ANSI_VARIABLES,
            "ansi-background": "ansi_black",
            "ansi-foreground": "ansi_white",
            "border-blurred": "ansi_bright_black",
            "block-cursor-foreground": "ansi_black",
            "block-cursor-background": "ansi_white",
            "input-cursor-background": "ansi_white",
            "input-cursor-foreground": "ansi_black",
            "input-cursor-text-style": "none",
            "input-selection-background": "ansi_bright_blue",
            "input-selection-foreground": "ansi_black",
            "screen-selection-background": "ansi_bright_blue",
            "screen-selection-foreground": "ansi_black",
        },
    )
    return rich, plain
