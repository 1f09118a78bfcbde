"""A replica of the change file, as it sees itself: what it has applied, whether its threads run, what holds it up."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pymysql

from console.change import Frozen
from console.databases.base import ConnectionLost, DatabaseError, Refused, StatementTimeout
from console.databases.lock_tree import above
from console.databases.mysql.address import read_address, server_name
from console.databases.mysql.connect import DirectConnection, Session
from console.databases.mysql.errors import sentence
from console.databases.mysql.families import Family
from console.databases.mysql.heartbeat import ITEM
from console.databases.mysql.lane import Lane
from console.databases.mysql.lock_sources import Table, all_waits
from console.databases.mysql.sessions import Detail, details, server_now
from console.databases.mysql.sight import NOTHING, Looked, Missing, Sight, ask, probe
from console.redact import redact_sql
from console.words import duration, plain

DEADLINE = 1.0
"""Seconds for one look at a replica, so that a hung one does not make the reading of the others late."""
LONGEST_PAUSE = 8.0
"""Seconds between tries to reach a replica that does not answer: 1, 2, 4, 8, 8, ..."""

_IDENTITY = {"mysql": "@@server_uuid", "mariadb": "''"}
_APPLIED = {"mysql": "@@GLOBAL.gtid_executed", "mariadb": "@@GLOBAL.gtid_slave_pos"}
_WORKER_ERROR = """SELECT LAST_ERROR_MESSAGE FROM performance_schema.replication_applier_status_by_worker
 WHERE LAST_ERROR_NUMBER <> 0 ORDER BY LAST_ERROR_TIMESTAMP LIMIT 1"""
_APPLYING = """SELECT STATE, LEFT(INFO, 200) FROM {sessions}
 WHERE USER = 'system user' AND INFO IS NOT NULL ORDER BY TIME DESC LIMIT 1"""


class Threads(Frozen, frozen=True):
    """What a server says of one of its sources, in the words of its version."""

    receives: str
    """`Yes`, `No` or `Connecting`."""
    applies: str
    receive_error: str
    apply_error: str
    behind: float | None
    """The server's own figure, in whole seconds."""
    delay: int
    """Seconds that it stays behind on purpose."""
    source_id: int
    state: str
    """What the applier is at, in the server's words."""


class Seen(Frozen, frozen=True):
    """What a replica said of itself."""

    server_id: int
    identity: str
    """Its UUID (MySQL)."""
    applied: str
    """The GTIDs that it has applied."""
    beat: str | None
    """The heartbeat's row, empty where there is none; None where it may not be read."""
    threads: Threads | None
    """None where it is no replica, or where that can't be seen."""
    missing: Missing = NOTHING
    """Why its threads can't be seen."""
    held_up: str = ""
    """Who on the replica holds its applier up."""
    applying: str = ""
    """What its applier is at."""


class ReplicaServer:
    """Looks at one replica, each time it is asked, with a back-off while it does not answer.

    `progress` is the progress table as SQL; `tables` are those of the change.
    """

    def __init__(
        self, url: str, password: str | None, *, progress: str, tables: tuple[Table, ...] = ()
    ) -> None:
        address = read_address(url, password)
        self.name = Path(address.socket).stem if address.socket else address.place
        self.address = address.host
        self.seen: Seen | None = None
        """What it said last."""
        self.seen_at = float("-inf")
        """When it did, on the clock of `now`."""
        self.seen_unix = 0.0
        self.failure = ""
        """Why the last look failed; empty where it did not."""
        self.silent = False
        """The last look failed because it did not answer, rather than that it could not be reached."""
        self._server = server_name(url)
        self._progress = progress
        self._tables = tables
        self._lane = Lane(address, Session(purpose="watcher", statement_limit=DEADLINE), deadline=DEADLINE)
        self._threads = Lane(address, Session(purpose="watcher", statement_limit=DEADLINE), deadline=DEADLINE)
        self._looked = Looked()
        self._pause = 0.0
        self._next = float("-inf")
        self._task: asyncio.Task[None] | None = None

    def looking(self, now: float, *, closely: bool) -> asyncio.Task[None]:
        """A look in a task of its own; the last one, where that is not through yet."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self.look(now, closely=closely), name=f"replica {self.name}")
        return self._task

    async def look(self, now: float, *, closely: bool) -> None:
        """Look, unless a failed look was too short ago. Never raises; `failure` tells.

        `closely`: look also at what its applier is at, and who holds it up.
        """
        if now < self._next:
            return
        try:
            try:
                seen = await self._look(closely=closely)
            except ConnectionLost:  # cut off, as an idle one may be: is there a new one?
                seen = await self._look(closely=closely)
        except DatabaseError as error:
            self.failure, self.silent = str(error), isinstance(error, StatementTimeout)
            self._pause = min(LONGEST_PAUSE, self._pause * 2 or 1.0)
            self._next = now + self._pause
        else:
            self.seen, self.seen_at, self.seen_unix = seen, now, time.time()
            self.failure, self.silent, self._pause = "", False, 0.0

    async def close(self) -> None:
        """Close the connections."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._lane.close()
        await self._threads.close()

    async def _look(self, *, closely: bool) -> Seen:
        await self._lane.open()
        family = self._lane.family

        def position(connection: DirectConnection) -> tuple[int, str, str, str | None]:
            query = f"SELECT @@server_id, {_IDENTITY[family.name]}, {_APPLIED[family.name]}"
            number, identity, applied = ask(connection, query)[0]
            return int(number), str(identity), str(applied or ""), self._beat(connection)

        # Together, so that a replica that hangs makes us wait once.
        (number, identity, applied, beat), (threads, missing, held_up, applying) = await asyncio.gather(
            self._lane.call(position, what=f"looking at {self._server}"),
            self._look_at_threads(family, closely=closely),
        )
        return Seen(
            server_id=number,
            identity=identity,
            applied=applied,
            beat=beat,
            threads=threads,
            missing=missing,
            held_up=held_up,
            applying=applying,
        )

    def _beat(self, connection: DirectConnection) -> str | None:
        try:
            rows = ask(connection, f"SELECT value FROM {self._progress} WHERE item = '{ITEM}'")
        except pymysql.ProgrammingError as error:
            return "" if error.args[0] == 1146 else None
        except pymysql.Error as error:
            if error.args[0] in (1044, 1142, 1143):
                return None
            raise
        return str(rows[0][0]) if rows else ""

    async def _look_at_threads(
        self, family: Family, *, closely: bool
    ) -> tuple[Threads | None, Missing, str, str]:
        """On a connection of its own: while replication is being stopped, this question waits for it."""
        user = "this user"
        try:
            sight = await self._looked.sight(self._threads)
            user = sight.user
            rows = await self._threads.records(family.replica_status, what="SHOW REPLICA STATUS")
            if not rows:
                return None, NOTHING, "", ""
            threads = worst([read_threads(family, row) for row in rows])
            if not closely and not threads.apply_error.startswith("Coordinator stopped"):
                return threads, NOTHING, "", ""
            found = await self._threads.call(
                lambda link: self._closely(link, sight, threads), what=f"looking at {self._server}"
            )
        except Refused as error:
            right = "REPLICA MONITOR" if family.mariadb else "REPLICATION CLIENT"
            return None, Missing(why=error.text, remedy=f"GRANT {right} ON *.* TO {user}"), "", ""
        except DatabaseError as error:
            return None, Missing(why=error.text), "", ""
        else:
            return found[0], NOTHING, found[1], found[2]

    def _closely(
        self, connection: DirectConnection, sight: Sight, threads: Threads
    ) -> tuple[Threads, str, str]:
        """Blocks."""
        if threads.apply_error.startswith("Coordinator stopped"):
            rows = probe(connection, _WORKER_ERROR)
            if rows:
                told = sentence(pymysql.OperationalError(0, str(rows[0][0])))
                return _with_error(threads, told), "", ""
        waits = all_waits(connection, sight, self._tables)
        blocked_by = {wait.pid: wait.blocked_by for wait in waits}
        everyone = {*blocked_by, *(one for blockers in blocked_by.values() for one in blockers)}
        known = details(connection, sight, everyone)
        appliers = {
            pid for pid in blocked_by if pid < 0 or (pid in known and known[pid].user == "system user")
        }
        guilty = {one for pid in appliers for one in above(pid, blocked_by) if one in known} - appliers
        people = [known[pid] for pid in guilty if known[pid].user != "system user"]
        if appliers and (people or not guilty):
            now = server_now(connection)
            who = " and ".join(_person(one, now) for one in people[:3]) or "a session that can't be seen"
            return threads, f"its applier is held up on the replica by {who}", ""
        rows = ask(connection, _APPLYING.format(sessions=sight.sessions)) if sight.process else []
        applying = " ".join(plain(redact_sql(str(rows[0][1]), "mysql")).split())[:100] if rows else ""
        return threads, "", applying or plain(threads.state)


def read_threads(family: Family, row: dict[str, Any]) -> Threads:
    """One row of the replica's status."""

    def of(name: str) -> Any:
        return family.replication_column(row, name)

    def error(name: str) -> str:
        text = str(of(name) or "")
        return sentence(pymysql.OperationalError(0, text)) if text else ""

    behind = of("Seconds_Behind_Source")
    return Threads(
        receives=str(of("Replica_IO_Running") or "No"),
        applies=str(of("Replica_SQL_Running") or "No"),
        receive_error=error("Last_IO_Error"),
        apply_error=error("Last_SQL_Error"),
        behind=None if behind is None else float(behind),
        delay=int(of("SQL_Delay") or 0),
        source_id=int(of("Source_Server_Id") or 0),
        state=str(of("Replica_SQL_Running_State") or ""),
    )


def worst(threads: list[Threads]) -> Threads:
    """Of several sources the one that is in trouble, or else the one that is furthest behind."""
    return max(threads, key=lambda t: (t.applies != "Yes", t.receives != "Yes", t.behind or 0.0))


def _with_error(threads: Threads, text: str) -> Threads:
    return Threads(
        receives=threads.receives,
        applies=threads.applies,
        receive_error=threads.receive_error,
        apply_error=text,
        behind=threads.behind,
        delay=threads.delay,
        source_id=threads.source_id,
        state=threads.state,
    )


def _person(detail: Detail, now: float) -> str:
    known = [plain(word) for word in (detail.application, detail.user) if word]
    if detail.transaction_began is not None:
        known.append(f"transaction of {duration(max(0.0, now - detail.transaction_began))}")
    return f"session {detail.pid}" + (f" ({', '.join(known)})" if known else "")
