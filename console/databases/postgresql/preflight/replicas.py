"""The replicas that the change file names, as they see themselves; and what on them would stall the DDL's replay."""

from __future__ import annotations

from typing import Any

import psycopg

from console.databases.findings import unreachable
from console.databases.postgresql.asking import fetch, fetch_one
from console.databases.postgresql.connect import Connection
from console.databases.postgresql.errors import sentence
from console.databases.postgresql.preflight.activity import session
from console.databases.postgresql.preflight.look import Findings, Look, blocker, note, warning
from console.facts import Finding
from console.words import duration

LONG = 5.0
"""Seconds after which a transaction on a replica counts as long: replay of DDL on its table waits for it."""

_SELF = """
SELECT pg_is_in_recovery(), (SELECT system_identifier FROM pg_control_system()),
       CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END
"""

_SETTINGS = """
SELECT name, setting::int8 FROM pg_settings
 WHERE name IN ('max_standby_streaming_delay', 'recovery_min_apply_delay')
UNION ALL
SELECT name, (setting = 'on')::int::int8 FROM pg_settings WHERE name = 'hot_standby_feedback'
"""


async def replicas(look: Look) -> Findings:
    """Whether each can be reached, follows this primary, and replays."""
    out: list[Finding] = []
    for door in look.replicas:
        if door.connection is None:
            out.append(unreachable(door.name, door.why))
            continue
        try:
            out += await _replica(look, door.name, door.connection)
        except psycopg.Error as error:
            out.append(
                warning(
                    "replica.unread",
                    f"replica {door.name} could not be looked at: {sentence(error)}",
                    "Look by hand",
                )
            )
    return out


async def _replica(look: Look, name: str, connection: Connection) -> Findings:
    row = await fetch_one(connection, _SELF)
    assert row is not None
    recovery, cluster, paused = row
    (ours,) = await look.one("SELECT system_identifier FROM pg_control_system()")
    if cluster != ours:
        return [
            blocker(
                "replica.stranger",
                f"replica {name} is of another cluster than {look.facts.server.name} (system identifiers differ)",
                "Correct [database] replicas",
            )
        ]
    if not recovery:
        return [
            blocker(
                "replica.primary",
                f"replica {name} is no standby: it is a primary itself",
                "Leave it out of [database] replicas",
            )
        ]
    out: list[Finding] = []
    if paused:
        out.append(
            warning(
                "replica.paused",
                f"replay is paused on {name}: its lag only grows, and the backfill would not begin",
                f"SELECT pg_wal_replay_resume() on {name}",
            )
        )
    settings = dict(await fetch(connection, _SETTINGS))
    return [
        *out,
        *_delays(look, name, settings),
        note("replica.seen", f"replica {name} follows, and can be read"),
    ]


def _delays(look: Look, name: str, settings: dict[str, int]) -> Findings:
    apply = settings.get("recovery_min_apply_delay", 0) / 1000
    if apply:
        kind = blocker if apply >= look.file.limits.replication_lag else warning
        yield kind(
            "replica.delayed",
            f"{name} replays {duration(apply)} late on purpose (recovery_min_apply_delay), "
            f"and the limit of lag is {duration(look.file.limits.replication_lag)}",
            "Leave it out of [database] replicas, or raise [limits] replication_lag",
        )
    patience = settings.get("max_standby_streaming_delay", 30_000)
    if patience < 0:
        yield warning(
            "replica.waits-for-ever",
            f"{name} never ends a reader that stands in the way of replay (max_standby_streaming_delay = -1)",
            "Watch for long transactions there before each DDL",
        )
    else:
        yield note(
            "replica.conflict-delay",
            f"on {name} a reader in the way of replay is ended after {duration(patience / 1000)}",
        )
    if settings.get("hot_standby_feedback"):
        yield note(
            "replica.feedback",
            f"{name} reports its readers (hot_standby_feedback): a long one keeps VACUUM on the primary from clearing",
        )
    else:
        yield note(
            "replica.no-feedback",
            f"{name} does not report its readers: VACUUM on the way may end long ones there",
        )


_TRANSACTIONS = """
SELECT a.pid, a.usename, a.application_name, a.state, extract(epoch FROM clock_timestamp() - a.xact_start)::float8,
       EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.granted AND l.relation = ANY (%s::oid[]))
  FROM pg_stat_activity a
 WHERE a.pid <> pg_backend_pid() AND a.backend_type = 'client backend'
   AND a.xact_start < clock_timestamp() - make_interval(secs => %s)
 ORDER BY 6 DESC, a.xact_start LIMIT 3
"""


async def transactions(look: Look) -> Findings:
    """Long transactions on each replica: a millisecond of DDL here stalls there behind them, or ends them."""
    out: list[Finding] = []
    for door in look.replicas:
        if door.connection is None:
            continue
        try:
            allowed = await fetch_one(door.connection, "SELECT pg_has_role('pg_read_all_stats', 'USAGE')")
            rows = await fetch(door.connection, _TRANSACTIONS, look.tables, LONG)
        except psycopg.Error as error:
            out.append(
                warning(
                    "replica.transaction-unread",
                    f"what runs on {door.name} could not be seen: {sentence(error)}",
                    "Look for long transactions there by hand",
                )
            )
            continue
        if not (allowed and allowed[0]):
            out.append(
                warning(
                    "replica.transaction-unread",
                    f"what others run on {door.name} is not permitted to see",
                    "GRANT pg_monitor to this role",
                )
            )
        out += [_long(door.name, row) for row in rows]
    return out


def _long(name: str, row: tuple[Any, ...]) -> Finding:
    pid, user, application, state, age, on_table = row
    effect = (
        "it has read the table, so replay of the DDL stalls behind it, with all new readers, until it ends or is ended"
        if on_table
        else "if it reads the table, replay of the DDL stalls behind it"
    )
    return warning(
        "replica.long-transaction",
        f"on {name}, {session(pid, user, application, state)} has a transaction {duration(age)} old: {effect}",
        "Wait for it, or ask its owner to end it, before the column is added",
    )
