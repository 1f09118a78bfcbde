"""Who waits for a lock and who holds it: the tree, both directions, and the sessions in our way.

Metadata locks and row locks are one tree: an application's UPDATE waits behind our ALTER, which waits behind a reader.
Where waits and locks are read from: `lock_sources`. Neither server tells since when a metadata lock is waited for, and
InnoDB only in whole seconds; a wait can't have begun before its statement, nor before the last look that did not see
it, and the later of these is taken for its beginning.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from console.databases.base import Refused
from console.databases.lock_tree import above, behind, related
from console.databases.mysql.connect import DirectConnection
from console.databases.mysql.lane import Lane
from console.databases.mysql.lock_sources import Table, all_waits, holding, table_named
from console.databases.mysql.metadata_locks import Waiting, holders_first
from console.databases.mysql.sessions import PREPARED, UNIX, Detail, Sessions, details, server_now
from console.databases.mysql.sight import Looked, Missing, Sight, ask
from console.events import LockWait, ServerSession

MOST = 200
"""Waiting sessions that are looked at closely, ours and the table's before others."""
FRESH = 0.08
"""Seconds for which who waits for whom counts as known: two questions of one moment need one look."""
LOOK = 3.0
"""Seconds after which the last look says nothing any more of when a wait began."""
OLD_NEWS = 0.12
"""Seconds without a look after which InnoDB tells of transactions anew: until then what it told last stands."""
SUSPECTS = 5
"""Old transactions that are named where nobody can tell who holds a lock."""

_OLDEST = f"""SELECT trx_mysql_thread_id FROM information_schema.INNODB_TRX
 WHERE trx_mysql_thread_id <> 0 AND {UNIX.format("trx_started")} <= %s ORDER BY trx_started LIMIT {SUSPECTS + 1}"""


