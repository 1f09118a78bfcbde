"""What the change will cost in rows, log, disk and time, and whether the disk has it."""

from __future__ import annotations

import asyncio
import os

import psycopg

from console.change import Change, Limits
from console.databases.postgresql.errors import sentence
from console.databases.postgresql.preflight.look import Findings, Look, blocker, note, warning
from console.facts import Estimate, Finding, TableFacts
from console.words import count, duration, size

# Measured: rows of 160 bytes with 3 indexes wrote about 600 bytes of log each, whole pages after checkpoints
# included; every update put a new version into the heap and into each index.
_LOG_PER_ROW = 100
_LOG_PER_INDEX = 100
_LOG_OVERHEAD = 1.15
_BYTES_PER_INDEX_ENTRY = 24  # of an index of the change over one short column

# Measured, rows a second with 3 indexes: 45,000-60,000 on a quiet machine of two cores; a tenth of it where the
# table does not fit into memory, others write too, and limits hold the pace back. Each index costs a fifth.
_FAST, _SLOW = 50_000.0, 5_000.0


def estimate(change: Change, limits: Limits, facts: TableFacts) -> Estimate:
    """What the backfill will cost, by the measured constants above. Rows as the server estimates them.

    A change without rows to fill costs nothing.
    """
    built = facts.rows * _BYTES_PER_INDEX_ENTRY * len(change.indexes)
    constant = facts.value_constant and facts.existing is None
    if change.backfill is None or constant:
        return Estimate(rows=0, wal_bytes=built, disk_bytes=built, seconds_low=0.0, seconds_high=0.0)
    row = facts.bytes / facts.rows if facts.rows else 0.0
    log = (row + _LOG_PER_ROW + _LOG_PER_INDEX * facts.index_count) * _LOG_OVERHEAD
    slower = 0.4 + 0.2 * facts.index_count
    low, high = facts.rows * slower / _FAST, facts.rows * slower / _SLOW
    if limits.rows_per_second:
        low = max(low, facts.rows / limits.rows_per_second)
        high = max(high, low)
    return Estimate(
        rows=facts.rows,
        wal_bytes=round(facts.rows * log) + built,
        disk_bytes=facts.bytes + facts.index_bytes + built,
        seconds_low=round(low, 1),
        seconds_high=round(high, 1),
    )


async def space(look: Look) -> Findings:
    """The estimate in words; free disk where it can be read; the size of the log now."""
    cost = estimate(look.change, look.file.limits, look.facts)
    out: list[Finding] = []
    if cost.rows:
        took = f"{duration(cost.seconds_low)} to {duration(cost.seconds_high)}"
        again = f"{size(look.facts.bytes)} table and {size(look.facts.index_bytes)} indexes again"
        vacuum = look.change.backfill is not None and look.change.backfill.vacuum
        out.append(
            note(
                "estimate",
                f"about {count(cost.rows)} rows to fill in {took}, {size(cost.wal_bytes)} of log, "
                f"and up to {size(cost.disk_bytes)} of disk ({again}"
                + (", less with the vacuum on the way)" if vacuum else ")"),
            )
        )
    out.append(await _log(look))
    out += await _disk(look, cost)
    return out


async def _log(look: Look) -> Finding:
    try:
        now, most = await look.one(
            "SELECT sum(size)::int8, current_setting('max_wal_size') FROM pg_ls_waldir()"
        )
    except psycopg.errors.InsufficientPrivilege as error:
        return note(
            "space.log-unread",
            f"the size of the log is not permitted to see: {sentence(error)}",
            "GRANT pg_monitor",
        )
    return note("space.log", f"the log takes {size(now or 0)} now; max_wal_size is {most}")


# Empty for the default tablespace, which lies in the data folder.
_PLACES = """
SELECT coalesce(nullif(pg_tablespace_location(coalesce(nullif(c.reltablespace, 0), d.dattablespace)), ''),
                current_setting('data_directory', true))
  FROM pg_class c, pg_database d
 WHERE d.datname = current_database() AND c.oid = ANY (%s::oid[]) AND c.relkind = 'r'
"""


async def _disk(look: Look, cost: Estimate) -> Findings:
    """Free disk can't be had by SQL; of a server on this machine, the system tells."""
    need = cost.disk_bytes + cost.wal_bytes
    unread = note(
        "space.unread",
        f"free disk can't be read from here; up to {size(need)} will be needed",
        "Look on the server before you go on",
    )
    host = look.connection.info.host
    if not host.startswith("/"):
        return [unread]
    try:
        places = {place for (place,) in await look.fetch(_PLACES, look.tables)}
        free = min([await asyncio.to_thread(_free, place) for place in places if place], default=None)
    except (psycopg.errors.InsufficientPrivilege, OSError):
        return [unread]
    if free is None:
        return [unread]
    seen = f"{size(free)} of disk free, as this machine sees it, and up to {size(need)} needed"
    if free < cost.disk_bytes / 2:
        return [blocker("space.short", seen, "Make room first: a full disk stops every write on the server")]
    if free < need:
        return [
            warning("space.short", seen, "Make room first, or keep the vacuum on the way and watch the disk")
        ]
    return [note("space.free", seen)]


def _free(place: str) -> int:
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize
