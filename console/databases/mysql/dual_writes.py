"""The evidence of the dual-writes gate: of what the application wrote lately, how much carries the column."""

from __future__ import annotations

import time
from collections import deque

from console.change import Change, Frozen
from console.databases.base import KeyValue
from console.databases.mysql import batches, traces
from console.databases.mysql.digests import FULL, Counted, Digests
from console.databases.mysql.lane import Lane
from console.databases.mysql.names import Names
from console.databases.mysql.walk import Walk
from console.events import Evidence
from console.facts import TableFacts
from console.plan import Shape
from console.words import plural

WINDOW = 20.0
"""Seconds over which a gate watches what the application writes: what older versions wrote before does not count."""
SHORTEST = 5.0


class Mark(Frozen, frozen=True):
    """A moment: the last key then, and how many statements had added rows."""

    at: float
    key: KeyValue | None
    statements: Counted | None
    """None where the server keeps no summaries of statements, or does not let us see them."""


class DualWrites:
    """Watches the writers of one table from its first look on."""

    def __init__(
        self,
        change: Change,
        facts: TableFacts,
        shape: Shape,
        *,
        primary: Lane,
        walk: Walk | None,
        digests: Digests,
    ) -> None:
        self._change = change
        self._facts = facts
        self._shape = shape
        self._primary = primary
        self._walk = walk
        self._digests = digests
        self._names = Names(change, facts)
        self._marks: deque[Mark] = deque()

    async def seen(self) -> tuple[Evidence, ...]:
        """Of the rows written lately, how many carry the value."""
        out = []
        if self._shape.trigger:
            names = (self._names.insert_trigger, self._names.update_trigger)
            rows = await self._primary.rows(
                "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s AND TRIGGER_NAME IN %s",
                (self._facts.schema, names),
                what="looking for evidence",
            )
            seen = "in place" if len(rows) == len(names) else f"{len(rows)} of {len(names)} are there"
            out.append(Evidence(name="sync triggers", seen=seen, holds=len(rows) == len(names)))
        now = await self._mark()
        mark = self._window(now, whole=self._shape.trigger)
        rows_seen, lacking = await self._written_behind(mark)
        span = now.at - mark.at
        seen = (
            f"{rows_seen - lacking} of {plural(rows_seen, 'new row')} seen in the last {span:.0f} s carry it"
        )
        holds = lacking == 0
        some = rows_seen
        if now.statements is not None and mark.statements is not None and not self._shape.trigger:
            ran, naming, lost = (
                late - early for late, early in zip(now.statements, mark.statements, strict=True)
            )
            seen += f"; {naming} of {plural(ran, 'statement')} that added rows name it"
            holds = holds and ran == naming
            if lost:
                # Others may have added rows unseen, so only rows prove anything.
                seen += f"; {plural(lost, 'statement')} of new kinds not seen: {FULL}"
            else:
                some += ran
        # Triggers fill a row whoever writes it, so no row is proof enough; a deploy must be seen at work.
        if not some and not self._shape.trigger:
            seen += ": no write seen, so nothing is proved"
        holds = holds and (self._shape.trigger or (some > 0 and span >= SHORTEST))
        out.append(Evidence(name=f"rows carry {self._change.column}", seen=seen, holds=holds))
        return tuple(out)

    async def _mark(self) -> Mark:
        walk = self._walk
        last: KeyValue | None = None
        if walk is not None:
            query = walk.last_key(self._facts.name)
            last = await self._primary.call(lambda link: batches.key(link, query), what="the last key")
        return Mark(at=time.monotonic(), key=last, statements=await self._digests.writes())

    def _window(self, mark: Mark, *, whole: bool) -> Mark:
        """The mark to count from: the first one (`whole`), or the oldest within the window."""
        if self._marks and _restarted(self._marks[-1].statements, mark.statements):
            self._marks.clear()
        self._marks.append(mark)
        if not whole:
            while len(self._marks) > 1 and self._marks[1].at <= mark.at - WINDOW:
                self._marks.popleft()
        return self._marks[0]

    async def _written_behind(self, mark: Mark) -> tuple[int, int]:
        walk = self._walk
        if walk is None:
            return 0, 0
        found = (await self._primary.rows(traces.rows_behind(walk, self._facts.name, mark.key)))[0]
        return int(found[0]), int(found[1])


def _restarted(before: Counted | None, now: Counted | None) -> bool:
    """Whether the server began to count anew in between."""
    return before is not None and now is not None and (now.ran < before.ran or now.lost < before.lost)
