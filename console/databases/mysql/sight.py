"""What a session of ours may see of the server, and what would let it see the rest.

Readings have several sources, the better ones behind settings and rights that not every server grants. What is at
hand is found out once for each connection, and again after a while where something is missing, on a new connection:
global rights that were granted since hold for new connections only.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Literal

import pymysql

from console.change import Frozen
from console.databases.mysql.connect import DirectConnection
from console.databases.mysql.errors import number_of
from console.databases.mysql.families import Family
from console.databases.mysql.lane import TAG, Args, Lane
from console.words import plain

AGAIN = 20.0
"""Seconds after which it is looked again whether what is missing is there now."""

# Not permitted (1044, 1142, 1143, 1227), or not there (1109, 1146, 1193).
_NOT_AT_HAND = (1044, 1109, 1142, 1143, 1146, 1193, 1227)

INSTRUMENT = "wait/lock/metadata/sql/mdl"
_SWITCH_ON = f"UPDATE performance_schema.setup_instruments SET ENABLED = 'YES' WHERE NAME = '{INSTRUMENT}'"
_PLUGIN = "INSTALL SONAME 'metadata_lock_info'"

Metadata = Literal["instrument", "plugin", "states"]


class Missing(Frozen, frozen=True):
    """What can't be seen, and the statement or deed that mends it; both empty where nothing is missing."""

    why: str = ""
    remedy: str = ""


NOTHING = Missing()


class Sight(Frozen, frozen=True):
    """What is at hand on one server for one user."""

    family: Family
    user: str
    """As a GRANT names it: `'deploy'@'10.%'`."""
    process: bool
    """Other users' sessions and transactions can be seen."""
    metadata: Metadata
    """Metadata locks: all of them, the granted ones, or only who waits."""
    locks: Missing
    """What is missing of the locks."""
    statements: bool
    """`events_statements_current` can be read."""
    attributes: bool
    """`session_connect_attrs` can be read."""
    row_waits: bool
    sessions: str
    """The table of all sessions."""
    transactions: bool
    """The server counts transactions, autocommitted ones too."""
    registered: bool
    """Replicas that told their id can be listed."""
    replica_ids: bool
    """Who the binary log is sent to can be told by UUID (MySQL)."""

    @property
    def blind(self) -> bool:
        """Whether nothing tells who queues behind a statement: others' sessions are hidden, their locks too."""
        return self.metadata == "states" and not self.process

    @property
    def hidden(self) -> Missing:
        """What is missing of other users' sessions."""
        return NOTHING if self.process else without_process(self.user)


class Looked:
    """The sight of one lane, kept up to date."""

    def __init__(self) -> None:
        self._pid = 0
        self._sight: Sight | None = None
        self._next = 0.0
        # Readings of one moment share a lane: one of them looks, and none closes it under another that looks.
        self._looking = asyncio.Lock()

    async def sight(self, lane: Lane) -> Sight:
        """What is at hand now."""
        async with self._looking:
            if self._sight and self._sight.locks != NOTHING and time.monotonic() > self._next:
                await lane.close()  # what was granted meanwhile is seen by new sessions only
            if self._sight is None or not lane.is_open or lane.pid != self._pid:
                await lane.open()
                family = lane.family
                self._sight = await lane.call(
                    lambda link: look(link, family), what="looking at what can be read"
                )
                self._pid, self._next = lane.pid, time.monotonic() + AGAIN
            return self._sight


def ask(connection: DirectConnection, sql: str, args: Args = None) -> list[tuple[Any, ...]]:
    """All rows of a query, on the lane's own thread."""
    with connection.cursor() as cursor:
        cursor.execute(TAG + sql, args)
        return list(cursor.fetchall())


def probe(connection: DirectConnection, sql: str) -> list[tuple[Any, ...]] | None:
    """All rows of a query, or None where it is not permitted or its table is not there."""
    try:
        return ask(connection, sql)
    except pymysql.Error as error:
        if number_of(error) in _NOT_AT_HAND:
            return None
        raise


