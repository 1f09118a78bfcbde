"""Sessions on another machine: `attach`, `sessions` and `send` with `--host`, and the relay that they find there."""

from __future__ import annotations

import os
import secrets
import shlex
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from console import __version__, directories
from console.cli.asking import found_session, show_answer
from console.cli.errors import UNFINISHED, USAGE, CommandError
from console.cli.listing import show_wanted, wanted
from console.cli.say import tell
from console.damaged import damaged_sessions
from console.directories import DirectoryError
from console.events import Ask
from console.link.ended import tell_ended
from console.link.once_ssh import send_to, sessions_on
from console.link.preface import NEWEST_RELAY, OLDEST_RELAY, Marker, NoSession, Reply, Request
from console.link.protocol import LinkError, claims, unreachable
from console.link.relay import bridge, serve, write_all
from console.words import plain


def attach_far(host: str, name: str, *, observe: bool) -> int:
    """Shows a session of another machine; the screen runs here."""
    from console.cli.screen import needs_terminal, show_way
    from console.link.ways import SshWay

    needs_terminal()
    valid_name(name)
    return show_way(SshWay(host, name, "observer" if observe else "operator"))


def sessions_far(host: str, *, table: str, outcome: str, since: str, until: str, as_json: bool) -> int:
    """Prints the sessions of another machine that are wanted."""
    asked = wanted(table=table, outcome=outcome, since=since, until=until)
    with told():
        found, damaged = sessions_on(host)
    for one in damaged:
        tell(plain(f"on {host}: {one}"), "warning")
    return show_wanted(found, asked, where=f"on {host}", as_json=as_json)


def send_far(
    host: str,
    session: str,
    action: str,
    arguments: tuple[str, ...],
    reason: str,
    *,
    wait: float,
    as_json: bool,
) -> int:
    """Asks a session's runner on another machine."""
    valid_name(session)
    ask = Ask(id=secrets.token_hex(16), action=action, arguments=arguments, reason=reason)
    with told():
        answer = send_to(host, session, ask, wait=wait)
    back = f"column-console send --host {shlex.quote(host)} {session}"
    return show_answer(answer, back=back, waited=wait, as_json=as_json)


@contextmanager
def told() -> Iterator[None]:
    """Turns what the link says into the command's error."""
    try:
        yield
    except NoSession as error:
        raise CommandError(str(error), error.status) from None
    except LinkError as error:
        raise CommandError(str(error), UNFINISHED) from None


def valid_name(name: str) -> None:
    """Complains about what is no session's name, before anybody is called."""
    if name and not directories.SESSION_ID.fullmatch(name):
        raise CommandError(
            f"{name!r} is no session: ids are made of letters, digits, '_', '.' and '-'; "
            "`column-console sessions --host` lists them",
            USAGE,
        )


def relay() -> int:
    """The other end: what ssh runs on the machine where the runner is."""
    marker = Marker(
        relay=(OLDEST_RELAY, NEWEST_RELAY), version=__version__, host=socket.gethostname(), claims=claims()
    )
    return serve(marker, _answer, _connect)


def _answer(request: Request) -> Reply:
    if request.do == "attach":
        return Reply(ready=True)
    try:
        return Reply(sessions=tuple(directories.list_sessions()), damaged=tuple(damaged_sessions()))
    except DirectoryError as error:
        return Reply(error=str(error), status=UNFINISHED)


def _connect(request: Request) -> Callable[[bytes], None]:
    """What carries the rest of the conversation. Raises NoSession."""
    try:
        listed = found_session(request.session, live=not request.again)
    except CommandError as error:
        raise NoSession(error.text, error.exit_status) from None
    if listed.state == "ended":

        def ended(_: bytes) -> None:
            tell_ended(listed, lambda data: write_all(1, data))

        return ended
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(os.fspath(listed.session.socket))
    except (OSError, ValueError) as error:
        sock.close()
        raise unreachable(listed.session.socket, error) from None
    return lambda rest: bridge(sock, rest)
