"""The gate of the dual writes: does every row that is written now carry the value.

Rows whose key lies beyond the greatest one at the beginning were inserted since, whatever the key's type: the
sync trigger fires on each, and an application that writes the column writes it in each. A row that was merely
updated stays without a value rightly, where nothing changed that the value is made of; the backfill fills it.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from console.change import Change, Frozen
from console.databases.base import BadRow, KeyValue
from console.databases.postgresql import traces
from console.databases.postgresql.attached import Ask
from console.databases.postgresql.identifiers import literal
from console.databases.postgresql.names import Names
from console.databases.postgresql.walk import Walk
from console.events import Evidence
from console.facts import TableFacts
from console.words import plural

WINDOW = 20.0
"""Seconds over which the application's writes are watched: what older versions wrote before does not count."""
SHORTEST = 5.0
"""Seconds that the application's writes are watched at least."""
WATCH = 3.0
"""Seconds for which a trigger is watched where no row is inserted; then its being there is all there is to see."""
ORDERED = ("smallint", "integer", "bigint", "numeric", "date", "timestamp", "time")
"""The types of keys whose new values are mostly greater than the old ones."""


class Mark(Frozen, frozen=True):
    """A moment in the database's own counting."""

    at: float
    xid: str
    """Transactions from this one on are newer."""
    last: tuple[KeyValue | None, ...]
    """The greatest key of each piece."""


class Inserted(Frozen, frozen=True):
    """Rows inserted since a mark, and how many lack the value though the expression gives one."""

    rows: int = 0
    lacking: int = 0
    excused: int = 0
    """Without a value, because the expression fails on them."""

    def words(self, span: float) -> str:
        """What was counted, over `span` seconds."""
        seen = f"{self.rows - self.lacking} of {plural(self.rows, 'row')} inserted in the last {span:.0f} s carry it"
        return seen + (f", counting {self.excused} for which the expression fails" if self.excused else "")


