"""Runs `column-console` as a user does: a process of its own, with a state folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

COMMAND = (sys.executable, "-m", "console")


def environment(home: Path, **more: str) -> dict[str, str]:
    """The test's own, with the state folder under `home`, and no password of the developer's.

    Unfinished children are no mistake here: a runner outlives the command that started it.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {
        **kept,
        "COLUMN_CONSOLE_HOME": str(home),
        "PYTHONWARNINGS": "error,ignore::ResourceWarning",
        "NO_COLOR": "1",
        **more,
    }


def run(*arguments: str | Path, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """One command, to its end, with standard output and error apart. Never prints a traceback."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=environment(home, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return done


def complaint(done: subprocess.CompletedProcess[str], status: int) -> str:
    """The one sentence with which a command failed; there is nothing on standard output."""
    assert done.returncode == status, (done.stdout, done.stderr)
    assert done.stdout == ""
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    return line.removeprefix("Error: ")
