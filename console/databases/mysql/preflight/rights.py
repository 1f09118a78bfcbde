"""What the user may do: on the table, in its database, with other sessions, with its own session's settings."""

from __future__ import annotations

from console.databases.mysql import catalog
from console.databases.mysql.identifiers import qualified, quote
from console.databases.mysql.preflight.look import Findings, Look, blocker, note, warning
from console.facts import Finding


async def on_table(look: Look) -> Findings:
    """The rights for each later statement, each with the GRANT that mends it."""
    schema, table = look.table
    # ALTER TABLE asks for CREATE and INSERT besides, DROP INDEX for INDEX; the progress table for all of these.
    needed = ["SELECT", "ALTER", "CREATE", "INSERT"]
    if look.backfills:
        needed.append("UPDATE")
    if look.change.indexes:
        needed.append("INDEX")
    if look.uses_trigger:
        needed.append("TRIGGER")
    out: list[Finding] = []
    missing = look.grants.missing(schema, table, needed)
    if missing:
        rights = ", ".join(missing)
        out.append(
            blocker(
                "right.table",
                f"{look.user} lacks {rights} on {look.facts.name}",
                f"GRANT {rights} ON {look.facts.name} TO {look.user}",
            )
        )
    ours = look.grants.missing(schema, "*", ["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP"])
    if ours:
        rights = ", ".join(ours)
        out.append(
            blocker(
                "right.schema-create",
                f"{look.user} lacks {rights} in {quote(schema)}, where the progress table will be",
                f"GRANT {rights} ON {quote(schema)}.* TO {look.user}",
            )
        )
    if look.uses_trigger:
        out += _trigger(look)
    return out


def _trigger(look: Look) -> Findings:
    # Manual, "Stored Program Binary Logging"; tried on both, where no lesser right than SUPER does (error 1419).
    trusted = look.grants.everywhere("SUPER")
    if look.on("log_bin") and not look.on("log_bin_trust_function_creators") and not trusted:
        yield blocker(
            "right.trigger",
            f"{look.user} may make no trigger: the binary log is on and log_bin_trust_function_creators is off",
            "SET GLOBAL log_bin_trust_function_creators = ON; or set [backfill] sync to application",
        )


async def over_others(look: Look) -> Findings:
    """Seeing what other sessions do, locks, replication; ending sessions; the session's own settings."""
    maria, user = look.family.mariadb, look.user
    out: list[Finding] = []
    if not look.sees_others:
        out.append(
            warning(
                "right.process",
                f"{user} may not see what other sessions do (PROCESS): long transactions, lock waits "
                + ("" if maria else "and used row versions ")
                + "go unseen"
                + (
                    ""
                    if await _sees_locks(look)
                    else ", and so does who queues behind a statement of ours, which nothing but lock_timeout ends then"
                ),
                f"GRANT PROCESS ON *.* TO {user}",
            )
        )
    if look.on("performance_schema") and not look.reads_schema:
        out.append(
            warning(
                "right.performance-schema",
                f"{user} may not read performance_schema: holders of metadata locks, "
                "progress and statement digests go unseen",
                f"GRANT SELECT, UPDATE ON performance_schema.* TO {user}",
            )
        )
    out += _replication(look)
    right = "CONNECTION ADMIN" if maria else "CONNECTION_ADMIN"
    if not look.grants.everywhere(right, "SUPER"):
        out.append(
            note(
                "right.signal",
                f"{user} may end no statement and no session of another user",
                f"GRANT {right} ON *.* TO {user}",
            )
        )
    right = "BINLOG ADMIN" if maria else "SESSION_VARIABLES_ADMIN"
    if look.on("log_bin") and not look.grants.everywhere(
        right, "SUPER", "SYSTEM_VARIABLES_ADMIN", "BINLOG_ADMIN"
    ):
        what = "short row events" + (" and a two-phase ALTER" if look.family.alter_two_phase else "")
        out.append(
            note(
                "right.variables",
                f"{user} may not set what its own sessions write to the binary log: without {what}, "
                "the backfill writes whole rows",
                f"GRANT {right} ON *.* TO {user}",
            )
        )
    return out


async def _sees_locks(look: Look) -> bool:
    """Whether metadata locks are recorded, and can be read."""
    if not look.reads_schema:
        return False
    rows = await look.rows(
        "SELECT ENABLED FROM performance_schema.setup_instruments WHERE NAME = 'wait/lock/metadata/sql/mdl'"
    )
    return rows == [("YES",)]


def _replication(look: Look) -> Findings:
    if look.family.mariadb:
        # 10.5 split REPLICATION CLIENT (now called BINLOG MONITOR) in two.
        needed = [right for right in ("BINLOG MONITOR", "SLAVE MONITOR") if not _has_monitor(look, right)]
    else:
        needed = [] if look.grants.everywhere("REPLICATION CLIENT", "SUPER") else ["REPLICATION CLIENT"]
    if needed:
        rights = ", ".join(needed)
        yield warning(
            "right.replication",
            f"{look.user} may not see replication and the binary log ({rights}): a replica's state, "
            "and its lag by the server's own figures, go unseen",
            f"GRANT {rights} ON *.* TO {look.user}",
        )


def _has_monitor(look: Look, right: str) -> bool:
    other = {"SLAVE MONITOR": "REPLICA MONITOR", "BINLOG MONITOR": "REPLICATION CLIENT"}[right]
    return look.grants.everywhere(right, other, "SUPER")


async def on_parent(look: Look) -> Findings:
    """REFERENCES on the referenced table."""
    reference = look.change.reference
    if reference is None:
        return ()
    parent = await catalog.relation_or_none(look.lane, reference.table)
    if parent is None or look.grants.on(parent.schema, parent.name, "REFERENCES"):
        return ()
    name = qualified(parent.schema, parent.name)
    return [
        blocker(
            "right.references",
            f"{look.user} may not let a foreign key refer to {name}",
            f"GRANT REFERENCES ON {name} TO {look.user}",
        )
    ]
