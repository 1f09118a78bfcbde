"""A change under way on a test database, for tests of what its gates are shown."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

from console.change import Change
from console.databases.postgresql.evidence import PostgresEvidences
from console.databases.postgresql.statements import PostgresWriter
from console.databases.postgresql.worker import PostgresWorker
from console.events import Evidence
from console.plan import Plan, make_plan
from tests.databases.postgresql.changes import change_file, facts_of
from tests.servers.database import Database

Look = Callable[[], Awaitable[tuple[Evidence, ...]]]


class Proving(NamedTuple):
    """What a runner would have in its hands."""

    plan: Plan
    worker: PostgresWorker
    evidences: PostgresEvidences

    async def carry_out(self, *phases: str) -> None:
        """Runs the statements of these phases."""
        for name in phases:
            for statement in self.plan.phase(name).statements:
                await self.worker.run(statement, 1.0)


@contextlib.asynccontextmanager
async def proving(
    database: Database, wanted: Change, *, replica: bool = False, role: str = "deploy"
) -> AsyncIterator[Proving]:
    """The column is added, and the progress table there."""
    file = change_file(database, wanted, replica=replica, role=role)
    facts = await facts_of(file)
    worker = PostgresWorker(file, facts, None)
    evidences = PostgresEvidences(file, facts, worker, None)
    at_work = Proving(make_plan(file.change, facts, PostgresWriter(file.change, facts)), worker, evidences)
    try:
        if role == "deploy":
            await worker.connect()
            await at_work.carry_out("add-column")
        yield at_work
    finally:
        await evidences.close()
        await worker.close()


async def until_holds(look: Look, name: str, *, holds: bool = True) -> Evidence:
    """Looks until the evidence of that name holds (or does not). Fails after half a minute or more."""
    found: tuple[Evidence, ...] = ()
    for _ in range(300):
        found = await look()
        for piece in found:
            if piece.name == name and piece.holds == holds:
                return piece
        await asyncio.sleep(0.1)
    raise AssertionError(f"it never came: {name}; the last look gave {found}")
