"""What happened, in words: one line of narration for each event that a person would want to read.

The log on the screen, standard error of a headless run and the report all use these sentences, so that one
thing has one description everywhere. Pure.
"""

from __future__ import annotations

from console import events
from console.words import count, duration, plural

Line = tuple[str, str]
"""Level (`info`, `warning`, `error`) and text."""


def line(event: events.Event) -> Line | None:
    """The event as a line of the log, or None where it is not worth one."""
    match event:
        case events.Log(level=level, text=text):
            return level, text
        case events.Header(resumed=True, owner=owner, host=host):
            return (
                "warning",
                f"taken up again by {owner} on {host}: the runner before had gone, or had been ended",
            )
        case events.Note(text=text, by=by):
            return "info", f"note by {by}: {text}"
        case events.StateChanged():
            return _state(event)
        case events.PhaseBegan(phase=phase):
            return "info", f"{phase}: begins"
        case events.PhaseEnded():
            return _phase_ended(event)
        case events.PreflightDone(preflight=preflight):
            severities = [finding.severity for finding in preflight.findings]
            blockers, warnings = severities.count("blocker"), severities.count("warning")
            level = "error" if blockers else "warning" if warnings else "info"
            return level, f"preflight: {plural(blockers, 'blocker')}, {plural(warnings, 'warning')}"
        case events.StatementBegan(name=name, attempt=attempt, lock=lock):
            suffix = f", try {attempt}" if attempt > 1 else ""
            return "info", f"{name}: sent ({lock or 'no lock'}{suffix})"
        case events.StatementEnded():
            return _statement_ended(event)
        case events.Throttled(again=True):
            return None
        case events.Throttled(reasons=reasons):
            if not reasons:
                return "info", "throttle: none, the backfill runs freely"
            said = "; ".join(f"{r.name} {r.reading} (limit {r.limit})" for r in reasons)
            stops = any(reason.stops for reason in reasons)
            return (
                ("warning", f"throttle stops the backfill: {said}")
                if stops
                else ("info", f"throttle slows: {said}")
            )
        case events.OperatorThrottle(percent=percent, rows_per_second=rate, by=by):
            bound = f", at most {count(rate)} rows/s" if rate else ""
            return "info", f"throttle set to {percent:g} %{bound} by {by}"
        case events.KeysListed(what=what, keys=keys, total=total, text=text):
            shown = ", ".join(keys[:5]) + (", ..." if total > 5 else "")
            return "warning", f"{what} keys ({count(total)}): {shown}" + (f": {text}" if text else "")
        case events.ReadingFailed(reading=reading, why=why):
            return "warning", f"reading {reading} failed: {why}"
        case events.ReadingMended(reading=reading):
            return "info", f"reading {reading} is back"
        case events.Attached(client=client, owner=owner, role=role):
            return "info", f"{owner.name} attached as {role} ({client})"
        case events.Detached(name=name, why=why):
            return "info", f"{name} left" + (f": {why}" if why else "")
        case events.ActionChanged():
            return _action(event)
        case events.ControlChanged():
            return _control(event)
        case events.Ended(outcome=outcome, text=text):
            return ("info" if outcome == "completed" else "warning"), f"{outcome}: {text}"
        case _:
            return None


def _state(event: events.StateChanged) -> Line | None:
    if event.state in ("paused", "parked"):
        return ("warning" if event.state == "parked" else "info"), f"{event.state}: {event.reason}"
    if event.state == "waiting" and event.reason:
        return "info", f"waiting: {event.reason}"
    return None


def _phase_ended(event: events.PhaseEnded) -> Line:
    level = {"parked": "warning", "failed": "error", "skipped": "warning"}.get(event.outcome, "info")
    took = f" in {duration(event.seconds)}" if event.seconds >= 1 else ""
    return level, f"{event.phase}: {event.outcome}{took}" + (f" ({event.text})" if event.text else "")


def _statement_ended(event: events.StatementEnded) -> Line:
    took = duration(event.seconds)
    match event.outcome:
        case "done":
            return "info", f"{event.name}: done in {took}"
        case "already-done":
            return "info", f"{event.name}: the catalog shows it done already"
        case "lock-timeout" | "queue-guard":
            why = (
                f"no lock within {took}"
                if event.outcome == "lock-timeout"
                else f"{plural(event.queued, 'session')} queued behind it, cancelled after {took}"
            )
            if event.text:
                why = event.text
            held = "; held by " + ", ".join(holder(h) for h in event.holders[:3]) if event.holders else ""
            again = f"; next try in {duration(event.next_try)}" if event.next_try is not None else ""
            return "warning", f"{event.name}: try {event.attempt} of {event.attempts}: {why}{held}{again}"
        case "cancelled":
            return "warning", f"{event.name}: cancelled after {took} {event.text}".rstrip()
        case "lost":
            return "warning", f"{event.name}: connection lost after {took}; the catalog will tell"
        case "error":
            return "error", f"{event.name}: {event.text}"


def _control(event: events.ControlChanged) -> Line:
    why = f" because {event.reason}" if event.reason else ""
    if event.owner is None:
        return "info", f"{event.by} released control{why}: nobody has it"
    name = event.owner.name
    match event.how:
        case "handed-over":
            return "info", f"{event.by} handed control over to {name}{why}"
        case "taken-over":
            return "warning", f"{name} took control over{f' from {event.by}' if event.by else ''}{why}"
        case "back":
            return "info", f"{name} is back, and has control still"
        case _:
            return "info", f"{name} has control"


NOT_SENT = "not sent"
"""What the text of a try begins with that was over before its statement went to the server."""


def was_sent(text: str) -> bool:
    """Whether a try with this text came as far as the server.

    >>> was_sent(f"{NOT_SENT} while an old transaction holds the table"), was_sent("")
    (False, True)
    """
    return not text.startswith(NOT_SENT)


def asked(event: events.ActionChanged) -> str:
    """Who asked for what, and why.

    >>> ana = events.Owner(name="ana")
    >>> asked(events.ActionChanged(id="1", action="pause", state="running", owner=ana, reason="tea"))
    'ana asked for pause because tea'
    """
    why = f" because {event.reason}" if event.reason else ""
    return f"{event.owner.name} asked for {' '.join((event.action, *event.arguments))}{why}"


def _action(event: events.ActionChanged) -> Line | None:
    words = " ".join((event.action, *event.arguments))
    if event.state == "armed" and event.due is not None:
        # It waits for people, so people must know.
        why = f" because {event.reason}" if event.reason else ""
        return "warning", f"{event.owner.name}: {words}{why}: {event.text}"
    if event.state in events.OPEN_STATES:
        return None
    why = f" because {event.reason}" if event.reason else ""
    result = f": {event.text}" if event.text else ""
    level = "info" if event.state == "done" else "warning"
    return level, f"{event.owner.name}: {words}{why}: {event.state}{result}"


def holder(session: events.ServerSession) -> str:
    """A database session in a few words.

    >>> holder(events.ServerSession(pid=7, user="ana", application="psql", state="idle in transaction"))
    'pid 7 (ana, psql, idle in transaction)'
    """
    known = ", ".join(word for word in (session.user, session.application, session.state) if word)
    return f"pid {session.pid}" + (f" ({known})" if known else "")
