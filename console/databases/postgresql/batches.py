"""One batch: find its range, fill it, move the cursor, commit, all in one transaction.

The lock timeout of a batch is below the server's `deadlock_timeout`, so that in a deadlock it is the batch that
gives way, never the application. Sequential and bitmap scans are switched off for the transaction: they would lock
the rows in heap order, and so against the order in which an application that locks by key takes them.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import psycopg

from console.change import Frozen, Limits
from console.databases.base import BadRow, Compared, Cursor, Filled, KeyValue, LockTimeout
from console.databases.batching import (
    DIFFERENCES_LISTED,
    SKIP_PAUSE,
    SKIP_TRIES,
    done_item,
    failing,
    longest_batch,
    moved,
    next_piece,
)
from console.databases.postgresql import errors
from console.databases.postgresql.identifiers import literal
from console.databases.postgresql.scribe import TAG
from console.databases.postgresql.walk import Walk

LONGEST_LOCK_WAIT = 0.1
"""Seconds that a batch waits for a row; well below `deadlock_timeout`, which is 1 s unless changed."""

Connection = psycopg.AsyncConnection[Any]


def lock_timeout_ms(limits: Limits) -> int:
    """Milliseconds that a batch waits for a row lock."""
    return max(1, int(min(LONGEST_LOCK_WAIT, limits.lock_timeout) * 1000))


def statement_timeout_ms(limits: Limits) -> int:
    """Milliseconds after which a batch is given up, to be split."""
    return int(longest_batch(limits) * 1000)


def storing(progress: str, item: str, value: bytes) -> str:
    """The statement that stores a value under an item of the progress table."""
    return (
        f"{TAG}INSERT INTO {progress} (item, value) VALUES ({literal(item)}, {literal(value.decode())})"
        " ON CONFLICT (item) DO UPDATE SET value = excluded.value, written = now()"
    )


class Batch(Frozen, frozen=True):
    """One batch of a walk, ready to run."""

    walk: Walk
    pieces: tuple[str, ...]
    """The relations to walk, in order."""
    progress: str
    item: str
    size: int
    leave_out: tuple[KeyValue, ...]
    limits: Limits

    async def run(self, connection: Connection, cursor: Cursor) -> Filled:
        """Fills the next range and commits the cursor behind it. Raises psycopg.Error; then nothing changed."""
        async with connection.transaction():
            await settings(connection, self.limits)
            if cursor.piece not in self.pieces:
                return await self._next_piece(connection, cursor)
            cursor = await self._bounded(connection, cursor)
            after, upto, scanned = await self._range(connection, cursor)
            if upto is None:
                return await self._next_piece(connection, cursor)
            fill = self.walk.fill(cursor.piece, after, upto[0], self.leave_out)
            filled = await connection.execute(TAG + fill)
            return await self._commit(connection, cursor, upto[1], filled.rowcount, scanned)

    async def run_skipping(self, connection: Connection, cursor: Cursor) -> Filled:
        """As `run`, going round locked rows and coming back for them; the cursor moves when none is left.

        Raises LockTimeout where some row stays locked through all tries; what was filled stays filled.
        """
        rows = 0
        for _ in range(SKIP_TRIES):
            async with connection.transaction():
                await settings(connection, self.limits)
                if cursor.piece not in self.pieces:
                    return await self._next_piece(connection, cursor)
                cursor = await self._bounded(connection, cursor)
                after, upto, scanned = await self._range(connection, cursor)
                if upto is None:
                    return await self._next_piece(connection, cursor)
                filled = await connection.execute(
                    TAG + self.walk.fill_unlocked(cursor.piece, after, upto[0], self.leave_out)
                )
                rows += filled.rowcount
                left = await _one(
                    connection, self.walk.lacks_in_range(cursor.piece, after, upto[0], self.leave_out)
                )
                if not left[0]:
                    done = await self._commit(connection, cursor, upto[1], rows, scanned)
                    return msgspec.structs.replace(done, skipped_locked=True)
            await asyncio.sleep(SKIP_PAUSE)
        raise LockTimeout("rows of the batch stay locked by others")

    async def _bounded(self, connection: Connection, cursor: Cursor) -> Cursor:
        """The cursor with its piece's end, which is fixed when the piece is begun."""
        if cursor.upto is not None:
            return cursor
        last = await _row(connection, self.walk.last_key(cursor.piece))
        return msgspec.structs.replace(cursor, upto=last)

    async def _range(
        self, connection: Connection, cursor: Cursor
    ) -> tuple[str | None, tuple[str, KeyValue] | None, int]:
        """The range after the cursor: its ends as SQL (and the upper as a key), and how many rows it has."""
        if cursor.upto is None:
            return None, None, 0
        after = self.walk.bound(cursor.after) if cursor.after is not None else None
        limit = self.walk.bound(cursor.upto)
        end = await _row(connection, self.walk.end_of_range(cursor.piece, after, limit, self.size))
        if end is not None:
            return after, (self.walk.bound(end), end), self.size
        left = (await _one(connection, self.walk.count(cursor.piece, after, limit)))[0]
        if not left:
            return after, None, 0
        return after, (limit, cursor.upto), int(left)

    async def _commit(
        self, connection: Connection, cursor: Cursor, upto: KeyValue, rows: int, scanned: int
    ) -> Filled:
        filled = moved(cursor, upto, rows, scanned)
        await self._store(connection, filled.cursor)
        return filled

    async def _next_piece(self, connection: Connection, cursor: Cursor) -> Filled:
        """Notes the piece as done, and goes on with one that is not."""
        kept = await _kept(connection, self.progress, done_item(self.item))
        done, filled = next_piece(cursor, self.pieces, kept)
        await connection.execute(storing(self.progress, done_item(self.item), done))
        await self._store(connection, filled.cursor)
        return filled

    async def _store(self, connection: Connection, cursor: Cursor) -> None:
        await connection.execute(storing(self.progress, self.item, msgspec.json.encode(cursor)))


