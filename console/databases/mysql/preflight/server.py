"""The server itself: version, role in replication, clusters, settings that the walk depends on."""

from __future__ import annotations

from urllib.parse import urlsplit

from console.databases.base import DatabaseError
from console.databases.mysql.preflight.look import Findings, Look, blocker, listed, note, warning
from console.databases.mysql.preflight.standbys import unnamed_readers
from console.facts import Finding
from console.words import duration, size

OLDEST = {"mysql": (80012, "8.0.12"), "mariadb": (100500, "10.5")}
"""Before that there is no instant ADD COLUMN, or not all of the statements of the plan."""

_NAMES = {"mysql": "MySQL", "mariadb": "MariaDB"}


async def server(look: Look) -> Findings:
    """Version and family; a replica given as the primary; a pooler between; clusters."""
    family, name = look.family, look.facts.server.name
    out: list[Finding] = []
    oldest, oldest_text = OLDEST[family.name]
    if family.number < oldest:
        out.append(blocker("server.old", f"{family} is older than {oldest_text}", "Upgrade the server first"))
    said = urlsplit(look.file.target.url).scheme
    if said != family.name:
        out.append(
            note(
                "server.family",
                f"the URL says {_NAMES.get(said, said)}, and the server is {family}: it is taken as what it is",
                f"Write {family.name}:// in [database] url",
            )
        )
    ((pid,),) = await look.rows("SELECT CONNECTION_ID()")
    if pid != look.lane.pid:
        out.append(
            blocker(
                "server.pooler",
                "a pooler stands between: the session's id at the server differs from the one that was told",
                "Connect to the server itself: lock timeouts and the runner's lock belong to a session",
            )
        )
    return [*out, *await _role(look, name), *_clusters(look)]


async def _role(look: Look, name: str) -> Findings:
    try:
        sources = await look.records(look.family.replica_status)
    except DatabaseError:
        sources = []  # not permitted to see: a finding of its own says so
    column = look.family.replication_column
    source = f"{column(sources[0], 'Source_Host')}:{column(sources[0], 'Source_Port')}" if sources else ""
    if look.on("read_only") or look.on("super_read_only"):
        seen = f"{name} is read-only" + (
            f", and replicates from {source}: it is a replica" if sources else ""
        )
        return [
            blocker(
                "server.standby",
                seen,
                "Name the primary in [database] url, and the replica in replicas"
                + ("" if sources else "; or SET GLOBAL read_only = OFF, if it is the primary"),
            )
        ]
    if sources:
        return [
            warning(
                "server.replicates",
                f"{name} takes writes, and replicates from {source} itself",
                "See that it is the primary: what is written to a replica alone is lost at the next switch",
            )
        ]
    return ()


def _clusters(look: Look) -> Findings:
    if look.on("wsrep_on"):
        yield warning(
            "server.galera",
            "the server is a node of a Galera cluster: each DDL statement stops writes on every node while it runs, "
            "and a batch may fail at its commit",
            "Keep batches small; build indexes node by node (wsrep_OSU_method = RSU)",
        )
    if look.variables.get("group_replication_group_name"):
        yield note(
            "server.group",
            "the server is a member of a replication group: members behind hold up its writers by flow control",
            "Name the other members in [database] replicas",
        )


async def performance_schema(look: Look) -> Findings:
    """Whether progress, statement digests and the best view of locks can be had at all."""
    if look.on("performance_schema"):
        return ()
    plugin = "; INSTALL SONAME 'metadata_lock_info' shows holders of metadata locks without a restart"
    return [
        warning(
            "performance-schema.off",
            "performance_schema is off: statement digests, holders of metadata locks and the progress of index builds "
            "can't be seen",
            "Set performance_schema = ON in the server's option file and restart it"
            + (plugin if look.family.mariadb else ""),
        )
    ]


async def settings(look: Look) -> Findings:
    """The settings that change what the walk may rely on."""
    return [
        *_modes(look),
        *_binlog(look),
        *await _row_image(look),
        *_innodb(look),
        *await _synchronous(look),
        *_names(look),
    ]


def _modes(look: Look) -> Findings:
    mode = look.variables.get("sql_mode", "")
    if "STRICT_" not in mode:
        yield warning(
            "settings.sql-mode",
            f"the server's sql_mode ({mode or 'empty'}) is not strict: what the application writes is cut to fit, "
            "in the sync trigger too; sessions of ours are strict",
            "Set sql_mode to one with STRICT_TRANS_TABLES, or see that every value fits the type",
        )
    if look.variables.get("foreign_key_checks", "ON") == "OFF":
        yield warning(
            "settings.foreign-key-checks",
            "foreign_key_checks is off for new sessions: what the application writes is checked against no parent",
            "SET GLOBAL foreign_key_checks = ON",
        )


