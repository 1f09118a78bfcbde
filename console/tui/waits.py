"""Who holds up whom: the lock waits that are read now, and those who hold while nobody waits yet. Pure.

Between two tries nobody waits, so the readings show nothing; who held the table when the try failed is known all the
same, and is who must be dealt with. Before a phase that locks a table, that are the old transactions on it.
"""

from __future__ import annotations

from console.events import LockWait, ServerSession
from console.narrate import was_sent
from console.session import Session, StatementView

NOT_SENT, WAITS = "NOT SENT", "WAITS"
"""What stands for the mode of our statement between two tries: held back by us, or timed out."""


def waits(session: Session) -> tuple[LockWait, ...]:
    """The lock waits, and those who hold what our next or last try needs although they do not show as waits."""
    known = _of_our_try(session)
    held = session.held
    if held is None:
        return known
    there = {wait.session.pid for wait in known}
    on = " or ".join(held.tables)
    roots = (
        LockWait(session=holder, blocked_by=(), on=on, began=holder.transaction_began or 0.0)
        for holder in held.holders
        if holder.pid not in there
    )
    return (*roots, *known)


def _of_our_try(session: Session) -> tuple[LockWait, ...]:
    tried = last_try(session)
    if tried is None:
        return session.lock_waits
    known = {wait.session.pid for wait in session.lock_waits}
    read = tried.pid in known or any(wait.session.ours for wait in session.lock_waits)
    if read and tried is not session.statement:
        # The try that runs is in the tree: whom the one before met may have gone.
        return session.lock_waits
    roots = tuple(
        LockWait(session=held, blocked_by=(), on=_table(session), began=tried.began)
        for held in tried.holders
        if held.pid not in known
    )
    if read:
        return (*roots, *session.lock_waits)
    ours = LockWait(
        session=ServerSession(pid=tried.pid, application="column-console", query=tried.sql, ours=True),
        blocked_by=tuple(held.pid for held in tried.holders),
        mode=WAITS if was_sent(tried.text) else NOT_SENT,
        on=_table(session),
        began=tried.began,
    )
    return (*roots, *session.lock_waits, ours)


def last_try(session: Session) -> StatementView | None:
    """The last try for a lock that met holders, while it is what our statement still stands at; else None."""
    tried = session.statement
    if session.ended is not None or tried is None or tried.phase != session.phase:
        return None
    if tried.outcome is None and tried.attempt > 1 and session.statements:
        # The next try has begun: until it is read in the tree, what the one before met is the newest there is.
        before = session.statements[-1]
        tried = before if before.name == tried.name else tried
    return tried if tried.outcome in ("lock-timeout", "queue-guard") and tried.holders else None


def find(session: Session, pid: int) -> LockWait | None:
    """The wait, or the hold, of a database session."""
    return next((wait for wait in waits(session) if wait.session.pid == pid), None)


def _table(session: Session) -> str:
    return session.header.table if session.header else ""
