"""Where the things are that the tests need besides Python packages: what `prepare` wrote down, read again.

The conftest loads it, so that a plain `pytest` sees what `make test` sees. What the environment already says wins
over the file.
"""

import os
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE = ROOT / ".cache" / "test-env"

PG15_BIN = "COLUMN_CONSOLE_TEST_PG15_BIN"
"""The folder with PostgreSQL 15's `initdb`, `postgres`, `pg_ctl`, `pg_basebackup` and `psql`."""

SSHD = "COLUMN_CONSOLE_TEST_SSHD"
"""The path of OpenSSH's server."""

BROWSER = "COLUMN_CONSOLE_TEST_BROWSER"
"""A program that is a Chromium, or starts one."""


def load() -> None:
    """Put what `prepare` wrote into this process's environment; nothing where it never ran."""
    if not FILE.exists():
        return
    for word in shlex.split(FILE.read_text(encoding="utf-8"), comments=True):
        name, _, value = word.partition("=")
        if name == "PATH":
            here = os.environ.get("PATH", os.defpath)
            folders = [f for f in value.split(":") if f != "$PATH" and f not in here.split(":")]
            os.environ["PATH"] = ":".join([*folders, here])
        else:
            os.environ.setdefault(name, value)
