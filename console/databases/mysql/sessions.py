"""Sessions of the server as `ServerSession`, and ending them.

Neither family tells when a session connected. But a server never gives a connection id twice between two starts
(the counter has 32 bits or more), so a session is known by its id *and* the start of the server, which stands in
`ServerSession.started`; and where we saw it, by its user and its client's address and port. All of these are looked
at on the server just before a KILL. The server tells its uptime in whole seconds: two starts less than `SAME_START`
apart can't be told from each other.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

import pymysql

from console.change import Frozen
from console.databases.base import DatabaseError, Refused
from console.databases.mysql import errors
from console.databases.mysql.connect import DirectConnection
from console.databases.mysql.lane import TAG, Lane
from console.databases.mysql.sight import Sight, ask
from console.events import ServerSession
from console.redact import redact_sql
from console.words import plain

LONGEST_QUERY = 200
"""Characters of a query that are shown and recorded."""
SAME_START = 3.0
"""Seconds by which two readings of the server's start may differ: it tells its uptime in whole seconds."""
REMEMBERED = 10_000
"""Sessions whose user and address are remembered, to be compared before a KILL."""

PREPARED = ServerSession(pid=0, application="prepared transaction", state="prepared")
"""Stands for XA transactions that are prepared: they hold locks and have no session."""

NOBODY = 1094
NOT_OURS = 1095

# In the server's time zone, whatever the session's is: InnoDB prints local time.
UNIX = "TIMESTAMPDIFF(SECOND, '1970-01-01', CONVERT_TZ({}, 'SYSTEM', '+00:00'))"
NOW = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1000000"

_SESSIONS = """SELECT ID, USER, HOST, COMMAND, LEFT(INFO, 1000), {age} FROM {sessions} WHERE ID IN %s"""
_STATEMENTS = """SELECT t.PROCESSLIST_ID, LEFT(s.SQL_TEXT, 1000), IF(s.END_EVENT_ID IS NULL, s.TIMER_WAIT, NULL) / 1e12
  FROM performance_schema.threads t
  JOIN performance_schema.events_statements_current s USING (THREAD_ID)
 WHERE t.PROCESSLIST_ID IN %s ORDER BY s.EVENT_ID DESC"""
_ATTRIBUTES = """SELECT PROCESSLIST_ID, ATTR_VALUE FROM performance_schema.session_connect_attrs
 WHERE ATTR_NAME = 'program_name' AND PROCESSLIST_ID IN %s"""
_TRANSACTIONS = f"""SELECT trx_mysql_thread_id, {UNIX.format("trx_started")}, {UNIX.format("trx_wait_started")}
  FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id IN %s"""


class Detail(Frozen, frozen=True):
    """A session as the server shows it."""

    pid: int
    user: str
    host: str
    """Its client's address and port."""
    command: str
    query: str
    application: str = ""
    statement_began: float | None = None
    """Unix time of the server, where it runs a statement."""
    transaction_began: float | None = None
    wait_began: float | None = None
    """When InnoDB says that its wait began, in whole seconds."""


class Start:
    """When the server was started, as a time that stays the same from one look to the next."""

    EVERY = 60.0

    def __init__(self) -> None:
        self.seconds = 0.0
        self._pid = 0
        self._next = 0.0

    def known(self, connection: DirectConnection, pid: int) -> float:
        """The start in Unix seconds; looked at anew for a new connection, and now and then. Blocks."""
        if pid != self._pid or time.monotonic() > self._next:
            seconds = server_start(connection)
            if abs(seconds - self.seconds) > SAME_START:
                self.seconds = seconds
            self._pid, self._next = pid, time.monotonic() + self.EVERY
        return self.seconds


class Sessions:
    """Makes sessions of what the server shows. Queries lose their literals, unless they may be recorded."""

    def __init__(self, to_session: Callable[[float], float], *, record_literals: bool = False) -> None:
        self._to_session = to_session
        self._record_literals = record_literals
        self._seen: OrderedDict[int, tuple[str, str]] = OrderedDict()
        self.start = Start()

    def made(self, detail: Detail, started: float, *, ours: bool = False) -> ServerSession:
        """The session of a detail."""
        self._seen[detail.pid] = (detail.user, detail.host)
        self._seen.move_to_end(detail.pid)
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        began = detail.transaction_began
        return ServerSession(
            pid=detail.pid,
            started=started,
            user=plain(detail.user),
            application=plain(" ".join(part for part in (detail.application, detail.host) if part)),
            state=_state(detail),
            query=self._query(detail.query),
            transaction_began=None if began is None else self._to_session(began),
            ours=ours,
        )

    def seen(self, pid: int) -> tuple[str, str] | None:
        """User and client's end of a session that was made of late."""
        return self._seen.get(pid)

    def _query(self, text: str) -> str:
        shown = text if self._record_literals else redact_sql(text, "mysql")
        return " ".join(plain(shown).split())[:LONGEST_QUERY]


def _state(detail: Detail) -> str:
    match detail.command:
        case "Sleep":
            return "idle" if detail.transaction_began is None else "idle in transaction"
        case "Query" | "Execute" | "":
            return "active" if detail.command else ""
    return plain(detail.command.lower())


