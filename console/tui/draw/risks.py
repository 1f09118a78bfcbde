"""What could go wrong if a statement that takes a lock ran now: from the readings of this second, and from what
preflight found."""

from __future__ import annotations

from console.narrate import holder
from console.plan import Phase
from console.tui.draw.readings import OLD_TRANSACTION
from console.tui.lines import Line, line, paragraph
from console.tui.view import View
from console.words import age, plural

Risk = tuple[str, str, str]
"""A word (`OK`, `LOOK`, `BAD`), its style, and a sentence."""


def draw(view: View, phase: Phase | None, width: int) -> list[Line]:
    """One line for each thing to look at, with a word for how it looks."""
    lines = []
    for word, style, sentence in risks(view, phase):
        rows = paragraph(sentence, max(12, width - 9))
        lines.append(Line((*line((f"  {word:<6} ", style)).spans, *rows[0].spans)))
        lines += [line(" " * 9, *row.spans) for row in rows[1:]]
    return lines


QUEUES = "while it waits"
"""What a plan says of a lock that the application's statements queue behind: its `conflicts` have these words."""


def worth_a_look(view: View, phase: Phase | None) -> int:
    """How many of the risks are neither as they should be nor mere notes."""
    return sum(word not in ("OK", "NOTE") for word, _, _ in risks(view, phase))


def risks(view: View, phase: Phase | None) -> list[Risk]:
    """What to look at before this phase, the worst not first: each has its place."""
    queues = phase is None or any(QUEUES in statement.conflicts for statement in phase.statements)
    found = [
        *_readings(view),
        *_transactions(view, phase, queues=queues),
        *_holders(view),
        *_waits(view),
        *_replicas(view),
        *_found(view),
    ]
    if phase is not None and not phase.statements:
        return [risk for risk in found if risk[0] != "OK"]
    return found


def _readings(view: View) -> list[Risk]:
    session = view.session
    found: list[Risk] = [
        ("BLIND", "err", f"{name} can't be read: {failure.why}") for name, failure in session.failures.items()
    ]
    if session.sample is not None and view.is_old(session.sample.t):
        found.append(("OLD", "warn", f"the last reading is {age(view.now - session.sample.t)} old"))
    return found


def _transactions(view: View, phase: Phase | None, *, queues: bool) -> list[Risk]:
    sample = view.session.sample
    if sample is None:
        return [("BLIND", "err", "there is no reading yet")]
    found: list[Risk] = []
    oldest = sample.oldest_transaction
    if oldest is not None:
        open_for = view.now - oldest
        said = f"the oldest transaction has been open for {age(open_for)}"
        danger = _danger(view, phase) if open_for > OLD_TRANSACTION else ""
        found.append(("LOOK", "warn", f"{said}: {danger}") if danger else ("OK", "ok", said))
    if sample.active is not None:
        rate = sample.transactions_per_second
        busy = f", {rate:.0f} transactions/s" if rate is not None else ""
        queue = (
            ""
            if rate is None or not queues
            else f": about {_queue(view, rate)} would queue in the time that a lock may take"
        )
        found.append(("NOTE", "label", f"{plural(sample.active, 'session')} at work{busy}{queue}"))
    return found


def _danger(view: View, phase: Phase | None) -> str:
    """What an old transaction, wherever it is at work, does to the phase; empty: nothing that is known."""
    if phase is not None and any("CONCURRENTLY" in statement.sql for statement in phase.statements):
        return "the build may wait until it ends"
    # Those that hold the table are told one by one, where they can be read.
    return "a lock may wait for it" if view.session.held is None else ""


def _holders(view: View) -> list[Risk]:
    """Old transactions on the tables that the phase locks."""
    held = view.session.held
    if held is None:
        return []
    on = " or ".join(held.tables)
    if not held.holders:
        return [("OK", "ok", f"no old transaction holds {on}")]
    found: list[Risk] = []
    for session in held.holders:
        if session.transaction_began is None:
            found.append(
                (
                    "LOOK",
                    "warn",
                    f"{holder(session)} holds {on}, since when is not known: a lock may wait for it",
                )
            )
        else:
            open_for = age(view.now - session.transaction_began)
            found.append(
                ("BAD", "err", f"{holder(session)} has held {on} for {open_for}: a lock would wait for it")
            )
    if held.others:
        found.append(("BAD", "err", f"and {plural(held.others, 'more old transaction')}"))
    return found


def _queue(view: View, rate: float) -> str:
    limits = view.session.header.limits if view.session.header else {}
    most, timeout = limits.get("lock_queue", 10.0), limits.get("lock_timeout", 1.0)
    return plural(int(min(most, rate * timeout)), "session")


def _waits(view: View) -> list[Risk]:
    waits = view.session.lock_waits
    waiting = [wait for wait in waits if wait.mode]
    if not waiting:
        return [("OK", "ok", "nobody waits for a lock on the table")]
    found: list[Risk] = [("BAD", "err", f"{plural(len(waiting), 'session')} waiting for a lock already")]
    found += [("BAD", "err", f"{holder(wait.session)} holds {wait.on}") for wait in waits if not wait.mode]
    return found


def _replicas(view: View) -> list[Risk]:
    session = view.session
    limit = session.header.limits.get("replication_lag") if session.header else None
    found: list[Risk] = []
    for replica in session.sample.replicas if session.sample else ():
        why = f": {replica.why}" if replica.why else ""
        lag = "lag not known" if replica.lag is None else f"{replica.lag:.1f} s behind"
        said = f"{replica.name} is {replica.state}, {lag}{why}"
        bad = (
            replica.state != "streaming" or replica.lag is None or (limit is not None and replica.lag > limit)
        )
        found.append(("BAD", "err", said) if bad else ("OK", "ok", said))
    return found


def _found(view: View) -> list[Risk]:
    """What preflight warned of, once more: it is easily forgotten by the time it matters."""
    preflight = view.session.preflight
    if preflight is None:
        return []
    return [
        ("LOOK", "warn", f"preflight: {finding.seen}")
        for finding in preflight.findings
        if finding.severity != "note"
    ]
