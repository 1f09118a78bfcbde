"""Carries plans out on a test database, statement by statement."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence

from console.change import Change, ChangeFile
from console.databases.base import Cursor, KeyValue
from console.databases.mysql.statements import MySqlWriter
from console.databases.mysql.worker import MySqlWorker
from console.facts import TableFacts
from console.plan import Plan, Statement, make_plan
from tests.databases.mysql.looking import change_file, facts_of
from tests.servers.mysql_database import MySqlDatabase

BEFORE_FINISH = ("add-column", "dual-writes", "backfill", "constraints", "indexes")


class Carried:
    """A change on a database, its plan, and a worker that is connected."""

    def __init__(self, file: ChangeFile, facts: TableFacts, plan: Plan, worker: MySqlWorker) -> None:
        self.file = file
        self.facts = facts
        self.plan = plan
        self.worker = worker
        self.start = Cursor(piece=facts.name)

    def statement(self, name: str) -> Statement:
        """The statement of the plan that is called so."""
        return next(one for phase in self.plan.phases for one in phase.statements if one.name == name)

    async def phases(self, *names: str) -> list[str]:
        """Carries phases out, each statement proved; the names of the statements that ran."""
        ran = []
        for phase in self.plan.phases:
            if phase.name not in names or phase.left_out:
                continue
            if phase.does == "backfill":
                await self.fill()
                continue
            for statement in phase.statements:
                await self.prove(statement)
                ran.append(statement.name)
        return ran

    async def prove(self, statement: Statement) -> None:
        """Runs a statement: not done before, done afterwards; what only looks may be done at once."""
        if statement.cost != "scan":
            assert not await self.worker.holds(statement.done_when), statement.name
            await self.worker.run(statement, 1.0)
        assert await self.worker.holds(statement.done_when), statement.name

    async def undo(self) -> None:
        """Undoes all that ran, each statement proved where there is something to undo."""
        for name in ("indexes", "constraints", "dual-writes", "add-column"):
            phase = self.plan.phase(name)
            for statement in () if phase.left_out else phase.undo:
                if not await self.worker.holds(statement.done_when):
                    await self.worker.run(statement, 1.0)
                assert await self.worker.holds(statement.done_when), statement.name

    async def gaps(self, leave_out: Sequence[KeyValue] = ()) -> int:
        """How many rows lack their value."""
        pieces = await self.worker.pieces()
        return sum(
            [(await self.worker.gaps(piece, None, 100_000, leave_out)).differences for piece in pieces]
        )

    async def fill(self, size: int = 700, item: str = "backfill") -> Cursor:
        """The whole backfill, or another walk like it."""
        cursor = Cursor()
        while not cursor.finished:
            cursor = (await self.worker.fill(item, cursor, size)).cursor
        return cursor


@contextlib.asynccontextmanager
async def carrying(database: MySqlDatabase, wanted: Change) -> AsyncIterator[Carried]:
    """A plan for a change, and a worker that is connected."""
    file = change_file(database, wanted)
    facts = await facts_of(database, wanted)
    plan = make_plan(wanted, facts, MySqlWriter(wanted, facts))
    worker = MySqlWorker(file, facts, None)
    await worker.connect()
    try:
        yield Carried(file, facts, plan, worker)
    finally:
        await worker.close()
