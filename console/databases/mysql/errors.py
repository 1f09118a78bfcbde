"""PyMySQL's errors -> the classes of `console.databases.base`, by the server's number, each with one sentence.

No sentence holds a password, a line break, or (unless asked for) a value of a row. The numbers are those of the
manuals' "Server Error Message Reference" and "Client Error Message Reference"; MariaDB's own begin at 1900.
"""

from __future__ import annotations

import re

import pymysql

from console.databases.base import (
    BadExpression,
    BadRow,
    Cancelled,
    ConnectionLost,
    DatabaseError,
    LockTimeout,
    NotFound,
    Refused,
    Retry,
    StatementTimeout,
)
from console.words import plain

_CLASSES: dict[type[DatabaseError], tuple[int, ...]] = {
    LockTimeout: (1205, 3572),
    # 1020: the row changed since it was read (MariaDB's snapshot isolation); 1412, 1615: the table's definition did.
    Retry: (1020, 1213, 1412, 1615, 3101),
    Cancelled: (1028, 1317),
    StatementTimeout: (1969, 3024),
    # 1053: shutdown; 1152-1161: network; 1927, 3169: the session was killed; 4031: cut off as idle.
    ConnectionLost: (1053, 1152, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 2014, 2055, 3169, 4031),
    NotFound: (1049, 1051, 1146),
    BadExpression: (
        1052,  # ambiguous column
        1054,  # unknown column
        1064,
        1067,  # invalid default
        1101,  # a default that the type does not take
        1109,  # unknown table
        1111,  # an aggregate
        1149,
        1241,  # several columns
        1267,  # illegal mix of collations
        1270,
        1271,
        1305,  # unknown function
        1318,
        1582,  # wrong number of arguments
        1583,
        1630,
        1901,  # MariaDB: not allowed in a default
        3770,
        3772,
        3774,
    ),
    BadRow: (
        1048,  # NULL where none may be
        1062,  # duplicate
        1138,
        1216,
        1217,
        1242,  # a subquery gave several rows
        1264,  # out of range
        1265,  # truncated
        1292,  # truncated
        1364,
        1365,  # division by 0
        1366,  # incorrect value
        1367,
        1406,  # too long
        1411,
        1425,
        1426,
        1441,
        1451,
        1452,
        1644,  # SIGNAL
        1690,
        3140,
        3141,
        3143,
        3819,  # a CHECK
        4025,
        4038,
    ),
}
_BY_NUMBER = {number: kind for kind, numbers in _CLASSES.items() for number in numbers}

_GRANT = "Grant the right, or connect as a user who has it"
_READ_ONLY = "The server takes no writes: it is a replica, or read-only; name the primary in [database] url"
_DISK = "Free space on the server's disk, then retry"
_NO_COPY = "The server could only do it by copying the table, which blocks writers; preflight says why"
_REMEDIES = {
    1021: _DISK,
    1044: _GRANT,
    1114: _DISK,
    1142: _GRANT,
    1143: _GRANT,
    1227: _GRANT,
    1290: _READ_ONLY,
    1370: _GRANT,
    1419: "Set log_bin_trust_function_creators = ON, or connect as a user with SUPER",
    1040: "Free connections, or raise max_connections",
    1799: "Raise innodb_online_alter_log_max_size, or run it when fewer rows are written",
    1836: _READ_ONLY,
    1845: _NO_COPY,
    1846: _NO_COPY,
    4092: "Rebuild the table (ALTER TABLE ... FORCE) first, or choose not_null = rebuild",
}

_VALUE = re.compile(
    r"(?s)((?:value:?|entry|text:?) )(['\"])(?:.*\2(?= for (?:column|key|function)\b)|.*\2(?= at row|\.|$))"
)
_LONGEST = 300


def number_of(error: pymysql.Error) -> int:
    """The error's number; 0 where it has none.

    >>> number_of(pymysql.OperationalError(1205, "Lock wait timeout exceeded"))
    1205
    """
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def translate(error: pymysql.Error, what: str, *, show_values: bool = False) -> DatabaseError:
    """The error as one of our own, with the sentence `what: the server's message`.

    `show_values`: leave the values of rows in the sentence.

    >>> translate(pymysql.OperationalError(1205, "Lock wait timeout exceeded; try restarting transaction"), "add")
    LockTimeout('add: Lock wait timeout exceeded; try restarting transaction')
    """
    number = number_of(error)
    text = sentence(error, show_values=show_values)
    kind = _BY_NUMBER.get(number)
    if kind is None:
        kind = _by_state(error, number)
    if kind is ConnectionLost:
        return ConnectionLost(f"{what}: the connection was lost ({text})")
    return kind(f"{what}: {text}", _REMEDIES.get(number, ""))


def sentence(error: pymysql.Error, *, show_values: bool = False) -> str:
    """The server's message alone, on one line, without a closing stop.

    >>> sentence(pymysql.DataError(1366, "Incorrect integer value: 'Ana' for column 'c' at row 1"))
    "Incorrect integer value: '…' for column 'c' at row 1"
    >>> sentence(pymysql.IntegrityError(1062, "Duplicate entry 'Ana' for key 't.name'"))
    "Duplicate entry '…' for key 't.name'"
    """
    text = str(error.args[1]) if len(error.args) > 1 else str(error)
    if not show_values:
        text = _VALUE.sub(r"\1\2…\2", text)
    return tidy(text or "no reason given")


def tidy(text: str) -> str:
    """Text from a server as part of a sentence: one line, harmless, of bounded length, without a closing stop.

    >>> tidy("no such\\n thing.  ")
    'no such thing'
    """
    line = " ".join(plain(text).split()).rstrip(".")
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _by_state(error: pymysql.Error, number: int) -> type[DatabaseError]:
    state = getattr(error, "sqlstate", None) or ""
    if isinstance(error, pymysql.InterfaceError) or (2000 <= number < 3000):
        return ConnectionLost
    if state.startswith(("22", "23")):
        return BadRow
    if state.startswith("08"):
        return ConnectionLost
    if state.startswith("40"):
        return Retry
    return Refused
