"""Reads the change file for a command: its errors end the command, its warnings are told."""

from __future__ import annotations

from console import config
from console.change import ChangeFile
from console.cli.errors import USAGE, CommandError
from console.cli.say import tell


def load(path: str) -> ChangeFile:
    """The change file at `path`, before any connection. Raises CommandError."""
    try:
        file = config.load(path)
    except config.ConfigError as error:
        raise CommandError(str(error), USAGE) from None
    for warning in config.warnings(file):
        tell(warning, "warning")
    return file