class Locks:
    """The lock readings of one server, for a change on `tables` (as SQL; `schema` where one names none)."""

    def __init__(
        self,
        tables: Iterable[str],
        schema: str,
        sessions: Sessions,
        to_session: Callable[[float], float],
        *,
        looked: Looked,
        guard: Looked,
    ) -> None:
        self._schema = schema
        self._tables = [table_named(name, schema) for name in tables if name]
        self._sessions = sessions
        self._to_session = to_session
        self._began: dict[tuple[int, str, str], float] = {}
        self._looked = float("-inf")
        self._edges: tuple[float, list[Waiting]] = (float("-inf"), [])
        self._readings, self._guard = looked, guard
        self.missing = Missing()
        """What the last reading had to leave out."""

    async def waits(self, lane: Lane, ours: frozenset[int]) -> tuple[LockWait, ...]:
        """The waits that touch the table or a session of ours, with everyone in the same tree; roots first."""
        sight = await self._readings.sight(lane)
        self.missing = sight.locks
        pid = lane.pid

        def read(connection: DirectConnection) -> tuple[LockWait, ...]:
            waits = self._kept(all_waits(connection, sight, self._tables), ours)
            blocked_by = holders_first(waits, ours)
            everyone = {*blocked_by, *(one for blockers in blocked_by.values() for one in blockers)}
            known = details(connection, sight, everyone)
            looked, self._looked = self._looked, time.monotonic()
            if not waits:
                self._began = {}
                return ()
            now = server_now(connection)
            started = self._sessions.start.known(connection, pid)
            since = None if self._looked - looked > LOOK else now - (self._looked - looked)
            return self._tree(
                waits,
                blocked_by,
                known,
                lambda detail: beginning(detail, since, now),
                lambda detail: self._sessions.made(detail, started, ours=detail.pid in ours),
            )

        return await lane.call(read, what="reading lock waits")

    async def blockers(self, lane: Lane, pid: int) -> tuple[ServerSession, ...]:
        """The sessions that hold up `pid`, and those that hold them up; those that wait for nobody first.

        Where nobody can tell who holds a metadata lock, the oldest transactions, marked as no more than suspects.
        """
        sight = await self._guard.sight(lane)
        link = lane.pid

        def read(connection: DirectConnection) -> tuple[ServerSession, ...]:
            edges = self._edges_now(connection, sight)
            blocked_by = _blocked_by(edges)
            if pid not in blocked_by:
                return ()
            up = above(pid, blocked_by)
            known = details(connection, sight, {pid, *up})
            started = self._sessions.start.known(connection, link)
            if not blocked_by[pid] and sight.metadata == "states":
                return self._suspects(connection, sight, known.get(pid), started)
            ordered = sorted(
                (known[one] for one in up if one in known),
                key=lambda d: (d.pid in blocked_by, d.transaction_began is None, d.transaction_began or 0.0),
            )
            found = [self._sessions.made(detail, started) for detail in ordered]
            return (*([PREPARED] if 0 in up else []), *found)

        return await lane.call(read, what="reading who blocks us")

    async def queued_behind(self, lane: Lane, pid: int) -> int:
        """How many sessions stand behind `pid`, directly or not. Raises Refused where nothing tells: that is not 0."""
        sight = await self._guard.sight(lane)
        if sight.blind:
            raise Refused(sight.locks.why, sight.locks.remedy)
        edges = await lane.call(
            lambda connection: self._edges_now(connection, sight), what="reading who queues behind us"
        )
        return len(behind(pid, _blocked_by(edges)))

    async def holders(self, lane: Lane, table: str, ours: frozenset[int]) -> tuple[ServerSession, ...]:
        """The sessions other than ours that hold a lock on the table, oldest transaction first. Raises Refused."""
        sight = await self._guard.sight(lane)
        if sight.metadata == "states":
            raise Refused(sight.locks.why, sight.locks.remedy)
        link, wanted = lane.pid, table_named(table, self._schema)

        def read(connection: DirectConnection) -> tuple[ServerSession, ...]:
            pids = set(holding(connection, sight, wanted)) - ours
            started = self._sessions.start.known(connection, link)
            ordered = sorted(
                _with_transactions(connection, sight, pids).values(),
                key=lambda d: (d.transaction_began is None, d.transaction_began or 0.0, d.pid),
            )
            prepared = [PREPARED] if 0 in pids else []
            return (*prepared, *(self._sessions.made(detail, started) for detail in ordered))

        return await lane.call(read, what="reading who holds the table")

    # -- Inside

    def _edges_now(self, connection: DirectConnection, sight: Sight) -> list[Waiting]:
        read_at, edges = self._edges
        if time.monotonic() - read_at > FRESH:
            edges = all_waits(connection, sight, self._tables)
            self._edges = (time.monotonic(), edges)
        return edges

    def _kept(self, waits: list[Waiting], ours: frozenset[int]) -> list[Waiting]:
        """Those that touch the table or ours, and what is tied to them; at most `MOST`."""
        tables = {_folded(table) for table in self._tables}
        touched = {wait.pid for wait in waits if wait.of_all or _folded((wait.schema, wait.table)) in tables}
        blocked_by = _blocked_by(waits)
        everyone = {*blocked_by, *(one for blockers in blocked_by.values() for one in blockers)}
        tied = related(touched | (ours & everyone), blocked_by)
        kept = [wait for wait in waits if wait.pid in tied]
        kept.sort(key=lambda wait: (wait.pid not in ours, wait.pid not in touched))
        return kept[:MOST]

    def _tree(
        self,
        waits: list[Waiting],
        blocked_by: dict[int, tuple[int, ...]],
        known: dict[int, Detail],
        began_by: Callable[[Detail], float],
        made: Callable[[Detail], ServerSession],
    ) -> tuple[LockWait, ...]:
        began: dict[tuple[int, str, str], float] = {}
        found: dict[int, LockWait] = {}
        for wait in waits:
            if wait.pid not in known:
                continue  # it went while we looked
            key = (wait.pid, wait.mode, wait.on)
            began[key] = self._began[key] if key in self._began else began_by(known[wait.pid])
            found[wait.pid] = LockWait(
                session=made(known[wait.pid]),
                blocked_by=blocked_by[wait.pid],
                mode=wait.mode,
                on=wait.on,
                began=self._to_session(began[key]),
            )
        for pid in {one for blockers in blocked_by.values() for one in blockers} - set(found):
            if pid in known or pid == 0:
                found[pid] = LockWait(session=made(known[pid]) if pid else PREPARED, blocked_by=())
        self._began = began
        return tuple(sorted(found.values(), key=lambda w: (bool(w.mode), w.began, w.session.pid)))

    def _suspects(
        self, connection: DirectConnection, sight: Sight, waiting: Detail | None, started: float
    ) -> tuple[ServerSession, ...]:
        if waiting is None or waiting.statement_began is None or not sight.process:
            return ()
        pids = [int(pid) for (pid,) in ask(connection, _OLDEST, (waiting.statement_began,))]
        found = details(connection, sight, [pid for pid in pids if pid != waiting.pid][:SUSPECTS])
        made = (self._sessions.made(detail, started) for detail in found.values())
        return tuple(_suspected(session) for session in made)


def beginning(detail: Detail, looked: float | None, now: float) -> float:
    """When a wait began that is seen for the first time, on the server's clock; `looked`: the last look before.

    >>> def session(began, wait=None):
    ...     return Detail(pid=1, user="", host="", command="Query", query="", statement_began=began, wait_began=wait)
    >>> beginning(session(7.0), None, 9.0), beginning(session(7.0), 8.0, 9.0), beginning(session(8.5, 8.0), 8.0, 9.0)
    (7.0, 8.0, 8.5)
    """
    known = [at for at in (detail.statement_began, detail.wait_began, looked) if at is not None]
    return min(now, max(known, default=now))


def _with_transactions(connection: DirectConnection, sight: Sight, pids: set[int]) -> dict[int, Detail]:
    """As `details`, of sessions that hold a lock, nearly always in a transaction: without one, a second look."""
    found = details(connection, sight, pids)
    if sight.process and any(detail.transaction_began is None for detail in found.values()):
        time.sleep(OLD_NEWS)
        found = details(connection, sight, pids)
    return found


def _suspected(session: ServerSession) -> ServerSession:
    return replace(session, state=f"perhaps in the way: {session.state}")


def _blocked_by(waits: Iterable[Waiting]) -> dict[int, frozenset[int]]:
    found: dict[int, frozenset[int]] = {}
    for wait in waits:
        found[wait.pid] = found.get(wait.pid, frozenset()) | wait.blocked_by
    return found


def _folded(table: Table) -> Table:
    """For comparing: whether case matters depends on the server, and a table too many does no harm."""
    return table[0].lower(), table[1].lower()
