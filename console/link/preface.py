"""What runs over ssh before the runner's own protocol: a line from each end, so that a wrong host, an older
command or a session that is not there is one clear sentence (`docs/protocol.md`, *Over ssh*).

The relay on the other machine names itself first. What a login shell prints before that is passed over.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from console import __version__
from console.damaged import Damaged
from console.directories import Listed
from console.link.protocol import MISUNDERSTOOD, LinkError, span
from console.words import plain

OLDEST_RELAY, NEWEST_RELAY = 1, 1
"""The prefaces that this version speaks."""
NOISE = 64 * 1024
"""Bytes that a login shell may print before the relay speaks."""
PROMPT = 15.0
"""Seconds from the first byte that comes from over there to the end of the preface."""
REPLY = 16 * 1024 * 1024
"""Bytes of the longest reply: a list of sessions."""
_BEGINS = b'{"relay":'


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """The relay's first line."""

    relay: tuple[int, int]
    """The oldest and the newest preface that it speaks."""
    version: str
    host: str = ""
    """What the machine calls itself."""
    claims: str = ""
    """Where the caller sits, as that machine sees it."""


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The caller's line, sent without waiting for the marker."""

    relay: int = NEWEST_RELAY
    do: Literal["attach", "sessions"]
    session: str = ""
    """Its name, or how it begins; empty: the only one that runs."""
    again: bool = False
    """The caller was attached before: a session that has ended meanwhile is shown as it ended."""
    version: str = __version__


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The relay's answer. After `ready` comes the runner's own protocol."""

    ready: bool = False
    sessions: tuple[Listed, ...] | None = None
    damaged: tuple[Damaged, ...] = ()
    """Those that could not be listed; empty, too, where the relay is of a version that says nothing of them."""
    error: str = ""
    status: int = 1
    """The exit status that goes with an error."""


class NoSession(LinkError):
    """There is no such session to attach to, or it has no runner: a sentence, and the exit status for it."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


_request = msgspec.json.Decoder(Request)
_marker = msgspec.json.Decoder(Marker)
_reply = msgspec.json.Decoder(Reply)


def encode_preface(said: Marker | Request | Reply) -> bytes:
    r"""A line of the preface, with its newline.

    >>> encode_preface(Reply(ready=True))
    b'{"ready":true}\n'
    """
    return msgspec.json.encode(said) + b"\n"


def is_marker(line: bytes) -> bool:
    r"""Whether a line is the relay's first, and no login shell's greeting.

    >>> is_marker(b'{"relay":[1,1],"version":"0.1.0"}\n'), is_marker(b"Welcome to bastion-1!\n")
    (True, False)
    """
    return line.startswith(_BEGINS)


def read_marker(line: bytes, host: str) -> Marker:
    """The relay's first line. Raises LinkError where its version can't be spoken with, or it is garbage."""
    try:
        marker = _marker.decode(line)
    except MISUNDERSTOOD:
        raise LinkError(f"What {host} says can't be understood: is its column-console another one?") from None
    oldest, newest = marker.relay
    theirs = f"({plain(marker.version)[:40]}, relay {span(oldest, newest)})"
    ours = f"({__version__}, relay {span(OLDEST_RELAY, NEWEST_RELAY)})"
    if oldest > NEWEST_RELAY:
        raise LinkError(f"This column-console is older {ours} than that on {host} {theirs}: update it here.")
    if newest < OLDEST_RELAY:
        raise LinkError(
            f"The column-console on {host} is older {theirs} than this one {ours}: update it there."
        )
    return marker


def read_reply(line: bytes, host: str) -> Reply:
    """The relay's answer. Raises NoSession for its error, LinkError for garbage."""
    try:
        reply = _reply.decode(line)
    except MISUNDERSTOOD:
        raise LinkError(f"What {host} says can't be understood: is its column-console another one?") from None
    if reply.error:
        raise NoSession(f"on {host}: {plain(reply.error)}", reply.status)
    return reply


def read_request(line: bytes) -> Request:
    """The caller's line, for the relay. Raises LinkError, whose text is for the caller."""
    try:
        request = _request.decode(line)
    except MISUNDERSTOOD:
        raise LinkError("the request was not understood: the two ends are of different versions") from None
    if not OLDEST_RELAY <= request.relay <= NEWEST_RELAY:
        raise LinkError(f"relay {request.relay} is not spoken here: this is {__version__}")
    return request
