"""Whose transactions hold the tables that a statement locks. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from console import events
from console.plan import Phase, Plan, Statement

AUTOVACUUM = "autovacuum worker"
"""What it calls itself. It is no obstacle: it is asked to give way."""
OLD_TRANSACTION = 2.0
"""Seconds: a transaction on the table that is older is not about to end while we wait for its lock."""
DROP_PROGRESS = "drop-progress"
"""The statement that locks a table of ours alone."""
LOOKED_AT = 4
"""Tables: of a thousand partitions, whoever reads them through their parent holds that too."""
SAME = 1.0
"""Seconds by which the beginning of a transaction may be corrected without being news."""


def locked(plan: Plan, statement: Statement) -> tuple[str, ...]:
    """The tables (as SQL) that the statement locks."""
    return tuple(table for table in (statement.on or plan.table, statement.also_on) if table)


def locked_by(plan: Plan, phase: Phase) -> tuple[str, ...]:
    """The tables of the application that a phase of statements locks, the first few; none for other phases."""
    if phase.does != "statements":
        return ()
    locking = (
        statement for statement in phase.statements if statement.lock and statement.name != DROP_PROGRESS
    )
    tables = (table for statement in locking for table in locked(plan, statement))
    return tuple(dict.fromkeys(tables))[:LOOKED_AT]


def old(holders: Iterable[events.ServerSession], now: float) -> tuple[events.ServerSession, ...]:
    """Those whose transaction is not about to end, the oldest first; `now` on the session's clock.

    >>> began = {1: 9.0, 2: 5.0, 3: 1.0, 4: None}
    >>> everyone = [events.ServerSession(pid=pid, transaction_began=when) for pid, when in began.items()]
    >>> [session.pid for session in old(everyone, 10.0)]
    [3, 2]
    """
    found = [
        (session.transaction_began, session)
        for session in holders
        if session.transaction_began is not None
        and now - session.transaction_began > OLD_TRANSACTION
        and session.application != AUTOVACUUM
    ]
    return tuple(session for _, session in sorted(found, key=lambda pair: pair[0]))


def same(one: events.TableHeld, other: events.TableHeld) -> bool:
    """Whether both say the same: another query of the same transaction is no news.

    >>> held, busy, later = (
    ...     events.TableHeld(holders=(events.ServerSession(pid=7, query=query, transaction_began=began),))
    ...     for query, began in (("BEGIN", 3.0), ("SELECT ?", 3.1), ("BEGIN", 9.0))
    ... )
    >>> same(held, busy), same(held, later), same(held, events.TableHeld())
    (True, False, False)
    """
    return (
        (one.tables, one.others, len(one.holders)) == (other.tables, other.others, len(other.holders))
        and all(
            a.pid == b.pid and a.started == b.started for a, b in zip(one.holders, other.holders, strict=True)
        )
        and all(
            abs((a.transaction_began or 0.0) - (b.transaction_began or 0.0)) < SAME
            for a, b in zip(one.holders, other.holders, strict=True)
        )
    )
