"""The operator of a sitting: attached like a screen, in a thread of their own, so that somebody is in the session."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from console.events import ActionChanged
from console.link.client import Client, connect


class Operator:
    """Somebody who has control, and asks. Use `attached`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, client: Client) -> None:
        self._loop = loop
        self._client = client

    def ask(
        self, action: str, arguments: tuple[str, ...] = (), *, reason: str = "", phase: str = ""
    ) -> ActionChanged:
        """Asks the runner; what became of it."""
        asked = self._client.ask(action, arguments, reason, phase)
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result(60)


@contextlib.contextmanager
def attached(socket: str | Path) -> Iterator[Operator]:
    """An operator at the runner that listens on the socket."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    client = asyncio.run_coroutine_threadsafe(connect(socket), loop).result(30)
    watching = asyncio.run_coroutine_threadsafe(_watch(client), loop)
    try:
        yield Operator(loop, client)
    finally:
        with contextlib.suppress(ConnectionError):
            asyncio.run_coroutine_threadsafe(client.close(), loop).result(30)
        watching.cancel()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


async def _watch(client: Client) -> None:
    """Reads what is told, as a screen does."""
    async for _ in client.events():
        pass