def look(connection: DirectConnection, family: Family) -> Sight:
    """Find out what is at hand. Blocks."""
    (user, instrumented) = ask(connection, "SELECT CURRENT_USER(), @@performance_schema")[0]
    who = grantee(str(user))
    on = bool(instrumented)
    process = probe(connection, "SELECT 1 FROM information_schema.INNODB_TRX LIMIT 1") is not None
    metadata, missing = _metadata(connection, family, who, on=on, process=process)
    if not process:
        missing = _without_queue(who) if metadata == "states" else without_process(who)
    if family.mariadb:
        row_waits = process
    else:
        row_waits = on and _readable(connection, "data_lock_waits") and _readable(connection, "global_status")
    listed = on and not family.mariadb and family.number >= 80022
    return Sight(
        family=family,
        user=who,
        process=process,
        metadata=metadata,
        locks=missing,
        statements=on and _readable(connection, "events_statements_current"),
        attributes=on and _readable(connection, "session_connect_attrs"),
        row_waits=row_waits,
        sessions="performance_schema.processlist" if listed else "information_schema.PROCESSLIST",
        transactions=on and _counts_transactions(connection),
        registered=probe(connection, family.replicas) is not None,
        replica_ids=on
        and not family.mariadb
        and _readable(connection, "user_variables_by_thread")
        and _readable(connection, "threads"),
    )


def _metadata(
    connection: DirectConnection, family: Family, user: str, *, on: bool, process: bool
) -> tuple[Metadata, Missing]:
    recorded = None
    if on and _readable(connection, "metadata_locks") and _readable(connection, "threads"):
        recorded = probe(
            connection,
            f"SELECT ENABLED FROM performance_schema.setup_instruments WHERE NAME = '{INSTRUMENT}'",
        )
        # Where that may not be read: on by default on MySQL, and off on MariaDB.
        if recorded == [("YES",)] or (recorded is None and not family.mariadb):
            return "instrument", NOTHING
    plugin = "SELECT 1 FROM information_schema.METADATA_LOCK_INFO LIMIT 1"
    if family.mariadb and process and probe(connection, plugin) is not None:
        return "plugin", NOTHING
    why = "who holds a metadata lock can't be seen: "
    if recorded is not None:
        return "states", Missing(why=why + "the server does not record metadata locks", remedy=_SWITCH_ON)
    if family.mariadb:
        return "states", Missing(why=why + "the plugin metadata_lock_info is not there", remedy=_PLUGIN)
    if on:
        remedy = f"GRANT SELECT ON performance_schema.* TO {user}"
        return "states", Missing(why=why + "this user may not read performance_schema", remedy=remedy)
    return "states", Missing(
        why=why + "performance_schema is off",
        remedy="Set performance_schema = ON in the server's configuration, and restart it",
    )


def _readable(connection: DirectConnection, table: str) -> bool:
    return probe(connection, f"SELECT 1 FROM performance_schema.{table} LIMIT 1") is not None


def _counts_transactions(connection: DirectConnection) -> bool:
    rows = probe(
        connection, "SELECT ENABLED FROM performance_schema.setup_instruments WHERE NAME = 'transaction'"
    )
    summary = "events_transactions_summary_global_by_event_name"
    return rows == [("YES",)] and _readable(connection, summary)


def without_process(user: str) -> Missing:
    """That other users' sessions can't be seen."""
    return Missing(
        why="what other users' sessions do can't be seen", remedy=f"GRANT PROCESS ON *.* TO {user}"
    )


def _without_queue(user: str) -> Missing:
    """As `without_process`, where the locks are hidden too."""
    return Missing(
        why="what other users' sessions do can't be seen, nor who queues behind a statement of ours: nothing but its "
        "lock timeout lets them go on",
        remedy=without_process(user).remedy,
    )


def grantee(user: str) -> str:
    """`CURRENT_USER()` as a GRANT names it.

    >>> print(grantee("deploy@10.%"), grantee("o'hara@localhost"))
    'deploy'@'10.%' 'o''hara'@'localhost'
    """
    name, _, host = plain(user).rpartition("@")
    return "@".join("'" + part.replace("'", "''") + "'" for part in (name, host))
