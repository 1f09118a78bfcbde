"""Does the work on MySQL and MariaDB: statements of the plan, the progress table, batches and comparisons.

One session for all of it (`working`), which also holds the advisory lock, on purpose: a session that no longer holds
the lock can't write, and when the connection is lost the lock goes with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from console.change import ChangeFile
from console.databases.base import Compared, Cursor, Filled, KeyValue, Piece, Refused
from console.databases.batching import AGAIN, failing, longest_batch, repairs
from console.databases.mysql import batches
from console.databases.mysql.connect import DirectConnection
from console.databases.mysql.identifiers import literal
from console.databases.mysql.names import SHAPE, Names
from console.databases.mysql.routes import shape_of
from console.databases.mysql.walk import Walk, storing
from console.databases.mysql.working import Working
from console.facts import TableFacts
from console.plan import Statement


class MySqlWorker:
    """Fulfils `base.Worker`."""

    needs_vacuum = False

    def __init__(self, file: ChangeFile, facts: TableFacts, password: str | None) -> None:
        self._file = file
        self._facts = facts
        self._names = Names(file.change, facts)
        self.shape = shape_of(file.change, facts)
        """What was decided of the plan."""
        self._working = Working(file, facts.schema, password)
        self.pid = 0
        self.unwatched = False

    @property
    def _walk(self) -> Walk:
        return Walk(self._file.change, self._facts, self.shape)

    def _walk_of(self, item: str) -> Walk:
        again = item == AGAIN and repairs(self._file.change, self._facts)
        return Walk(self._file.change, self._facts, self.shape, repairs=again)

    @property
    def busy(self) -> bool:
        """Whether a statement is under way just now."""
        return self._working.busy

    async def connect(self, waiting: Callable[[str], None] | None = None) -> None:
        """Connects and takes the lock. Raises Unreachable, RunnerLockHeld."""
        self.pid = 0
        await self._working.open(waiting)
        self.pid = self._working.pid

    async def close(self) -> None:
        """Closes the connections, and gives the lock back with them."""
        self.pid = 0
        await self._working.close()

    # -- Statements

    async def run(self, statement: Statement, lock_timeout: float) -> None:
        """Runs a statement of the plan under its own settings, and under the lock timeout where it is guarded.

        A build has the lock timeout for its first lock.
        """
        settings = {name: value for name, value in statement.settings if name != "lock_wait_timeout"}
        if settings:
            await self._working.set(settings)
        try:
            if statement.cost == "build":
                await self._working.build(statement.sql, lock_timeout, lambda: self.unwatched)
            else:
                await self.execute(statement.sql, lock_timeout if statement.guarded else 0)
        finally:
            if settings and self._working.pid:
                await self._working.set(dict.fromkeys(settings, "DEFAULT"))

    async def execute(self, sql: str, lock_timeout: float) -> None:
        """Runs a statement, waiting at most `lock_timeout` seconds for its lock (0: as long as builds wait)."""
        await self._working.execute(sql, lock_timeout)

    async def holds(self, query: str) -> bool:
        """The truth of a `done_when` query."""
        row = await self._working.first(query, "looking at the catalog")
        return bool(row and row[0])

    # -- What we keep in the database

    async def prepare_progress(self) -> None:
        """Makes the progress table where it is missing, and notes the shape of the plan in it, for later runs."""
        if not await self._has_progress():
            await self.execute(self._names.create_progress, self._file.limits.lock_timeout)
        if await self.load(SHAPE) is None:
            await self.store(SHAPE, msgspec.json.encode(self.shape))

    async def _has_progress(self) -> bool:
        return await self.holds(f"SELECT {self._names.has_progress}")

    async def load(self, item: str) -> bytes | None:
        """What was stored under `item`, or None."""
        if not await self._has_progress():
            return None
        query = f"SELECT value FROM {self._names.progress} WHERE item = {literal(item)}"
        row = await self._working.first(query, "reading the progress")
        return str(row[0]).encode() if row else None

    async def store(self, item: str, value: bytes) -> None:
        """Stores `value` under `item`, committed on return."""
        sql = storing(self._names.progress, item, value)
        await self._working.call(lambda link: batches.update(link, sql), "storing the progress")

    async def forget(self, but: Sequence[str], instead: str) -> None:
        """Forgets everything stored but those items, and stores `instead`, in one transaction."""
        kept = ", ".join(literal(item) for item in (SHAPE, *but, instead))
        delete = f"DELETE FROM {self._names.progress} WHERE item NOT IN ({kept})"
        insert = storing(self._names.progress, instead, b"true")

        def go(link: DirectConnection) -> None:
            with batches.transaction(link):
                batches.update(link, delete)
                batches.update(link, insert)

        await self._working.call(go, "keeping the progress")

    async def make_way(self, table: str) -> None:
        """Nothing stands in the way of a lock by itself here: InnoDB purges without one."""

    # -- The walk

    async def pieces(self) -> tuple[Piece, ...]:
        """The table, by its key, partitions or not: partitions come and go, and rows move between them."""
        return (Piece(name=self._facts.name, rows=self._facts.rows),)

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
        batch = batches.Batch(
            walk=self._walk_of(item),
            pieces=(self._facts.name,),
            progress=self._names.progress,
            item=item,
            size=size,
            leave_out=tuple(leave_out),
            update_nowait=self._working.family.update_nowait,
        )
        go = batch.run_skipping if skip_locked else batch.run
        seconds = longest_batch(self._file.limits)
        return await self._working.limited(lambda link: go(link, cursor), "the batch", seconds)

    async def failing_keys(
        self, item: str, cursor: Cursor, size: int, limit: int, leave_out: Sequence[KeyValue] = ()
    ) -> tuple[tuple[KeyValue, str], ...]:
        """The keys among the next `size` after the cursor whose value fails, each with the error."""
        piece, walk = cursor.piece, self._walk_of(item)
        listing = f"{walk.keys(piece, cursor.after, cursor.upto)} LIMIT {size}"
        found = await self._working.call(lambda link: batches.keys(link, listing), "listing the batch's keys")

        async def error_in(first: int, last: int) -> str:
            after = found[first - 1] if first else cursor.after
            return await self._working.call(
                lambda link: batches.probe(link, walk, piece, after, found[last], leave_out=leave_out),
                "looking for the failing key",
            )

        return await failing(found, error_in, limit)

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
        walk = self._walk
        return await self._working.call(
            lambda link: batches.compare(link, walk, piece.name, after, size=size, which=which), what
        )

    async def vacuum(self, piece: Piece) -> str:
        """InnoDB purges by itself."""
        raise Refused(f"{piece.name} needs no vacuum: InnoDB purges by itself")
