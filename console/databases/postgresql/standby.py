"""A standby of the change file, as it sees itself: how far it has replayed, what holds replay up, and who it is."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from console.change import Frozen
from console.databases.base import DatabaseError
from console.databases.postgresql.connect import server_name
from console.databases.postgresql.line import Line
from console.databases.postgresql.scribe import TAG
from console.databases.postgresql.sessions import grant_to
from console.words import duration, plain

DEADLINE = 1.0
"""Seconds for one look at a standby, so that a hung one does not make the reading of the others late."""

LONGEST_PAUSE = 30.0
"""Seconds between tries to reach a standby that does not answer: 1, 2, 4, ..."""

# The startup process replays. It waits for a lock like any session; the other conflicts have names of their own.
_LOOK = f"""{TAG}SELECT pg_is_in_recovery(), (pg_last_wal_replay_lsn() - '0/0')::bigint,
       CASE WHEN pg_is_in_recovery() THEN {{paused}} END,
       s.wait_event_type, s.wait_event, s.pid,
       coalesce(nullif(w.slot_name, ''), nullif(current_setting('primary_slot_name', true), '')), w.conninfo,
       current_setting('cluster_name', true), host(inet_server_addr()),
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'), quote_ident(current_user)
  FROM (SELECT 1) one
  LEFT JOIN pg_stat_activity s ON s.backend_type = 'startup'
  LEFT JOIN pg_stat_wal_receiver w ON true"""

# pg_blocking_pids does not know the startup process, so who holds the lock it wants is found by hand. A conflict
# over a snapshot or a buffer names nobody: the oldest snapshot is the one that it waits for.
_IN_THE_WAY = f"""{TAG}SELECT a.pid, a.usename, a.application_name, a.state,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8
  FROM pg_stat_activity a
 WHERE CASE WHEN %(lock)s THEN a.pid IN (
            SELECT h.pid FROM pg_locks l JOIN pg_locks h
                ON h.granted AND h.locktype = l.locktype AND h.database IS NOT DISTINCT FROM l.database
               AND h.relation IS NOT DISTINCT FROM l.relation AND h.objid IS NOT DISTINCT FROM l.objid
             WHERE NOT l.granted AND l.pid = %(startup)s AND h.pid <> l.pid)
       ELSE a.backend_xmin IS NOT NULL AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid() END
 ORDER BY a.xact_start LIMIT 3"""


class Seen(Frozen, frozen=True):
    """What a standby said of itself."""

    is_standby: bool
    replayed: int | None
    """Its position, in bytes of the log."""
    slot: str
    application: str
    """The name under which the primary lists it."""
    address: str
    why: str = ""
    """What holds its replay up, in words; empty where nothing does."""
    conflict: bool = False
    """Someone on the standby holds it up."""
    hidden: str = ""
    """What would let us see who holds replay up, where we may not."""


class Standby:
    """Looks at one standby, each time it is asked, with a back-off while it does not answer."""

    def __init__(self, url: str, password: str | None) -> None:
        self.name = server_name(url)
        self.seen: Seen | None = None
        """What it said last."""
        self.seen_at = float("-inf")
        """When it did, on the clock of `now`."""
        self.failure = ""
        """Why the last look failed; empty where it did not."""
        self.key = ""
        """Who it is among the standbys that the primary lists, once known."""
        self._line = Line(url, purpose="watcher", password=password, deadline=DEADLINE)
        self._pause = 0.0
        self._next = float("-inf")

    async def look(self, now: float) -> None:
        """Look, unless a failed look was too short ago. Never raises; `failure` tells."""
        if now < self._next:
            return
        try:
            self.seen = await self._look()
        except DatabaseError as error:
            self.failure = str(error)
            self._pause = min(LONGEST_PAUSE, self._pause * 2 or 1.0)
            self._next = now + self._pause
        else:
            self.seen_at, self.failure, self._pause = now, "", 0.0

    async def close(self) -> None:
        """Close the connection."""
        await self._line.close()

    async def _look(self) -> Seen:
        if not self._line.version:
            await self._line.rows("SELECT 1", what=f"reaching {self.name}")
        paused = (
            "pg_get_wal_replay_pause_state()"
            if self._line.version >= 140000
            else ("CASE WHEN pg_is_wal_replay_paused() THEN 'paused' ELSE 'not paused' END")
        )
        (row,) = await self._line.rows(_LOOK.format(paused=paused), what=f"looking at {self.name}")
        (
            in_recovery,
            replayed,
            pause,
            kind,
            event,
            startup,
            slot,
            conninfo,
            cluster,
            address,
            allowed,
            user,
        ) = row
        why, conflict = "", False
        if pause not in (None, "not paused"):
            why = "replay is paused on the standby (pg_wal_replay_resume() lets it go on)"
        elif event == "RecoveryApplyDelay":
            why = "replay waits for recovery_min_apply_delay"
        elif kind in ("Lock", "BufferPin") or (event or "").startswith("RecoveryConflict"):
            why, conflict = await self._in_the_way(kind == "Lock", startup), True
        return Seen(
            is_standby=in_recovery,
            replayed=replayed,
            slot=slot or "",
            application=_application(conninfo) or cluster or "walreceiver",
            address=address or "",
            why=why,
            conflict=conflict,
            hidden="" if allowed else grant_to("pg_read_all_stats", user),
        )

    async def _in_the_way(self, lock: bool, startup: int | None) -> str:
        rows = await self._line.rows(
            _IN_THE_WAY, {"lock": lock, "startup": startup}, what=f"looking at {self.name}"
        )
        who = " and ".join(_person(row) for row in rows) or "a session that has gone since"
        return f"replay is held up on the standby by {who}"


def _application(conninfo: str | None) -> str:
    try:
        return str(conninfo_to_dict(conninfo or "").get("application_name") or "")
    except psycopg.Error:
        return ""


def _person(row: tuple[Any, ...]) -> str:
    pid, user, application, state, age = row
    known = [plain(word) for word in (application, user, state) if word]
    if age is not None:
        known.append(f"transaction of {duration(age)}")
    return f"pid {pid}" + (f" ({', '.join(known)})" if known else "")


async def look_at_all(standbys: tuple[Standby, ...], now: float) -> None:
    """Look at all of them at once."""
    await asyncio.gather(*(standby.look(now) for standby in standbys))
