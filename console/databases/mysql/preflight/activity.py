"""What goes on right now: who holds the table, old transactions, prepared ones, versions that purge has to clear."""

from __future__ import annotations

from console.databases.base import DatabaseError
from console.databases.mysql import sight
from console.databases.mysql.catalog import text_of
from console.databases.mysql.preflight.look import Findings, Look, Row, listed, note, warning
from console.facts import Finding
from console.words import count, duration

OLD = 60.0
"""Seconds after which a transaction counts as old: an index build waits for it at its end, purge can't pass it."""
_HISTORY = 1_000_000  # versions of rows that purge has not cleared; the servers run with thousands

# What statements on rows take; stronger ones are told of however young they are.
_ON_ROWS = (
    "SHARED_READ",
    "SHARED_WRITE",
    "SHARED_HIGH_PRIO",
    "SHARED",
    "MDL_SHARED_READ",
    "MDL_SHARED_WRITE",
)

_INSTRUMENT = """
SELECT t.PROCESSLIST_ID, t.PROCESSLIST_USER, t.PROCESSLIST_COMMAND, GROUP_CONCAT(DISTINCT m.LOCK_TYPE),
       {age}, MAX(t.PROCESSLIST_TIME)
  FROM performance_schema.metadata_locks m JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID
       {trx}
 WHERE m.OBJECT_TYPE = 'TABLE' AND m.OBJECT_SCHEMA = %s AND m.OBJECT_NAME = %s AND m.LOCK_STATUS = 'GRANTED'
   AND t.PROCESSLIST_ID <> CONNECTION_ID()
 GROUP BY 1, 2, 3 ORDER BY 5 DESC LIMIT 50
"""
_PLUGIN = """
SELECT p.ID, p.USER, p.COMMAND, GROUP_CONCAT(DISTINCT m.LOCK_MODE), {age}, MAX(p.TIME)
  FROM information_schema.METADATA_LOCK_INFO m JOIN information_schema.PROCESSLIST p ON p.ID = m.THREAD_ID
       {trx}
 WHERE m.LOCK_TYPE = 'Table metadata lock' AND m.TABLE_SCHEMA = %s AND m.TABLE_NAME = %s AND p.ID <> CONNECTION_ID()
 GROUP BY 1, 2, 3 ORDER BY 5 DESC LIMIT 50
"""


async def holders(look: Look) -> Findings:
    """Sessions that hold a metadata lock on the table (or on the referenced one) longer than a DDL try lasts."""
    seen = await look.lane.call(lambda link: sight.look(link, look.family), what="looking at locks")
    if seen.metadata == "states":
        return [warning("holders.unread", seen.locks.why, seen.locks.remedy)]
    instrument = seen.metadata == "instrument"
    pid = "t.PROCESSLIST_ID" if instrument else "p.ID"
    query = (_INSTRUMENT if instrument else _PLUGIN).format(
        age="MAX(TIMESTAMPDIFF(MICROSECOND, x.trx_started, NOW(6))) / 1e6" if look.sees_others else "NULL",
        trx=f"LEFT JOIN information_schema.INNODB_TRX x ON x.trx_mysql_thread_id = {pid}"
        if look.sees_others
        else "",
    )
    tables = [look.table]
    if look.change.reference is not None:
        wanted = look.change.reference.table
        tables.append((wanted.schema or look.facts.schema, wanted.name))
    out: list[Finding] = []
    for schema, table in tables:
        rows = await look.rows(query, (schema, table))
        out += [
            _holder(f"{schema}.{table}", row)
            for row in rows
            if _in_the_way(row, look.file.limits.lock_timeout)
        ]
    return out[:5]


def _in_the_way(row: Row, patience: float) -> bool:
    *_, modes, age, busy = row
    if any(mode not in _ON_ROWS for mode in (modes or "").split(",")):
        return True
    return float(age if age is not None else busy or 0) >= patience


