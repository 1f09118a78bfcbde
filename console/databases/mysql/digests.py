"""What the application's statements did lately, as the server's digests and its process list show them.

The statements asked with: `console.databases.mysql.traces`.
"""

from __future__ import annotations

import contextlib
from typing import NamedTuple

from console.change import Change
from console.databases.base import BadExpression, Refused
from console.databases.mysql import traces
from console.databases.mysql.lane import Lane
from console.redact import redact_sql
from console.words import plain

SHOWN = 100
"""Characters of a statement that are shown."""
FULL = f"the server's table of digests is full ({traces.FORGET} makes room)"


class Counted(NamedTuple):
    """How many statements added rows to the table, how many of those named the column, since the server counts."""

    ran: int
    naming: int
    lost: int
    """Statements on whatever table that the server did not keep apart, its table of digests being full."""


class Digests:
    """The statements of one table, asked for over `lane`."""

    def __init__(self, lane: Lane, change: Change, schema: str) -> None:
        self._lane = lane
        self._change = change
        self._schema = schema
        self._bare: traces.Bare | None = None

    async def writes(self) -> Counted | None:
        """The statements that added rows; None where the server keeps no summaries, or does not let us see them."""
        try:
            query = traces.writes(self._change, self._schema, await self.bare())
            ran, naming = (await self._lane.rows(query))[0]
            lost = (await self._lane.rows(traces.LOST))[0][0]
        except Refused:
            return None
        return Counted(int(ran), int(naming), int(lost))

    async def reader(self) -> str:
        """A statement that reads the column, without its literals; empty where none was seen."""
        for query in (
            traces.readers(self._change, self._schema, await self.bare()),
            traces.running_readers(self._change),
        ):
            # Not permitted to read the summaries: what runs is seen all the same.
            with contextlib.suppress(Refused):
                rows = await self._lane.rows(query, what="looking for readers")
                if rows:
                    text = " ".join(plain(redact_sql(str(rows[0][0]), "mysql")).split())
                    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
        return ""

    async def overflow(self) -> bool:
        """Whether the server's table of digests is full, so that new kinds of statement are not seen in it."""
        with contextlib.suppress(Refused):
            return bool((await self._lane.rows(traces.LOST))[0][0])
        return False

    async def bare(self) -> traces.Bare:
        """Which of the names stand in digests without backticks; asked once."""
        if self._bare is None:
            table, column = (
                await self._is_bare(self._change.table.name),
                await self._is_bare(self._change.column),
            )
            self._bare = traces.Bare(table=table, column=column)
        return self._bare

    async def _is_bare(self, name: str) -> bool:
        query = traces.Bare.probe(name)
        if query is None:
            return False
        try:
            await self._lane.rows(query)
        except (Refused, BadExpression):
            return False  # a reserved word
        return True
