"""The plan as a script for the server's own client: it runs as it is, again and again, and does each thing once.

Each statement stands behind the question whether the catalog shows it done, as when the console runs it. What the
console adds to that (retries, the queue guard, the throttle, waiting for deploys) a script can't do, and it says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from console.plan import Phase, Plan, Statement
from console.plan_text.mysql import MySqlClient
from console.plan_text.paper import comment, commented, ended
from console.plan_text.psql import Psql

Client = Psql | MySqlClient

_ABOUT = """\
-- Run it with:  {usage}
-- It may be run again at any time: what the catalog shows as done is not done twice.
--
-- What the console adds and a script can't: it tries again when a lock is not to be had, cancels a statement when
-- sessions queue behind it, holds the backfill back when a replica lags, waits for deploys, and looks at the
-- evidence before it goes on.
"""


def sql(plan: Plan, lock_timeout: float = 1.0) -> str:
    """The script; `lock_timeout` in seconds, for the statements that are guarded by it."""
    return "\n".join(_lines(plan, lock_timeout)) + "\n"


def _lines(plan: Plan, lock_timeout: float) -> Iterator[str]:
    yield from comment(
        f"Plan for {plan.title} on {plan.server.name}, {plan.server.kind} {plan.server.version}"
    )
    yield from comment(f"plan {plan.digest}")
    yield "--"
    client: Client = Psql() if plan.server.kind == "postgresql" else MySqlClient()
    yield _ABOUT.format(usage=client.usage)
    for proposal in plan.proposals:
        yield from comment(proposal)
    yield from client.begin(plan)
    guarded: bool | None = None
    for phase in plan.phases:
        yield ""
        if phase.left_out:
            yield from comment(f"{phase.name}: left out, {phase.left_out}")
            continue
        yield from _heading(phase, client)
        for statement in phase.statements:
            if statement.guarded is not guarded:
                guarded = statement.guarded
                yield client.timeout(lock_timeout if guarded else 0)
            yield from _statement(statement, client)
    yield ""
    yield from _undo(plan)


def _heading(phase: Phase, client: Client) -> Iterator[str]:
    yield from comment(f"{phase.name}: {phase.purpose}")
    for evidence in phase.evidence:
        yield from comment(f"  passes when: {evidence}")
    if phase.does == "gate":
        yield from comment("  Here the console waits, and the script does not.")
    if phase.statements:
        yield client.tell(phase.name)


def _statement(statement: Statement, client: Client) -> Iterator[str]:
    lock = statement.lock or "no lock"
    yield from comment(f"{statement.name}: {lock}; holds up {statement.conflicts}")
    yield from client.statement(statement)


def _undo(plan: Plan) -> Iterator[str]:
    yield "-- To undo it, up to where it came, from the last phase to the first:"
    for phase in reversed(plan.phases):
        if phase.left_out:
            continue
        yield from comment(f"  {phase.name}: {phase.undo_text}")
        for statement in phase.undo:
            yield from commented(ended(statement.sql))
