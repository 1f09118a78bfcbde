"""The session that does the work: it holds the advisory lock of the change, and its statements have limits.

A second connection, open before it is needed, ends what runs too long: MySQL has no limit for a statement that writes,
and none below a second for one that waits for a metadata lock.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from console.change import ChangeFile
from console.databases.base import Cancelled, DatabaseError, LockTimeout, RunnerLockHeld, StatementTimeout
from console.databases.mysql.address import read_address
from console.databases.mysql.batches import update
from console.databases.mysql.connect import DirectConnection, Session
from console.databases.mysql.families import Family
from console.databases.mysql.identifiers import literal
from console.databases.mysql.lane import Lane, kill_query
from console.databases.mysql.scribe import BUILD_LOCK_WAIT, TAG
from console.databases.mysql.sessions import PREPARED, Sessions, details, server_start
from console.databases.mysql.settings import whole_seconds
from console.databases.mysql.sight import look
from console.events import ServerSession

T = TypeVar("T")
DEAD_RUNNER_PATIENCE = 20.0
"""Seconds to wait for a dead runner's session to give the lock back."""
KILL_AGAIN = 0.5
"""Seconds between two kills: one that comes between two statements ends neither."""
LOCK_WAITS = ("metadata lock", "backup lock", "table flush", "global read lock")
"""What the server says it waits for where that is a lock that stands in the way of DDL."""
AT_WORK = re.compile("(preparing for|committing)? ?alter(ing)? table", re.IGNORECASE)
"""States of an ALTER TABLE that has had its first exclusive lock."""


