"""psycopg's errors -> the classes of `console.databases.base`, by SQLSTATE, each with one sentence for people.

No sentence holds a password, a line break, or (unless asked for) a value of a row.
"""

from __future__ import annotations

import re

import psycopg

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

# Appendix A of the manual, "PostgreSQL Error Codes". Longest prefix wins.
_CLASSES: dict[str, type[DatabaseError]] = {
    "08": ConnectionLost,
    "21": BadRow,  # cardinality: a subquery in the value gave several rows
    "22": BadRow,
    "23": BadRow,
    "25P03": ConnectionLost,  # idle_in_transaction_session_timeout
    "25P04": ConnectionLost,  # transaction_timeout
    "38": BadRow,  # what a function in another language raised
    "39": BadRow,
    "3F000": NotFound,
    "40": Retry,
    "40002": Refused,  # a deferred constraint: it fails the same way again
    "40003": ConnectionLost,  # completion unknown
    "42": Refused,
    "42601": BadExpression,
    "42622": BadExpression,
    "42702": BadExpression,
    "42703": BadExpression,
    "42704": BadExpression,
    "42725": BadExpression,
    "42803": BadExpression,
    "42804": BadExpression,
    "42846": BadExpression,
    "42883": BadExpression,
    "42P01": NotFound,
    "42P02": BadExpression,
    "42P18": BadExpression,
    "42P20": BadExpression,
    "42P21": BadExpression,
    "42P22": BadExpression,
    "44": BadRow,
    "55P03": LockTimeout,
    "57P": ConnectionLost,
    "P0": BadRow,  # what a function in PL/pgSQL raised
}

_REMEDIES = {
    "25006": "The server takes no writes: it is a standby, or read-only; name the primary in [database] url",
    "42501": "Grant the right, or connect as the table's owner",
    "53100": "Free space on the server's disk, then retry",
    "53300": "Free connections, or raise max_connections",
}

_QUOTED = re.compile(r"\"[^\"]*\"|«[^»]*»|„[^“”]*[“”]|“[^”]*”")
_LONGEST = 300


def translate(
    error: psycopg.Error,
    what: str,
    *,
    elapsed: float | None = None,
    timeout: float | None = None,
    show_values: bool = False,
) -> DatabaseError:
    """The error as one of our own, with the sentence `what: the server's message`.

    `elapsed` and `timeout` (seconds) tell our own statement timeout from a cancel, because the server uses
    one SQLSTATE for both and words its message in its own language. `show_values`: leave the values of rows
    in the sentence, and add the server's detail.

    >>> translate(psycopg.errors.LockNotAvailable("canceling statement due to lock timeout\\nmore"), "add-column")
    LockTimeout('add-column: canceling statement due to lock timeout')
    """
    text = sentence(error, show_values=show_values)
    state = error.sqlstate
    if state is None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return ConnectionLost(f"{what}: the connection was lost ({text})")
    if state is None:
        return Refused(f"{what}: {text}")
    if state == "57014":
        kind: type[DatabaseError] = StatementTimeout if _timed_out(text, elapsed, timeout) else Cancelled
    else:
        kind = _class_of(state)
    return kind(f"{what}: {text}", _REMEDIES.get(state, "") or _hint(error, kind))


def sentence(error: psycopg.Error, *, show_values: bool = False) -> str:
    """The server's message alone, on one line, without a closing stop."""
    text = error.diag.message_primary or str(error).split("\n", 1)[0]
    # The messages of class 22 quote the value that did not fit: 'invalid input syntax for type date: "..."'.
    if not show_values and (error.sqlstate or "").startswith("22"):
        text = _QUOTED.sub('"…"', text)
    if show_values and error.diag.message_detail:
        text = f"{text}: {error.diag.message_detail}"
    return tidy(text)


def tidy(text: str) -> str:
    """Text from a server as part of a sentence: one line, harmless, of bounded length, without a closing stop.

    >>> tidy("no such\\n thing.  ")
    'no such thing'
    """
    line = " ".join(plain(text).split()).rstrip(".")
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _class_of(state: str) -> type[DatabaseError]:
    for length in (5, 3, 2):
        if state[:length] in _CLASSES:
            return _CLASSES[state[:length]]
    return Refused


def _timed_out(text: str, elapsed: float | None, timeout: float | None) -> bool:
    if "statement timeout" in text:
        return True
    if "user request" in text or not timeout or elapsed is None:
        return False
    return elapsed >= timeout


def _hint(error: psycopg.Error, kind: type[DatabaseError]) -> str:
    hint = error.diag.message_hint
    return tidy(hint) if hint and kind in (BadExpression, NotFound, Refused) else ""
