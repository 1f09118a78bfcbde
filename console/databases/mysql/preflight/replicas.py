"""The replicas that the change file names, as they tell themselves."""

from __future__ import annotations

from typing import Any

from console.databases.base import DatabaseError
from console.databases.findings import unreachable
from console.databases.mysql.lane import Lane
from console.databases.mysql.preflight.activity import OLD_TRANSACTIONS, session
from console.databases.mysql.preflight.look import Findings, Look, ReplicaDoor, blocker, listed, note, warning
from console.facts import Finding
from console.words import duration

LONG = 1.0
"""Seconds after which a transaction on a replica counts as long: replay of the DDL stalls behind it."""

_FILTERS = (
    *("Replicate_Do_DB", "Replicate_Ignore_DB", "Replicate_Do_Table", "Replicate_Ignore_Table"),
    *("Replicate_Wild_Do_Table", "Replicate_Wild_Ignore_Table", "Replicate_Rewrite_DB"),
)


async def replicas(look: Look) -> Findings:
    """Whether each can be reached, follows this primary, and applies."""
    out: list[Finding] = []
    for door in look.replicas:
        if door.lane is None:
            out.append(unreachable(door.name, door.why))
            continue
        try:
            out += await _replica(look, door.name, door.lane)
        except DatabaseError as error:
            right = (
                "REPLICA MONITOR" if door.lane.is_open and door.lane.family.mariadb else "REPLICATION CLIENT"
            )
            out.append(
                warning(
                    "replica.unread",
                    f"replica {door.name} could not be looked at: {error.text}",
                    f"GRANT {right} ON *.* TO {look.user} there, if that is what is missing; else look by hand",
                )
            )
    return out


async def _replica(look: Look, name: str, lane: Lane) -> Findings:
    rows = await lane.records(lane.family.replica_status, what="looking at its replication")
    if not rows:
        return [
            blocker(
                "replica.primary",
                f"replica {name} replicates from nobody: it is a primary itself",
                "Leave it out of [database] replicas",
            )
        ]
    status = _ours(look, lane, rows, await _identity(look))
    if status is None:
        return [
            blocker(
                "replica.stranger",
                f"replica {name} replicates from another server than {look.facts.server.name}",
                "Correct [database] replicas",
            )
        ]
    ((read_only, threads),) = await lane.rows(
        f"SELECT @@GLOBAL.read_only, @@GLOBAL.{lane.family.parallel_variable}"
    )
    out = [*_threads(look, name, lane, status)]
    if not int(read_only):
        out.append(
            warning(
                "replica.writable",
                f"replica {name} takes writes of its own (read_only = OFF)",
                f"SET GLOBAL read_only = ON on {name}, if nobody is to write there",
            )
        )
    filters = [f"{word} = {status[word]}" for word in _FILTERS if status.get(word)]
    if filters:
        out.append(
            warning(
                "replica.filtered",
                f"replica {name} leaves out part of what is written ({listed(filters)})",
                "See that the table and our progress table arrive there",
            )
        )
    if lane.family.number < look.family.number and lane.family.name == look.family.name:
        out.append(
            warning(
                "replica.old",
                f"replica {name} is {lane.family}, older than the primary's {look.family}: it may not know a statement",
                "Upgrade replicas before their primary",
            )
        )
    worded = "one thread" if int(threads) < 2 else f"{threads} threads"
    return [*out, note("replica.seen", f"replica {name} follows, applies with {worded}, and can be read")]


async def _identity(look: Look) -> str:
    variable = "server_id" if look.family.mariadb else "server_uuid"
    ((identity,),) = await look.rows(f"SELECT @@GLOBAL.{variable}")
    return str(identity)


def _ours(look: Look, lane: Lane, rows: list[dict[str, Any]], identity: str) -> dict[str, Any] | None:
    """The row of its status by which it follows this primary, directly or by way of another server."""
    column = lane.family.replication_column
    for row in rows:
        if look.family.mariadb:
            position = f"{row.get('Gtid_IO_Pos') or ''},{row.get('Gtid_Slave_Pos') or ''}"
            through = any(part.split("-")[1:2] == [identity] for part in position.split(","))
            if str(column(row, "Source_Server_Id")) == identity or through:
                return row
        elif str(column(row, "Source_UUID")) == identity or identity in str(row.get("Executed_Gtid_Set")):
            return row
    return None


def _threads(look: Look, name: str, lane: Lane, status: dict[str, Any]) -> Findings:
    column = lane.family.replication_column
    receiver, applier = column(status, "Replica_IO_Running"), column(status, "Replica_SQL_Running")
    behind, limit = column(status, "Seconds_Behind_Source"), look.file.limits.replication_lag
    for running, what, error in (
        (receiver, "receives nothing", status.get("Last_IO_Error")),
        (applier, "applies nothing", status.get("Last_SQL_Error")),
    ):
        if running != "Yes":
            yield warning(
                "replica.stopped",
                f"replica {name} {what} ({running}){f': {error}' if error else ''}: its lag only grows, "
                "and the backfill would not begin",
                f"Mend what it says, then {'START SLAVE' if lane.family.mariadb else 'START REPLICA'} on {name}",
            )
    delay = int(status.get("SQL_Delay") or 0)
    if delay:
        kind = blocker if delay >= limit else warning
        yield kind(
            "replica.delayed",
            f"{name} applies {duration(delay)} late on purpose (SQL_Delay), and the limit of lag is {duration(limit)}",
            "Leave it out of [database] replicas, or raise [limits] replication_lag",
        )
    elif behind is not None and float(behind) > limit:
        yield warning(
            "replica.lag",
            f"{name} is {duration(float(behind))} behind, over the limit of {duration(limit)}",
            "Find what holds it up: the backfill would not begin",
        )


async def transactions(look: Look) -> Findings:
    """Long transactions on each replica: the DDL's replay waits there for their metadata locks."""
    out: list[Finding] = []
    for door in look.replicas:
        if door.lane is not None:
            out += await _transactions(look, door, door.lane)
    return out


async def _transactions(look: Look, door: ReplicaDoor, lane: Lane) -> Findings:
    try:
        rows = await lane.rows(OLD_TRANSACTIONS, (LONG,), what="looking at its transactions")
    except DatabaseError as error:
        return [
            warning(
                "replica.transaction-unread",
                f"what runs on {door.name} could not be seen: {error.text}",
                f"GRANT PROCESS ON *.* TO {look.user} there",
            )
        ]
    return [
        warning(
            "replica.long-transaction",
            f"on {door.name}, {session(pid, user, command)} has a transaction {duration(age)} old: "
            "if it reads the table, replay of the DDL stalls behind it, with all new readers",
            "Wait for it, or ask its owner to end it, before the column is added",
        )
        for pid, user, command, age, _ in rows
    ]
