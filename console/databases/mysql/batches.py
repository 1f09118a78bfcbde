"""One batch: find its range, fill it, move the cursor, commit, all in one transaction. Everything here blocks.

A batch never waits for a row of the table. InnoDB resolves a deadlock at once, and ends the transaction that changed
fewest rows: that would be the application's. So rows that are held make the batch fail before it has changed anything;
it then goes round them and comes back. What remains, on MySQL: rows that the application's own triggers write are not
locked beforehand, and the UPDATE that fires them waits for one that is held, 1 s at most (innodb_lock_wait_timeout has
no less there). A deadlock is possible in that time; preflight names such triggers (`trigger.waits`). On MariaDB the
UPDATE waits for no row, its triggers' included. What strict mode does not make an error, and loses data all the same,
is made one.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pymysql

from console.change import Frozen
from console.databases.base import BadRow, Compared, Cursor, Filled, KeyValue, LockTimeout
from console.databases.batching import (
    DIFFERENCES_LISTED,
    SKIP_PAUSE,
    SKIP_TRIES,
    done_item,
    moved,
    next_piece,
)
from console.databases.mysql import errors
from console.databases.mysql.connect import DirectConnection
from console.databases.mysql.identifiers import literal
from console.databases.mysql.scribe import TAG
from console.databases.mysql.walk import Walk, storing

_LOSSES = {1048, 1263, 1264, 1265, 1292, 1365, 1366, 1406, 1411, 1441}
"""Warnings that mean that what was stored is not what was computed."""


class Batch(Frozen, frozen=True):
    """One batch of a walk, ready to run."""

    walk: Walk
    pieces: tuple[str, ...]
    """What is walked, in order, as it stands in a statement."""
    progress: str
    item: str
    size: int
    leave_out: tuple[KeyValue, ...]
    update_nowait: bool
    """`Family.update_nowait`."""

    def run(self, connection: DirectConnection, cursor: Cursor) -> Filled:
        """Fills the next range and commits the cursor behind it. Raises pymysql.Error; then nothing changed."""
        with transaction(connection):
            if cursor.piece not in self.pieces:
                return self._next_piece(connection, cursor)
            cursor = self._bounded(connection, cursor)
            upto, scanned = self._range(connection, cursor)
            if upto is None:
                return self._next_piece(connection, cursor)
            if not self.update_nowait:
                one(connection, self.walk.lock(cursor.piece, cursor.after, upto, self.leave_out))
            fill = self.walk.fill(cursor.piece, cursor.after, upto, self.leave_out)
            rows = update(connection, self._nowait(fill))
            see_values(
                connection, self.walk, cursor.piece, self.walk.range(cursor.after, upto, self.leave_out)
            )
            return self._stored(connection, moved(cursor, upto, rows, scanned))

    def run_skipping(self, connection: DirectConnection, cursor: Cursor) -> Filled:
        """As `run`, going round locked rows and coming back for them; the cursor moves when none is left.

        Raises LockTimeout where some row stays locked through all tries; what was filled stays filled.
        """
        rows = 0
        for _ in range(SKIP_TRIES):
            with transaction(connection):
                if cursor.piece not in self.pieces:
                    return self._next_piece(connection, cursor)
                cursor = self._bounded(connection, cursor)
                upto, scanned = self._range(connection, cursor)
                if upto is None:
                    return self._next_piece(connection, cursor)
                ends = (cursor.piece, cursor.after, upto, self.leave_out)
                free = keys(connection, self.walk.lock_unlocked(*ends))
                if free:
                    rows += update(connection, self._nowait(self.walk.fill_keys(cursor.piece, free)))
                    see_values(connection, self.walk, cursor.piece, self.walk.one_of(free))
                if not one(connection, self.walk.lacks_in_range(*ends))[0]:
                    done = self._stored(connection, moved(cursor, upto, rows, scanned))
                    return msgspec.structs.replace(done, skipped_locked=True)
            time.sleep(SKIP_PAUSE)
        raise LockTimeout("rows of the batch stay locked by others")

    def _nowait(self, fill: str) -> str:
        return f"SET STATEMENT innodb_lock_wait_timeout = 0 FOR {fill}" if self.update_nowait else fill

    def _bounded(self, connection: DirectConnection, cursor: Cursor) -> Cursor:
        """The cursor with its piece's end, which is fixed when the piece is begun."""
        if cursor.upto is not None:
            return cursor
        return msgspec.structs.replace(cursor, upto=key(connection, self.walk.last_key(cursor.piece)))

    def _range(self, connection: DirectConnection, cursor: Cursor) -> tuple[KeyValue | None, int]:
        """The last key of the range after the cursor, and how many rows it has; None where there is no more."""
        if cursor.upto is None:
            return None, 0
        end = key(connection, self.walk.end_of_range(cursor.piece, cursor.after, cursor.upto, self.size))
        if end is not None:
            return end, self.size
        left = int(one(connection, self.walk.count(cursor.piece, cursor.after, cursor.upto))[0])
        return (cursor.upto, left) if left else (None, 0)

    def _next_piece(self, connection: DirectConnection, cursor: Cursor) -> Filled:
        """Notes the piece as done, and goes on with one that is not."""
        kept = rows(
            connection, f"SELECT value FROM {self.progress} WHERE item = {literal(done_item(self.item))}"
        )
        done, filled = next_piece(cursor, self.pieces, str(kept[0][0]) if kept else "")
        update(connection, storing(self.progress, done_item(self.item), done))
        return self._stored(connection, filled)

    def _stored(self, connection: DirectConnection, filled: Filled) -> Filled:
        update(connection, storing(self.progress, self.item, msgspec.json.encode(filled.cursor)))
        return filled


