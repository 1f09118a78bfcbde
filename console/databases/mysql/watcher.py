"""The readings, on connections of their own, so that none waits for the work or for another.

One lane takes the readings of each second; a second one answers what is asked ten times a second while a statement of
ours waits for its lock, and sends cancels; a third beats the heartbeat. None ever takes a lock that others conflict
with.
"""

from __future__ import annotations

from collections.abc import Callable

from console.change import ChangeFile
from console.databases.base import Activity, BuildProgress
from console.databases.mysql.activity import Activities, Progress
from console.databases.mysql.address import read_address
from console.databases.mysql.connect import Session
from console.databases.mysql.heartbeat import Heartbeat
from console.databases.mysql.lane import Lane
from console.databases.mysql.lock_sources import table_named
from console.databases.mysql.locks import Locks
from console.databases.mysql.names import Names
from console.databases.mysql.replica import ReplicaServer
from console.databases.mysql.replication import Replication
from console.databases.mysql.sessions import Sessions, cancel_own, server_now, signal
from console.databases.mysql.sight import NOTHING, Looked
from console.databases.skew import Skew
from console.events import LockWait, ReadingName, Replica, ServerSession
from console.facts import TableFacts

DEADLINE = 2.0
"""Seconds for one reading."""


class MySqlWatcher:
    """Fulfils `base.Watcher`."""

    def __init__(
        self,
        file: ChangeFile,
        facts: TableFacts,
        password: str | None,
        to_session: Callable[[float], float],
    ) -> None:
        self._skew = Skew()
        to_session = self._skew.corrected(to_session)
        address = read_address(file.target.url, password)
        self._readings = Lane(
            address, Session(purpose="watcher", statement_limit=DEADLINE), deadline=DEADLINE
        )
        self._guard = Lane(address, Session(purpose="guard", statement_limit=DEADLINE), deadline=DEADLINE)
        self._looked, self._guard_looked = Looked(), Looked()
        self._sessions = Sessions(to_session, record_literals=file.session.record_literals)
        tables = (facts.name, facts.reference_table)
        self._locks = Locks(
            tables, facts.schema, self._sessions, to_session, looked=self._looked, guard=self._guard_looked
        )
        self._activities = Activities(self._looked, self._sessions)
        self._progress = Progress(self._guard_looked, self._locks)
        names = Names(file.change, facts)
        self._heartbeat = Heartbeat(
            Lane(address, Session(purpose="heartbeat", read_only=False), deadline=DEADLINE),
            schema=names.schema,
            name=names.progress_name,
            table=names.progress,
        )
        named = tuple(table_named(name, facts.schema) for name in tables if name)
        servers = [
            ReplicaServer(url, password, progress=names.progress, tables=named)
            for url in file.target.replicas
        ]
        self._replication = Replication(servers, self._heartbeat, self._looked, to_session)
        self._ours: frozenset[int] = frozenset()

    @classmethod
    async def open(
        cls,
        file: ChangeFile,
        facts: TableFacts,
        password: str | None,
        to_session: Callable[[float], float],
    ) -> MySqlWatcher:
        """A watcher that has reached the primary. Raises Unreachable."""
        watcher = cls(file, facts, password, to_session)
        try:
            await watcher._guard.open()
            await watcher._skew.measure(watcher._clock)
            watcher._heartbeat.start()
        except BaseException:
            await watcher.close()
            raise
        return watcher

    async def lock_waits(self, ours: frozenset[int]) -> tuple[LockWait, ...]:
        """Who waits for a lock of the table or of ours, and the roots they wait for; those of `ours` marked."""
        self._ours = ours
        return await self._locks.waits(self._readings, ours)

    async def activity(self) -> Activity:
        """What the server is busy with."""
        await self._skew.measure(self._clock)
        return await self._activities.read(self._readings, self._own())

    async def replicas(self) -> tuple[Replica, ...]:
        """Each replica of the change file, and those that were discovered; vanished ones too."""
        return await self._replication.read(self._readings)

    async def blockers(self, pid: int) -> tuple[ServerSession, ...]:
        """The sessions that hold up the session `pid`, roots first."""
        return await self._locks.blockers(self._guard, pid)

    async def queued_behind(self, pid: int) -> int:
        """How many sessions stand behind the session `pid`, directly or not."""
        return await self._locks.queued_behind(self._guard, pid)

    async def progress(self, pid: int) -> BuildProgress | None:
        """What the server says of the long statement that session `pid` runs, and what replicas will make of it."""
        return await self._progress.read(self._guard, pid, replicas=self._replication.any)

    async def holders(self, table: str) -> tuple[ServerSession, ...]:
        """The sessions other than ours that hold a lock on the table (as SQL), oldest transaction first."""
        return await self._locks.holders(self._guard, table, self._own())

    async def cancel(self, session: ServerSession) -> bool:
        """Cancels the session's statement, if it is still the one meant; whether it was. Raises Refused."""
        sight = await self._guard_looked.sight(self._guard)
        return await signal(self._guard, sight, self._sessions, session, end=False)

    async def cancel_ours(self, pid: int) -> bool:
        """Cancels the statement of a session of this process; whether there is one."""
        return await cancel_own(self._guard, await self._guard_looked.sight(self._guard), pid)

    async def terminate(self, session: ServerSession) -> bool:
        """Ends the session, if it is still the one meant; whether it was. Raises Refused."""
        sight = await self._guard_looked.sight(self._guard)
        return await signal(self._guard, sight, self._sessions, session, end=True)

    def lacking(self, reading: ReadingName) -> tuple[str, str]:
        """What the last of these readings had to leave out and why, and what mends it; empty where it was whole."""
        missing = {"locks": self._locks.missing, "replication": self._replication.missing}.get(
            reading, NOTHING
        )
        return missing.why, missing.remedy

    async def close(self) -> None:
        """Closes all connections."""
        await self._heartbeat.close()
        await self._readings.close()
        await self._guard.close()
        await self._replication.close()

    def _own(self) -> frozenset[int]:
        """The sessions of this process, as far as they are known here."""
        return self._ours | {self._readings.pid, self._guard.pid, self._heartbeat.pid}

    async def _clock(self) -> float:
        return await self._readings.call(server_now, what="reading the server's clock")
