"""Whose transactions hold the tables that a statement locks: which tables, who is not about to go, what is news.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from console import events
from console.plan import DROP_PROGRESS, Phase, Plan, Statement

AUTOVACUUM = "autovacuum worker"
"""What it calls itself. It is no obstacle: it is asked to give way."""
OLD_TRANSACTION = 2.0
"""Seconds: a transaction on the table that is older is not about to end while we wait for its lock."""
EXCLUSIVE = ("ACCESS EXCLUSIVE", "EXCLUSIVE")
"""Locks that conflict with every holder (PostgreSQL; MySQL and MariaDB): of others, it is not known whom they meet."""
LOOKED_AT = 4
"""Tables at most: each is a query a second."""
LISTED = 5
"""Holders that are told one by one."""
SAME = 1.0
"""Seconds by which the beginning of a transaction may be corrected without being news."""


def locked(plan: Plan, statement: Statement) -> tuple[str, ...]:
    """The tables (as SQL) that the statement locks."""
    return tuple(table for table in (statement.on or plan.table, statement.also_on) if table)


def locked_by(plan: Plan, phase: Phase) -> tuple[str, ...]:
    """The tables of the application whose every holder a phase of statements waits for; none for other phases.

    The change's own stands for its partitions, and first.
    """
    if phase.does != "statements":
        return ()
    theirs = (statement for statement in phase.statements if statement.name != DROP_PROGRESS)
    exclusive = (statement for statement in theirs if statement.lock.startswith(EXCLUSIVE))
    tables = dict.fromkeys(table for statement in exclusive for table in locked(plan, statement))
    return tuple(sorted(tables, key=lambda table: table != plan.table))[:LOOKED_AT]


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


Who = tuple[int, float]
"""A session: its id and its start."""


class Holders:
    """The holders as read so far, and as they were told.

    Some begin at a time that can't be read: a prepared transaction, LOCK TABLES, or one that our role may not see.
    Such a holder counts as old when it has been seen, at each reading, for as long as an old transaction is open.
    """

    def __init__(self) -> None:
        self.told = events.TableHeld()
        self._since: dict[Who, float] = {}
        """When a holder whose beginning is not known was first seen."""

    def update(
        self, tables: tuple[str, ...], holders: Iterable[events.ServerSession], now: float
    ) -> events.TableHeld | None:
        """Take in a new reading, at `now`: what to tell of it, or None where nothing changed."""
        found = tuple({_who(session): session for session in holders}.values())
        unknown = [one for one in found if one.transaction_began is None and one.application != AUTOVACUUM]
        self._since = {_who(one): self._since.get(_who(one), now) for one in unknown}
        lasting = [one for one in unknown if now - self._since[_who(one)] > OLD_TRANSACTION]
        these = (*old(found, now), *lasting)
        others = max(0, len(these) - LISTED)
        return self._news(events.TableHeld(tables=tables, holders=these[:LISTED], others=others))

    def forget(self) -> events.TableHeld | None:
        """Nothing is known any more, or wanted: what to tell of that."""
        self._since = {}
        return self._news(events.TableHeld())

    def _news(self, held: events.TableHeld) -> events.TableHeld | None:
        if _same(held, self.told):
            return None
        self.told = held
        return held


def _who(session: events.ServerSession) -> Who:
    return session.pid, session.started


def _same(one: events.TableHeld, other: events.TableHeld) -> bool:
    """Whether both say the same: another query of the same transaction is no news."""
    return (
        (one.tables, one.others) == (other.tables, other.others)
        and [_who(session) for session in one.holders] == [_who(session) for session in other.holders]
        and all(
            abs((a.transaction_began or 0.0) - (b.transaction_began or 0.0)) < SAME
            for a, b in zip(one.holders, other.holders, strict=True)
        )
    )
