"""Asks one thing of a runner and waits for the answer, without asyncio: `send` is used in scripts and must be quick."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from console import events
from console.link.protocol import (
    HEARTBEAT,
    MISUNDERSTOOD,
    TO_CLIENT,
    FromClient,
    FromServer,
    LinkError,
    choose,
    encode,
    greeting,
    read_hello,
    read_server,
    unreachable,
)
from console.words import plain


def send_once(
    socket_path: str | Path, ask: events.Ask, *, timeout: float = 30.0, wait: float = 0.0
) -> events.ActionChanged:
    """Send an ask to the runner on `socket_path`, and give what became of it, within `timeout` seconds. Where it was
    armed, or is being done, its result is waited for, `wait` seconds at most.

    Raises `LinkError`. Where the link broke after the ask was sent, it is not known whether it was done; the same
    ask may be sent again, and is done once.
    """
    deadline = time.monotonic() + timeout
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            sock.settimeout(timeout)
            sock.connect(os.fspath(socket_path))
        except TimeoutError:
            raise _silent(socket_path, timeout) from None
        except (OSError, ValueError) as error:
            raise unreachable(socket_path, error) from None
        try:
            return ask_over(Lines(sock, deadline), ask, wait=wait)
        except TimeoutError:
            raise _silent(socket_path, timeout) from None


def ask_over(lines: Lines, ask: events.Ask, *, claims: str = "", wait: float = 0.0) -> events.ActionChanged:
    """The same over a socket that leads to a runner. Raises `LinkError`, and TimeoutError at its deadline."""
    try:
        proto = choose(read_hello(lines.next()))
        hello = greeting(proto, role="operator", watch=False, claimed=claims)
        lines.say(encode(hello) + encode(FromClient(ask=ask)))
        while True:
            answer = _answer(lines.next(), ask.id)
            if answer is not None:
                return (
                    _result(lines, answer, wait)
                    if wait > 0 and answer.state in events.OPEN_STATES
                    else answer
                )
    except (LinkError, TimeoutError):
        raise
    except OSError as error:
        raise LinkError(f"The link to the runner broke: {error}.") from None


def _result(lines: Lines, answer: events.ActionChanged, wait: float) -> events.ActionChanged:
    """What became of an action that was still open; the last answer where that is not known `wait` seconds later."""
    until = time.monotonic() + wait
    while answer.state in events.OPEN_STATES and (left := until - time.monotonic()) > 0:
        lines.extend(time.monotonic() + min(left, HEARTBEAT))
        try:
            answer = _answer(lines.next(), answer.id) or answer
        except TimeoutError:
            lines.extend(time.monotonic() + HEARTBEAT)
            lines.say(encode(FromClient(alive=True)))
        except LinkError as error:
            raise LinkError(
                f"{answer.action} was {answer.state} when the runner went ({str(error).rstrip('.')}): "
                "`column-console sessions` tells how it is."
            ) from None
    return answer


def _answer(line: bytes, wanted: str) -> events.ActionChanged | None:
    if not line:
        raise LinkError("The runner hung up before it answered: `column-console sessions` tells how it is.")
    try:
        said = read_server(line)
    except MISUNDERSTOOD:
        return None
    if not isinstance(said, FromServer):
        return None
    for ending in (said.refused, said.bye, said.error):
        if ending is not None:
            raise LinkError(f"The runner did not take it: {plain(ending)}.")
    return said.answer if said.answer is not None and said.answer.id == wanted else None


def _silent(socket_path: str | Path, timeout: float) -> LinkError:
    return LinkError(f"The runner on {socket_path} does not answer within {timeout:g} s.")


class Lines:
    """The lines that come in over a socket, until a deadline on `time.monotonic`."""

    def __init__(self, sock: socket.socket, deadline: float, *, prompt: float | None = None) -> None:
        """`prompt`: seconds that are left once the first byte has come, if the deadline is later."""
        self._sock = sock
        self._deadline = deadline
        self._prompt = prompt
        self._buffer = b""

    def extend(self, deadline: float) -> None:
        """A later deadline, for what comes now."""
        self._deadline = deadline

    def say(self, data: bytes) -> None:
        """Send bytes. Raises TimeoutError, OSError."""
        self._sock.settimeout(max(0.001, self._deadline - time.monotonic()))
        self._sock.sendall(data)

    def next(self) -> bytes:
        """The next line; empty where the other end hung up. Raises TimeoutError, OSError."""
        while b"\n" not in self._buffer:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._sock.settimeout(left)
            received = self._sock.recv(65536)
            if self._prompt is not None:
                self._deadline = min(self._deadline, time.monotonic() + self._prompt)
                self._prompt = None
            if not received or len(self._buffer) > TO_CLIENT:
                return b""
            self._buffer += received
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line
