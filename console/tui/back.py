"""The way back to a session whose link is lost: whether its runner still lives, and the command that leads there."""

from __future__ import annotations

import os
import shlex
import socket
from pathlib import Path

from console.events import Header
from console.words import plain


def runner_lives(header: Header | None) -> bool | None:
    """Whether the runner's process is there; None where that can't be seen from here, as on another host."""
    if header is None or header.host != socket.gethostname() or header.pid <= 0:
        return None
    try:
        os.kill(header.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        # Another user's, so it is there.
        return True
    try:
        # A child that nobody has buried yet is dead all the same: its state stands behind its name, in brackets.
        state = (
            Path(f"/proc/{header.pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
        )
    except OSError:
        return True
    return state.split()[:1] != ["Z"]


def attach(name: str, host: str = "") -> str:
    """The command that leads to a session.

    >>> attach("s1"), attach("s1", "ana@bastion")
    ('column-console attach s1', 'column-console attach s1 --host ana@bastion')
    """
    there = f" --host {shlex.quote(plain(host))}" if host else ""
    return f"column-console attach {shlex.quote(plain(name))}{there}"


def advice(header: Header | None, name: str, host: str = "") -> str:
    """What to type, by what is known of the runner, on `host` where that is another machine.

    >>> advice(None, "s1")
    'column-console sessions tells whether the runner lives; if it does: column-console attach s1'
    """
    back = attach(name, host)
    if host:
        return f"To come back: {back}; whether it still runs: column-console sessions --host {shlex.quote(plain(host))}"
    lives = runner_lives(header)
    if lives:
        return f"The runner lives. To come back: {back}"
    run = f"column-console run {shlex.quote(plain(header.change_file))}" if header is not None else ""
    if lives is False:
        return f"The runner is gone, everything it did is kept. To take it up: {run}"
    known = f"column-console sessions tells whether the runner lives; if it does: {back}"
    return f"{known}; if not: {run}" if run else known
