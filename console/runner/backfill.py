"""Fills the existing rows: batch after batch in key order, as fast as the throttle allows.

A batch and its cursor commit together, so that whoever takes the work up again starts behind the last committed
batch. When a batch meets a locked row, the same range is tried once more going round locked rows; only then is
the batch halved. A value that fails on a row parks the work and names the row; the operator retries, or skips it.
"""

from __future__ import annotations

import msgspec

from console import events
from console.databases.base import (
    BadRow,
    Cancelled,
    ConnectionLost,
    Cursor,
    DatabaseError,
    Filled,
    KeyValue,
    LockTimeout,
    Piece,
    Refused,
    Retry,
    StatementTimeout,
)
from console.runner import ddl, gaps, skipped
from console.runner.control import Parked
from console.runner.pace import BatchSize, Pacer
from console.runner.stage import Stage
from console.runner.tally import Tally
from console.throttle import Decision
from console.words import count, plain, plural

RETELL = 2.0
"""Seconds after which reasons that go on are told again, with their new readings."""
WAITING = 0.1
"""Seconds between two looks at the throttle while it stops the work."""
LARGE = 50_000
"""Rows below which vacuum on the way is not worth its while."""
LISTED = 10


class Backfill:
    """A walk that fills: the one of a phase (`backfill`, `backfill-again`), or one that sweeps up late rows."""

    def __init__(self, stage: Stage, phase: str, item: str = "") -> None:
        self._stage = stage
        self._phase = phase
        self._item = item or phase
        """Where the cursor is kept."""
        self._cursor = Cursor()
        self._size = BatchSize(stage.file.limits.batch_time)
        self._pacer = Pacer()
        self._reasons: object = None
        self._told = 0.0
        self._retries = 0
        self._stuck = 0
        self._tally = Tally(stage.stream)
        self._leave_out: tuple[KeyValue, ...] = ()
        self._pieces: tuple[Piece, ...] = ()
        self._total = 1
        self._vacuumed = 0

    async def run(self) -> tuple[events.Evidence, ...]:
        """Walks to the end, then sweeps up what moved or came late. Raises Parked, Stopped."""
        cursor = await self.walk()
        swept = await sweep(self._stage, self._phase) if self._settled else 0
        return (*_walked(cursor, swept), self._complete())

    async def walk(self) -> Cursor:
        """Walks from the cursor to the end; the cursor, finished. Raises Parked, Stopped."""
        stage = self._stage
        stage.rows_per_second, stage.control.held = self._tally.rows_per_second, self._look
        try:
            await self._resume()
            while not self._cursor.finished:
                await self._step()
        finally:
            self._tally.flush()
            stage.rows_per_second = lambda: 0.0
            stage.control.held = lambda: None
            self._tell(())
        return self._cursor

    @property
    def _settled(self) -> bool:
        """Whether rows written meanwhile carry the value already: only then can none be left without it."""
        names: list[str] = [phase.name for phase in self._stage.plan.phases if not phase.left_out]
        return "dual-writes" in names[: names.index(self._phase)]

    def _complete(self) -> events.Evidence:
        name = f"rows without {self._stage.file.change.column}"
        if not self._settled:
            seen = "not looked for: nobody fills those written meanwhile yet"
            return events.Evidence(name=name, seen=seen, holds=True)
        out = f"; {plural(len(self._leave_out), 'row')} skipped by the operator" if self._leave_out else ""
        return events.Evidence(name=name, seen=f"none{out}", holds=True)

    async def _resume(self) -> None:
        stage = self._stage
        stored = await stage.steady(lambda: stage.worker.load(self._item))
        self._cursor = msgspec.json.decode(stored, type=Cursor) if stored else Cursor()
        self._leave_out = await skipped.load(stage)
        self._pieces = await stage.worker.pieces()
        self._total = max(1, sum(piece.rows for piece in self._pieces), self._cursor.scanned)
        self._vacuumed = self._cursor.scanned * 10 // self._total
        if self._cursor.batches and not self._cursor.finished:
            stage.stream.log(f"taken up again behind {key_text(self._cursor.after or ())}")
        self._progress()

    # -- One step: look at the throttle, fill, heed what happened

    async def _step(self) -> None:
        stage = self._stage
        await stage.control.checkpoint()
        decision = self._look()
        if decision.stop:
            self._tally.flush()
            await stage.control.sleep(WAITING)
            return
        if decision.cut:
            self._size.cut()
        size = min(self._size.size, self._pacer.most_rows(decision))
        began = stage.stream.now()
        filled = await self._fill(size)
        if filled is None:
            return
        ended = stage.stream.now()
        self._done(filled, size, ended - began)
        await self._vacuum()
        pause = self._pacer.wait(filled.rows, began, ended, decision)
        if pause > 0:
            await stage.control.sleep(pause)

    def _look(self) -> Decision:
        """What the throttle says now, told where it is news; while it is paused, too."""
        decision = self._stage.throttled()
        self._tell(decision.reasons, decision.names)
        return decision

    def _tell(self, reasons: tuple[events.Reason, ...], names: object = ()) -> None:
        """Says what holds the backfill back, where it is not what it was."""
        now = self._stage.stream.now()
        if names != self._reasons and (names or self._reasons):
            self._stage.stream.emit(events.Throttled(reasons=reasons))
            self._told = now
        elif names and now - self._told >= RETELL:
            self._stage.stream.emit(events.Throttled(reasons=reasons, again=True))
            self._told = now
        self._reasons = names

    async def _fill(self, size: int) -> Filled | None:
        """One batch, or None where it came to nothing and was made smaller."""
        stage, item = self._stage, self._item
        stage.control.cancelled_by = ""
        try:
            try:
                return await stage.worker.fill(item, self._cursor, size, leave_out=self._leave_out)
            except (LockTimeout, Retry):
                self._retries += 1
                return await stage.worker.fill(
                    item, self._cursor, size, skip_locked=True, leave_out=self._leave_out
                )
        except (LockTimeout, Retry, StatementTimeout) as error:
            await self._smaller(error, size)
        except ConnectionLost as error:
            self._retries += 1
            stage.stream.log(f"{error.text}; connecting again", "warning")
            await stage.connect()
            await self._resume()
        except Cancelled:
            raise Parked(f"the batch was cancelled {stage.control.by_whom()}") from None
        except BadRow as error:
            await self._bad_row(error, size)
        return None

    async def _smaller(self, error: DatabaseError, size: int) -> None:
        """Halves the batch. Parks where a single row stays in the way for as long as a lock may."""
        stage = self._stage
        self._retries += 1
        self._size.failed()
        self._stuck = self._stuck + 1 if size == 1 else 0
        if self._stuck > stage.file.limits.lock_retries:
            self._stuck = 0
            after = key_text(self._cursor.after) if self._cursor.after else "the first key"
            raise Parked(
                f"the row after {after} stays locked by others: {error.text}", "Retry when it is free"
            )
        stage.stream.log(f"batch of {plural(size, 'row')}: {error.text}; now {self._size.size}", "warning")
        await stage.control.sleep(stage.random.uniform(0.05, 0.2) if size > 1 else 1)

    def _done(self, filled: Filled, size: int, seconds: float) -> None:
        self._cursor = filled.cursor
        self._stuck = 0
        if not filled.scanned:
            return
        # A batch that went round locked rows took its time waiting: it says nothing about the size.
        if not filled.skipped_locked:
            self._size.took(filled.scanned, filled.rows, seconds)
        self._total = max(self._total, self._cursor.scanned)
        self._tally.add(
            filled,
            seconds,
            size=min(size, self._size.size) if size < self._size.size else self._size.size,
            total=self._total,
            retries=self._retries,
        )
        self._retries = 0

    def _progress(self) -> None:
        self._stage.stream.emit(
            events.Progressed(phase=self._phase, done=self._cursor.scanned, total=self._total, unit="rows")
        )

    # -- A value that fails

    async def _bad_row(self, error: BadRow, size: int) -> None:
        """Parks, naming the range and the failing keys; on retry with `skip` those keys are left out."""
        stage = self._stage
        found = await stage.steady(
            lambda: stage.worker.failing_keys(self._item, self._cursor, size, LISTED, self._leave_out)
        )
        keys = tuple(key_text(key) for key, _ in found)
        why = found[0][1] if found else error.text
        after = key_text(self._cursor.after) if self._cursor.after else "the first key"
        stage.stream.emit(events.KeysListed(what="failing", keys=keys, total=len(keys), text=why))
        self._tally.flush()
        named = f"; failing key {keys[0]}" if keys else ""
        more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
        reason = f"the value fails in the {plural(size, 'row')} after {after}{named}{more}: {why}"
        if stage.alone:
            raise Parked(reason, "Mend the rows and run again, or skip them from an attached screen")
        decision = await stage.control.decide(
            ("retry", "skip-rows"), state="parked", reason=reason, waits_for="retry or skip-rows"
        )
        if decision.action == "skip-rows" and found:
            self._leave_out = (*self._leave_out, *(key for key, _ in found))
            await skipped.store(stage, self._leave_out)
            stage.stream.emit(
                events.KeysListed(what="skipped", keys=keys, total=len(keys), text=f"by {decision.by}")
            )
        stage.control.working()

    # -- Vacuum

    async def _vacuum(self) -> None:
        """Each tenth of the table, a vacuum; skipped with the reason where it would remove nothing."""
        stage = self._stage
        tenth = self._cursor.scanned * 10 // self._total
        backfill = stage.file.change.backfill
        if tenth <= self._vacuumed or self._total < LARGE or backfill is None or not backfill.vacuum:
            return
        if not stage.worker.needs_vacuum:
            return
        self._vacuumed = tenth
        self._tally.flush()
        piece = next((piece for piece in self._pieces if piece.name == self._cursor.piece), None)
        if piece is None:
            return
        stage.stream.emit(
            events.Progressed(
                phase=self._phase,
                done=self._cursor.scanned,
                total=self._total,
                doing=f"vacuum of {piece.name}",
            )
        )
        try:
            async with ddl.guard(stage):
                stage.stream.log(await stage.worker.vacuum(piece))
        except Cancelled:
            stage.stream.log(f"vacuum on the way cancelled {stage.control.by_whom()}", "warning")
        except Refused as error:
            stage.stream.log(f"vacuum on the way skipped: {error.text}", "warning")
        except ConnectionLost:
            await stage.connect()
            await self._resume()
        except DatabaseError as error:
            stage.stream.log(f"vacuum on the way: {error.text}", "warning")
        self._progress()


