"""Where lock waits are read from, best source first: what the server has at hand, `sight` says.

No query here scans `performance_schema.data_locks`, which walks every row lock on the server (400 ms beside a
transaction with 100,000, measured): it is joined by the lock's id alone, and only while a row is waited for. And none
takes a lock of a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from console.databases.mysql.connect import DirectConnection
from console.databases.mysql.metadata_locks import Lock, Waiting, metadata_waits, named
from console.databases.mysql.sight import Sight, ask

MOST = 5000
"""Pairs of a waiting session and one in its way that are read: their number grows with the square of the queue."""

_ANY_METADATA_WAIT = "SELECT 1 FROM performance_schema.metadata_locks WHERE LOCK_STATUS = 'PENDING' LIMIT 1"

# The appliers of a replica have no id of a session on MariaDB: their thread's, negative, stands for it.
_ID = "COALESCE(t.PROCESSLIST_ID, -CAST(t.THREAD_ID AS SIGNED), 0)"

_METADATA = f"""SELECT {_ID}, l.OBJECT_TYPE, l.OBJECT_SCHEMA, l.OBJECT_NAME, l.LOCK_TYPE,
       l.LOCK_STATUS
  FROM (SELECT DISTINCT OBJECT_TYPE, OBJECT_SCHEMA, OBJECT_NAME
          FROM performance_schema.metadata_locks WHERE LOCK_STATUS = 'PENDING') p
  JOIN performance_schema.metadata_locks l
    ON l.OBJECT_TYPE = p.OBJECT_TYPE AND l.OBJECT_SCHEMA <=> p.OBJECT_SCHEMA AND l.OBJECT_NAME <=> p.OBJECT_NAME
  LEFT JOIN performance_schema.threads t ON t.THREAD_ID = l.OWNER_THREAD_ID
 WHERE l.LOCK_STATUS IN ('GRANTED', 'PENDING') LIMIT {MOST}"""

_ROW_WAITS = """SELECT VARIABLE_VALUE FROM performance_schema.global_status
 WHERE VARIABLE_NAME = 'Innodb_row_lock_current_waits'"""

_ROWS_MYSQL = f"""SELECT w.PROCESSLIST_ID, COALESCE(b.PROCESSLIST_ID, 0), l.LOCK_MODE, l.OBJECT_SCHEMA, l.OBJECT_NAME
  FROM performance_schema.data_lock_waits d
  JOIN performance_schema.data_locks l ON l.ENGINE_LOCK_ID = d.REQUESTING_ENGINE_LOCK_ID AND l.ENGINE = d.ENGINE
  JOIN performance_schema.threads w ON w.THREAD_ID = d.REQUESTING_THREAD_ID
  LEFT JOIN performance_schema.threads b ON b.THREAD_ID = d.BLOCKING_THREAD_ID
 LIMIT {MOST}"""

_ROWS_MARIADB = f"""SELECT r.trx_mysql_thread_id, b.trx_mysql_thread_id, l.lock_mode, l.lock_table
  FROM information_schema.INNODB_LOCK_WAITS w
  JOIN information_schema.INNODB_LOCKS l ON l.lock_id = w.requested_lock_id
  JOIN information_schema.INNODB_TRX r ON r.trx_id = w.requesting_trx_id
  JOIN information_schema.INNODB_TRX b ON b.trx_id = w.blocking_trx_id
 LIMIT {MOST}"""

_WAITING_STATES = """SELECT ID, DB, LEFT(INFO, 1000) FROM {sessions}
 WHERE STATE = 'Waiting for table metadata lock' ORDER BY TIME DESC LIMIT 200"""

_PLUGIN = """SELECT THREAD_ID, LOCK_MODE, TABLE_SCHEMA, TABLE_NAME
  FROM information_schema.METADATA_LOCK_INFO WHERE LOCK_TYPE = 'Table metadata lock'"""

_ON_TABLE = f"""SELECT DISTINCT {_ID}
  FROM performance_schema.metadata_locks l JOIN performance_schema.threads t ON t.THREAD_ID = l.OWNER_THREAD_ID
 WHERE l.OBJECT_TYPE = 'TABLE' AND l.OBJECT_SCHEMA = %s AND l.OBJECT_NAME = %s AND l.LOCK_STATUS = 'GRANTED'"""

_ON_TABLE_PLUGIN = """SELECT DISTINCT THREAD_ID FROM information_schema.METADATA_LOCK_INFO
 WHERE LOCK_TYPE = 'Table metadata lock' AND TABLE_SCHEMA = %s AND TABLE_NAME = %s"""

_PARTITION = re.compile(r"\s*/\*.*\*/")
_NAME = re.compile(r"`((?:[^`]|``)+)`|([\w$]+)")
_DDL = frozenset(("alter", "create", "drop", "truncate", "rename", "optimize", "repair"))

Table = tuple[str, str]
"""Database and name."""


def all_waits(connection: DirectConnection, sight: Sight, tables: Iterable[Table]) -> list[Waiting]:
    """Everyone that waits for a lock, of a table or of a row. Blocks.

    `tables` are those of the change: where the server does not tell what a session waits for, a wait is theirs if
    its statement names them.
    """
    return [*_metadata_waits(connection, sight, tables), *_row_waits(connection, sight)]


def holding(connection: DirectConnection, sight: Sight, table: Table) -> list[int]:
    """The sessions that hold a metadata lock on the table. Blocks. Only where `sight.metadata` is not `states`."""
    query = _ON_TABLE if sight.metadata == "instrument" else _ON_TABLE_PLUGIN
    return [int(pid) for (pid,) in ask(connection, query, table)]


def _metadata_waits(connection: DirectConnection, sight: Sight, tables: Iterable[Table]) -> list[Waiting]:
    if sight.metadata == "instrument":
        if not ask(connection, _ANY_METADATA_WAIT):
            return []
        return metadata_waits(
            Lock(
                pid=int(pid),  # MySQL makes a DECIMAL of an id that may be negative
                kind=kind,
                schema=schema or "",
                name=name or "",
                mode=mode,
                granted=status == "GRANTED",
            )
            for pid, kind, schema, name, mode, status in ask(connection, _METADATA)
        )
    waiting = ask(connection, _WAITING_STATES.format(sessions=sight.sessions))
    if not waiting:
        return []
    granted = []
    if sight.metadata == "plugin":
        granted = [
            Lock(
                pid=int(pid),
                kind="TABLE",
                schema=schema,
                name=name,
                mode=mode.removeprefix("MDL_"),
                granted=True,
            )
            for pid, mode, schema, name in ask(connection, _PLUGIN)
        ]
    return guessed(waiting, granted, tables)


def _row_waits(connection: DirectConnection, sight: Sight) -> list[Waiting]:
    if not sight.row_waits:
        return []
    if sight.family.mariadb:
        rows = [
            (waiter, blocker, mode, *table_named(str(table)))
            for waiter, blocker, mode, table in ask(connection, _ROWS_MARIADB)
        ]
    elif ask(connection, _ROW_WAITS) == [("0",)]:
        rows = []
    else:
        rows = [tuple(row) for row in ask(connection, _ROWS_MYSQL)]
    found: dict[int, tuple[set[int], tuple[str, str, str]]] = {}
    for waiter, blocker, mode, schema, table in rows:
        found.setdefault(int(waiter), (set(), (mode, schema, table)))[0].add(int(blocker))
    return [
        Waiting(
            pid=waiter,
            blocked_by=frozenset(blockers),
            mode=mode,
            on=f"a row of {named(schema, table)}",
            schema=schema,
            table=table,
        )
        for waiter, (blockers, (mode, schema, table)) in found.items()
    ]


def guessed(
    waiting: Iterable[tuple[Any, ...]], granted: list[Lock], tables: Iterable[Table]
) -> list[Waiting]:
    """The waits of (session, its database, its statement), where the server tells only that they wait.

    What a session waits for is told by its statement: it names one of `tables`, or one that a lock is granted on.

    >>> reader = Lock(pid=1, kind="TABLE", schema="shop", name="orders", mode="SHARED_READ", granted=True)
    >>> queue = [(2, "shop", "ALTER TABLE orders ADD c int"), (3, "app", "SELECT 1 FROM shop.`Orders`")]
    >>> [(one.pid, one.mode, sorted(one.blocked_by)) for one in guessed(queue, [reader], [("shop", "orders")])]
    [(2, 'EXCLUSIVE', [1]), (3, 'SHARED_READ', [2])]
    >>> [(one.pid, one.on, sorted(one.blocked_by)) for one in guessed([(4, None, None)], [], [])]
    [(4, 'a metadata lock', [])]
    """
    candidates = {(schema.lower(), name.lower()): (schema, name) for schema, name in tables}
    for lock in granted:
        candidates.setdefault((lock.schema.lower(), lock.name.lower()), (lock.schema, lock.name))
    unknown, pending = [], []
    for pid, database, statement in waiting:
        words = _words(statement or "")
        here = [
            table
            for (schema, name), table in candidates.items()
            if name in words and (schema == str(database or "").lower() or schema in words)
        ]
        if not here:
            unknown.append(Waiting(pid=pid, blocked_by=frozenset(), mode="unknown", on="a metadata lock"))
        pending += [
            Lock(pid=pid, kind="TABLE", schema=schema, name=name, mode=wanted(words), granted=False)
            for schema, name in here
        ]
    spelled = [_spelled(lock, candidates) for lock in granted]
    return [*metadata_waits([*spelled, *pending]), *unknown]


def _spelled(lock: Lock, candidates: dict[Table, Table]) -> Lock:
    schema, name = candidates[lock.schema.lower(), lock.name.lower()]
    return Lock(pid=lock.pid, kind=lock.kind, schema=schema, name=name, mode=lock.mode, granted=lock.granted)


def wanted(words: list[str]) -> str:
    """The metadata lock that a statement waits for, by its words in lower case.

    >>> [wanted(text.split()) for text in ("alter table t", "lock tables t write", "select 1", "update t set c = 1")]
    ['EXCLUSIVE', 'SHARED_NO_READ_WRITE', 'SHARED_READ', 'SHARED_WRITE']
    """
    first = words[0] if words else ""
    if first in _DDL:
        return "EXCLUSIVE"
    if first == "lock":
        return "SHARED_NO_READ_WRITE"
    return "SHARED_WRITE" if first != "select" or words[-1:] == ["update"] else "SHARED_READ"


def _words(statement: str) -> list[str]:
    without = re.sub(r"^\s*(?:/\*.*?\*/\s*)+", "", statement, flags=re.DOTALL)
    return [(quoted.replace("``", "`") or word).lower() for quoted, word in _NAME.findall(without)]


def table_named(text: str, schema: str = "") -> Table:
    """A table as SQL or as InnoDB prints it: its database (`schema` where none is named) and its name.

    >>> table_named("`shop`.`orders` /* Partition `p0` */"), table_named("`a``b`.`c`"), table_named("`o`", "shop")
    (('shop', 'orders'), ('a`b', 'c'), ('shop', 'o'))
    """
    names = [(quoted.replace("``", "`") or word) for quoted, word in _NAME.findall(_PARTITION.sub("", text))]
    return (names[0], names[1]) if len(names) > 1 else (schema, names[0] if names else "")
