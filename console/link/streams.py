"""asyncio's streams over a connected socket, that know when something was last heard."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterable
from typing import SupportsIndex

from console.link.protocol import TO_CLIENT


class HeardReader(asyncio.StreamReader):
    """A stream that notes when bytes came in, be it half a line: a slow link is not a dead one."""

    def __init__(self, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=limit, loop=loop)
        self.heard_at = time.monotonic()
        """On `time.monotonic`, in seconds."""
        self.began = asyncio.Event()
        """Set once anything was heard, or the other end hung up."""

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        """Called by the event loop."""
        self.heard_at = time.monotonic()
        self.began.set()
        super().feed_data(data)

    def feed_eof(self) -> None:
        """Called by the event loop."""
        self.began.set()
        super().feed_eof()

    def set_exception(self, exc: Exception) -> None:
        """Called by the event loop."""
        self.began.set()
        super().set_exception(exc)


async def streams(sock: socket.socket, *, limit: int = TO_CLIENT) -> tuple[HeardReader, asyncio.StreamWriter]:
    """Both directions of a connected stream socket. Lines may have `limit` bytes."""
    loop = asyncio.get_running_loop()
    reader = HeardReader(limit, loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _ = await loop.create_connection(lambda: protocol, sock=sock)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
