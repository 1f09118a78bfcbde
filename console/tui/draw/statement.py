"""The statement being run: which of how many, its lock, how long it has been at it, who holds what it waits for."""

from __future__ import annotations

import re
from functools import lru_cache

from console.events import LockWait
from console.narrate import holder, was_sent
from console.plan import Phase
from console.session import StatementView
from console.tui.lines import Line, Part, harmless, line, paragraph, wrap
from console.tui.view import View
from console.words import age, duration, plural

WORDS = re.compile(
    r"\b(ADD|ALTER|AND|AS|BEFORE|BEGIN|BY|CASCADE|CHECK|COLUMN|COMMENT|COMMIT|CONCURRENTLY|CONSTRAINT|CREATE|DEFAULT|"
    r"DELETE|DISTINCT|DROP|EACH|ELSE|END|EXECUTE|EXISTS|FOREIGN|FROM|FUNCTION|IF|IN|INDEX|INSERT|INTO|IS|KEY|LANGUAGE|"
    r"LIMIT|NOT|NULL|ON|OR|ORDER|REFERENCES|RETURN|RETURNING|RETURNS|ROW|SELECT|SET|TABLE|THEN|TRIGGER|UPDATE|USING|"
    r"VALID|VALIDATE|VALUES|WHEN|WHERE|WITH)\b"
)


def sql(text: str, width: int, indent: str = "  ") -> list[Line]:
    """SQL as lines, its words set apart; its own line breaks are kept."""
    return list(_sql(text, width, indent))


@lru_cache(maxsize=128)
def _sql(text: str, width: int, indent: str) -> tuple[Line, ...]:
    """Remembered, because the same statement is drawn each second."""
    out = []
    for written in text.splitlines() or [""]:
        stripped = written.lstrip(" ")
        deeper = indent + " " * min(12, len(written) - len(stripped))
        for row in wrap(harmless(stripped), max(8, width - len(deeper))):
            parts: list[Part] = [deeper]
            at = 0
            for found in WORDS.finditer(row):
                parts += [(row[at : found.start()], "sql"), (found[0], "word")]
                at = found.end()
            out.append(line(*parts, (row[at:], "sql")))
    return tuple(out)


def draw(view: View, phase: Phase | None, width: int) -> list[Line]:
    """The statement of the current phase that runs or was tried last; before that, nothing."""
    running = view.session.statement
    if running is None or running.phase != view.session.phase:
        return _of_plan(view, phase, width)
    # A try that was not sent told nothing of its statement: that stands in the plan.
    planned = next((step for step in phase.statements if step.name == running.name), None) if phase else None
    text = running.sql or (planned.sql if planned else "")
    lock = running.lock or (planned.lock if planned else "")
    lines = [_head(view, phase, running)]
    lines += sql(text, width) if text else []
    if lock:
        lines.append(line(("lock ", "label"), lock))
    lines += _wait(view, running, width)
    return lines


def _of_plan(view: View, phase: Phase | None, width: int) -> list[Line]:
    """A backfill repeats one statement and sends no event for each time."""
    current = view.current
    if phase is None or current is None or current.state != "running" or not phase.statements:
        return []
    batch = next((statement for statement in phase.statements if statement.cost == "batches"), None)
    if batch is None:
        return []
    lock = f"   {batch.lock}" if batch.lock else ""
    return [line(("repeated for each batch", "label"), (lock, "label")), *sql(batch.sql, width)]


def _head(view: View, phase: Phase | None, running: StatementView) -> Line:
    names = [statement.name for statement in phase.statements] if phase else []
    which = f"{names.index(running.name) + 1} of {len(names)} " if running.name in names else ""
    parts: list[Part] = [("statement ", "label"), which, (running.name, "strong"), "   "]
    limits = view.session.header.limits if view.session.header else {}
    retries = limits.get("lock_retries")
    if running.attempt > 1 or running.outcome in ("lock-timeout", "queue-guard"):
        tries = f"try {running.attempt}" + (f" of {retries + 1:g}" if retries is not None else "")
        parts += [(tries, "warn"), "   "]
    if running.outcome is None:
        parts.append((f"RUNS for {age(view.now - running.began)}", "ok"))
    else:
        parts.append(ended(running))
    return line(*parts)


def ended(statement: StatementView) -> tuple[str, str]:
    """How a try ended, in words with their style."""
    match statement.outcome:
        case None:
            return "", ""
        case "done":
            return f"DONE in {duration(statement.seconds)}", "ok"
        case "already-done":
            return "DONE before", "ok"
        case _ if not was_sent(statement.text):
            return "NOT SENT", "err"
        case outcome:
            return f"{outcome.replace('-', ' ').upper()} after {duration(statement.seconds)}", "err"


def _wait(view: View, running: StatementView, width: int) -> list[Line]:
    """Who holds what it waits for, now or at the last try; and when the next try is."""
    lines: list[Line] = []
    waits = {wait.session.pid: wait for wait in view.session.lock_waits}
    ours = waits.get(running.pid) if running.pid else _our_wait(view)
    if running.outcome is None and ours is not None and ours.mode:
        lines.append(line(("WAITS ", "warn"), f"for {ours.mode} for {age(view.now - ours.began)}"))
        for pid in ours.blocked_by[:3]:
            blocker = waits.get(pid)
            said = holder(blocker.session) if blocker else f"pid {pid}"
            lines += paragraph(f"behind {said}", width, "warn", "  ")
        behind = sum(1 for wait in waits.values() if ours.session.pid in wait.blocked_by)
        if behind:
            lines.append(line(("  ", ""), (f"{plural(behind, 'session')} behind it", "warn")))
    if running.outcome not in (None, "done", "already-done"):
        for held in running.holders[:3]:
            lines += paragraph(f"held by {holder(held)}", width, "warn", "  ")
        if running.queued:
            lines.append(line((f"  {plural(running.queued, 'session')} queued behind it", "warn")))
        if running.text:
            lines += paragraph(running.text, width, "err", "  ")
    if running.next_try_at is not None and running.outcome is not None:
        left = max(0.0, running.next_try_at - view.now)
        lines.append(line(("  next try in ", "label"), (age(left), "strong")))
    return lines


def _our_wait(view: View) -> LockWait | None:
    return next((wait for wait in view.session.lock_waits if wait.session.ours and wait.mode), None)
