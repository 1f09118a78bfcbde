"""The ways to a session: its runner's socket on this machine, or ssh to another one. A way can be taken again."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path
from typing import Protocol

from console import directories
from console.directories import DirectoryError
from console.link.client import Client, connect, new_screen
from console.link.ended import tell_ended
from console.link.peer import Role
from console.link.preface import (
    NOISE,
    PROMPT,
    NoSession,
    Request,
    encode_preface,
    is_marker,
    read_marker,
    read_reply,
)
from console.link.protocol import LinkError
from console.link.ssh import SshProcess
from console.link.streams import HeardReader, streams
from console.recording import RecordingError
from console.words import plain

FIRST = 120.0
"""Seconds to log in the first time: a person may have to type a password."""
AGAIN = 40.0
"""Seconds for it later on, when nobody is asked."""


class Way(Protocol):
    """How a session is reached."""

    host: str
    """The machine, as the operator named it; empty for this one."""

    async def open(self, *, again: bool = False) -> Client:
        """Attach. `again`: this screen was attached before. Raises LinkError, one sentence."""
        ...


class LocalWay:
    """A runner's socket on this machine."""

    host = ""

    def __init__(self, socket_path: Path, role: Role = "operator", *, session: str = "") -> None:
        self._path = socket_path
        self._role = role
        self._session = session
        # The same on every link, so that the runner knows this screen again, and it keeps the control that it had.
        self._screen = new_screen()

    async def open(self, *, again: bool = False) -> Client:
        """Attach."""
        try:
            client = await connect(self._path, role=self._role, screen=self._screen)
        except LinkError:
            ended = self._what_is_left() if again else None
            if ended is None:
                raise
            client = await Client.greet(*await streams(ended), role=self._role)
        self._session = client.hello.session
        return client

    def _what_is_left(self) -> socket.socket | None:
        """The session as it ended, told as its runner would have; None while it has a runner. Raises NoSession where
        it has none, and is not there any more.
        """
        try:
            listed = directories.find_session(self._session)
        except DirectoryError:
            listed = None
        if listed is None or listed.session.id != self._session:
            if self._path.parent.exists():
                return None
            raise removed(self._session)
        if listed.state == "dead":
            raise NoSession(
                f"session {self._session} has no runner any more: "
                f"`column-console run {plain(listed.session.change_file)}` takes it up again",
                1,
            )
        if listed.state != "ended":
            return None
        ours, theirs = socket.socketpair()

        def tell() -> None:
            with theirs:
                try:
                    tell_ended(listed, theirs.sendall)
                except (RecordingError, OSError):
                    # Nobody hears it, or there is nothing to tell: the socket is closed, which is understood.
                    return

        threading.Thread(target=tell, name="ended", daemon=True).start()
        ours.setblocking(False)
        return ours


class SshWay:
    """A session on another machine, by ssh."""

    def __init__(self, destination: str, session: str, role: Role = "operator") -> None:
        self.host = destination
        self._session = session
        self._role = role
        self._screen = new_screen()

    async def open(self, *, again: bool = False) -> Client:
        """Log in, ask for the session, attach."""
        ssh = SshProcess(self.host, again=again)
        writer: asyncio.StreamWriter | None = None
        try:
            ssh.socket.setblocking(False)
            reader, writer = await streams(ssh.socket)
            writer.write(encode_preface(Request(do="attach", session=self._session, again=again)))
            try:
                async with asyncio.timeout(AGAIN if again else FIRST):
                    await reader.began.wait()
                async with asyncio.timeout(PROMPT):
                    claims = await self._preface(reader, ssh)
            except TimeoutError:
                raise await asyncio.to_thread(ssh.why) from None
            client = await Client.greet(
                reader,
                writer,
                role=self._role,
                within=AGAIN,
                claims=claims,
                screen=self._screen,
                hangs_up=ssh.close,
            )
        except BaseException:
            if writer is not None:
                writer.transport.abort()
            await asyncio.to_thread(ssh.close)
            raise
        # The name may have been a beginning: from now on it is this session, and none that began later.
        if again and client.hello.session != self._session:
            await client.close()
            raise removed(self._session)
        self._session = client.hello.session
        return client

    async def _preface(self, reader: HeardReader, ssh: SshProcess) -> str:
        """What the other end claims of us, once it is ready."""
        passed = 0
        try:
            while not is_marker(line := await reader.readline()):
                passed += len(line)
                if not line or passed > NOISE:
                    raise await asyncio.to_thread(ssh.why)
            marker = read_marker(line, self.host)
            if not (line := await reader.readline()):
                raise await asyncio.to_thread(ssh.why)
            read_reply(line, self.host)
        except ValueError:
            # A line that never ends.
            raise await asyncio.to_thread(ssh.why) from None
        except OSError as error:
            if isinstance(error, LinkError):
                raise
            raise await asyncio.to_thread(ssh.why) from None
        return plain(marker.claims)[:200]


def removed(session: str) -> NoSession:
    """There is nothing of it left."""
    return NoSession(f"session {plain(session)} is not there any more: its folder was removed", 2)
