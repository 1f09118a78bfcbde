"""What the server is busy with, and how far a long statement of ours has come.

Neither family counts a database's transactions. MySQL counts the server's, autocommitted statements included, where
performance_schema may be read; elsewhere `Questions` stands in: the statements that clients sent, which is the same
for an application in autocommit and more for one that is not. (`Handler_commit` counts each engine of each statement,
and `Com_commit` no autocommit.)
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from console.databases.base import Activity, BuildProgress
from console.databases.mysql.connect import DirectConnection
from console.databases.mysql.lane import Lane
from console.databases.mysql.locks import Locks
from console.databases.mysql.sessions import UNIX, Sessions, details
from console.databases.mysql.sight import Looked, Sight, ask, probe
from console.events import ServerSession
from console.words import duration

HISTORY_EVERY = 5.0
"""Seconds between two looks at the history list's length on MySQL, where it costs as much as all the rest."""

_OURS = "/* column-console */%%"
_SESSIONS = f"""SELECT COUNT(*), COALESCE(SUM(COMMAND IN ('Query', 'Execute', 'Prepare', 'Fetch') AND USER NOT IN
       ('system user', 'event_scheduler') AND ID NOT IN %s AND COALESCE(INFO, '') NOT LIKE '{_OURS}'), 0)
  FROM {{sessions}} WHERE COMMAND NOT IN ('Daemon', 'Binlog Dump', 'Binlog Dump GTID') AND USER <> 'system user'"""
_OLDEST = f"""SELECT trx_mysql_thread_id, {UNIX.format("trx_started")} FROM information_schema.INNODB_TRX
 WHERE trx_mysql_thread_id <> 0 AND trx_mysql_thread_id NOT IN %s ORDER BY trx_started, trx_id LIMIT 2"""
_TRANSACTIONS = """SELECT SUM(COUNT_STAR)
  FROM performance_schema.events_transactions_summary_global_by_event_name"""
_HISTORY = "SELECT COUNT FROM information_schema.INNODB_METRICS WHERE NAME = 'trx_rseg_history_len'"
_STATUS = """SHOW GLOBAL STATUS WHERE Variable_name IN
 ('Questions', 'Threads_connected', 'Threads_running', 'Innodb_history_list_length')"""

_STAGE = """SELECT s.EVENT_NAME, s.WORK_COMPLETED, s.WORK_ESTIMATED
  FROM performance_schema.events_stages_current s JOIN performance_schema.threads t USING (THREAD_ID)
 WHERE t.PROCESSLIST_ID = {} AND s.END_EVENT_ID IS NULL AND s.WORK_ESTIMATED > 0"""
_CONSUMER = "SELECT ENABLED FROM performance_schema.setup_consumers WHERE NAME = 'events_stages_current'"
_RUNNING = "SELECT STATE, {columns} FROM {sessions} WHERE ID = %s AND COMMAND = 'Query'"
_ONLINE_DDL = "SHOW GLOBAL STATUS LIKE 'Innodb_onlineddl_pct_progress'"

_SWITCH_ON = """how far is told with: UPDATE performance_schema.setup_consumers SET ENABLED = 'YES'
 WHERE NAME = 'events_stages_current'""".replace("\n", "")

_STAGES = {
    "read PK and internal sort": "reading the rows",
    "merge sort": "sorting",
    "insert": "inserting",
    "log apply index": "applying what was written meanwhile",
    "log apply table": "applying what was written meanwhile",
    "flush": "writing to disk",
    "end": "ending",
}


