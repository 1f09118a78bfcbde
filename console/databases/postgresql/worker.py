"""Does the work on the working session: keeps the progress, fills by batches, compares, vacuums."""

from __future__ import annotations

import time
from collections.abc import Sequence

import psycopg

from console.databases.base import Compared, Cursor, Filled, KeyValue, Piece
from console.databases.batching import AGAIN, repairs
from console.databases.postgresql import batches, errors
from console.databases.postgresql.identifiers import literal
from console.databases.postgresql.scribe import TAG
from console.databases.postgresql.vacuum import vacuum
from console.databases.postgresql.walk import Walk
from console.databases.postgresql.working_session import WorkingSession


class PostgresWorker(WorkingSession):
    """Fulfils `base.Worker`."""

    needs_vacuum = True
    unwatched = False
    """Makes no difference: what is not under the lock timeout here holds up no reader and no writer."""

    @property
    def _walk(self) -> Walk:
        return Walk(self._file.change, self._facts)

    def _walk_of(self, item: str) -> Walk:
        again = item == AGAIN and repairs(self._file.change, self._facts)
        return Walk(self._file.change, self._facts, repairs=again)

    # -- What we keep in the database

    async def prepare_progress(self) -> None:
        """Makes the progress table where it is missing."""
        if await self.holds(f"SELECT to_regclass({literal(self._names.progress)}) IS NOT NULL"):
            return
        await self.execute(TAG + self._names.create_progress, self._limits.lock_timeout)

    async def load(self, item: str) -> bytes | None:
        """What was stored under `item`, or None."""
        if not await self.holds(f"SELECT to_regclass({literal(self._names.progress)}) IS NOT NULL"):
            return None
        row = await self._first(
            self.connection,
            f"SELECT value FROM {self._names.progress} WHERE item = {literal(item)}",
            "reading the progress",
        )
        return str(row[0]).encode() if row else None

    async def store(self, item: str, value: bytes) -> None:
        """Stores `value` under `item`, committed on return."""
        await self.execute(batches.storing(self._names.progress, item, value), self._file.limits.lock_timeout)

    async def forget(self, but: Sequence[str], instead: str) -> None:
        """Forgets everything stored but those items, and stores `instead`, in one transaction."""
        kept = ", ".join(literal(item) for item in (*but, instead))
        try:
            async with self.connection.transaction():
                await self.connection.execute(
                    f"SET LOCAL lock_timeout = {batches.lock_timeout_ms(self._limits)}"
                )
                await self.connection.execute(
                    f"{TAG}DELETE FROM {self._names.progress} WHERE item NOT IN ({kept})"
                )
                await self.connection.execute(batches.storing(self._names.progress, instead, b"true"))
        except psycopg.Error as error:
            raise errors.translate(error, "keeping the progress") from error

    # -- The walk

    async def pieces(self) -> tuple[Piece, ...]:
        """The table, or its partitions in the order of the plan."""
        if self._facts.kind == "partitioned":
            return tuple(Piece(name=part.name, rows=part.rows) for part in self._facts.partitions)
        return (Piece(name=self._facts.name, rows=self._facts.rows),)

    def _batch(self, item: str, size: int, leave_out: Sequence[KeyValue]) -> batches.Batch:
        if self._facts.kind == "partitioned":
            pieces = tuple(part.name for part in self._facts.partitions)
        else:
            pieces = (self._facts.name,)
        return batches.Batch(
            walk=self._walk_of(item),
            pieces=pieces,
            progress=self._names.progress,
            item=item,
            size=size,
            leave_out=tuple(leave_out),
            limits=self._limits,
        )

    async def fill(
        self,
        item: str,
        cursor: Cursor,
        size: int,
        *,
        skip_locked: bool = False,
        leave_out: Sequence[KeyValue] = (),
    ) -> Filled:
        """Fills up to `size` rows after the cursor, and stores the new cursor in the same transaction."""
        batch = self._batch(item, size, leave_out)
        go = batch.run_skipping if skip_locked else batch.run
        began = time.monotonic()
        try:
            with self._work():
                return await go(self.connection, cursor)
        except psycopg.Error as error:
            timeout = batches.statement_timeout_ms(self._limits) / 1000
            elapsed = time.monotonic() - began
            raise errors.translate(error, "the batch", elapsed=elapsed, timeout=timeout) from error

    async def failing_keys(
        self, item: str, cursor: Cursor, size: int, limit: int, leave_out: Sequence[KeyValue] = ()
    ) -> tuple[tuple[KeyValue, str], ...]:
        """The keys among the next `size` after the cursor whose value fails, each with the error."""
        batch = self._batch(item, size, leave_out)
        try:
            return await batches.failing_keys(self.connection, batch, cursor, limit)
        except psycopg.Error as error:
            raise errors.translate(error, "looking for the failing key") from error

    async def gaps(
        self,
        piece: Piece,
        after: KeyValue | None,
        size: int,
        leave_out: Sequence[KeyValue] = (),
        *,
        null_valued: bool = False,
    ) -> Compared:
        """The rows among the next `size` keys of a piece that lack their value, read-only."""
        which = self._walk.gap(leave_out, null_valued=null_valued)
        return await self._compared(piece, after, size, which, "looking for rows without a value")

    async def compare(
        self, piece: Piece, after: KeyValue | None, size: int, leave_out: Sequence[KeyValue] = ()
    ) -> Compared:
        """Compares value and expression over the next `size` keys of a piece, read-only."""
        return await self._compared(piece, after, size, self._walk.wrong(leave_out), "the comparison")

    async def _compared(
        self, piece: Piece, after: KeyValue | None, size: int, which: str, what: str
    ) -> Compared:
        try:
            with self._work():
                return await batches.compare(
                    self.connection, self._walk, piece.name, after, size=size, which=which
                )
        except psycopg.Error as error:
            raise errors.translate(error, what) from error

    async def vacuum(self, piece: Piece) -> str:
        """Vacuums a piece; what it removed, or raises Refused with why it would be useless now."""
        try:
            with self._work():
                return await vacuum(self.connection, piece.name)
        except psycopg.Error as error:
            raise errors.translate(error, "VACUUM") from error
