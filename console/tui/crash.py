"""What is left of a crash: a file with the traceback, for whoever mends it, and three lines for whoever saw it.

The values of variables are left out, in the file too: one of them may be a password.
"""

from __future__ import annotations

import os
import tempfile
import time
import traceback
from pathlib import Path

from console import __version__
from console.directories import home


def report(error: BaseException, directory: Path | None = None) -> Path | None:
    """Write the traceback to a file that only its owner can read; None where no file can be written."""
    text = "".join(traceback.format_exception(error))
    name = f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    for folder in (directory or home(), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:
            continue
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"column-console {__version__}\n\n{text}")
        return folder / name
    return None


def words(where: Path | None, mode: str) -> str:
    """The three lines."""
    goes_on = (
        "The recording is as it was." if mode == "replay" else "The runner goes on: column-console attach"
    )
    kept = f"What happened is in {where}" if where else "What happened could not be written to a file."
    return f"The screen failed and was closed.\n{goes_on}\n{kept}\n"
