"""A way to a test server over TCP, which can tell another session id, as poolers do."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator

from tests.servers.database import Database


@contextlib.asynccontextmanager
async def proxy(database: Database, *, other_pid: int | None = None) -> AsyncIterator[int]:
    """A port on loopback that leads to the primary's socket. `other_pid`: tell clients this session id."""
    node = database.cluster.primary
    path = str(node.sockets / f".s.PGSQL.{node.port}")
    open_writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(path)
        open_writers.extend([writer, far_writer])
        await asyncio.gather(_pump(reader, far_writer), _answers(far_reader, writer, other_pid))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in open_writers:
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, other_pid: int | None) -> None:
    if other_pid is not None:
        # Messages are a letter and a length; K holds the session's id and its secret.
        while True:
            kind, length = struct.unpack("!cI", await reader.readexactly(5))
            body = await reader.readexactly(length - 4)
            if kind == b"K":
                body = struct.pack("!I", other_pid) + body[4:]
            writer.write(struct.pack("!cI", kind, length) + body)
            if kind == b"K":
                break
    await _pump(reader, writer)
