"""A session small enough for one line of the socket: whole where it fits, and else without what is long."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from console import events
from console.link.protocol import TO_CLIENT
from console.session import Session, snapshot


def fitting(session: Session, bound: int = TO_CLIENT) -> bytes:
    """The line of a snapshot, with its newline, of at most `bound` bytes.

    The oldest statements, keys and lines go first; then most lock waits; then the plan's SQL, which
    `column-console plan` prints; then the plan.
    """
    line = b""
    for shorten in _STEPS:
        session = shorten(session)
        line = events.encode(snapshot(session, whole=True)) + b"\n"
        if len(line) <= bound:
            break
    return line


def _whole(session: Session) -> Session:
    return session


def _recent(session: Session) -> Session:
    return replace(
        session,
        statements=session.statements[-50:],
        actions=session.actions[-50:],
        keys=session.keys[-5:],
        log=session.log[-100:],
        history=session.history[-240:],
    )


def _fewer_waits(session: Session) -> Session:
    return replace(session, lock_waits=session.lock_waits[:200], statements=session.statements[-5:], keys=())


def _short_plan(session: Session) -> Session:
    if session.plan is None:
        return session
    phases = tuple(
        replace(
            phase,
            statements=tuple(replace(one, sql=_cut(one.sql)) for one in phase.statements[:50]),
            undo=tuple(replace(one, sql=_cut(one.sql)) for one in phase.undo[:50]),
        )
        for phase in session.plan.phases
    )
    return replace(session, plan=replace(session.plan, phases=phases))


def _bare(session: Session) -> Session:
    return replace(
        session, plan=None, preflight=None, lock_waits=(), statements=(), statement=None, log=(), actions=()
    )


def _cut(sql: str) -> str:
    return sql if len(sql) <= 200 else sql[:200] + " ..."


_STEPS: tuple[Callable[[Session], Session], ...] = (_whole, _recent, _fewer_waits, _short_plan, _bare)