def details(connection: DirectConnection, sight: Sight, pids: Iterable[int]) -> dict[int, Detail]:
    """The sessions that have these ids and are still there. Blocks."""
    wanted = sorted({pid for pid in pids if pid > 0})
    if not wanted:
        return {}
    now = server_now(connection)
    age = "TIME_MS / 1000" if sight.family.mariadb else "TIME"
    rows = ask(connection, _SESSIONS.format(age=age, sessions=sight.sessions), (wanted,))
    last = _of_each(connection, _STATEMENTS, wanted) if sight.statements else {}
    programs = _of_each(connection, _ATTRIBUTES, wanted) if sight.attributes else {}
    transactions = _of_each(connection, _TRANSACTIONS, wanted) if sight.process else {}
    found = {}
    for pid, user, host, command, query, since in rows:
        text, running = last.get(pid, (None, None))
        if running is None and command not in ("Sleep", "Daemon"):
            running = since
        transaction, waits = transactions.get(pid, (None, None))
        found[int(pid)] = Detail(
            pid=int(pid),
            user=str(user or ""),
            host=str(host or ""),
            command=str(command or ""),
            query=str(query or text or ""),
            application=str(programs.get(pid, ("",))[0] or ""),
            statement_began=None if running is None or command == "Sleep" else now - float(running),
            transaction_began=None if transaction is None else float(transaction),
            wait_began=None if waits is None else float(waits),
        )
    return found


def _of_each(connection: DirectConnection, query: str, pids: list[int]) -> dict[int, tuple[Any, ...]]:
    """The columns after the first, by the first: an id."""
    return {int(row[0]): tuple(row[1:]) for row in ask(connection, query, (pids,))}


def server_start(connection: DirectConnection) -> float:
    """When the server was started, in Unix seconds of its own clock, to the second. Blocks."""
    uptime = ask(connection, "SHOW GLOBAL STATUS LIKE 'Uptime'")[0][1]
    return float(int(server_now(connection) - int(uptime)))


def server_now(connection: DirectConnection) -> float:
    """The server's clock in Unix seconds. Blocks."""
    return float(ask(connection, f"SELECT {NOW}")[0][0])


async def signal(lane: Lane, sight: Sight, sessions: Sessions, session: ServerSession, *, end: bool) -> bool:
    """Cancel the session's statement, or end it, if it is still the one meant; whether it was.

    Raises Refused where the user may not, or where the session's start is not known.
    """
    verb = "end" if end else "cancel"
    if not session.started or not session.pid:
        raise Refused(
            f"session {session.pid} is not known well enough to {verb} it: its start can't be seen",
            sight.hidden.remedy,
        )
    meant = sessions.seen(session.pid)

    def strike(connection: DirectConnection) -> bool:
        rows = ask(connection, f"SELECT USER, HOST FROM {sight.sessions} WHERE ID = %s", (session.pid,))
        if not rows or abs(server_start(connection) - session.started) > SAME_START:
            return False
        if meant is not None and (str(rows[0][0] or ""), str(rows[0][1] or "")) != meant:
            return False
        return kill(connection, session.pid, end=end)

    return await _permitted(lane, sight, strike, f"to {verb} session {session.pid}")


async def cancel_own(lane: Lane, sight: Sight, pid: int) -> bool:
    """Cancel the statement of a session that this user opened; whether there is one."""

    def strike(connection: DirectConnection) -> bool:
        query = f"""SELECT COMMAND FROM {sight.sessions}
            WHERE ID = %s AND COMMAND <> 'Sleep'
              AND USER = LEFT(USER(), CHAR_LENGTH(USER()) - LOCATE('@', REVERSE(USER())))"""
        return bool(ask(connection, query, (pid,))) and kill(connection, pid, end=False)

    return await _permitted(lane, sight, strike, "cancelling our statement")


def kill(connection: DirectConnection, pid: int, *, end: bool) -> bool:
    """KILL, or KILL QUERY; whether the session was there. Blocks."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"{TAG}KILL {'CONNECTION' if end else 'QUERY'} {int(pid)}")
    except pymysql.Error as error:
        if errors.number_of(error) == NOBODY:
            return False
        raise
    return True


async def _permitted(lane: Lane, sight: Sight, strike: Callable[[DirectConnection], bool], what: str) -> bool:
    try:
        return await lane.call(strike, what=what)
    except DatabaseError as error:
        cause = error.__cause__
        if isinstance(cause, pymysql.Error) and errors.number_of(cause) == NOT_OURS:
            right = await lane.call(lambda link: _right_to_kill(link, sight), what="reading our rights")
            raise Refused(error.text, f"GRANT {right} ON *.* TO {sight.user}") from error
        raise


def _right_to_kill(connection: DirectConnection, sight: Sight) -> str:
    """The right that is missing: MySQL protects accounts with SYSTEM_USER from all that lack it. Blocks."""
    if sight.family.mariadb:
        return "CONNECTION ADMIN"
    query = "SELECT 1 FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'CONNECTION_ADMIN'"
    return "SYSTEM_USER" if ask(connection, query) else "CONNECTION_ADMIN"
