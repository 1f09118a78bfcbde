"""A runner in miniature behind a real server: it stamps, folds and publishes, and does what it is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from console import events
from console.directories import RunnerLock, SessionDirectory
from console.link.connection import Patience
from console.link.peer import Caller, Role
from console.link.server import Admission, Server
from console.session import Session, apply
from tests.recording.streams import header


class Runner:
    """What stands behind the server in these tests."""

    def __init__(
        self,
        path: Path,
        *,
        lock: RunnerLock | None = None,
        patience: Patience | None = None,
        people: Admission | None = None,
        directory: SessionDirectory | None = None,
    ) -> None:
        self.session = Session()
        self.stream: list[events.Event] = []
        self.asked: list[tuple[events.Ask, events.Owner, Role]] = []
        self.hold: asyncio.Event | None = None
        """Where set, actions wait for it."""
        self.fail: Exception | None = None
        self.server = Server(
            directory or SessionDirectory(path),
            path.name,
            lambda: self.session,
            self.ask,
            self.emit,
            lock=lock,
            patience=patience,
            people=people,
        )

    def emit(self, event: events.Event) -> None:
        """Stamp, fold, publish."""
        stamped = replace(event, t=round(self.session.t + 0.1, 3), s=self.session.s + 1)
        self.session = apply(self.session, stamped)
        self.stream.append(stamped)
        self.server.publish(stamped)

    async def ask(self, ask: events.Ask, caller: Caller) -> events.ActionChanged:
        """Note what was asked, and say that it is done."""
        owner = caller.owner
        self.asked.append((ask, owner, caller.role))
        if self.hold is not None:
            await self.hold.wait()
        if self.fail is not None:
            raise self.fail
        done = events.ActionChanged(
            id=ask.id,
            action=ask.action,
            state="done",
            owner=owner,
            arguments=ask.arguments,
            reason=ask.reason,
        )
        self.emit(done)
        return done

    def of(self, kind: type[events.Event]) -> list[events.Event]:
        """The events of a kind so far."""
        return [event for event in self.stream if isinstance(event, kind)]


@asynccontextmanager
async def running(directory: Path, **options: Any) -> AsyncIterator[Runner]:
    """A runner whose server listens."""
    runner = Runner(directory, **options)
    runner.emit(header())
    await runner.server.start()
    try:
        yield runner
    finally:
        await runner.server.close()


class Raw:
    """A client of bare lines, as `nc -U` is one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, line: bytes | dict[str, Any]) -> None:
        """Send a line."""
        data = line if isinstance(line, bytes) else json.dumps(line).encode()
        self.writer.write(data + b"\n")
        await self.writer.drain()

    async def hear(self) -> dict[str, Any]:
        """The next line; empty where the server hung up."""
        line = await self.reader.readline()
        heard: dict[str, Any] = json.loads(line) if line else {}
        return heard

    async def until(self, right: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The next line that is right."""
        while heard := await self.hear():
            if right(heard):
                return heard
        raise AssertionError("the server hung up")


@asynccontextmanager
async def raw(path: Path) -> AsyncIterator[Raw]:
    """A connection of bare lines."""
    reader, writer = await asyncio.open_unix_connection(str(path), limit=8 << 20)
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()


async def eventually(holds: Callable[[], object]) -> None:
    """Wait until it holds; the test's own time limit ends it otherwise."""
    while not holds():  # noqa: ASYNC110 - what it waits for knows nothing of asyncio
        await asyncio.sleep(0.005)
