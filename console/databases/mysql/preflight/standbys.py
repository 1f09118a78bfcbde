"""Replicas as the primary sees them, and what the long statements of the plan will do to all of them."""

from __future__ import annotations

from collections.abc import Sequence

from console.databases.base import DatabaseError
from console.databases.mysql.preflight.forecast import longest
from console.databases.mysql.preflight.look import Findings, Look, Row, listed, note, warning
from console.words import duration

_NOTICED = 0.1  # seconds
_READERS = """
SELECT ID, USER, HOST FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%' ORDER BY ID
"""


async def standbys(look: Look) -> Findings:
    """Who reads the binary log; that nobody does; those that the change file does not name."""
    if not look.sees_others:
        return [
            note(
                "standby.not-permitted",
                "which replicas are connected is not permitted to see",
                f"GRANT PROCESS ON *.* TO {look.user}",
            )
        ]
    readers = await look.rows(_READERS)
    if not readers and not look.replicas:
        return [note("standby.none", "no replica is connected, and the change file names none")]
    unread = len(readers) - sum(door.lane is not None for door in look.replicas)
    if unread <= 0:
        return ()
    named = await _named(look, readers)
    return [
        warning(
            "standby.not-named",
            f"{len(readers)} read the binary log ({listed(named)}), {unread} of them not named in the change file: "
            "their lag is not seen",
            "Name them in [database] replicas",
        )
    ]


async def unnamed_readers(look: Look) -> list[str]:
    """Who reads the binary log, where they are more than the replicas of the change file; else nobody.

    Which of them are those replicas can't be told by their addresses.
    """
    readers = await look.rows(_READERS)
    if len(readers) <= sum(door.lane is not None for door in look.replicas):
        return []
    return await _named(look, readers)


async def _named(look: Look, readers: Sequence[Row]) -> list[str]:
    """By the address that replicas have told the primary (report_host), where all have; else by their sessions."""
    try:
        rows = await look.records(look.family.replicas)
    except DatabaseError:
        rows = []
    told = [f"{row['Host']}:{row['Port']}" for row in rows if row.get("Host")]
    return told if len(told) == len(readers) else [f"{user} from {host}" for _, user, host in readers]


async def ddl(look: Look) -> Findings:
    """What the longest statement does to replicas: each replays it for as long again, and lags by that."""
    what, seconds = longest(look)
    followed = bool(look.replicas) or (look.sees_others and bool(await look.rows(_READERS)))
    if seconds < _NOTICED or not followed:
        return ()
    forecast = f"{what} takes about {duration(seconds)}"
    if look.family.alter_two_phase:
        return await _two_phase(look, forecast, seconds)
    lagging = f"{forecast} on the primary, and then as long on each replica, which lags by that"
    if seconds <= look.file.limits.replication_lag:
        return [note("replica.ddl", lagging)]
    other = (
        "or MariaDB 10.8 can run it everywhere at once"
        if look.family.mariadb
        else "or use gh-ost for this step"
    )
    return [
        warning(
            "replica.ddl",
            lagging,
            "Choose an hour when readers of the replicas bear it; or run it replica by replica (sql_log_bin = 0); "
            + other,
        )
    ]


async def _two_phase(look: Look, forecast: str, seconds: float) -> Findings:
    """MariaDB can begin the ALTER on replicas when it begins on the primary: measured, 0.7 s of lag for 18."""
    mends: list[str] = []
    if not look.on("binlog_alter_two_phase") and not look.grants.everywhere("BINLOG ADMIN", "SUPER"):
        mends.append(
            f"GRANT BINLOG ADMIN ON *.* TO {look.user}, so that our sessions may set binlog_alter_two_phase"
        )
    serial: list[str] = []
    for door in look.replicas:
        if door.lane is None:
            continue
        try:
            ((threads,),) = await door.lane.rows("SELECT @@GLOBAL.slave_parallel_threads")
        except DatabaseError:
            continue
        if int(threads) < 1:
            serial.append(door.name)
    if serial:
        mends.append(
            f"SET GLOBAL slave_parallel_threads = 4 on {listed(serial)}, its SQL thread stopped meanwhile"
        )
    if not mends:
        return [note("replica.ddl", f"{forecast}, on the replicas at the same time (binlog_alter_two_phase)")]
    lagging = f"{forecast} on the primary, and then as long on each replica, which lags by that"
    if seconds <= look.file.limits.replication_lag:
        return [note("replica.ddl", lagging, "; ".join(mends))]
    return [warning("replica.ddl", lagging, "; ".join(mends))]
