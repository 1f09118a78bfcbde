r"""What runs over a runner's socket: one JSON object a line, UTF-8 (`docs/protocol.md`).

The server speaks first. A client that says `{"proto":1}` gets the session whole, then its events as they happen,
so that `nc -U` will do for a client. Unknown fields are ignored on both ends; the protocol's number is raised only
where an older end would misunderstand.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from console import __version__, events
from console.link.peer import Role, login_name
from console.words import plain

PRODUCT = "column-console"
OLDEST, NEWEST = 1, 2
"""The protocols that this version speaks. 2: at most one person has control; in 1 every operator had."""
FROM_CLIENT = 256 * 1024
"""Bytes of the longest line that a client may send."""
TO_CLIENT = 4 * 1024 * 1024
"""Bytes of the longest line that a server sends."""
HEARTBEAT = 10.0
"""Seconds between two `{"alive":true}` of a client."""
MISUNDERSTOOD = (ValueError, TypeError, OverflowError, RecursionError)
"""What decoding a line of garbage may raise."""


class LinkError(ConnectionError):
    """The runner can't be reached, refuses, or went away: one sentence, with the mend."""


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """The server's first line."""

    hello: str
    """The product."""
    version: str
    proto: tuple[int, int]
    """The oldest and the newest protocol that it speaks."""
    session: str
    you: str
    """The login name that the kernel gives for the client."""
    pid: int
    """The runner's process."""
    t: float = 0.0
    """The session's clock."""
    client: str = ""
    """What the client is called in the session's events. Empty: a runner of protocol 1, which does not say."""


class FromServer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of the server's that is no event. One of these is set."""

    answer: events.ActionChanged | None = None
    """To an ask, by its id."""
    alive: float | None = None
    """To `{"alive":true}`: the session's clock."""
    skip: tuple[int, int] | None = None
    """These events were left out, because later ones of their kind replace them."""
    error: str | None = None
    """The last line was not understood."""
    refused: str | None = None
    """The client is not served; the server hangs up."""
    bye: str | None = None
    """The server hangs up, and why."""


class OnScreen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a client's person has before them."""

    dialog: str = ""
    """The title of the dialog that is open; empty: none."""
    pressed: str = ""
    """What was pressed just now; empty: nothing."""