async def settings(connection: Connection, limits: Limits) -> None:
    """For the transaction of a batch: give way soon, end sometime, lock in key order."""
    await connection.execute(
        f"SET LOCAL lock_timeout = {lock_timeout_ms(limits)};"
        f" SET LOCAL statement_timeout = {statement_timeout_ms(limits)};"
        " SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off"
    )


async def _kept(connection: Connection, progress: str, item: str) -> str:
    query = f"{TAG}SELECT value FROM {progress} WHERE item = {literal(item)}"
    row = await (await connection.execute(query)).fetchone()
    return str(row[0]) if row else ""


async def _one(connection: Connection, query: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = await (await connection.execute(TAG + query)).fetchone()
    assert row is not None
    return row


async def _row(connection: Connection, query: str) -> KeyValue | None:
    row = await (await connection.execute(TAG + query)).fetchone()
    return None if row is None else tuple(str(part) for part in row)


async def failing_keys(
    connection: Connection, batch: Batch, cursor: Cursor, limit: int
) -> tuple[tuple[KeyValue, str], ...]:
    """The keys of a batch whose value fails, found by halving it, in transactions that are rolled back."""
    walk = batch.walk
    after = walk.bound(cursor.after) if cursor.after is not None else None
    upto = walk.bound(cursor.upto) if cursor.upto is not None else None
    listing = TAG + walk.keys(cursor.piece, after, upto) + f" LIMIT {batch.size}"
    rows = await (await connection.execute(listing)).fetchall()
    keys: list[KeyValue] = [tuple(str(part) for part in row) for row in rows]

    async def error_in(first: int, last: int) -> str:
        low = walk.bound(keys[first - 1]) if first else after
        fill = walk.fill(cursor.piece, low, walk.bound(keys[last]), batch.leave_out)
        try:
            async with connection.transaction(force_rollback=True):
                await settings(connection, batch.limits)
                await connection.execute(TAG + fill)
        except psycopg.Error as error:
            if isinstance(errors.translate(error, ""), BadRow):
                return errors.sentence(error)
            raise
        return ""

    return await failing(keys, error_in, limit)


async def compare(
    connection: Connection, walk: Walk, piece: str, after: KeyValue | None, *, size: int, which: str
) -> Compared:
    """Counts, over the next `size` keys of a piece, the rows of which `which` is true; read-only, and short."""
    low = walk.bound(after) if after is not None else None
    end = await _row(connection, walk.end_of_range(piece, low, None, size))
    upto = end or await _row(connection, walk.last_key(piece))
    if upto is None or upto == after:
        return Compared(rows=0, different=(), upto=None)
    high = walk.bound(upto)
    rows, differences = await _one(connection, walk.counted(piece, low, high, which))
    if not rows and end is None:
        return Compared(rows=0, different=(), upto=None)
    different: tuple[KeyValue, ...] = ()
    if differences:
        listing = TAG + walk.listed(piece, low, high, which, DIFFERENCES_LISTED)
        listed = await (await connection.execute(listing)).fetchall()
        different = tuple(tuple(str(part) for part in row) for row in listed)
    return Compared(rows=int(rows), differences=int(differences), different=different, upto=upto)