def _binlog(look: Look) -> Findings:
    if not look.on("log_bin"):
        yield note("settings.binlog-off", "the server writes no binary log: no replica can follow it")
        return
    form = look.variables.get("binlog_format", "ROW")
    if form == "STATEMENT":
        yield blocker(
            "settings.binlog-format",
            "binlog_format is STATEMENT, with which InnoDB refuses writes under READ COMMITTED",
            "SET GLOBAL binlog_format = ROW",
        )
    elif form != "ROW":
        yield warning(
            "settings.binlog-format",
            f"binlog_format is {form}: a statement that is replayed as such may compute another value on a replica",
            "SET GLOBAL binlog_format = ROW",
        )
    if not look.family.mariadb and look.variables.get("gtid_mode", "OFF") != "ON":
        yield note(
            "settings.gtid",
            f"gtid_mode is {look.variables.get('gtid_mode', 'OFF')}: how far a replica is behind in transactions "
            "can't be told",
        )


async def _row_image(look: Look) -> Findings:
    """Short row events: a tenth of the log (measured), and too little for some that read it."""
    image = look.variables.get("binlog_row_image", "FULL")
    may = look.grants.everywhere("SESSION_VARIABLES_ADMIN", "BINLOG ADMIN", "SUPER", "SYSTEM_VARIABLES_ADMIN")
    short = look.lane.address.minimal_row_image and may
    if not (look.on("log_bin") and image == "FULL" and look.backfills and short):
        return ()
    seen = (
        "our sessions write short row events (binlog_row_image = MINIMAL), a tenth of the full ones: what "
        "reads the binary log and wants whole rows, as a change data capture may, gets only key and column"
    )
    strangers = await unnamed_readers(look) if look.sees_others else []
    if not strangers:
        return [
            note(
                "settings.row-image",
                seen,
                "Add binlog-row-image=keep to [database] url, if there is such a reader",
            )
        ]
    return [
        warning(
            "settings.row-image",
            f"{seen}; it is read by more than the replicas of the change file: {listed(strangers)}",
            "Add binlog-row-image=keep to [database] url; or name them in [database] replicas, if they are replicas",
        )
    ]


_SMALL_LOG = 128 * 1024 * 1024


def _innodb(look: Look) -> Findings:
    wait = look.number("innodb_lock_wait_timeout")
    if look.backfills and 0 < wait <= max(1.0, 2 * look.file.limits.batch_time):
        yield warning(
            "settings.row-lock-wait",
            f"the application gives up on a locked row after {duration(wait)} (innodb_lock_wait_timeout): "
            "a batch that takes longer makes its statement fail",
            "Raise innodb_lock_wait_timeout, or lower [limits] batch_time",
        )
    log = look.number("innodb_online_alter_log_max_size")
    builds = bool(look.change.indexes) or not look.facts.instant.possible
    if builds and 0 < log < _SMALL_LOG:
        yield warning(
            "settings.online-log",
            f"innodb_online_alter_log_max_size is {size(log)}: an online build fails, at its end, when more than that "
            "is written to the table meanwhile",
            "SET GLOBAL innodb_online_alter_log_max_size = 1073741824",
        )
    elif builds:
        yield note(
            "settings.online-log",
            f"an online build bears {size(log)} of changes to the table meanwhile (innodb_online_alter_log_max_size)",
        )


async def _synchronous(look: Look) -> Findings:
    if not (look.on("rpl_semi_sync_source_enabled") or look.on("rpl_semi_sync_master_enabled")):
        return ()
    rows = await look.rows(
        "SHOW GLOBAL STATUS WHERE Variable_name IN ('Rpl_semi_sync_source_clients', 'Rpl_semi_sync_master_clients')"
    )
    clients = int(rows[0][1]) if rows else 0
    timeout = look.number("rpl_semi_sync_source_timeout") or look.number("rpl_semi_sync_master_timeout")
    seen = f"{clients} connected now" if clients else "none is connected"
    return [
        warning(
            "settings.synchronous",
            f"each commit waits for a semi-synchronous replica, {duration(timeout / 1000)} at most: {seen}",
            "See that one stays connected: without, each first commit hangs for so long",
        )
    ]


def _names(look: Look) -> Findings:
    lower = look.variables.get("lower_case_table_names", "0")
    if lower != "0":
        yield note(
            "settings.lower-case",
            f"lower_case_table_names is {lower}: names of tables are compared without regard to capitals here, "
            "and perhaps not on a replica that is set otherwise",
        )
