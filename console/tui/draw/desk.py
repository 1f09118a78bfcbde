"""What an operator had before them at a moment: who was there, what was open and pressed, how old each reading was,
and each statement with what it blocked. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple

from console.events import LockWaitsChanged, ServerSession
from console.narrate import asked, holder
from console.session import Client, Looking, Queue, StatementView
from console.tui import people
from console.tui.clock import clock
from console.tui.draw.statement import ended, sql
from console.tui.lines import Line, Part, left, line, paragraph
from console.tui.replay.tape import Tape
from console.tui.view import OLD, View
from console.words import age, duration, plural

STATEMENTS = 12
"""The last so many."""


class Blocked(NamedTuple):
    """A session that stood behind a statement of ours, and for how many seconds."""

    session: ServerSession
    mode: str
    seconds: float


Blocking = Callable[[StatementView], Sequence[Blocked]]


def blocked(tape: Tape, statement: StatementView, now: float) -> list[Blocked]:
    """Who waited behind a statement while it ran, as far as `now`, longest first: from the lock waits of that time.

    Directly, or behind somebody who did.
    """
    end = statement.began + statement.seconds if statement.outcome is not None else now
    first, last = bisect_left(tape.times, statement.began), bisect_right(tape.times, end)
    waits = {wait.session.pid: wait for wait in tape.at_event(first).lock_waits}
    queue = Queue(statement.began)

    def look(t: float) -> None:
        ours = {wait.session.pid for wait in waits.values() if wait.session.ours}
        queue.look(waits, ours | ({statement.pid} - {0}), t)

    look(statement.began)
    for event in tape.events[first:last]:
        if not isinstance(event, LockWaitsChanged):
            continue
        for pid in event.ended:
            waits.pop(pid, None)
        waits.update((wait.session.pid, wait) for wait in event.began)
        look(event.t)
    return [Blocked(wait.session, wait.mode, seconds) for wait, seconds in queue.over(end)]


def draw(view: View, width: int, blocking: Blocking) -> list[Line]:
    """All of it, the people first."""
    return [
        *_people(view, width),
        *_asked(view, width),
        Line(),
        *_readings(view, width),
        Line(),
        *_statements(view, width, blocking),
    ]


def _people(view: View, width: int) -> list[Line]:
    session = view.session
    lines = [line(("At the screens", "title"), (f"   {clock(session.header, view.now)}", "label"))]
    operators = sorted({client.name for client in session.clients if client.role == "operator"})
    if people.one_control(session):
        said, here = people.in_control(session, "")
        since = (
            f", since {clock(session.header, session.control.since)}" if session.control is not None else ""
        )
        lines.append(line("  ", (said, "strong" if here else "warn"), (since, "label")))
    elif operators:
        verb = "have" if len(operators) > 1 else "has"
        lines.append(line("  ", (" and ".join(operators), "strong"), f" {verb} control"))
    else:
        lines.append(line("  ", ("nobody has control", "warn")))
    if not session.clients:
        lines.append(line(("  nobody is attached", "label")))
    looking = {seen.client: seen for seen in session.looking}
    for client in session.clients:
        lines += _client(view, client, looking.get(client.client), width)
    return lines


def _asked(view: View, width: int) -> list[Line]:
    """What was asked for, and had no answer yet."""
    lines = []
    for action in view.session.open_actions:
        said = f"{asked(action)}, {age(view.now - action.t)} ago: {action.state}"
        lines += paragraph(said, width, "warn", "  ")
    return lines


def _client(view: View, client: Client, seen: Looking | None, width: int) -> list[Line]:
    role = ("OPERATOR", "ok") if client.role == "operator" else ("OBSERVER", "label")
    since = f"since {clock(view.session.header, client.since)}, for {age(view.now - client.since)}"
    lines = [
        line("  ", (left(client.name, 12), "strong"), " ", role, (f"  {client.client}, {since}", "label"))
    ]
    if client.claims:
        lines += paragraph(client.claims, width, "label", "    ")
    if seen is None:
        return [*lines, line(("    its screen told nothing of itself", "dim"))]
    if seen.dialog:
        lines += paragraph(f"{seen.dialog}: open for {age(view.now - seen.since)}", width, "warn", "    ")
    else:
        lines.append(line(("    no dialog is open", "label")))
    if seen.pressed_at is not None:
        ago = f"{clock(view.session.header, seen.pressed_at)}, {age(view.now - seen.pressed_at)} ago"
        lines += paragraph(f"pressed last: {seen.pressed} ({ago})", width, "", "    ")
    return lines


def _readings(view: View, width: int) -> list[Line]:
    session, sample = view.session, view.session.sample
    lines = [line(("The readings, and since when each was old", "title"))]
    if sample is None:
        return [*lines, line(("  none was taken yet", "label"))]
    readings = (
        ("locks", sample.locks_at),
        ("activity", sample.activity_at),
        ("replication", sample.replication_at),
        ("application", sample.application_at),
    )
    for name, at in readings:
        failed = session.failures.get(name)
        parts: list[Part] = ["  ", (left(name, 12), "label")]
        if at is None:
            parts.append(("not read", "dim"))
        else:
            parts.append(f"read {age(view.now - at):>3} ago  ")
            if view.is_old(at) and session.ended is None:
                parts.append((f"OLD since {clock(session.header, at + OLD)}", "err"))
            else:
                parts.append(("fresh", "ok"))
        lines.append(line(*parts))
        if failed is not None:
            when = clock(session.header, failed.t)
            lines += paragraph(f"CAN'T READ since {when}: {failed.why}", width, "err", "    ")
    return lines


def _statements(view: View, width: int, blocking: Blocking) -> list[Line]:
    session = view.session
    running = session.statement
    known = [*session.statements[-STATEMENTS:]]
    if running is not None and running.outcome is None:
        known.append(running)
    lines = [line(("The statements, the newest first, and what each blocked", "title"))]
    if not known:
        return [*lines, line(("  none was sent yet", "label"))]
    for statement in reversed(known):
        lines += _statement(view, statement, blocking(statement), width)
    return lines


def _statement(view: View, statement: StatementView, after: Sequence[Blocked], width: int) -> list[Line]:
    runs = (f"RUNS for {age(view.now - statement.began)}", "ok")
    outcome = runs if statement.outcome is None else ended(statement)
    tries = f", try {statement.attempt}" if statement.attempt > 1 else ""
    lines = [
        line(
            (f"  {clock(view.session.header, statement.began)} ", "label"),
            (statement.name, "strong"),
            f"{tries}  ",
            outcome,
            (f"  {statement.lock}" if statement.lock else "", "label"),
        )
    ]
    if statement.sql:
        lines += sql(statement.sql, width, "    ")
    if statement.text:
        lines += paragraph(statement.text, width, "err", "    ")
    if statement.holders:
        held = ", ".join(holder(session) for session in statement.holders[:3])
        lines += paragraph(f"held up by {held}", width, "warn", "    ")
    most = max(statement.queued, len(after))
    if after:
        longest = duration(after[0].seconds)
        lines += paragraph(f"blocked {plural(most, 'session')}, for up to {longest}:", width, "warn", "    ")
        for one in after[:8]:
            lines += paragraph(f"{holder(one.session)} for {duration(one.seconds)}", width, "", "      ")
    elif most:
        lines += paragraph(f"up to {plural(most, 'session')} stood behind it", width, "warn", "    ")
    else:
        lines.append(line(("    blocked nobody", "label")))
    return lines
