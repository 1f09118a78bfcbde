"""Standbys and their slots, as the primary sees them."""

from __future__ import annotations

from console.databases.postgresql.preflight.look import Findings, Look, listed, note, warning
from console.facts import Finding
from console.words import duration, size

# A sender that feeds a logical slot is no standby. Without rights the figures are NULL.
_SENDERS = """
SELECT r.application_name, host(r.client_addr), r.state, r.sync_state,
       pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn)::int8,
       extract(epoch FROM r.replay_lag)::float8, extract(epoch FROM clock_timestamp() - r.reply_time)::float8
  FROM pg_stat_replication r
 WHERE NOT EXISTS (SELECT FROM pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')
   AND r.state IS DISTINCT FROM 'backup'
 ORDER BY 1, 2
"""


async def standbys(look: Look) -> Findings:
    """Each standby with its lag; that there are none; those that the change file does not name."""
    rows = await look.fetch(_SENDERS)
    out: list[Finding] = []
    if not rows and not look.file.target.replicas:
        return [note("standby.none", "no standby is connected, and the change file names no replica")]
    for application, address, state, sync, behind, lag, silent in rows:
        name = f"standby {application}" + (f" at {address}" if address else "")
        if state is None:
            out.append(
                warning(
                    "standby.not-permitted",
                    f"{name} is connected; its state and lag are not permitted to see",
                    "GRANT pg_monitor to this role: a lag that can't be read stops the backfill",
                )
            )
            continue
        if behind is None:
            out.append(
                warning(
                    "standby.state",
                    f"{name} is connected ({state}), and has not told how far it is",
                    "Wait until it streams",
                )
            )
            continue
        # What the server remembers of the lag is stale where nothing is outstanding.
        seconds = lag or 0.0 if behind else 0.0
        seen = f"{name}: {state}, {sync}, {size(max(0, behind))} and {duration(seconds)} behind"
        if state != "streaming":
            out.append(warning("standby.state", f"{seen}: it is not streaming", "Wait until it streams"))
        elif max(seconds, silent or 0.0 if behind else 0.0) > look.file.limits.replication_lag:
            out.append(
                warning(
                    "standby.lag",
                    f"{seen}, last heard of {duration(silent or 0.0)} ago, over the limit of "
                    f"{duration(look.file.limits.replication_lag)}",
                    "Find what holds it up: the backfill would not begin",
                )
            )
        else:
            out.append(note("standby.seen", seen))
    unread = len(rows) - len([door for door in look.replicas if door.connection is not None])
    if unread > 0:
        names = listed([row[0] for row in rows])
        out.append(
            note(
                "standby.not-named",
                f"{len(rows)} connected ({names}), {unread} of them not read directly: what runs on them is not seen",
                "Name them in [database] replicas",
            )
        )
    return out


_SLOTS = """
SELECT slot_name, slot_type, active, {wal_status}, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::int8,
       age(xmin), {safe}
  FROM pg_replication_slots ORDER BY 1
"""


async def slots(look: Look) -> Findings:
    """Slots that keep the log from being recycled, or have lost it."""
    modern = look.facts.server.number >= 130000
    rows = await look.fetch(
        _SLOTS.replace("{wal_status}", "wal_status" if modern else "NULL").replace(
            "{safe}", "safe_wal_size" if modern else "NULL"
        )
    )
    out: list[Finding] = []
    for name, kind, active, status, kept, xmin_age, safe in rows:
        room = f", {size(safe)} before it is given up" if safe is not None else ""
        seen = f"{kind} slot {name} ({'active' if active else 'inactive'}, {status or 'status not known'}"
        seen += f", {size(kept or 0)} of log kept{room})"
        if status in ("unreserved", "lost"):
            out.append(
                warning(
                    "slot.lost",
                    f"{seen} is losing its log: what reads it must be built anew",
                    "Mend or drop it first",
                )
            )
        elif not active:
            out.append(
                warning(
                    "slot.inactive",
                    f"{seen}: nobody reads it, and the log of the backfill piles up behind it",
                    "Bring its reader back, or drop the slot",
                )
            )
        elif status == "extended":
            out.append(
                warning(
                    "slot.extended",
                    f"{seen} keeps more log than max_wal_size",
                    "Find what holds its reader up",
                )
            )
        if xmin_age is not None and xmin_age > OLD_XMIN:
            out.append(
                warning(
                    "slot.xmin",
                    f"slot {name} holds a snapshot {xmin_age:,} transactions old: VACUUM clears nothing newer",
                    "Find the old transaction on its standby (hot_standby_feedback)",
                )
            )
    if rows and modern:
        (limit,) = await look.one("SELECT current_setting('max_slot_wal_keep_size')")
        if limit == "-1":
            out.append(
                note(
                    "slot.unlimited",
                    "max_slot_wal_keep_size is not set: a slot without a reader keeps the log until the disk is full",
                )
            )
    return out


OLD_XMIN = 10_000
