"""Narration on standard error, and data on standard output.

Colour only where a terminal reads it and NO_COLOR is not set, and never as the only sign.
"""

from __future__ import annotations

import os
import shutil
import sys
import time

import click

from console.words import count, plain

_COLOURS = {"error": "red", "warning": "yellow"}
_EVERY = 1.0
"""Seconds between two lines of progress where they can't be written over each other."""


def data(text: str) -> None:
    """Onto standard output."""
    click.echo(text, nl=not text.endswith("\n"))


def tell(text: str, level: str = "info", when: str = "") -> None:
    """A line of narration, after the time of day where that is given."""
    said = plain(text)
    if level in _COLOURS:
        said = f"{level}: {said}" if not when else said
        said = _coloured(said, _COLOURS[level])
    click.echo(f"{when}  {said}" if when else said, err=True)


def _coloured(text: str, colour: str) -> str:
    # click itself takes the codes out where standard error is no terminal.
    return text if os.environ.get("NO_COLOR") else click.style(text, fg=colour)


class Progress:
    """How far something is: one line, written over where standard error is a terminal."""

    def __init__(self) -> None:
        self._inplace = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._text = ""
        self._told_at = 0.0
        self._open = False

    def __call__(self, text: str, done: int, total: int) -> None:
        """What is being done, and how much of how much (0 of 0: not known)."""
        now = time.monotonic()
        changed = text != self._text
        if not changed and (done >= total or now - self._told_at < (0.1 if self._inplace else _EVERY)):
            return
        self._text, self._told_at = text, now
        said = plain(text)
        if total and not (changed and not self._inplace):
            said += f": {count(done)} of {count(total)}"
        if not self._inplace:
            click.echo(said, err=True)
            return
        width = shutil.get_terminal_size().columns - 1
        click.echo(f"\r\x1b[K{said[:width]}", nl=False, err=True)
        self._open = True

    def close(self) -> None:
        """Leave the line clean for what comes next."""
        if self._open:
            click.echo("\r\x1b[K", nl=False, err=True)
            self._open = False