@contextlib.contextmanager
def transaction(connection: DirectConnection, *, keep: bool = True) -> Iterator[None]:
    """A transaction, committed at its end where it is to be kept, and rolled back on any error."""
    connection.begin()
    try:
        yield
        if not keep:
            connection.rollback()
    except BaseException:
        with contextlib.suppress(pymysql.Error):
            connection.rollback()
        raise
    if keep:
        connection.commit()


def update(connection: DirectConnection, sql: str) -> int:
    """Runs a statement that changes rows; how many it changed. A warning of lost data is raised as an error."""
    with connection.cursor() as cursor:
        changed = int(cursor.execute(TAG + sql))
        if cursor.warning_count:
            cursor.execute("SHOW WARNINGS")
            for level, number, text in cursor.fetchall():
                if level != "Note" and int(number) in _LOSSES:
                    raise pymysql.DataError(int(number), text)
    return changed


def see_values(connection: DirectConnection, walk: Walk, piece: str, where: str) -> None:
    """Raises for a row that stays unfilled because its value is NULL."""
    if walk.placeholder and keys(connection, walk.valueless(piece, where)):
        raise pymysql.DataError(1048, f"Column {walk.column} cannot be null, and the value is")


def rows(connection: DirectConnection, query: str) -> tuple[tuple[Any, ...], ...]:
    """The rows of a query, few."""
    with connection.cursor() as cursor:
        cursor.execute(TAG + query)
        return tuple(cursor.fetchall())


def one(connection: DirectConnection, query: str) -> tuple[Any, ...]:
    """The one row of a query."""
    return rows(connection, query)[0]


def key(connection: DirectConnection, query: str) -> KeyValue | None:
    """The key that a query finds, or None."""
    found = keys(connection, query)
    return found[0] if found else None


def keys(connection: DirectConnection, query: str) -> list[KeyValue]:
    """The keys that a query finds."""
    return [tuple(str(part) for part in row) for row in rows(connection, query)]


def probe(
    connection: DirectConnection,
    walk: Walk,
    piece: str,
    after: KeyValue | None,
    upto: KeyValue,
    *,
    leave_out: Sequence[KeyValue] = (),
) -> str:
    """The error of filling a range, in a transaction that is rolled back; empty where there is none.

    Raises pymysql.Error for what is no fault of a value.
    """
    try:
        with transaction(connection, keep=False):
            update(connection, walk.fill(piece, after, upto, leave_out))
            see_values(connection, walk, piece, walk.range(after, upto, leave_out))
    except pymysql.Error as error:
        if not _is_value(error):
            raise
        return str(error.args[1]).splitlines()[0]
    return ""


def _is_value(error: pymysql.Error) -> bool:
    return isinstance(errors.translate(error, ""), BadRow)


def compare(
    connection: DirectConnection,
    walk: Walk,
    piece: str,
    after: KeyValue | None,
    *,
    size: int,
    which: str,
) -> Compared:
    """Counts the rows among the next `size` keys of a piece of which a condition is true, in one short statement."""
    end = key(connection, walk.end_of_range(piece, after, None, size))
    upto = end or key(connection, walk.last_key(piece))
    if upto is None or upto == after:
        return Compared(rows=0, different=(), upto=None)
    seen, found = one(connection, walk.counted(piece, after, upto, which))
    if not seen and end is None:
        return Compared(rows=0, different=(), upto=None)
    different: tuple[KeyValue, ...] = ()
    if found:
        different = tuple(keys(connection, walk.listed(piece, after, upto, which, DIFFERENCES_LISTED)))
    return Compared(rows=int(seen), differences=int(found), different=different, upto=upto)
