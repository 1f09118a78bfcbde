"""Compares the column with its expression, range by range, read-only.

With the sync trigger in place a row once right stays right, so that ranges that were clean when looked at, one
after the other, add up to a clean table. Without it, what the application changes behind the comparison is not
seen: the evidence then says so.
"""

from __future__ import annotations

import msgspec

from console import events
from console.change import Frozen
from console.databases.base import Compared, KeyValue, Piece, Retry, StatementTimeout
from console.runner import skipped
from console.runner.backfill import key_text
from console.runner.control import Parked
from console.runner.stage import Stage
from console.words import count, plural

ITEM = "verify"
RANGE = 10_000
"""Rows compared at once: short statements, that hold no snapshot for long (measured: 20 ms)."""
LISTED = 100


class Found(Frozen, frozen=True):
    """How far the comparison is, and what it found; kept in the target database."""

    piece: int = 0
    after: KeyValue | None = None
    rows: int = 0
    differences: int = 0
    finished: bool = False


class Verify:
    """The comparison of one change."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._keys: list[str] = []

    async def run(self) -> tuple[events.Evidence, ...]:
        """Compares all rows. Raises Parked where some differ."""
        stage = self._stage
        leave_out = await skipped.load(stage)
        pieces = await stage.worker.pieces()
        total = max(1, sum(piece.rows for piece in pieces))
        found = Found()
        while not found.finished:
            await stage.control.checkpoint()
            found = await self._step(found, pieces, leave_out)
            stage.stream.emit(
                events.Progressed(phase="verify", done=found.rows, total=max(total, found.rows), unit="rows")
            )
        stage.stream.emit(events.Verified(rows=found.rows, differences=found.differences))
        await stage.steady(lambda: stage.worker.store(ITEM, msgspec.json.encode(found)))
        if found.differences:
            stage.stream.emit(
                events.KeysListed(what="different", keys=tuple(self._keys), total=found.differences)
            )
            raise Parked(
                f"{plural(found.differences, 'row')} of {count(found.rows)} differ from the expression,"
                f" the first at key {self._keys[0] if self._keys else '?'}",
                "Mend them, then retry",
            )
        sync = stage.file.change.backfill.sync if stage.file.change.backfill else "none"
        proof = "" if sync == "trigger" else "; rows changed since may differ, as there is no sync trigger"
        out = f", {plural(len(leave_out), 'row')} left out" if leave_out else ""
        if sync == "none":
            proof += "; rows without a value are filled before the constraints"
        seen = f"0 differences in {count(found.rows)} rows{out}{proof}"
        return (events.Evidence(name="value and expression compared", seen=seen, holds=True),)

    async def _step(self, found: Found, pieces: tuple[Piece, ...], leave_out: tuple[KeyValue, ...]) -> Found:
        stage = self._stage
        if found.piece >= len(pieces):
            return msgspec.structs.replace(found, finished=True)
        piece = pieces[found.piece]

        async def compare() -> Compared:
            return await stage.worker.compare(piece, found.after, RANGE, leave_out)

        try:
            compared = await stage.steady(compare)
        except (Retry, StatementTimeout) as error:
            stage.stream.log(f"verify: {error.text}; again", "warning")
            await stage.control.sleep(1)
            return found
        if compared.upto is None:
            return msgspec.structs.replace(found, piece=found.piece + 1, after=None)
        room = LISTED - len(self._keys)
        self._keys += [key_text(key) for key in compared.different[:room]]
        return msgspec.structs.replace(
            found,
            after=compared.upto,
            rows=found.rows + compared.rows,
            differences=found.differences + compared.differences,
        )