async def sweep(stage: Stage, phase: str) -> int:
    """Fills rows that lack their value wherever they are (keys that moved behind the walk, rows written late), by
    walks like any other; how many it filled. Raises Parked where some can't be filled, Stopped.
    """
    item, swept = f"{phase} sweep", 0
    while True:
        leave_out = await skipped.load(stage)
        gap = await gaps.find(stage, leave_out)
        if gap is None:
            return swept
        stage.stream.log("some rows lack their value: walking once more", "warning")
        await stage.steady(lambda: stage.worker.store(item, msgspec.json.encode(Cursor())))
        await stage.steady(lambda: stage.worker.store(f"{item} pieces", b"[]"))
        filled = (await Backfill(stage, phase, item).walk()).rows
        if not filled:
            named = f", the first at key {key_text(gap.keys[0])}" if gap.keys else ""
            raise Parked(f"rows lack their value and can't be filled{named}", "Look at them, then retry")
        swept += filled


def _walked(cursor: Cursor, swept: int) -> tuple[events.Evidence, ...]:
    return (
        events.Evidence(
            name="upper bound of the key", seen=f"{count(cursor.scanned)} rows passed", holds=True
        ),
        events.Evidence(
            name="rows filled",
            seen=f"{count(cursor.rows + swept)} in {plural(cursor.batches, 'batch')}",
            holds=True,
        ),
    )


def key_text(key: KeyValue) -> str:
    r"""A key for people: harmless, one line.

    >>> key_text(("7", "a\x1bb"))
    '7, a␛b'
    """
    return plain(", ".join(key))
