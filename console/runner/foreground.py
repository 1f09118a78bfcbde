"""A runner in the foreground, as systemd starts one: it tells its session on standard error, line by line."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from console import events, narrate
from console.runner.options import Options, to_arguments
from console.words import plain


def become(
    change_file: Path, *, advance: str | None, recording: Path | None, application: Path | None
) -> NoReturn:
    """Make this process the runner, so that whoever supervises it has the runner's own process."""
    options = Options(
        change_file=str(change_file.resolve()),
        advance=advance,
        recording=str(recording.resolve()) if recording else None,
        application=str(application.resolve()) if application else None,
        foreground=True,
    )
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.chdir("/")
    arguments = [sys.executable, "-m", "console.runner", *to_arguments(options)]
    os.execve(sys.executable, arguments, {**os.environ, "PYTHONUNBUFFERED": "1"})  # noqa: S606 - no shell


def tell(event: events.Event) -> None:
    """The event as a line, where a person would want to read it."""
    said = narrate.line(event)
    if said is None:
        return
    level, text = said
    say(text if level == "info" else f"{level}: {text}")


def say(text: str) -> None:
    """A line on standard error, as long as somebody reads it: the work does not depend on that."""
    try:
        sys.stderr.write(f"{plain(text)}\n")
        sys.stderr.flush()
    except OSError:
        return