class Activities:
    """The activity readings of one server."""

    def __init__(self, looked: Looked, sessions: Sessions) -> None:
        self._looked = looked
        self._sessions = sessions
        self._history: tuple[float, int | None] = (float("-inf"), None)

    async def read(self, lane: Lane, ours: frozenset[int]) -> Activity:
        """The server's activity as it is now; `ours` are sessions that do not count.

        Without the right to see the others' sessions, `oldest` is None, `active` comes from the server's own count,
        and `why` and `remedy` say so.
        """
        sight = await self._looked.sight(lane)
        pid = lane.pid
        leave_out = sorted({pid, *ours})
        return await lane.call(
            lambda connection: self._read(connection, sight, leave_out, pid), what="reading the activity"
        )

    def _read(self, connection: DirectConnection, sight: Sight, ours: list[int], pid: int) -> Activity:
        # One statement tells it all on MariaDB; on MySQL it costs more than the others together.
        status: Mapping[str, int] = {}
        if not (sight.process and sight.transactions) or sight.family.mariadb:
            status = {name: int(value) for name, value in ask(connection, _STATUS)}
        transactions = (
            int(ask(connection, _TRANSACTIONS)[0][0] or 0) if sight.transactions else status["Questions"]
        )
        if not sight.process:
            return Activity(
                transactions=transactions,
                active=max(0, status["Threads_running"] - 1),
                connections=status["Threads_connected"],
                oldest=None,
                oldest_began=None,
                history=status.get("Innodb_history_list_length"),
                why=sight.hidden.why,
                remedy=sight.hidden.remedy,
            )
        connections, active = ask(connection, _SESSIONS.format(sessions=sight.sessions), (ours,))[0]
        oldest, began = self._oldest(connection, sight, ours, pid)
        return Activity(
            transactions=transactions,
            active=int(active),
            connections=int(connections),
            oldest=oldest,
            oldest_began=began,
            history=self._history_length(connection, status),
        )

    def _oldest(
        self, connection: DirectConnection, sight: Sight, ours: list[int], pid: int
    ) -> tuple[ServerSession | None, float | None]:
        rows = ask(connection, _OLDEST, (ours,))
        found = details(connection, sight, [int(row[0]) for row in rows])
        for one, began in rows:
            detail = found.get(int(one))
            if detail is not None and detail.user != "system user":
                started = self._sessions.start.known(connection, pid)
                return self._sessions.made(detail, started), float(began)
        return None, None

    def _history_length(self, connection: DirectConnection, status: Mapping[str, int]) -> int | None:
        if "Innodb_history_list_length" in status:
            return status["Innodb_history_list_length"]
        read_at, length = self._history
        if time.monotonic() - read_at > HISTORY_EVERY:
            rows = probe(connection, _HISTORY)
            length = int(rows[0][0]) if rows else None
            self._history = (time.monotonic(), length)
        return length


class Progress:
    """What the server says of a long statement of ours."""

    def __init__(self, looked: Looked, locks: Locks) -> None:
        self._looked = looked
        self._locks = locks

    async def read(self, lane: Lane, pid: int, *, replicas: bool) -> BuildProgress | None:
        """How far the statement of session `pid` is, in percent; a total of 0 where the server does not tell.

        `replicas`: there are some, and each will run the statement once more.
        """
        sight = await self._looked.sight(lane)
        found = await lane.call(lambda link: _progress(link, sight, pid), what="reading the progress")
        if found is None:
            return None
        doing, done, total, waits, seconds, remedy = found
        if replicas:
            doing += f" ({duration(seconds)} so far; each replica will lag by about the time this takes)"
        if remedy:
            doing += f"; {remedy}"
        waits_for = None
        if waits:
            blockers = await self._locks.blockers(lane, pid)
            waits_for = blockers[0] if blockers else None
        return BuildProgress(doing=doing, done=done, total=total, unit="%", waits_for=waits_for)


def _progress(
    connection: DirectConnection, sight: Sight, pid: int
) -> tuple[str, float, float, bool, float, str] | None:
    columns = "TIME_MS / 1000, STAGE, MAX_STAGE, PROGRESS" if sight.family.mariadb else "TIME"
    rows = ask(connection, _RUNNING.format(columns=columns, sessions=sight.sessions), (pid,))
    if not rows:
        return None
    state, seconds = str(rows[0][0] or ""), float(rows[0][1] or 0)
    waits = state.startswith("Waiting for") and "lock" in state
    name, done, total, remedy = "building", 0.0, 0.0, ""
    recorded = probe(connection, _CONSUMER) == [("YES",)]
    # Without its consumer the table keeps what it last held, of whatever session.
    stages = probe(connection, _STAGE.format(int(pid))) if recorded else None
    if stages:
        name, done, total = stage_text(str(stages[0][0])), float(stages[0][1]), float(stages[0][2])
    elif sight.family.mariadb and float(rows[0][4] or 0) > 0:
        name, done, total = f"stage {rows[0][2]} of {rows[0][3]}", float(rows[0][4]), 100.0
    elif sight.family.mariadb:
        done, total = int(ask(connection, _ONLINE_DDL)[0][1]) / 100, 100.0
    elif not waits and not recorded and sight.statements:
        remedy = _SWITCH_ON
    return (
        "waiting for the table's lock" if waits else name,
        round(min(100.0, 100 * done / total), 1) if total else 0.0,
        100.0 if total else 0.0,
        waits,
        seconds,
        remedy,
    )


def stage_text(name: str) -> str:
    """A stage in words.

    >>> stage_text("stage/innodb/alter table (merge sort)"), stage_text("stage/sql/copy to tmp table")
    ('sorting', 'copy to tmp table')
    """
    last = name.rpartition("/")[2]
    inner = last.removeprefix("alter table (").removesuffix(")")
    return _STAGES.get(inner, inner)
