"""What the server is busy with, and how far a long statement of ours has come."""

from __future__ import annotations

from console.databases.base import Activity, BuildProgress
from console.databases.postgresql.line import Line, Row
from console.databases.postgresql.scribe import TAG
from console.databases.postgresql.sessions import COLUMNS, OURS, WIDTH, Sessions, grant_to

_OURS = OURS.replace("%", "%%")

# One look at the sessions for everything. Without pg_read_all_stats the state of other roles' sessions is NULL,
# so that a count of active ones would be 0 whatever goes on.
_ACTIVITY = f"""{TAG}WITH d AS (SELECT oid FROM pg_database WHERE datname = current_database()),
    s AS MATERIALIZED (SELECT * FROM pg_stat_activity WHERE datid IS NOT NULL),
    n AS (
        SELECT count(*) FILTER (WHERE state = 'active' AND backend_type = 'client backend'
                                  AND application_name NOT LIKE '{_OURS}') AS active,
               count(*) AS connections
          FROM s)
    SELECT a.*, pg_stat_get_db_xact_commit(d.oid) + pg_stat_get_db_xact_rollback(d.oid),
           n.active, n.connections,
           pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'), quote_ident(current_user)
      FROM d CROSS JOIN n
      LEFT JOIN LATERAL (
        SELECT {COLUMNS} FROM s a
         WHERE a.xact_start IS NOT NULL AND a.backend_type = 'client backend' AND a.datid = d.oid
           AND a.application_name NOT LIKE '{_OURS}'
         ORDER BY a.xact_start LIMIT 1) a ON true"""

_PROGRESS = f"""{TAG}SELECT {COLUMNS}, p.*
    FROM (
        SELECT command || ': ' || phase, current_locker_pid::int,
               CASE WHEN phase LIKE 'waiting%%' THEN ARRAY[lockers_done, lockers_total]
                    WHEN tuples_total > 0 THEN ARRAY[tuples_done, tuples_total]
                    ELSE ARRAY[blocks_done, blocks_total] END,
               CASE WHEN phase LIKE 'waiting%%' THEN 'transactions' WHEN tuples_total > 0 THEN 'rows'
                    ELSE 'blocks' END
          FROM pg_stat_progress_create_index WHERE pid = %(pid)s
        UNION ALL
        SELECT 'VACUUM: ' || phase, NULL::int,
               CASE WHEN phase = 'vacuuming heap' THEN ARRAY[heap_blks_vacuumed, heap_blks_total]
                    ELSE ARRAY[heap_blks_scanned, heap_blks_total] END, 'blocks'
          FROM pg_stat_progress_vacuum WHERE pid = %(pid)s) AS p(doing, locker, figures, unit)
    LEFT JOIN LATERAL pg_stat_get_activity(p.locker) a ON p.locker IS NOT NULL
    LIMIT 1"""


async def read_activity(line: Line, sessions: Sessions) -> Activity:
    """The server's activity as it is now.

    `transactions` leaves out what this connection itself asked. Without the rights to see the others, `active`
    and `oldest` are None, and `why` and `remedy` say so.
    """
    rows = await line.rows(_ACTIVITY, {}, what="reading the activity")
    (row,) = rows
    transactions, active, connections, allowed, user = row[WIDTH:]
    oldest = sessions.read(row) if row[0] is not None else None
    return Activity(
        transactions=transactions - line.asked,
        active=active if allowed else None,
        connections=connections,
        oldest=oldest if allowed else None,
        oldest_began=row[6] if allowed else None,
        why="" if allowed else "what other roles' sessions do can't be seen",
        remedy="" if allowed else grant_to("pg_read_all_stats", user),
    )


async def read_progress(line: Line, sessions: Sessions, pid: int) -> BuildProgress | None:
    """What the server says of the long statement that session `pid` runs; None where it says nothing."""
    rows = await line.rows(_PROGRESS, {"pid": pid}, what="reading the progress")
    return _progress(rows[0], sessions) if rows else None


def _progress(row: Row, sessions: Sessions) -> BuildProgress:
    doing, _, (done, total), unit = row[WIDTH:]
    return BuildProgress(
        doing=doing,
        done=float(done),
        total=float(total),
        unit=unit,
        waits_for=sessions.read(row) if row[0] is not None else None,
    )
