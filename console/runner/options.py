"""How a runner is started: what the command line hands over, as data. No secret is among it."""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec

from console.change import Frozen


class Options(Frozen, frozen=True):
    """One run. Paths are absolute: the runner's own folder is `/`."""

    change_file: str
    advance: str | None = None
    """`manual` or `auto`; None: what the change file says."""
    recording: str | None = None
    """Where to record; None: in the session's directory."""
    application: str | None = None
    """A file in which the application publishes its latencies."""
    alone: bool = False
    """Nobody is there to decide: end, parked, instead of waiting for a person."""
    foreground: bool = False
    """It was not started by a command that shows it: what it has to say goes to standard error."""
    answer_fd: int = -1
    """Where to say that the session is up, or why not; -1: nowhere."""


class Answer(Frozen, frozen=True):
    """What a runner says once: the session, or the one sentence why there is none."""

    session: str = ""
    directory: str = ""
    recording: str = ""
    socket: str = ""
    pid: int = 0
    error: str = ""
    exit_status: int = 0


def to_arguments(options: Options) -> list[str]:
    """For the command line of `python -m console.runner`."""
    return [msgspec.json.encode(options).decode()]


def from_arguments(arguments: Sequence[str]) -> Options:
    """The options that `to_arguments` made."""
    return msgspec.json.decode(arguments[0], type=Options)


def answer(options: Options, said: Answer) -> None:
    """Says it, once, and closes the way."""
    if options.answer_fd >= 0:
        with os.fdopen(options.answer_fd, "wb") as out:
            out.write(msgspec.json.encode(said) + b"\n")
