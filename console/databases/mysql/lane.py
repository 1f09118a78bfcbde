"""A connection on a thread of its own: the loop never waits for the driver.

PyMySQL blocks, and a connection belongs to one thread, so each lane has one, and not one of a shared pool that
other lanes could fill up. A lane connects when it is first needed and again after its connection was lost, always
with the same settings. A call that is late or cancelled takes the connection with it: what the statement does on
the server is then unknown, so the lane is cut off, and, where the server has no limit that ends the statement by
itself, a second connection ends the session.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

import pymysql

from console.databases.base import Cancelled, ConnectionLost, DatabaseError, StatementTimeout
from console.databases.mysql import errors
from console.databases.mysql.address import Address
from console.databases.mysql.connect import DirectConnection, Opened, Session, open_connection
from console.databases.mysql.families import Family

Row = tuple[Any, ...]
Args = Sequence[object] | Mapping[str, object] | None
T = TypeVar("T")

GRACE = 0.5
"""Seconds beyond the server's own limit until we stop listening."""
TAG = "/* column-console */ "


class Lane:
    """One connection, one statement at a time.

    `deadline` is seconds for each call, waiting for an earlier one included; 0: as long as it takes. A reading
    session's statements are limited by the server to the same time.
    """

    def __init__(self, address: Address, session: Session, *, deadline: float = 0.0) -> None:
        self.address = address
        self.session = session
        self.deadline = deadline
        self.asked = 0
        """Statements sent so far by `rows` and `execute`."""
        self._thread: _Thread | None = None
        self._free = asyncio.Lock()

    @property
    def pid(self) -> int:
        """The server's id of this session; 0 while there is none."""
        return self._thread.opened.pid if self._thread and self._thread.opened else 0

    @property
    def family(self) -> Family:
        """The server's family. Raises ConnectionLost while there is no connection."""
        if self._thread is None or self._thread.opened is None:
            raise ConnectionLost("the connection to the database is gone")
        return self._thread.opened.family

    @property
    def is_open(self) -> bool:
        """Whether the connection stands, as far as we know."""
        return self.pid != 0

    @property
    def identity(self) -> tuple[int, str, str]:
        """Id, user and client's end of this session; two sessions of a server never share all three."""
        if self._thread is None or self._thread.opened is None:
            raise ConnectionLost("the connection to the database is gone")
        opened = self._thread.opened
        return opened.pid, opened.user, opened.host

    async def open(self) -> None:
        """Connects, if it is not connected. Raises Unreachable."""
        await self.call(lambda _: None, what="connecting")

    async def rows(self, sql: str, args: Args = None, *, what: str = "the query") -> list[Row]:
        """All rows of a query. A literal % must be %% only where `args` are given.

        Raises Unreachable, StatementTimeout (the deadline), or what the server says; `what` names it in errors.
        """

        def ask(connection: DirectConnection) -> list[Row]:
            with connection.cursor() as cursor:
                cursor.execute(TAG + sql, args)
                return list(cursor.fetchall())

        self.asked += 1
        return await self.call(ask, what=what)

    async def records(self, sql: str, args: Args = None, *, what: str = "the query") -> list[dict[str, Any]]:
        """As `rows`, each row with its columns' names: for what SHOW tells."""

        def ask(connection: DirectConnection) -> list[dict[str, Any]]:
            with connection.cursor(pymysql.cursors.DictCursor) as cursor:
                cursor.execute(TAG + sql, args)
                return [dict(row) for row in cursor.fetchall()]

        self.asked += 1
        return await self.call(ask, what=what)

    async def execute(self, sql: str, args: Args = None, *, what: str = "the statement") -> int:
        """Runs a statement; how many rows it changed."""

        def run(connection: DirectConnection) -> int:
            with connection.cursor() as cursor:
                return int(cursor.execute(sql if sql.startswith("/*") else TAG + sql, args))

        self.asked += 1
        return await self.call(run, what=what)

    async def call(self, work: Callable[[DirectConnection], T], *, what: str, reconnect: bool = True) -> T:
        """Runs `work` on the lane's thread, with its connection; several statements need one hop only.

        `work` blocks as it likes. PyMySQL's errors are translated. Raises ConnectionLost where there is no
        connection and `reconnect` is false.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self.deadline + GRACE if self.deadline else None
        try:
            async with asyncio.timeout_at(until):
                await self._free.acquire()
        except TimeoutError:
            raise self._late(what) from None
        try:
            return await self._within(until, work, what, reconnect=reconnect)
        finally:
            self._free.release()

    async def close(self) -> None:
        """Closes the connection; the next call makes a new one."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()

    # -- Inside

    async def _within(
        self, until: float | None, work: Callable[[DirectConnection], T], what: str, *, reconnect: bool
    ) -> T:
        thread = self._thread
        if thread is None or thread.opened is None:
            if not reconnect:
                raise ConnectionLost(f"{what}: the connection to the database is gone")
            thread = self._thread = _Thread(self.address, self.session)
        future = asyncio.wrap_future(thread.submit(work))
        left = None if until is None else max(0.0, until - asyncio.get_running_loop().time())
        try:
            done, _ = await asyncio.wait({future}, timeout=left)
        except asyncio.CancelledError:
            self._abandon(thread, future)
            raise
        if not done:
            self._abandon(thread, future)
            raise self._late(what)
        try:
            return future.result()
        except pymysql.Error as error:
            translated = errors.translate(error, what)
            if isinstance(translated, ConnectionLost):
                await self.close()
            raise translated from error
        except DatabaseError:
            if thread.opened is None:
                await self.close()
            raise

    def _abandon(self, thread: _Thread, future: asyncio.Future[T]) -> None:
        """Leaves a call that is late or not wanted any more, and its connection, without waiting for anybody."""
        self._thread = None
        future.cancel()
        thread.cut()
        if thread.opened is not None and not self.session.statement_limit:
            ender = threading.Thread(
                target=_end_session,
                args=(self.address, thread.opened),
                name="column-console end",
                daemon=True,
            )
            ender.start()

    def _late(self, what: str) -> StatementTimeout:
        return StatementTimeout(f"{what}: no answer within {self.deadline:g} s")


