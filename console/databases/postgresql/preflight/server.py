"""The server itself: version, role in replication, settings that the walk depends on."""

from __future__ import annotations

from console.databases.postgresql.batches import LONGEST_LOCK_WAIT
from console.databases.postgresql.preflight.look import Findings, Look, blocker, listed, note, warning
from console.facts import Finding
from console.words import duration

OLDEST = 120000
TESTED = (150000, 189999)


async def server(look: Look) -> Findings:
    """Version; a standby given as the primary; a pooler between."""
    out: list[Finding] = []
    version = look.facts.server
    if version.number < OLDEST:
        out.append(
            blocker(
                "server.old", f"PostgreSQL {version.version} is older than 12", "Upgrade the server first"
            )
        )
    recovery, read_only, pid = await look.one(
        "SELECT pg_is_in_recovery(),"
        " (SELECT reset_val = 'on' FROM pg_settings WHERE name = 'default_transaction_read_only'),"
        " pg_backend_pid()"
    )
    if recovery:
        out.append(
            blocker(
                "server.standby",
                f"{version.name} is a standby: it takes no writes",
                "Name the primary in [database] url, and the standby in replicas",
            )
        )
    elif read_only:
        out.append(
            warning(
                "server.read-only",
                "sessions of this role begin read-only (default_transaction_read_only): somebody wants no writes here",
                "Ask who set it and why before you go on",
            )
        )
    if pid != look.connection.info.backend_pid:
        out.append(
            blocker(
                "server.pooler",
                "a pooler stands between: the session's id at the server differs from the one that was told",
                "Connect to the server itself: lock timeouts and the runner's lock belong to a session",
            )
        )
    return out


_SETTINGS = (
    "deadlock_timeout",
    "synchronous_standby_names",
    "synchronous_commit",
    "autovacuum",
    "track_activities",
    "session_replication_role",
)


async def settings(look: Look) -> Findings:
    """The settings that change what the walk may rely on."""
    rows = await look.fetch(
        "SELECT name, setting, unit FROM pg_settings WHERE name = ANY (%s)", list(_SETTINGS)
    )
    value = {name: setting for name, setting, _ in rows}
    out = [*_deadlock(look, int(value["deadlock_timeout"]) / 1000)]
    if value["autovacuum"] == "off" and look.backfills:
        out.append(
            warning(
                "settings.autovacuum",
                "autovacuum is off: the backfill leaves a dead row for each row it fills",
                "Turn it on, or keep [backfill] vacuum on and vacuum afterwards",
            )
        )
    if value["track_activities"] == "off":
        out.append(
            warning(
                "settings.track-activities",
                "track_activities is off: nobody can see what a session does, so holders of locks have no query",
                "ALTER ROLE or ALTER SYSTEM ... SET track_activities = on",
            )
        )
    if value["session_replication_role"] == "replica" and look.uses_trigger:
        out.append(
            blocker(
                "settings.replication-role",
                "session_replication_role is replica for this role: ordinary triggers do not fire",
                "ALTER ROLE ... RESET session_replication_role",
            )
        )
    return [*out, *await _synchronous(look, value["synchronous_standby_names"], value["synchronous_commit"])]


def _deadlock(look: Look, deadlock_timeout: float) -> Findings:
    limit = look.file.limits.lock_timeout
    batch = min(LONGEST_LOCK_WAIT, limit)
    if look.backfills and batch >= deadlock_timeout:
        yield warning(
            "settings.deadlock-timeout",
            f"deadlock_timeout is {duration(deadlock_timeout)}, and a batch waits {duration(batch)} for a row: "
            "in a deadlock the application may be the one that fails",
            f"Raise deadlock_timeout, or set [limits] lock_timeout below {duration(deadlock_timeout)}",
        )
    if limit <= deadlock_timeout:
        yield note(
            "settings.lock-timeout",
            f"lock_timeout ({duration(limit)}) is no longer than deadlock_timeout ({duration(deadlock_timeout)}): "
            "DDL that finds an autovacuum on the table can't evict it",
            f"To evict it, set [limits] lock_timeout to {duration(deadlock_timeout + 0.5)}",
        )


async def _synchronous(look: Look, names: str, commit: str) -> Findings:
    if not names or commit in ("off", "local"):
        return ()
    (connected,) = await look.one(
        "SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"
    )
    if not look.sees_others:
        seen = "whether one is connected, this role may not see"
    elif connected:
        seen = f"{connected} connected now"
    else:
        seen = "none is connected: every commit hangs, and no statement_timeout ends that"
    return [
        warning(
            "settings.synchronous",
            f"each commit waits for a synchronous standby ({names}): {seen}",
            "See that one stays connected, or SET synchronous_standby_names to ones that do",
        )
    ]


async def event_triggers(look: Look) -> Findings:
    """Triggers that fire on DDL, and may refuse it."""
    rows = await look.fetch(
        "SELECT evtname FROM pg_event_trigger WHERE evtenabled IN ('O', 'A') AND evtevent <> 'login' ORDER BY 1"
    )
    if not rows:
        return ()
    return [
        note(
            "event-trigger.fires",
            f"event triggers fire on DDL here: {listed([name for (name,) in rows])}",
            "See that none refuses or delays ALTER TABLE",
        )
    ]
