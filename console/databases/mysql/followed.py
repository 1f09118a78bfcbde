"""Whether replicas have followed the primary up to a moment, by the transactions that each has. Reads only.

By GTID where the servers keep them. Without, what is left is whether the replica's threads run.
"""

from __future__ import annotations

from console.databases.base import Refused
from console.databases.mysql.lane import Lane
from console.databases.mysql.sight import Looked
from console.events import Evidence


class Followed:
    """The primary's transactions at a moment, and whether replicas have them."""

    def __init__(self, primary: Lane) -> None:
        self._primary = primary
        self._since: str | None = None
        self._sight = Looked()

    async def mark(self) -> None:
        """Remembers what the primary has now; once."""
        if self._since is None:
            await self._primary.open()
            variable = self._primary.family.gtid_variable
            rows = await self._primary.rows(
                f"SELECT @@GLOBAL.{variable}", what="reading the primary's position"
            )
            self._since = "".join(str(rows[0][0] or "").split())

    async def attached(self) -> int | None:
        """How many replicas read the primary's log; None where this user may not see other users' sessions."""
        if not (await self._sight.sight(self._primary)).process:
            return None
        rows = await self._primary.rows(
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'"
        )
        return int(rows[0][0])

    async def evidence(self, name: str, replica: Lane) -> Evidence:
        """Whether a replica has what the primary had at the mark, and goes on. Raises DatabaseError."""
        await replica.open()
        stopped = await self._stopped(replica)
        if stopped:
            return Evidence(name=name, seen=stopped, holds=False)
        if not self._since:
            if stopped is None:
                seen = "without GTIDs its position can't be told, and this user may not see whether its threads run"
                right = "REPLICA MONITOR" if replica.family.mariadb else "REPLICATION CLIENT"
                return Evidence(name=name, seen=f"{seen} (GRANT {right})", holds=False)
            return Evidence(
                name=name, seen="its threads run; without GTIDs its position can't be told", holds=True
            )
        if replica.family.mariadb:
            query = "SELECT MASTER_GTID_WAIT(%s, 0) = 0"
        else:
            query = "SELECT GTID_SUBSET(%s, @@GLOBAL.gtid_executed)"
        past = bool((await replica.rows(query, (self._since,), what="reading the replica's position"))[0][0])
        seen = "has replayed past the change" if past else "has not replayed the change yet"
        return Evidence(name=name, seen=seen, holds=past)

    async def _stopped(self, replica: Lane) -> str | None:
        """Why the replica does not advance; empty where it does, None where this user may not see that."""
        family = replica.family
        try:
            rows = await replica.records(family.replica_status, what="reading the replica's state")
        except Refused:
            return None
        if not rows:
            return "replicates from nowhere"
        for row in rows:
            for thread in ("Replica_IO_Running", "Replica_SQL_Running"):
                state = str(family.replication_column(row, thread))
                if state != "Yes":
                    kind = "IO" if "IO" in thread else "SQL"
                    error = family.replication_column(row, f"Last_{kind}_Error") or ""
                    return f"its {kind} thread is {'not running' if state == 'No' else state.lower()}" + (
                        f": {error}" if error else ""
                    )
        return ""
