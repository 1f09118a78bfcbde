"""The end of the link on the machine where the runner is: carries bytes between ssh's pipes and the runner's socket.

It knows nothing of what it carries. It leaves when either side hangs up; the runner goes on.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable

from console.link.preface import REPLY, Marker, NoSession, Reply, Request, encode_preface, read_request
from console.link.protocol import FROM_CLIENT, LinkError

CHUNK = 64 * 1024


def write_all(descriptor: int, data: bytes) -> None:
    """All of it. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def read_line(descriptor: int, most: int = FROM_CLIENT) -> tuple[bytes, bytes]:
    """The next line with its newline, and what came behind it. A line that is cut off, or longer than `most` bytes,
    is returned without a newline.
    """
    data = b""
    while b"\n" not in data and len(data) <= most:
        chunk = os.read(descriptor, CHUNK)
        if not chunk:
            break
        data += chunk
    line, newline, rest = data.partition(b"\n")
    return line + newline, rest


def serve(
    marker: Marker,
    answer: Callable[[Request], Reply],
    connect: Callable[[Request], Callable[[bytes], None]],
    *,
    source: int = 0,
    sink: int = 1,
) -> int:
    """Speak to the caller at the other end of ssh: name ourselves, hear what is wanted, do it; the exit status.

    `answer` gives the reply, which is sent once `connect` has found the session and gives what carries the rest;
    it is called with the bytes that came behind the request.
    """
    write_all(sink, encode_preface(marker))
    line, rest = read_line(source)
    if not line.endswith(b"\n"):
        return 1
    try:
        request = read_request(line)
        reply = answer(request)
        carry = connect(request) if reply.ready else None
    except NoSession as error:
        reply, carry = Reply(error=str(error), status=error.status), None
    except LinkError as error:
        reply, carry = Reply(error=str(error)), None
    said = encode_preface(reply)
    if len(said) > REPLY:
        said = encode_preface(Reply(error="the list of sessions is too long: remove what is not needed"))
    write_all(sink, said)
    if carry is not None:
        carry(rest)
    return reply.status if reply.error else 0


def bridge(sock: socket.socket, rest: bytes, *, source: int = 0, sink: int = 1) -> None:
    """Carry bytes both ways until one side hangs up. `rest`: what the caller has said already."""

    def to_runner() -> None:
        try:
            sock.sendall(rest)
            while data := os.read(source, CHUNK):
                sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            # The runner hung up first: the other direction sees it, too.
            return

    threading.Thread(target=to_runner, name="to-runner", daemon=True).start()
    try:
        while data := sock.recv(CHUNK):
            write_all(sink, data)
    except OSError:
        # The caller is gone, or the runner was killed: either way it is over.
        return
    finally:
        sock.close()
