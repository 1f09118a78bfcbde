"""One question to another machine by ssh, without asyncio: its sessions, or an action and what became of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from console import events
from console.damaged import Damaged
from console.directories import Listed
from console.link.once import Lines, ask_over
from console.link.preface import (
    NOISE,
    PROMPT,
    Reply,
    Request,
    encode_preface,
    is_marker,
    read_marker,
    read_reply,
)
from console.link.protocol import LinkError
from console.link.ssh import SshProcess
from console.words import plain

LOGIN = 120.0
"""Seconds in which a person may have to type a password."""
ANSWER = 30.0
"""Seconds for the runner's answer."""


def sessions_on(host: str) -> tuple[tuple[Listed, ...], tuple[Damaged, ...]]:
    """The sessions of another machine, newest first, and those that are damaged. Raises LinkError."""
    with _asked(host, Request(do="sessions")) as (reply, _, _):
        return reply.sessions or (), reply.damaged


def send_to(host: str, session: str, ask: events.Ask, *, wait: float = 0.0) -> events.ActionChanged:
    """Send an ask to a session's runner on another machine, and give what became of it. Raises LinkError. `wait`: as
    `once.send_once` has it.

    Where the link broke after the ask was sent, it is not known whether it was done; the same ask may be sent
    again, and is done once.
    """
    with _asked(host, Request(do="attach", session=session)) as (_, lines, claims):
        return ask_over(lines, ask, claims=claims, wait=wait)


@contextmanager
def _asked(host: str, request: Request) -> Iterator[tuple[Reply, Lines, str]]:
    """The answer to a request, what comes behind it, and what the other machine claims of us."""
    ssh = SshProcess(host, again=False)
    lines = Lines(ssh.socket, time.monotonic() + LOGIN, prompt=PROMPT)
    try:
        try:
            lines.say(encode_preface(request))
        except BrokenPipeError:
            raise ssh.why() from None
        yield _preface(lines, ssh, host)
    except TimeoutError:
        raise LinkError(f"The runner on {host} does not answer within {ANSWER:g} s.") from None
    finally:
        ssh.close()


def _preface(lines: Lines, ssh: SshProcess, host: str) -> tuple[Reply, Lines, str]:
    passed = 0
    try:
        while not is_marker(line := lines.next()):
            passed += len(line)
            if not line or passed > NOISE:
                raise ssh.why()
        marker = read_marker(line, host)
        if not (line := lines.next()):
            raise ssh.why()
    except (ConnectionResetError, TimeoutError):
        raise ssh.why() from None
    lines.extend(time.monotonic() + ANSWER)
    return read_reply(line, host), lines, plain(marker.claims)[:200]
