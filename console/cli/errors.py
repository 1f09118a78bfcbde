"""What ends a command early, and how it is said: one sentence on standard error, an exit status, no traceback.

What nobody foresaw goes, with its traceback, into a file that only its owner can read; the sentence names it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import click

from console.words import plain

DONE, UNFINISHED, USAGE, BLOCKED, ROLLED_BACK, DIFFERENCES, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
"""Exit statuses; `docs` and `--help` tell them to users."""

_PASSWORD = re.compile(r"(://[^:/@\s]*:|password\s*=\s*)[^@\s]+", re.IGNORECASE)


class CommandError(Exception):
    """What is wrong, in one sentence with its mend (or one for each line), and the exit status."""

    def __init__(self, text: str, exit_status: int) -> None:
        super().__init__(text)
        self.text = text
        self.exit_status = exit_status


def guarded(command: Callable[[], object]) -> int:
    """Runs a command; its exit status, whatever happened in it."""
    try:
        result = command()
        sys.stdout.flush()
    except CommandError as error:
        for line in error.text.splitlines():
            complain(line)
        return error.exit_status
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has heard enough.
        _print_no_more()
        return UNFINISHED
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return _unforeseen(error)
        # Files that we write say it themselves; what is left is what we print.
        where = f"for {error.filename}" if error.filename else "where the output goes"
        complain(f"there is no room {where}: {error.strerror}")
        _print_no_more()
        return UNFINISHED
    except Exception as error:  # noqa: BLE001 - a traceback helps nobody at the keyboard
        return _unforeseen(error)
    return result if isinstance(result, int) else DONE


def _print_no_more() -> None:
    """Python would complain again when it flushes standard output at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(text: str) -> None:
    """One sentence on standard error."""
    with contextlib.suppress(OSError):
        click.echo(f"Error: {plain(text)}", err=True)


def _unforeseen(error: Exception) -> int:
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    where = _keep(_hidden("".join(traceback.format_exception(error))))
    complain(f"something unforeseen happened ({_hidden(said)[:300]}); {where}")
    return UNFINISHED


def _hidden(text: str) -> str:
    """Without what looks like a password.

    >>> _hidden("postgresql://ana:s3cret@h/d"), _hidden("host=h password=s3cret")
    ('postgresql://ana:***@h/d', 'host=h password=***')
    """
    return _PASSWORD.sub(r"\1***", text)


def _keep(text: str) -> str:
    from console.directories import home

    folder = home()
    path = folder / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return f"what exactly could not be written to {folder}"
    return f"what exactly stands in {path}: please report it"


def can_be_written(path: Path) -> None:
    """Complains where a file that a command is to write can't be made. Leaves a file that is there as it is."""
    folder = path.parent
    if path.is_dir():
        raise CommandError(f"{path} is a folder: name a file in it", USAGE)
    if not folder.is_dir():
        raise CommandError(f"{path} can't be written: there is no folder {folder}; make it first", USAGE)
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise CommandError(f"{path} can't be written: you have no permission; name another file", USAGE)
