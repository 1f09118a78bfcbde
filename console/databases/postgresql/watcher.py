"""The readings, on connections of their own, so that none waits for the work or for another.

One connection takes the readings of each second; a second one answers what is asked ten times a second while a
statement of ours waits for its lock, and sends cancels. Neither ever takes a lock that others conflict with.
"""

from __future__ import annotations

from collections.abc import Callable

from console.change import ChangeFile
from console.databases.base import Activity, BuildProgress
from console.databases.postgresql.activity import read_activity, read_progress
from console.databases.postgresql.line import Line
from console.databases.postgresql.locks import Locks
from console.databases.postgresql.replication import Replication
from console.databases.postgresql.scribe import TAG
from console.databases.postgresql.sessions import OURS, Sessions, signal
from console.databases.postgresql.standby import Standby
from console.databases.skew import Skew
from console.events import LockWait, ReadingName, Replica, ServerSession
from console.facts import TableFacts


class PostgresWatcher:
    """Fulfils `base.Watcher`."""

    def __init__(
        self,
        file: ChangeFile,
        facts: TableFacts,
        password: str | None,
        to_session: Callable[[float], float],
    ) -> None:
        self._skew = Skew()
        url = file.target.url
        to_session = self._skew.corrected(to_session)
        self._readings = Line(url, purpose="watcher", password=password)
        self._guard = Line(url, purpose="guard", password=password)
        self._sessions = Sessions(to_session, record_literals=file.session.record_literals)
        self._locks = Locks((facts.name, facts.reference_table), self._sessions, to_session)
        standbys = [Standby(replica, password) for replica in file.target.replicas]
        self._replication = Replication(standbys, to_session)

    @classmethod
    async def open(
        cls,
        file: ChangeFile,
        facts: TableFacts,
        password: str | None,
        to_session: Callable[[float], float],
    ) -> PostgresWatcher:
        """A watcher that has reached the primary. Raises Unreachable."""
        watcher = cls(file, facts, password, to_session)
        try:
            await watcher._guard.rows("SELECT 1", what="reaching the database")
            await watcher._skew.measure(watcher._clock)
        except BaseException:
            await watcher.close()
            raise
        return watcher

    async def lock_waits(self, ours: frozenset[int]) -> tuple[LockWait, ...]:
        """Who waits for a lock of the table or of ours, and the roots they wait for; those of `ours` marked."""
        return await self._locks.waits(self._readings, ours)

    async def activity(self) -> Activity:
        """What the server is busy with."""
        await self._skew.measure(self._clock)
        return await read_activity(self._readings, self._sessions)

    async def replicas(self) -> tuple[Replica, ...]:
        """Each standby seen so far, by the position clock; vanished ones too."""
        return await self._replication.read(self._readings)

    async def blockers(self, pid: int) -> tuple[ServerSession, ...]:
        """The sessions that hold up the session `pid`, roots first."""
        return await self._locks.blockers(self._guard, pid)

    async def queued_behind(self, pid: int) -> int:
        """How many sessions stand behind the session `pid`, directly or not."""
        return await self._locks.queued_behind(self._guard, pid)

    async def progress(self, pid: int) -> BuildProgress | None:
        """What the server says of the long statement that session `pid` runs."""
        return await read_progress(self._guard, self._sessions, pid)

    async def holders(self, table: str) -> tuple[ServerSession, ...]:
        """The sessions other than ours that hold a lock on the table (as SQL), oldest transaction first."""
        return await self._locks.holders(self._guard, table)

    async def cancel(self, session: ServerSession) -> bool:
        """Cancels the session's statement, if it is still the one meant; whether it was. Raises Refused."""
        return await signal(self._guard, session, end=False)

    async def cancel_ours(self, pid: int) -> bool:
        """Cancels the statement of a session of this process; whether there is one."""
        query = f"{TAG}SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = %s AND application_name LIKE %s"
        rows = await self._guard.rows(query, [pid, OURS], what="cancelling our statement")
        return bool(rows and rows[0][0])

    async def terminate(self, session: ServerSession) -> bool:
        """Ends the session, if it is still the one meant; whether it was. Raises Refused."""
        return await signal(self._guard, session, end=True)

    def lacking(self, reading: ReadingName) -> tuple[str, str]:
        """Nothing: what the role may not see is said where it is missing."""
        return "", ""

    async def close(self) -> None:
        """Closes all connections."""
        await self._readings.close()
        await self._guard.close()
        await self._replication.close()

    async def _clock(self) -> float:
        query = f"{TAG}SELECT extract(epoch FROM clock_timestamp())::float8"
        rows = await self._readings.rows(query, what="reading the server's clock")
        return float(rows[0][0])
