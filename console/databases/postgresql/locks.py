"""Who waits for a lock and who holds it: the tree, both directions, and the sessions in our way.

Two stages, each second: first whether anything waits at all (a tenth of the cost of looking at the sessions), and
only then the whole. `pg_blocking_pids` counts those who stand before us in the queue as well as those who hold.

No query here may itself wait for a lock of the table: partitions are found in `pg_inherits`, because
`pg_partition_tree` locks them, and would queue behind our own waiting statement.

Versions before 14 do not tell since when a session waits; there, and in the first moment of a wait, it counts
from when we first saw it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from console.databases.lock_tree import related
from console.databases.postgresql.line import Line
from console.databases.postgresql.scribe import TAG
from console.databases.postgresql.sessions import COLUMNS, OURS, PREPARED, WIDTH, Sessions
from console.events import LockWait, ServerSession

MOST = 200
"""Waiting sessions that are looked at closely: what one `pg_blocking_pids` costs grows with all that wait."""

ANY_WAIT = f"{TAG}SELECT 1 FROM pg_locks WHERE NOT granted LIMIT 1"

_RELATIONS = """
    named(oid) AS (SELECT to_regclass(name)::oid FROM unnest(%(tables)s::text[]) AS n(name)),
    tables(oid) AS (
        SELECT oid FROM named WHERE oid IS NOT NULL
        UNION SELECT i.inhrelid FROM pg_inherits i JOIN tables t ON i.inhparent = t.oid),
    relations(oid) AS (
        SELECT oid FROM tables
        UNION SELECT x.indexrelid FROM pg_index x JOIN tables t ON x.indrelid = t.oid)