class DualWrites:
    """Watches what is written to the table."""

    def __init__(self, change: Change, facts: TableFacts, ask: Ask) -> None:
        self._change = change
        self._facts = facts
        self._ask = ask
        self._pieces = traces.pieces(facts)
        self._walk = Walk(change, facts) if change.backfill and facts.key else None
        self._marks: deque[Mark] = deque()

    async def look(self) -> tuple[Evidence, ...]:
        """With a sync trigger: that it is there, and what it did. Otherwise: what the application writes."""
        if self._change.backfill is not None and self._change.backfill.sync == "trigger":
            return await self._by_trigger()
        return (await self._by_application(),)

    async def _by_trigger(self) -> tuple[Evidence, ...]:
        trigger = Names(self._change, self._facts).trigger
        row = await self._one(
            f"SELECT count(*) FROM pg_trigger WHERE tgrelid = to_regclass({literal(self._facts.name)})"
            f" AND tgname = {literal(trigger)} AND tgenabled IN ('O', 'A')"
        )
        if not row[0]:
            self._marks.clear()
            return (
                Evidence(name="sync trigger", seen="not there", holds=False),
                self._evidence("nothing counts before the trigger is there", holds=False),
            )
        if not self._marks:
            self._marks.append(await self._mark())
        mark = self._marks[0]
        span = time.monotonic() - mark.at
        new = await self._inserted(mark)
        seen = new.words(span)
        if not new.rows:
            seen = f"no row seen inserted in {span:.0f} s"
            seen += f", of {WATCH:.0f} s to watch for one" if span < WATCH else ""
        elif new.lacking:
            seen += (
                f", {new.lacking} lack it though the expression gives a value: the trigger can't compute it in the"
                " application's sessions (a function outside their search_path, or one they may not execute)"
            )
        seen += await self._others(mark, new)
        there = Evidence(name="sync trigger", seen="in place and enabled", holds=True)
        return there, self._evidence(seen, holds=not new.lacking and (new.rows > 0 or span >= WATCH))

    async def _by_application(self) -> Evidence:
        now = time.monotonic()
        self._marks.append(await self._mark())
        while len(self._marks) > 1 and self._marks[1].at <= now - WINDOW:
            self._marks.popleft()
        mark = self._marks[0]
        span = time.monotonic() - mark.at
        new = await self._inserted(mark)
        if not self._tells_inserted(new):
            return await self._any_write(mark, span)
        seen = new.words(span)
        if not new.rows:
            seen = f"no row seen inserted in the last {span:.0f} s, so nothing is proved"
        seen += await self._others(mark, new)
        return self._evidence(seen, holds=new.rows > 0 and not new.lacking and span >= SHORTEST)

    def _tells_inserted(self, new: Inserted) -> bool:
        """Whether new rows have greater keys; of several columns, the first may be a tenant's number."""
        key = self._facts.key
        if key is None or not key.types[0].startswith(ORDERED):
            return False
        return new.rows > 0 or len(key.columns) == 1

    async def _any_write(self, mark: Mark, span: float) -> Evidence:
        rows, carrying = await self._written(mark)
        seen = f"{carrying} of {plural(rows, 'row')} seen written in the last {span:.0f} s carry it"
        seen += ", inserted or updated: the key does not tell them apart" if rows else ""
        seen += "" if rows else ": no write seen, so nothing is proved"
        return self._evidence(seen, holds=rows == carrying and rows > 0 and span >= SHORTEST)

    def _evidence(self, seen: str, *, holds: bool) -> Evidence:
        return Evidence(name=f"rows carry {self._change.column}", seen=seen, holds=holds)

    async def _others(self, mark: Mark, new: Inserted) -> str:
        rows, carrying = await self._written(mark)
        without = max(0, rows - carrying - new.lacking - new.excused)
        if not without:
            return ""
        verb = "is" if without == 1 else "are"
        return (
            f"; {plural(without, 'other row')} written meanwhile {verb} without it, and left to the backfill"
        )

    # -- Counting

    async def _mark(self) -> Mark:
        (xid,) = await self._one(
            "SELECT (pg_snapshot_xmax(pg_current_snapshot())::text::numeric % 4294967296)::text"
        )
        at = time.monotonic()
        last: list[KeyValue | None] = []
        for piece in self._pieces:
            rows = await self._ask(self._walk.last_key(piece)) if self._walk else []
            last.append(tuple(str(part) for part in rows[0]) if rows else None)
        return Mark(at=at, xid=str(xid), last=tuple(last))

    async def _inserted(self, mark: Mark) -> Inserted:
        found = Inserted()
        if self._walk is None:
            return found
        for piece, last in zip(self._pieces, mark.last, strict=True):
            newest = traces.beyond(self._change, self._walk, piece, last)
            try:
                row = await self._one(self._walk.counted(newest, None, None, self._walk.lacking()))
                one = Inserted(rows=int(row[0]), lacking=int(row[1]))
            except BadRow:
                one = await self._one_by_one(newest)
            found = Inserted(
                rows=found.rows + one.rows,
                lacking=found.lacking + one.lacking,
                excused=found.excused + one.excused,
            )
        return found

    async def _one_by_one(self, newest: str) -> Inserted:
        """As `Walk.lacking`, row by row: where the expression fails, there is nothing to carry."""
        assert self._walk is not None
        (rows,) = await self._one(traces.rows_in(newest))
        lacking = excused = 0
        for key in await self._ask(traces.unfilled_keys(self._change, self._walk, newest)):
            which = f"{self._walk.key} = {self._walk.bound(tuple(str(part) for part in key))}"
            # CASE, because AND promises no order.
            gives = f"CASE WHEN {which} THEN {self._walk.value} IS NOT NULL END"
            try:
                lacking += len(await self._ask(f"SELECT 1 FROM {newest} WHERE {gives}"))
            except BadRow:
                excused += 1
        return Inserted(rows=int(rows), lacking=lacking, excused=excused)

    async def _written(self, mark: Mark) -> tuple[int, int]:
        """Rows seen written since, inserted or updated, and how many of them carry the value."""
        total = carrying = 0
        for piece in self._pieces:
            try:
                row = await self._one(self._rows_written(piece, mark, computed=True))
            except BadRow:
                row = await self._one(self._rows_written(piece, mark, computed=False))
            total, carrying = total + int(row[0]), carrying + int(row[1])
        return total, carrying

    def _rows_written(self, piece: str, mark: Mark, *, computed: bool) -> str:
        return traces.rows_written(self._change, self._facts, piece, mark.xid, computed=computed)

    async def _one(self, query: str) -> tuple[Any, ...]:
        return (await self._ask(query))[0]