class FromClient(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of a client's. The first one has `proto`, and says who it is."""

    proto: int | None = None
    role: Role = "observer"
    name: str = ""
    version: str = ""
    claims: str = ""
    """Where the person sits, which can't be proved: `SSH_CONNECTION`, the terminal."""
    screen: str = ""
    """Made up by the screen, and the same after its link broke: so it is known to be the one that it was."""
    watch: bool = True
    """Wants the session and its events; false for a client that only asks."""
    ask: events.Ask | None = None
    alive: bool = False
    snapshot: bool = False
    """Wants the session whole once more."""
    shows: OnScreen | None = None
    """For the recording."""


_from_client = msgspec.json.Decoder(FromClient)
_from_server = msgspec.json.Decoder(FromServer)
_hello = msgspec.json.Decoder(Hello)


def encode(frame: Hello | FromServer | FromClient) -> bytes:
    r"""A frame as its line, with the newline.

    >>> encode(FromClient(alive=True))
    b'{"alive":true}\n'
    """
    return msgspec.json.encode(frame) + b"\n"


def read_client(line: bytes) -> FromClient:
    """A client's line. Raises one of `MISUNDERSTOOD`."""
    return _from_client.decode(line)


def read_hello(line: bytes) -> Hello:
    """The server's first line. Raises `LinkError` where it is something else, or a refusal."""
    try:
        return _hello.decode(line)
    except MISUNDERSTOOD:
        pass
    try:
        said = _from_server.decode(line)
    except MISUNDERSTOOD:
        said = FromServer()
    if said.refused:
        raise LinkError(plain(said.refused))
    if not line:
        raise LinkError("The runner hung up at once: `column-console sessions` tells whether it still runs.")
    raise LinkError("What listens there is no runner of column-console.")


def read_server(line: bytes) -> events.Event | FromServer:
    """A line of the server's after its hello. Raises one of `MISUNDERSTOOD`."""
    if line.startswith(b'{"kind":'):
        return events.decode(line)
    return _from_server.decode(line)


def choose(hello: Hello) -> int:
    """The newest protocol that both ends speak. Raises `LinkError`, which says which end is older.

    >>> hello = Hello(hello=PRODUCT, version="9.0", proto=(7, 9), session="x", you="ana", pid=1)
    >>> choose(hello)
    Traceback (most recent call last):
    console.link.protocol.LinkError: This column-console is older (0.1.0, protocol 1 to 2) than the runner's (9.0, \
protocol 7 to 9): update it here.
    """
    oldest, newest = hello.proto
    if max(oldest, OLDEST) <= min(newest, NEWEST):
        return min(newest, NEWEST)
    theirs = f"({plain(hello.version)[:40]}, protocol {span(oldest, newest)})"
    ours = f"({__version__}, protocol {span(OLDEST, NEWEST)})"
    if oldest > NEWEST:
        raise LinkError(f"This column-console is older {ours} than the runner's {theirs}: update it here.")
    raise LinkError(
        f"The runner's column-console is older {theirs} than this one {ours}: attach with the version that "
        "started the session."
    )


def mismatch(proto: int, version: str) -> str:
    """Why a client that speaks `proto` is refused; empty where it is not.

    >>> mismatch(NEWEST, "0.1.0"), mismatch(0, "0.0.9")[:38]
    ('', 'Your column-console is older (0.0.9, p')
    """
    if OLDEST <= proto <= NEWEST:
        return ""
    yours = f"({plain(version)[:40] or 'unnamed'}, protocol {proto})"
    ours = f"({__version__}, protocol {span(OLDEST, NEWEST)})"
    if proto < OLDEST:
        return f"Your column-console is older {yours} than the runner's {ours}: update yours."
    return f"The runner's column-console is older {ours} than yours {yours}: attach with {__version__}."


def greeting(proto: int, *, role: Role, watch: bool, claimed: str = "", screen: str = "") -> FromClient:
    """A client's first line. `claimed`: what the machine in between says of where the person sits. `screen`: see
    `FromClient`.
    """
    return FromClient(
        proto=proto,
        role=role,
        name=login_name(os.geteuid()),
        version=__version__,
        # Each word once: a relay has no terminal, and a script that calls it has none either.
        claims=", ".join(
            dict.fromkeys(word for said in (claimed, claims()) for word in said.split(", ") if word)
        ),
        screen=screen,
        watch=watch,
    )


def unreachable(socket_path: str | Path, error: Exception) -> LinkError:
    """Why a socket can't be connected to, in one sentence."""
    if isinstance(error, PermissionError):
        return LinkError(f"The runner on {socket_path} belongs to another user: become that user first.")
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return LinkError(
            f"No runner listens on {socket_path}: it ended or was killed; `column-console run` with the same "
            "change file takes an unfinished session up again."
        )
    return LinkError(f"The runner on {socket_path} can't be reached: {error}.")


def span(oldest: int, newest: int) -> str:
    """A range of numbers in words.

    >>> span(1, 1), span(1, 3)
    ('1', '1 to 3')
    """
    return str(oldest) if oldest == newest else f"{oldest} to {newest}"


def claims() -> str:
    """Where this process's person sits, as far as the environment tells."""
    found = []
    ssh = os.environ.get("SSH_CONNECTION", "").split()
    if ssh:
        found.append(f"ssh from {ssh[0]}")
    try:
        found.append(os.ttyname(0).removeprefix("/dev/"))
    except OSError:
        found.append("no terminal")
    sudo = os.environ.get("SUDO_USER")
    if sudo:
        found.append(f"sudo by {sudo}")
    return ", ".join(found)