"""

# Shared catalogs stand in no database, and neither do waits for a transaction.
_HERE = """coalesce(l.database, 0) IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))"""


_TREE = f"""{TAG}WITH RECURSIVE {_RELATIONS},
    waits AS MATERIALIZED (
        SELECT l.pid, l.locktype, l.mode, l.relation, {{waitstart}} AS began, {_HERE} AS here
          FROM pg_locks l WHERE NOT l.granted
         ORDER BY l.pid = ANY(%(ours)s::int[]) DESC, l.relation IN (SELECT oid FROM relations) DESC, began
         LIMIT {MOST}),
    edges AS MATERIALIZED (SELECT pid, pg_blocking_pids(pid) AS blocked_by FROM waits),
    nodes AS MATERIALIZED (SELECT pid FROM waits UNION SELECT unnest(blocked_by) FROM edges),
    -- A wait for another transaction names no table; the lock on the row, which the first to wait holds, does.
    places AS MATERIALIZED (
        SELECT pid, locktype, mode, began, here, coalesce(relation, (
            SELECT l.relation FROM pg_locks l
             WHERE l.pid = waits.pid AND l.granted AND l.locktype = 'tuple' AND {_HERE} LIMIT 1)) AS relation
          FROM waits)
    SELECT {COLUMNS}, n.pid, coalesce(e.blocked_by, ARRAY[]::int[]), coalesce(p.mode, ''), p.locktype,
           CASE WHEN p.here THEN p.relation::regclass::text END,
           extract(epoch FROM p.began)::float8, extract(epoch FROM clock_timestamp())::float8,
           coalesce(p.here AND p.relation IN (SELECT oid FROM relations), false)
      FROM nodes n
      LEFT JOIN LATERAL pg_stat_get_activity(n.pid) a ON true
      LEFT JOIN places p ON p.pid = n.pid
      LEFT JOIN edges e ON e.pid = n.pid"""

_BLOCKERS = f"""{TAG}WITH RECURSIVE up(pid) AS (
        SELECT unnest(pg_blocking_pids(%s)) UNION SELECT unnest(pg_blocking_pids(up.pid)) FROM up)
    SELECT {COLUMNS}, up.pid, pg_blocking_pids(up.pid)
      FROM up LEFT JOIN LATERAL pg_stat_get_activity(up.pid) a ON true"""

_BEHIND = f"""{TAG}WITH RECURSIVE
    edges AS MATERIALIZED (
        SELECT pid, pg_blocking_pids(pid) AS blocked_by
          FROM (SELECT DISTINCT pid FROM pg_locks WHERE NOT granted LIMIT {MOST}) w),
    behind(pid) AS (
        SELECT pid FROM edges WHERE %(pid)s = ANY(blocked_by)
        UNION SELECT e.pid FROM edges e JOIN behind b ON b.pid = ANY(e.blocked_by))
    SELECT count(*) FROM behind WHERE pid <> %(pid)s"""

_HOLDERS = f"""{TAG}WITH RECURSIVE {_RELATIONS},
    holding AS (
        SELECT DISTINCT coalesce(l.pid, 0) AS pid FROM pg_locks l
         WHERE l.granted AND l.locktype = 'relation' AND {_HERE} AND l.relation IN (SELECT oid FROM tables))
    SELECT {COLUMNS}, h.pid
      FROM holding h LEFT JOIN LATERAL pg_stat_get_activity(h.pid) a ON true
     WHERE coalesce(a.application_name, '') NOT LIKE '{OURS.replace("%", "%%")}'
     ORDER BY a.xact_start NULLS LAST, h.pid"""


class Locks:
    """The lock readings of one database, for a change on `tables` (names as SQL)."""

    def __init__(
        self, tables: Iterable[str], sessions: Sessions, to_session: Callable[[float], float]
    ) -> None:
        self._tables = [name for name in tables if name]
        self._sessions = sessions
        self._to_session = to_session
        self._first_seen: dict[tuple[int, float, str, str], float] = {}

    async def waits(self, line: Line, ours: frozenset[int]) -> tuple[LockWait, ...]:
        """The waits that touch the table or a session of ours, with everyone in the same tree; roots first.

        At most `MOST` waiting sessions, ours and the table's before others.
        """
        if not await line.rows(ANY_WAIT, what="reading lock waits"):
            self._first_seen.clear()
            return ()
        waitstart = "l.waitstart" if line.version >= 140000 else "NULL::timestamptz"
        query = _TREE.format(waitstart=waitstart)
        rows = await line.rows(query, {"tables": self._tables, "ours": list(ours)}, what="reading lock waits")
        found = self._found(rows, ours)
        touched = {pid for pid, (_, ours_or_table) in found.items() if ours_or_table}
        kept = related(touched, {pid: wait.blocked_by for pid, (wait, _) in found.items()})
        waits = [wait for pid, (wait, _) in found.items() if pid in kept]
        return tuple(sorted(waits, key=lambda wait: (bool(wait.mode), wait.began, wait.session.pid)))

    def _found(self, rows: list[tuple[Any, ...]], ours: frozenset[int]) -> dict[int, tuple[LockWait, bool]]:
        found = {}
        seen = {}
        for row in rows:
            pid, blocked_by, mode, locktype, relation, began, now, on_table = row[WIDTH:]
            if row[0] is None and pid != 0:
                continue  # it went while we looked
            session = self._sessions.read(row, ours) if pid else PREPARED
            if mode and began is None:
                key = (pid, session.started, locktype, mode)
                began = seen[key] = self._first_seen.get(key, now)
            wait = LockWait(
                session=session,
                blocked_by=tuple(blocker for blocker in sorted(set(blocked_by)) if blocker != pid),
                mode=mode,
                on=place(locktype, relation) if mode else "",
                began=self._to_session(began) if mode else 0.0,
            )
            found[pid] = (wait, on_table or pid in ours)
        self._first_seen = seen
        return found

    async def blockers(self, line: Line, pid: int) -> tuple[ServerSession, ...]:
        """The sessions that hold up `pid`, and those that hold them up; those that wait for nobody first."""
        rows = await line.rows(_BLOCKERS, [pid], what="reading who blocks us")
        rows.sort(key=lambda row: (len(row[WIDTH + 1]) > 0, row[6] is None, row[6] or 0.0))
        return tuple(
            self._sessions.read(row) if row[WIDTH] else PREPARED
            for row in rows
            if row[WIDTH] != pid and (row[0] is not None or row[WIDTH] == 0)
        )

    async def queued_behind(self, line: Line, pid: int) -> int:
        """How many sessions stand behind `pid`, directly or not."""
        rows = await line.rows(_BEHIND, {"pid": pid}, what="reading who queues behind us")
        return int(rows[0][0])

    async def holders(self, line: Line, table: str) -> tuple[ServerSession, ...]:
        """The sessions other than ours that hold a lock on the table or a partition of it, oldest first."""
        rows = await line.rows(_HOLDERS, {"tables": [table]}, what="reading who holds the table")
        return tuple(
            self._sessions.read(row) if row[WIDTH] else PREPARED
            for row in rows
            if row[0] is not None or row[WIDTH] == 0
        )


def place(locktype: str | None, relation: str | None) -> str:
    """What is waited for, in words.

    >>> place("relation", "orders"), place("tuple", "orders"), place("transactionid", "orders")
    ('orders', 'a row of orders', 'a row of orders')
    >>> place("transactionid", None), place("virtualxid", None), place("advisory", None)
    ("a transaction's end", "a transaction's end", 'an advisory lock')
    """
    if locktype in ("transactionid", "tuple") and relation:
        return f"a row of {relation}"
    if locktype in ("transactionid", "virtualxid"):
        return "a transaction's end"
    if locktype in ("advisory", "userlock"):
        return "an advisory lock"
    return relation or f"{locktype} (another database)"
