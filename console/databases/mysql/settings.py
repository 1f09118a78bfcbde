"""How our sessions are set, on both families alike. Pure."""

from __future__ import annotations

import math

SQL_MODE = (
    "TRIM(BOTH ',' FROM CONCAT(REGEXP_REPLACE(CONCAT(',', @@SESSION.sql_mode, ','), ',(NO_BACKSLASH_ESCAPES|"
    "ANSI_QUOTES|ANSI|ORACLE|MSSQL|DB2|POSTGRESQL|MAXDB)(?=,)', ''),"
    " 'STRICT_ALL_TABLES,STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO'))"
)
"""The server's own modes, and strict; without those in which a quote or a backslash means something else."""

ISOLATION = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
"""A batch then locks the rows that it changes, and no gaps between them."""


def session_settings(lock_wait: float) -> tuple[str, ...]:
    """The assignments that are made in each session of ours, and can't fail; `lock_wait` in seconds.

    Strict mode is added to the server's own modes, never replaces them: data loss in a batch must be an error, and
    an expression must mean what it means to the application. Only modes that change how text is quoted go.
    """
    return (
        f"sql_mode = {SQL_MODE}",
        f"lock_wait_timeout = {whole_seconds(lock_wait)}",
        "innodb_lock_wait_timeout = 1",
        "foreign_key_checks = 1",
        "unique_checks = 1",
        "sql_safe_updates = 0",
    )


def whole_seconds(seconds: float) -> int:
    """As `lock_wait_timeout` takes it: MySQL takes whole seconds, and 1 is the least; MariaDB's 0 would not wait.

    >>> [whole_seconds(seconds) for seconds in (0.1, 1.0, 2.5)]
    [1, 1, 3]
    """
    return max(1, math.ceil(seconds))
