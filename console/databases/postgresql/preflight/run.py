"""Runs every group of findings, each under a deadline, and sorts what they saw."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg

from console.change import ChangeFile
from console.databases.base import Refused, Unreachable
from console.databases.checking import run_checks
from console.databases.postgresql import catalog
from console.databases.postgresql.asking import fetch_one
from console.databases.postgresql.connect import Connection, server_name
from console.databases.postgresql.errors import sentence, translate
from console.databases.postgresql.inspect import lab_of
from console.databases.postgresql.preflight import (
    activity,
    columns,
    dependents,
    earlier,
    logical,
    replicas,
    rights,
    server,
    space,
    standbys,
    statements,
    tables,
    target,
    values,
    window,
)
from console.databases.postgresql.preflight.look import Check, Findings, Look, ReplicaDoor
from console.facts import Preflight, TableFacts

# What each check looks at, in words that complete "... could not be looked at".
CHECKS: dict[str, tuple[str, Check]] = {
    "server": ("the server", server.server),
    "settings": ("the server's settings", server.settings),
    "events": ("event triggers", server.event_triggers),
    "right": ("the role's rights", rights.on_table),
    "right-others": ("the role's rights over others", rights.over_others),
    "right-reference": ("the right to refer to the parent", rights.on_parent),
    "right-application": ("the application's rights", rights.of_application),
    "table": ("the table's kind", tables.kind),
    "family": ("partitions and inheritance", tables.family),
    "key": ("the key to walk", tables.key),
    "column": ("the column", columns.column),
    "type": ("the type", columns.type_),
    "null": ("the way to NOT NULL", columns.not_null),
    "value": ("the value", values.value),
    "default": ("the default", values.default),
    "sample": ("a sample of the rows", values.sample),
    "trigger": ("triggers", dependents.triggers),
    "rule": ("rules", dependents.rules),
    "foreign-key": ("foreign keys", dependents.foreign_keys),
    "view": ("views", dependents.views),
    "function": ("functions", dependents.functions),
    "policy": ("row level security", dependents.policies),
    "publication": ("publications", logical.publications),
    "logical": ("logical replication", logical.slots),
    "statements": ("the application's statements", statements.statements),
    "holders": ("sessions that hold the table", activity.holders),
    "transaction": ("transactions", activity.transactions),
    "prepared": ("prepared transactions", activity.prepared),
    "autovacuum": ("autovacuum", activity.autovacuum),
    "wraparound": ("the table's age", activity.wraparound),
    "standby": ("standbys", standbys.standbys),
    "slot": ("replication slots", standbys.slots),
    "replica": ("the replicas", replicas.replicas),
    "replica-transaction": ("transactions on the replicas", replicas.transactions),
    "space": ("disk space", space.space),
    "leftover": ("leftovers of an earlier run", earlier.leftovers),
    "index": ("indexes", earlier.indexes),
    "reference": ("the referenced table", target.reference),
    "window": ("the maintenance window", window.window),
}


async def preflight(
    connection: Connection,
    file: ChangeFile,
    facts: TableFacts,
    replicas: Mapping[str, Connection | Unreachable] | None = None,
) -> Preflight:
    """All findings, worst first, and what the change will cost.

    `replicas` holds, by URL, a connection to each replica that the change file names, or why there is none. All
    connections are read-only, with small statement and lock timeouts. What can't be looked at becomes a note
    that says so. Raises ConnectionLost where the primary goes away meanwhile.
    """
    doors = tuple(_door(url, reached) for url, reached in (replicas or {}).items())
    look = await _look(connection, file, facts, doors)
    checks = {name: (what, _translated(check)) for name, (what, check) in CHECKS.items()}
    return Preflight(
        findings=await run_checks(checks, look), estimate=space.estimate(look.change, look.file.limits, facts)
    )


def _door(url: str, reached: Connection | Unreachable) -> ReplicaDoor:
    if isinstance(reached, Unreachable):
        return ReplicaDoor(server_name(url), None, reached)
    return ReplicaDoor(server_name(url), reached)


async def _look(
    connection: Connection, file: ChangeFile, facts: TableFacts, replicas: tuple[ReplicaDoor, ...]
) -> Look:
    try:
        relation = await catalog.relation(connection, file.change.table)
        _, lab_columns = await catalog.columns(connection, relation)
        row = await fetch_one(connection, "SELECT pg_has_role('pg_read_all_stats', 'USAGE')")
        return Look(
            connection=connection,
            file=file,
            facts=facts,
            relation=relation,
            leaves=await catalog.leaves(connection, relation),
            lab=lab_of(connection, relation, lab_columns, file.change),
            replicas=replicas,
            sees_others=bool(row and row[0]),
        )
    except psycopg.Error as error:
        raise translate(error, "preflight") from None


def _translated(check: Check) -> Check:
    """The check, with the driver's errors as ours."""

    async def translated(look: Look) -> Findings:
        try:
            return await check(look)
        except psycopg.Error as error:
            if look.connection.closed:
                raise translate(error, "preflight") from None
            raise Refused(sentence(error)) from None

    return translated
