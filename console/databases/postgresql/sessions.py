"""Sessions of the server as `ServerSession`, whatever query they were seen by.

A session is known by its id *and* its start. Both are checked on the server, in the statement that cancels or ends
it, so that a session which got the same id since is never hit.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any

import psycopg

from console.databases.base import Refused
from console.databases.postgresql import errors
from console.databases.postgresql.line import Line
from console.databases.postgresql.scribe import TAG
from console.events import ServerSession
from console.redact import redact_sql
from console.words import plain

LONGEST_QUERY = 200
"""Characters of a query that are shown and recorded."""

OURS = "column-console%"
"""What `application_name` is like in sessions of ours."""

COLUMNS = """
    a.pid,
    extract(epoch FROM a.backend_start)::float8,
    pg_get_userbyid(a.usesysid)::text,
    coalesce(nullif(a.application_name, ''), nullif(a.backend_type, 'client backend')),
    CASE WHEN a.wait_event = 'SyncRep' THEN 'waits for a synchronous standby' ELSE a.state END,
    left(a.query, 1000),
    extract(epoch FROM a.xact_start)::float8
"""
"""What `Sessions.read` takes, from `pg_stat_activity` or `pg_stat_get_activity` called `a`."""

WIDTH = 7
"""How many columns those are."""

PREPARED = ServerSession(pid=0, application="prepared transaction", state="prepared")
"""Stands for prepared transactions, which hold locks and have no session: `pg_blocking_pids` calls them 0."""


class Sessions:
    """Reads sessions from rows. Queries lose their literals, unless they may be recorded."""

    def __init__(self, to_session: Callable[[float], float] | None, *, record_literals: bool = False) -> None:
        self._to_session = to_session
        self._record_literals = record_literals

    def read(self, row: Sequence[Any], ours: Container[int] = frozenset()) -> ServerSession:
        """The session of a row that begins with `COLUMNS`."""
        pid, started, user, application, state, query, transaction = row[:WIDTH]
        began = None if transaction is None or self._to_session is None else self._to_session(transaction)
        return ServerSession(
            pid=pid,
            started=started or 0.0,
            user=user or "",
            application=application or "",
            state=state or "",
            query=self._query(query or ""),
            transaction_began=began,
            ours=pid in ours,
        )

    def _query(self, text: str) -> str:
        shown = text if self._record_literals else redact_sql(text)
        return " ".join(plain(shown).split())[:LONGEST_QUERY]


async def session_by_pid(connection: psycopg.AsyncConnection[Any], pid: int) -> ServerSession | None:
    """The session that has this id now, or None."""
    query = f"{TAG}SELECT {COLUMNS} FROM pg_stat_activity a WHERE a.pid = %s"
    try:
        row = await (await connection.execute(query, [pid])).fetchone()
    except psycopg.Error as error:
        raise errors.translate(error, "looking for a session") from error
    return Sessions(None).read(row) if row else None


async def signal(line: Line, session: ServerSession, *, end: bool) -> bool:
    """Cancel the session's statement, or end it, if it is still the one meant; whether it was.

    Raises Refused where the role may not, or where the session's start is not known.
    """
    verb = "end" if end else "cancel"
    if not session.started:
        raise Refused(
            f"session {session.pid} is not known well enough to {verb} it: its start can't be seen",
            await grant(line, "pg_read_all_stats"),
        )
    function = "pg_terminate_backend" if end else "pg_cancel_backend"
    # Server times have microseconds; a double of Unix seconds is exact to a quarter of one.
    query = f"""{TAG}SELECT {function}(pid) FROM pg_stat_activity
        WHERE pid = %s AND abs(extract(epoch FROM backend_start)::float8 - %s) < 0.000001"""
    try:
        rows = await line.rows(query, [session.pid, session.started], what=f"to {verb} session {session.pid}")
    except Refused as error:
        raise Refused(error.text, await grant(line, "pg_signal_backend")) from error
    return bool(rows and rows[0][0])


async def grant(line: Line, role: str) -> str:
    """The statement that gives us the rights of a predefined role."""
    rows = await line.rows("SELECT quote_ident(current_user)", what="reading the role")
    return grant_to(role, rows[0][0])


def grant_to(role: str, user: str) -> str:
    """The statement that gives `user` (quoted as SQL) the rights of a predefined role.

    >>> grant_to("pg_monitor", "deploy")
    'GRANT pg_monitor TO deploy'
    """
    return f"GRANT {role} TO {user}"