def _holder(table: str, row: Row) -> Finding:
    pid, user, command, modes, age, _ = row
    since = (
        f"in a transaction {duration(float(age))} old" if age is not None else "for a time that is not seen"
    )
    return warning(
        "transaction.on-table",
        f"{session(pid, user, command)} holds {modes} on {table} {since}",
        "Wait for it, or end it: DDL on the table can't pass, and would hold up all that come after it",
    )


def session(pid: int, user: str | None, command: str | None) -> str:
    """A session in a few words.

    >>> session(7, "ana", "Sleep"), session(7, None, None)
    ('id 7 (ana, Sleep)', 'id 7')
    """
    known = ", ".join(word for word in (user, command) if word)
    return f"id {pid}" + (f" ({known})" if known else "")


OLD_TRANSACTIONS = """
SELECT t.trx_mysql_thread_id, p.USER, p.COMMAND, TIMESTAMPDIFF(SECOND, t.trx_started, NOW()), t.trx_rows_modified
  FROM information_schema.INNODB_TRX t LEFT JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
 WHERE t.trx_mysql_thread_id NOT IN (0, CONNECTION_ID()) AND t.trx_started < NOW() - INTERVAL %s SECOND
   AND COALESCE(p.USER, '') NOT IN ('system user', 'event_scheduler')
 ORDER BY t.trx_started LIMIT 3
"""


async def transactions(look: Look) -> Findings:
    """The oldest transactions, anywhere on the server."""
    if not look.sees_others:
        return [
            note(
                "transaction.unread",
                "how old the transactions of other users are is not permitted to see",
                f"GRANT PROCESS ON *.* TO {look.user}",
            )
        ]
    return [
        warning(
            "transaction.old",
            f"{session(pid, user, command)} has a transaction {duration(age)} old"
            + (f" that changed {count(changed)} rows" if changed else "")
            + ": if it reads the table, every DDL statement waits for it"
            + (", and an index build at its very end" if look.change.indexes else "")
            + "; purge can't clear what it still sees",
            "Wait for it, or ask its owner to end it",
        )
        for pid, user, command, age, changed in await look.rows(OLD_TRANSACTIONS, (OLD,))
    ]


async def history(look: Look) -> Findings:
    """How many old versions of rows purge has to clear: the backfill adds one for each row."""
    if look.family.mariadb:
        rows = await look.rows("SHOW GLOBAL STATUS LIKE 'Innodb_history_list_length'")
        length = int(rows[0][1]) if rows else 0
    elif look.sees_others:
        rows = await look.rows(
            "SELECT COUNT FROM information_schema.INNODB_METRICS WHERE NAME = 'trx_rseg_history_len'"
        )
        length = int(rows[0][0]) if rows else 0
    else:
        return [
            note(
                "history.unread",
                "how far purge is behind (history list length) is not permitted to see",
                f"GRANT PROCESS ON *.* TO {look.user}",
            )
        ]
    if length < _HISTORY:
        return [note("history.length", f"purge has {count(length)} old versions of rows to clear")]
    return [
        warning(
            "history.long",
            f"purge is {count(length)} old versions of rows behind: reads slow down, and the backfill adds to it",
            "Find the old transaction that holds it up, and wait until purge has caught up",
        )
    ]


async def prepared(look: Look) -> Findings:
    """Prepared transactions outlive their sessions, and hold their locks until somebody ends them."""
    if not look.family.mariadb and not look.grants.everywhere("XA_RECOVER_ADMIN"):
        return ()
    try:
        rows = await look.rows("XA RECOVER")
    except DatabaseError:
        return ()
    names = [text_of(row[3]) for row in rows]
    if not names:
        return ()
    return [
        warning(
            "prepared.old",
            f"prepared transactions hold their locks until somebody ends them: {listed(names)}",
            "XA COMMIT or XA ROLLBACK them, if their coordinator has forgotten them",
        )
    ]
