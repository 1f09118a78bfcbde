"""What the change will cost in rows, log, disk and time, and whether the disk has it."""

from __future__ import annotations

import asyncio
import os

from console.databases.base import DatabaseError
from console.databases.mysql.preflight.forecast import longest, rebuilds_for_not_null
from console.databases.mysql.preflight.look import Findings, Look, blocker, note, warning
from console.facts import Estimate, Finding
from console.words import count, duration, size

# Measured: 185 bytes of binary log a row of 170 bytes in full, 16 in the short form; undo and redo come on top and
# are used again. In place, the table grew by the column's own bytes.
_SHORT_EVENT = 16
_EVENT = 15  # beside the row itself, twice
_BYTES_PER_INDEX_ENTRY = 24  # of an index of the change over one short column
_COLUMN = 8

# Measured, rows a second: 25,000 on MySQL and 40,000 on MariaDB, two cores, quiet. A tenth of it where the table does
# not fit into memory, others write too, and limits hold the pace back.
_FAST = {"mysql": 25_000.0, "mariadb": 40_000.0}
_SLOWER = 10


def estimate(look: Look) -> Estimate:
    """What the backfill will cost, by the measured constants above. Rows as the server estimates them."""
    facts, limits = look.facts, look.file.limits
    built = facts.rows * _BYTES_PER_INDEX_ENTRY * len(look.change.indexes)
    rebuilt = facts.bytes + facts.index_bytes if _rebuilds(look) else 0
    if not look.backfills:
        return Estimate(rows=0, wal_bytes=0, disk_bytes=built + rebuilt, seconds_low=0.0, seconds_high=0.0)
    row = facts.bytes / facts.rows if facts.rows else 0.0
    log = _SHORT_EVENT if short_events(look) else 2 * row + _EVENT
    low = facts.rows / _FAST[look.family.name]
    high = low * _SLOWER
    if limits.rows_per_second:
        low = max(low, facts.rows / limits.rows_per_second)
        high = max(high, low)
    return Estimate(
        rows=facts.rows,
        wal_bytes=round(facts.rows * log) if look.on("log_bin") else 0,
        disk_bytes=facts.rows * _COLUMN + built + rebuilt,
        seconds_low=round(low, 1),
        seconds_high=round(high, 1),
    )


def _rebuilds(look: Look) -> bool:
    return rebuilds_for_not_null(look) or not (look.facts.instant.possible or look.facts.existing)


def short_events(look: Look) -> bool:
    """Whether our batches write the short form of row events."""
    if look.variables.get("binlog_row_image", "FULL") != "FULL":
        return True
    may = look.grants.everywhere("SESSION_VARIABLES_ADMIN", "SYSTEM_VARIABLES_ADMIN", "BINLOG ADMIN", "SUPER")
    return may and look.lane.address.minimal_row_image


async def space(look: Look) -> Findings:
    """The estimate in words; the binary log now; free disk where it can be read."""
    if not look.seen.relation.is_table:
        return ()
    cost = estimate(look)
    out: list[Finding] = []
    what, seconds = longest(look)
    if cost.rows:
        out.append(
            note(
                "estimate",
                f"about {count(cost.rows)} rows to fill in {duration(cost.seconds_low)} "
                f"to {duration(cost.seconds_high)}, "
                f"{size(cost.wal_bytes)} of binary log, and up to {size(cost.disk_bytes)} of disk"
                + (f"; {what} takes about {duration(seconds)}" if what else ""),
            )
        )
    out += await _log(look)
    out += await _disk(look, cost)
    return out


async def _log(look: Look) -> Findings:
    if not look.on("log_bin"):
        return ()
    try:
        rows = await look.records("SHOW BINARY LOGS")
    except DatabaseError:
        right = "BINLOG MONITOR" if look.family.mariadb else "REPLICATION CLIENT"
        return [
            note(
                "space.log-unread",
                "the size of the binary log is not permitted to see",
                f"GRANT {right} ON *.* TO {look.user}",
            )
        ]
    total = sum(int(row["File_size"]) for row in rows)
    kept = look.number("binlog_expire_logs_seconds") or look.number("expire_logs_days") * 86400
    return [
        note(
            "space.log",
            f"the binary log takes {size(total)} now, and is kept "
            + (f"for {duration(kept)}" if kept else "until somebody purges it"),
        )
    ]


async def _disk(look: Look, cost: Estimate) -> Findings:
    """Free disk can't be had by SQL; of a server on this machine, the system tells."""
    need = cost.disk_bytes + cost.wal_bytes
    if not need:
        return ()
    unread = note(
        "space.unread",
        f"free disk can't be read from here; up to {size(need)} will be needed",
        "Look on the server before you go on",
    )
    folder = look.variables.get("datadir", "")
    if not look.lane.address.socket or not folder:
        return [unread]
    try:
        free = await asyncio.to_thread(_free, folder)
    except OSError:
        return [unread]
    seen = f"{size(free)} of disk free, as this machine sees it, and up to {size(need)} needed"
    if free < need / 2:
        return [blocker("space.short", seen, "Make room first: a full disk stops every write on the server")]
    if free < need:
        return [warning("space.short", seen, "Make room first, and watch the disk")]
    return [note("space.free", seen)]


def _free(place: str) -> int:
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize
