"""A connection of the demo's application to MySQL or MariaDB, on a thread of its own because the driver blocks."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

import pymysql
from pymysql.constants import ER

from console.demo.link import Refused, Values, first_line
from console.demo.mysql.node import Connection, connect, connect_by

T = TypeVar("T")


class MySqlLink:
    """See `console.demo.link.Link`."""

    def __init__(self, path: Path, role: str, database: str, name: str) -> None:
        self._address = (path, role)
        self._database = database
        self._name = name
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._socket = socket.socket(socket.AF_UNIX)
        self._connection: Connection | None = None
        self._number = 0
        self._busy = False

    @classmethod
    async def open(cls, path: Path, role: str, database: str, name: str) -> Self:
        """Connect to a server's unix socket; `name` is what the server calls the program."""
        link = cls(path, role, database, name)
        try:
            await link._do(link._connect)
        except BaseException:
            await link.close()
            raise
        return link

    @property
    def closed(self) -> bool:
        return self._connection is None or not self._connection.open

    async def rows(self, query: str, values: Values = None) -> list[tuple[Any, ...]]:
        return await self._do(lambda: self._execute(query, values)[0])

    async def run(self, statement: str, values: Values = None) -> None:
        await self._do(lambda: self._execute(statement, values))

    async def insert(self, statement: str, values: Values = None) -> int:
        return await self._do(lambda: self._execute(statement, values)[1])

    async def wait_until_gone(self, seconds: float) -> None:
        # The server says nothing to an idle session but that it is over.
        loop, gone = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._socket, gone.set)
        try:
            async with asyncio.timeout(seconds):
                await gone.wait()
            raise Refused("the session was ended")
        except TimeoutError:
            return
        finally:
            loop.remove_reader(self._socket)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            if self._busy:
                await asyncio.to_thread(self._end_statement)
            await asyncio.wrap_future(self._thread.submit(_leave, connection))
        self._socket.close()
        self._thread.shutdown(wait=False)

    async def _do(self, work: Callable[[], T]) -> T:
        self._busy = True
        running = asyncio.get_running_loop().run_in_executor(self._thread, work)
        running.add_done_callback(lambda _: setattr(self, "_busy", False))
        try:
            # Shielded, because a thread can't be cancelled: `close` ends what it does.
            return await asyncio.shield(running)
        except pymysql.Error as error:
            raise _refused(error) from None
        except asyncio.CancelledError:
            running.add_done_callback(_forgotten)
            raise

    def _connect(self) -> None:
        path, role = self._address
        self._connection = connect_by(self._socket, path, role, self._database, program_name=self._name)
        ((self._number,),), _ = self._execute("SELECT CONNECTION_ID()", None)

    def _execute(self, statement: str, values: Values) -> tuple[list[tuple[Any, ...]], int]:
        if self._connection is None:
            raise pymysql.InterfaceError("the connection is closed")
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall()), int(cursor.lastrowid or 0)

    def _end_statement(self) -> None:
        """End the session from a second one, which an account may do to its own."""
        path, role = self._address
        with contextlib.suppress(pymysql.Error), connect(path, role, "") as second, second.cursor() as cursor:
            cursor.execute("KILL %s", [self._number])
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


def _leave(connection: Connection) -> None:
    with contextlib.suppress(pymysql.Error, OSError):
        connection.close()


def _forgotten(running: "asyncio.Future[Any]") -> None:
    """Take what a statement failed with that nobody waits for any more."""
    if not running.cancelled():
        running.exception()


def _refused(error: pymysql.Error) -> Refused:
    number = error.args[0] if error.args else 0
    reason = str(error.args[1]) if len(error.args) > 1 else first_line(error)
    return Refused(reason.strip().partition("\n")[0], unknown_column=number == ER.BAD_FIELD_ERROR)