class Working:
    """The working session of one change."""

    def __init__(self, file: ChangeFile, schema: str, password: str | None) -> None:
        self._title = file.change.title
        address = read_address(file.target.url, password)
        self._lane = Lane(address, Session(purpose="runner", read_only=False))
        self._control = Lane(address, Session(purpose="control", statement_limit=2.0), deadline=2.0)
        database = hashlib.sha256(schema.encode()).hexdigest()[:10]
        # Such locks are the whole server's, not a database's.
        self._calls = 0
        self._lock = literal(f"column_console_{file.change.key}_{database}")

    @property
    def pid(self) -> int:
        """The server's id of the session; 0 while there is none."""
        return self._lane.pid

    @property
    def busy(self) -> bool:
        """Whether the session is at work just now."""
        return self._calls > 0

    @property
    def family(self) -> Family:
        """The server's family. Raises ConnectionLost while there is no connection."""
        return self._lane.family

    async def open(self, waiting: Callable[[str], None] | None = None) -> None:
        """Connects anew and takes the lock. Raises Unreachable, RunnerLockHeld."""
        await self.close()
        try:
            await self._lane.open()
            await self._control.open()
            await self._take_lock(waiting)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Closes the connections, and gives the lock back with them."""
        await self._lane.close()
        await self._control.close()

    # -- The lock

    async def _take_lock(self, waiting: Callable[[str], None] | None) -> None:
        until = time.monotonic() + DEAD_RUNNER_PATIENCE
        told = False
        while True:
            row = await self.first(f"SELECT GET_LOCK({self._lock}, 0)", "the advisory lock")
            if row and row[0] == 1:
                return
            holder = await self._lock_holder()
            if time.monotonic() > until:
                who = f"session {holder.pid} of {holder.user}" if holder else "another session"
                raise RunnerLockHeld(
                    f"another runner works on {self._title}: {who} holds its lock",
                    holder,
                    "attach to it (column-console sessions), or end it there; what a dead runner sent last may still"
                    " run, and its session goes when that has ended or is killed",
                )
            if waiting and not told:
                pid = holder.pid if holder else 0
                waiting(f"the lock of this change is held by session {pid}; waiting for it to go")
                told = True
            await asyncio.sleep(0.5)

    async def _lock_holder(self) -> ServerSession | None:
        row = await self.first(f"SELECT IS_USED_LOCK({self._lock})", "the advisory lock")
        if not row or row[0] is None:
            return None
        pid, family = int(row[0]), self.family

        def see(connection: DirectConnection) -> ServerSession:
            found = details(connection, look(connection, family), [pid]).get(pid)
            if found is None:
                return ServerSession(pid=pid, state=PREPARED.state)
            return Sessions(lambda seconds: seconds).made(found, server_start(connection))

        return await self.call(see, "looking at the lock's holder")

    # -- Statements

    async def call(self, work: Callable[[DirectConnection], T], what: str) -> T:
        """Runs `work` on the session's thread. Raises ConnectionLost where the session is gone: the lock went too."""
        self._calls += 1
        try:
            return await self._lane.call(work, what=what, reconnect=False)
        finally:
            self._calls -= 1

    async def first(self, query: str, what: str) -> tuple[Any, ...] | None:
        """The first row of a query."""

        def ask(connection: DirectConnection) -> tuple[Any, ...] | None:
            with connection.cursor() as cursor:
                cursor.execute(query if query.startswith(TAG) else TAG + query)
                row: tuple[Any, ...] | None = cursor.fetchone()
                return row

        return await self.call(ask, what)

    async def set(self, settings: dict[str, str]) -> None:
        """Sets variables of the session."""
        text = ", ".join(f"{name} = {value}" for name, value in settings.items())
        await self.call(lambda link: update(link, f"SET SESSION {text}"), "setting the session")

    async def execute(self, sql: str, lock_timeout: float) -> None:
        """Runs a statement, waiting at most `lock_timeout` seconds for its lock (0: as long as builds wait).

        The server counts whole seconds; a shorter wait is ended from outside. A statement that has its lock goes on.
        """
        seconds = whole_seconds(lock_timeout) if lock_timeout else BUILD_LOCK_WAIT
        await self.set({"lock_wait_timeout": str(seconds)})
        running = self.call(lambda link: update(link, sql.removeprefix(TAG)), "the statement")
        if not lock_timeout or seconds <= lock_timeout:
            await running
            return
        late = LockTimeout(f"the statement: no lock within {lock_timeout:g} s")
        await self._ended(running, lock_timeout, late, self._waits_for_lock)

    async def build(self, sql: str, lock_timeout: float, unwatched: Callable[[], bool]) -> None:
        """Runs an ALTER TABLE that takes long: at most `lock_timeout` seconds without its first lock.

        Until it has that, nothing is lost with it, and everybody queues behind it. For the lock at its end it waits
        `BUILD_LOCK_WAIT`; while `unwatched`, not even then longer than it takes to be seen. Raises LockTimeout.
        """
        await self.set({"lock_wait_timeout": str(BUILD_LOCK_WAIT)})
        begun = False

        async def to_be_ended() -> bool:
            nonlocal begun
            try:
                state = await self._state()
            except DatabaseError:
                if not begun:
                    raise
                return False  # the server's own limit stands
            begun = begun or AT_WORK.fullmatch(state) is not None
            return waits_for_lock(state) and (not begun or unwatched())

        running = self.call(lambda link: update(link, sql.removeprefix(TAG)), "the statement")
        late = LockTimeout(f"the statement: no lock within {lock_timeout:g} s")
        await self._ended(running, lock_timeout, late, to_be_ended)

    async def limited(self, work: Callable[[DirectConnection], T], what: str, seconds: float) -> T:
        """As `call`; what takes longer is ended, and raises StatementTimeout."""
        late = StatementTimeout(f"{what}: not done within {seconds:g} s")
        return await self._ended(self.call(work, what), seconds, late, self._always)

    async def _ended(
        self,
        running: Awaitable[T],
        seconds: float,
        late: LockTimeout | StatementTimeout,
        condition: Callable[[], Awaitable[bool]],
    ) -> T:
        """What `running` gives; from `seconds` on its statement is ended wherever `condition` holds, raising `late`."""
        identity = self._lane.identity
        task = asyncio.ensure_future(running)
        ended = False
        try:
            await asyncio.wait({task}, timeout=seconds)
            while not task.done():
                ended = (await condition() and await kill_query(self._control, *identity)) or ended
                await asyncio.wait({task}, timeout=KILL_AGAIN)
            return task.result()
        except Cancelled as error:
            if ended:
                raise late from error
            raise
        finally:
            if not task.done():
                task.cancel()

    async def _waits_for_lock(self) -> bool:
        return waits_for_lock(await self._state())

    async def _state(self) -> str:
        """What our session does, in the server's words."""
        rows = await self._control.rows(
            "SELECT STATE FROM information_schema.PROCESSLIST WHERE ID = %s",
            (self.pid,),
            what="looking at our session",
        )
        return str(rows[0][0] or "") if rows else ""

    @staticmethod
    async def _always() -> bool:
        return True


def waits_for_lock(state: str) -> bool:
    """Whether a session in this state waits for a lock: one that waits for replicas has committed already.

    >>> waits_for_lock("Waiting for table metadata lock"), waits_for_lock("altering table")
    (True, False)
    >>> waits_for_lock("Waiting for semi-sync ACK from replica")
    False
    """
    return state.startswith("Waiting for") and state.endswith(LOCK_WAITS)
