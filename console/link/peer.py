"""Who is at the other end of a unix socket: what the kernel proves, and what can only be claimed."""

from __future__ import annotations

import os
import pwd
import socket
import struct
from pathlib import Path
from typing import Literal

import msgspec

from console.events import Owner
from console.words import plain

Role = Literal["operator", "observer"]


class Peer(msgspec.Struct, frozen=True):
    """The process that connected, as it was at that moment."""

    pid: int
    uid: int
    name: str
    """Its login name, or its number where the system knows no name."""

    @property
    def admitted(self) -> bool:
        """May use this socket: the user that the runner runs as, and root, whom nothing could keep out."""
        return self.uid in (os.geteuid(), 0)


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks for an action."""

    client: str
    """The connection that it came by."""
    owner: Owner
    role: Role = "operator"
    screen: bool = True
    """It watches, too: a person sits there. False for what only asks, as `send` does."""


def peer_of(sock: socket.socket) -> Peer:
    """Who connected, by the socket's peer credentials (unix(7), SO_PEERCRED)."""
    size = struct.calcsize("3i")
    pid, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return Peer(pid=pid, uid=uid, name=login_name(uid))


def login_name(uid: int) -> str:
    """The login name of a user id.

    >>> login_name(0), login_name(4_000_000_000)
    ('root', '4000000000')
    """
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def all_claims(peer: Peer, claims: str) -> str:
    """What the client claims, harmless, with the user that logged in where that is another one (under sudo)."""
    said = plain(claims)[:200]
    try:
        login = int(Path(f"/proc/{peer.pid}/loginuid").read_text())
    except (OSError, ValueError):
        return said
    # The kernel says 2^32 - 1 where nobody logged in.
    if login in (peer.uid, 0xFFFFFFFF):
        return said
    return f"{said}, logged in as {login_name(login)}".removeprefix(", ")