async def kill_query(control: Lane, pid: int, user: str, host: str) -> bool:
    """Ends the statement that a session runs, by a second connection, if it is still the session meant.

    Whether it was. A session that is idle is left as it is. Raises DatabaseError.
    """
    row = await control.rows(
        "SELECT USER, HOST FROM information_schema.PROCESSLIST WHERE ID = %s",
        (pid,),
        what="looking at the session",
    )
    if not row or (str(row[0][0]), str(row[0][1])) != (user, host):
        return False
    await control.execute(f"KILL QUERY {pid:d}", what="KILL QUERY")
    return True


def _end_session(address: Address, opened: Opened) -> None:
    """Ends a session that we let go of. Best effort: the server may be out of reach, which is why we let go."""
    with contextlib.suppress(DatabaseError, pymysql.Error):
        control = open_connection(address, Session(purpose="control", read_only=True)).connection
        try:
            with control.cursor() as cursor:
                cursor.execute(
                    f"{TAG}SELECT USER, HOST FROM information_schema.PROCESSLIST WHERE ID = {opened.pid:d}"
                )
                if cursor.fetchone() == (opened.user, opened.host):
                    cursor.execute(f"{TAG}KILL {opened.pid:d}")
        finally:
            control.close()


def _done(work: Callable[[DirectConnection], T], connection: DirectConnection) -> T:
    """What `work` gives. A killed session says the same as a killed statement: which it was, a ping tells."""
    try:
        return work(connection)
    except pymysql.Error as error:
        if isinstance(errors.translate(error, ""), Cancelled):
            connection.ping(reconnect=False)
        raise


class _Thread:
    """The thread of one connection. It ends when the connection does, or when it is told to."""

    def __init__(self, address: Address, session: Session) -> None:
        self.opened: Opened | None = None
        self._address, self._session = address, session
        self._work: queue.SimpleQueue[tuple[Callable[[DirectConnection], Any], Future[Any]] | None] = (
            queue.SimpleQueue()
        )
        self._ended = False
        # A daemon: a server that never answers must not keep the process alive.
        threading.Thread(target=self._run, name=f"column-console {session.purpose}", daemon=True).start()

    def submit(self, work: Callable[[DirectConnection], T]) -> Future[T]:
        """Queues work; the first connects."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        self._work.put((work, future))
        return future

    def stop(self) -> None:
        """Closes the connection when what runs is done."""
        self._ended = True
        self._work.put(None)

    def cut(self) -> None:
        """Ends the connection under what runs."""
        self.stop()
        if self.opened is not None:
            self.opened.connection.cut()

    def _run(self) -> None:
        while True:
            job = self._work.get()
            if job is None:
                break
            self._do(*job)
        if self.opened is not None:
            with contextlib.suppress(pymysql.Error, OSError):
                self.opened.connection.close()

    def _do(self, work: Callable[[DirectConnection], T], future: Future[T]) -> None:
        try:
            if self.opened is None:
                self.opened = open_connection(self._address, self._session)
            result = _done(work, self.opened.connection)
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for the future
            future.set_exception(error)
        else:
            future.set_result(result)
