"""Runs every group of findings, each under a deadline, and sorts what they saw."""

from __future__ import annotations

from collections.abc import Mapping

from console.change import ChangeFile
from console.databases.base import Unreachable
from console.databases.checking import run_checks
from console.databases.mysql.address import server_name
from console.databases.mysql.inspect import see
from console.databases.mysql.lane import Lane
from console.databases.mysql.preflight import (
    activity,
    columns,
    dependents,
    earlier,
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
from console.databases.mysql.preflight.grants import Grants, account
from console.databases.mysql.preflight.look import Check, Look, ReplicaDoor
from console.facts import Preflight, TableFacts

# What each check looks at, in words that complete "... could not be looked at".
CHECKS: dict[str, tuple[str, Check]] = {
    "server": ("the server", server.server),
    "settings": ("the server's settings", server.settings),
    "performance-schema": ("performance_schema", server.performance_schema),
    "right": ("the user's rights", rights.on_table),
    "right-others": ("the user's rights over others", rights.over_others),
    "right-reference": ("the right to refer to the parent", rights.on_parent),
    "table": ("the table's kind", tables.kind),
    "instant": ("the way to add the column", tables.instant),
    "key": ("the key to walk", tables.key),
    "column": ("the column", columns.column),
    "type": ("the type", columns.type_),
    "null": ("the way to NOT NULL", columns.not_null),
    "value": ("the value", values.value),
    "default": ("the default", values.default),
    "sample": ("a sample of the rows", values.sample),
    "trigger": ("triggers", dependents.triggers),
    "foreign-key": ("foreign keys", dependents.foreign_keys),
    "view": ("views", dependents.views),
    "routine": ("routines", dependents.routines),
    "statements": ("the application's statements", statements.statements),
    "holders": ("sessions that hold the table", activity.holders),
    "transaction": ("transactions", activity.transactions),
    "prepared": ("prepared transactions", activity.prepared),
    "history": ("purge", activity.history),
    "standby": ("replicas", standbys.standbys),
    "replica-ddl": ("what long statements do to replicas", standbys.ddl),
    "replica": ("the replicas", replicas.replicas),
    "replica-transaction": ("transactions on the replicas", replicas.transactions),
    "space": ("disk space", space.space),
    "leftover": ("leftovers of an earlier run", earlier.leftovers),
    "index": ("indexes", earlier.indexes),
    "constraint": ("constraints", earlier.constraints),
    "reference": ("the referenced table", target.reference),
    "window": ("the maintenance window", window.window),
}


_VARIABLES = (
    *(
        "read_only",
        "super_read_only",
        "wsrep_on",
        "group_replication_group_name",
        "performance_schema",
        "sql_mode",
    ),
    *(
        "foreign_key_checks",
        "log_bin",
        "binlog_format",
        "binlog_row_image",
        "gtid_mode",
        "lower_case_table_names",
    ),
    *(
        "innodb_lock_wait_timeout",
        "innodb_online_alter_log_max_size",
        "log_bin_trust_function_creators",
        "datadir",
    ),
    *("rpl_semi_sync_source_enabled", "rpl_semi_sync_master_enabled", "rpl_semi_sync_source_timeout"),
    *(
        "rpl_semi_sync_master_timeout",
        "binlog_expire_logs_seconds",
        "expire_logs_days",
        "binlog_alter_two_phase",
    ),
)


async def preflight(
    lane: Lane,
    file: ChangeFile,
    facts: TableFacts,
    replicas: Mapping[str, Lane | Unreachable] | None = None,
) -> Preflight:
    """All findings, worst first, and what the change will cost.

    `replicas` holds, by URL, a connection to each replica that the change file names, or why there is none. All
    connections are read-only, with small limits. What can't be looked at becomes a note that says so. Raises
    ConnectionLost where the primary goes away meanwhile.
    """
    doors = tuple(_door(url, reached) for url, reached in (replicas or {}).items())
    look = await _look(lane, file, facts, doors)
    return Preflight(findings=await run_checks(CHECKS, look), estimate=space.estimate(look))


def _door(url: str, reached: Lane | Unreachable) -> ReplicaDoor:
    if isinstance(reached, Unreachable):
        return ReplicaDoor(_name(url), None, reached)
    return ReplicaDoor(reached.address.name, reached)


def _name(url: str) -> str:
    try:
        return server_name(url)
    except Unreachable:
        return "of the change file"


async def _look(lane: Lane, file: ChangeFile, facts: TableFacts, replicas: tuple[ReplicaDoor, ...]) -> Look:
    seen = await see(lane, file.change)
    rows = await lane.rows(
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN %s",
        (_VARIABLES,),
        what="looking at the server's settings",
    )
    ((user,),) = await lane.rows("SELECT CURRENT_USER()")
    return Look(
        lane=lane,
        file=file,
        facts=facts,
        seen=seen,
        replicas=replicas,
        grants=Grants(
            str(line) for (line,) in await lane.rows("SHOW GRANTS", what="looking at the user's rights")
        ),
        user=account(str(user)),
        variables={str(name).lower(): str(value) for name, value in rows},
    )
