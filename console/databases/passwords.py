"""The password that `password_command` gives: run once, without a shell, kept in memory only."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess

from console.change import Target
from console.databases.base import Unreachable
from console.words import plain

LIMIT = 30.0
"""Seconds that the command may take."""

_MOST_SHOWN = 160  # characters of the command's first line of complaint


def password_for(target: Target) -> str | None:
    """The password for the target; None where the driver's own ways have to find it. Blocks, up to `LIMIT`.

    Raises Unreachable as `password_from` does.
    """
    return None if target.password_command is None else password_from(target.password_command)


def password_from(command: str, limit: float = LIMIT) -> str:
    """The first line that the command prints, without its line break.

    The command gets `limit` seconds, no terminal and no standard input. Raises Unreachable with one sentence
    that holds nothing of its output, and of its standard error the first line at most.
    """
    with _started(command) as process:
        try:
            out, complaint = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            raise Unreachable(
                f"password_command gave no password within {limit:g} s",
                "It gets no terminal: unlock what it asks, then try again",
            ) from None
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        raise Unreachable(
            f"password_command failed with status {process.returncode}{_said(complaint)}",
            "Run it by hand as the same user, and mend what it says",
        )
    password = out.decode(errors="surrogateescape").split("\n", 1)[0].removesuffix("\r")
    if not password:
        raise Unreachable(
            "password_command printed no password", "It must print the password on its first line"
        )
    return password


def _started(command: str) -> subprocess.Popen[bytes]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise Unreachable(
            f"password_command can't be split into words ({error})", "Balance its quotes"
        ) from None
    if not words:
        raise Unreachable("password_command is empty", "Name a command, or leave the key out")
    try:
        return subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that what it started can be ended with it
        )
    except (OSError, ValueError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "not runnable"
        raise Unreachable(
            f"password_command: {plain(words[0])} can't be run ({why})",
            "Give the program's full path, and see that you may run it",
        ) from None


def _said(complaint: bytes) -> str:
    lines = complaint.decode(errors="replace").strip().splitlines()
    return f": {plain(lines[0][:_MOST_SHOWN])}" if lines else ""
