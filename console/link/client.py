"""A screen's end of the link: the session whole, then its events, and asks with their answers.

Imports no screen and no driver. `console.link.once` asks a single thing without asyncio.
"""

from __future__ import annotations

import asyncio
import socket
import time
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Literal, Self

from console.events import ActionChanged, Ask, Event, Snapshot
from console.link.clock import SessionClock
from console.link.peer import Role
from console.link.protocol import (
    HEARTBEAT,
    MISUNDERSTOOD,
    TO_CLIENT,
    FromClient,
    FromServer,
    Hello,
    LinkError,
    OnScreen,
    choose,
    encode,
    greeting,
    read_hello,
    read_server,
    unreachable,
)
from console.link.streams import HeardReader, streams
from console.words import plain

LEAVE = 0.5
"""Seconds for the last bytes when we hang up."""
QUEUE = 1000
"""Events that wait for a screen which is busy; beyond that we stop reading, and the server makes do."""


async def connect(
    socket_path: str | Path,
    *,
    role: Role = "operator",
    watch: bool = True,
    within: float = 10.0,
    screen: str = "",
) -> Client:
    """Attach to the runner that listens on `socket_path`. `watch=False`: ask only, and get no events. `within`:
    seconds that each step of it may take. `screen`: a name made up for this screen (`new_screen`), and used again when
    its link broke, so that it keeps the control that it had.

    Raises `LinkError`, which is a ConnectionError.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        async with asyncio.timeout(within):
            await asyncio.get_running_loop().sock_connect(sock, str(socket_path))
    except TimeoutError:
        sock.close()
        raise LinkError(f"The runner does not answer on {socket_path} within {within:g} s.") from None
    except (OSError, ValueError) as error:
        sock.close()
        raise unreachable(socket_path, error) from None
    reader, writer = await streams(sock)
    return await Client.greet(reader, writer, role=role, watch=watch, within=within, screen=screen)


def new_screen() -> str:
    """A name for a screen, by which the runner knows it again."""
    return uuid.uuid4().hex


class Client:
    """A connection to a runner. Made by `connect`; the runner goes on when it is closed."""

    mode: Literal["live", "replay"] = "live"

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        hello: Hello,
        hangs_up: Callable[[], None] | None = None,
    ) -> None:
        """`hangs_up` is called, in a thread, when the connection is closed: what it runs through has to go, too."""
        self.hello = hello
        """What the runner said of itself and of us."""
        self.ended = ""
        """Why the connection is over; empty while it stands."""
        self._reader = reader
        self._writer = writer
        self._hangs_up = hangs_up
        self._clock = SessionClock()
        self._clock.heard(hello.t)
        self._events: asyncio.Queue[Event | None] = asyncio.Queue(QUEUE)
        self._answers: dict[str, asyncio.Future[ActionChanged]] = {}
        self._s = 0
        self._healing = True
        self._over = False
        self._orderly = False
        self._reading = asyncio.create_task(self._read(), name="link-read")
        self._beating = asyncio.create_task(self._beat(), name="link-heartbeat")

    @classmethod
    async def greet(
        cls,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        role: Role = "operator",
        watch: bool = True,
        within: float = 10.0,
        claims: str = "",
        hangs_up: Callable[[], None] | None = None,
        screen: str = "",
    ) -> Self:
        """Attach over streams that are connected already, whatever they run through.

        `claims`: where we sit, as the machine in between sees it. `hangs_up`: see the class.
        """
        try:
            async with asyncio.timeout(within):
                hello = read_hello(await reader.readline())
            proto = choose(hello)
            hello_line = greeting(proto, role=role, watch=watch, claimed=claims, screen=screen)
            writer.write(encode(hello_line))
            await writer.drain()
        except TimeoutError:
            writer.close()
            raise LinkError(f"The runner says nothing within {within:g} s.") from None
        except LinkError:
            writer.close()
            raise
        except ValueError:
            writer.close()
            raise LinkError(
                f"The runner can't be understood: its line has more than {TO_CLIENT} bytes."
            ) from None
        except OSError as error:
            writer.close()
            raise LinkError(f"The link to the runner broke: {error}.") from None
        return cls(reader, writer, hello, hangs_up)

    @property
    def title(self) -> str:
        """The session's id."""
        return plain(self.hello.session)

    @property
    def me(self) -> str:
        """What this screen is called in the session's events; empty with a runner that does not say."""
        return self.hello.client

    def now(self) -> float:
        """The session's clock, in seconds, advancing between its events."""
        return self._clock.now()

    async def events(self) -> AsyncIterator[Event]:
        """The session whole, then what happens; a gap is healed by a snapshot. For one reader.

        Ends when the runner said good-bye, or after `close`. Raises `LinkError` where the link broke.
        """
        while True:
            event = await self._events.get()
            if event is None:
                break
            yield event
        if not self._orderly:
            raise LinkError(self.ended)

    async def ask(
        self,
        action: str,
        arguments: tuple[str, ...] = (),
        reason: str = "",
        phase: str = "",
        seq: int = 0,
        *,
        same_as: str = "",
    ) -> ActionChanged:
        """Ask for an action, and wait for what became of it. With the id of an earlier ask in `same_as`, that
        ask is sent again, and done once.

        Raises `LinkError` where no answer can come; then it is not known whether it was done.
        """
        ask = Ask(
            id=same_as or uuid.uuid4().hex,
            action=action,
            arguments=arguments,
            reason=reason,
            phase=phase,
            seq=seq,
        )
        return await self.pass_on(ask)

    async def pass_on(self, ask: Ask) -> ActionChanged:
        """The same for an ask that has its id already."""
        if self._over:
            raise LinkError(self.ended)
        answer = self._answers.setdefault(ask.id, asyncio.get_running_loop().create_future())
        self._send(FromClient(ask=ask))
        try:
            # Shielded: another call may wait for the same id.
            return await asyncio.shield(answer)
        finally:
            if answer.done():
                self._answers.pop(ask.id, None)

    def screen(self, dialog: str, pressed: str = "") -> None:
        """Tell what the person has before them, for the recording: the dialog that is open, what was pressed. Never
        waits, never raises; a runner that is older takes no notice."""
        self._send(FromClient(shows=OnScreen(dialog=dialog, pressed=pressed)))

    async def close(self) -> None:
        """Hang up. The runner goes on."""
        self._finish("we hung up", orderly=True)
        for task in (self._reading, self._beating):
            task.cancel()
        await asyncio.gather(self._reading, self._beating, return_exceptions=True)
        if self._events.full():
            self._events.get_nowait()
        self._events.put_nowait(None)
        self._writer.close()
        try:
            async with asyncio.timeout(LEAVE):
                await self._writer.wait_closed()
        except OSError:
            # The other end was quicker, or reads nothing (TimeoutError): then what was left is not sent.
            self._writer.transport.abort()
        if self._hangs_up is not None:
            await asyncio.to_thread(self._hangs_up)

    @property
    def silence(self) -> float:
        """Seconds since anything was heard; 0 where the streams can't tell."""
        return time.monotonic() - self._reader.heard_at if isinstance(self._reader, HeardReader) else 0.0

    def alive(self) -> None:
        """Tell the runner that we are here; it answers."""
        self._send(FromClient(alive=True))

    def abandon(self, why: str) -> None:
        """Take the connection for dead: whoever waits is told, and nothing more is read or sent."""
        self._finish(why, orderly=False)
        self._reading.cancel()
        self._writer.transport.abort()
        if self._events.full():
            self._events.get_nowait()
        self._events.put_nowait(None)

    def _send(self, frame: FromClient) -> None:
        if not self._writer.is_closing():
            self._writer.write(encode(frame))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            self._send(FromClient(alive=True))

    async def _read(self) -> None:
        why, orderly = "The runner hung up without a word: `column-console sessions` tells how it is.", False
        try:
            while line := await self._reader.readline():
                try:
                    said = read_server(line)
                except MISUNDERSTOOD:
                    # A damaged event leaves a gap, which heals.
                    continue
                if isinstance(said, Event):
                    await self._take_event(said)
                    continue
                self._take_frame(said)
                if said.bye is not None or said.refused is not None:
                    why, orderly = plain(said.bye or said.refused or ""), said.bye is not None
                    break
        except ValueError:
            why = f"The link to the runner broke: a line of more than {TO_CLIENT} bytes came in."
        except OSError as error:
            why = f"The link to the runner broke: {error}."
        self._finish(why, orderly=orderly)
        await self._events.put(None)

    async def _take_event(self, event: Event) -> None:
        self._clock.heard(event.t)
        if isinstance(event, Snapshot):
            self._healing = False
        elif self._healing or event.s <= self._s:
            return
        elif event.s > self._s + 1:
            self._healing = True
            self._send(FromClient(snapshot=True))
            return
        self._s = event.s
        await self._events.put(event)

    def _take_frame(self, frame: FromServer) -> None:
        if frame.alive is not None:
            self._clock.heard(frame.alive)
        if frame.skip is not None and frame.skip[0] <= self._s + 1:
            self._s = max(self._s, frame.skip[1])
        if frame.answer is not None:
            waiting = self._answers.pop(frame.answer.id, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(frame.answer)

    def _finish(self, why: str, *, orderly: bool) -> None:
        """The connection is over: whoever waits is told."""
        if self._over:
            return
        self._over, self._orderly, self.ended = True, orderly, why
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(LinkError(why))
                # Not every asker still waits.
                answer.exception()
        self._answers.clear()
