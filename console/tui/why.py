"""Why an action can't be used now, as far as the session tells: one sentence, empty where it can. Pure."""

from __future__ import annotations

from console.session import Session
from console.tui.waits import waits
from console.words import count

STEPS = (5, 10, 25, 50, 75, 100)
"""Percent: the steps of the throttle."""


def percent(session: Session) -> float:
    """How fast the operator lets it go."""
    own = session.operator_throttle
    return own.percent if own is not None else 100.0


def below(now: float) -> int | None:
    """The next lower percentage, None at the lowest."""
    return max((step for step in STEPS if step < now), default=None)


def above(now: float) -> int | None:
    """The next higher percentage, None at 100."""
    return min((step for step in STEPS if step > now), default=None)


def no_backfill(session: Session) -> str:
    """There is nothing to throttle."""
    if session.plan is None:
        return "there is no plan yet"
    if not any(phase.does == "backfill" and not phase.left_out for phase in session.plan.phases):
        return "this plan has no backfill"
    return ""


def slower(session: Session) -> str:
    """The pace is at its lowest."""
    reason = no_backfill(session)
    return reason or ("" if below(percent(session)) else f"it is at its lowest, {STEPS[0]} %: pause instead")


def faster(session: Session) -> str:
    """The pace is at its highest, or bound otherwise."""
    missing = no_backfill(session)
    if missing or above(percent(session)):
        return missing
    own = session.operator_throttle
    if own is not None and own.rows_per_second and (own.expires is None or own.expires > session.t):
        bound = count(own.rows_per_second)
        return f"it is at 100 %, but bound to {bound} rows/s by {own.by}: v, then off, lifts that"
    limit = session.header.limits.get("rows_per_second", 0.0) if session.header else 0.0
    if limit:
        return f"it is at 100 %, but the change file allows {count(limit)} rows/s at most"
    return "nothing of yours holds it back: 100 %"


def pause(session: Session) -> str:
    """Nothing runs."""
    if session.state in ("running", "paused"):
        return ""
    return {
        "starting": "the runner is starting",
        "waiting": "nothing runs: it waits for you",
        "parked": "it is parked: retry takes it on",
    }.get(session.state, f"it is {session.state}")


def advance(session: Session) -> str:
    """No phase waits."""
    if session.state == "waiting":
        return ""
    current = session.current
    name = current.title if current else "a phase"
    return {
        "starting": "the runner is starting",
        "running": f"{name} is running: the next phase comes after it",
        "paused": "it is paused: resume first",
        "parked": "it is parked: retry, or skip",
    }.get(session.state, f"it is {session.state}")


def retry(session: Session) -> str:
    """Nothing is parked."""
    return "" if session.state == "parked" else "nothing is parked"


def skip(session: Session) -> str:
    """No gate waits."""
    if session.state == "waiting" and session.waits_for == "evidence":
        return ""
    return "no gate waits for evidence"


def skip_rows(session: Session) -> str:
    """No row fails."""
    if session.state != "parked":
        return "nothing is parked"
    return "" if any(keys.what == "failing" for keys in session.keys) else "no row fails"


def cancel(session: Session) -> str:
    """No statement runs."""
    running = session.statement
    return "" if running is not None and running.outcome is None else "no statement is running"


def statement(session: Session) -> str:
    """No statement is known."""
    return "" if session.statement is not None or session.plan is not None else "there is no statement yet"


def findings(session: Session) -> str:
    """Preflight has not looked."""
    return "" if session.preflight is not None else "preflight has not looked yet"


def asked(session: Session) -> str:
    """No action waits."""
    return "" if session.open_actions else "no action waits"


def picked(session: Session) -> str:
    """Nobody waits for a lock."""
    return "" if waits(session) else "nobody waits for a lock"
