"""Where a walk left its plan: in sentences, each of which a reviewer would want to ask about."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from console import events
from console.recording import Recording
from console.report.parts import Keys, PhaseDone, Turn
from console.report.statements import StatementDone
from console.session import Session
from console.words import duration, plural


def deviations(
    recording: Recording,
    final: Session,
    *,
    phases: tuple[PhaseDone, ...],
    statements: tuple[StatementDone, ...],
    actions: tuple[Turn, ...],
    keys: tuple[Keys, ...],
) -> tuple[str, ...]:
    """All that did not go as planned; empty where everything did."""
    return (
        *_runs(recording),
        *_control(recording),
        *_phases(phases, actions),
        *_held_up(recording, phases),
        *_statements(statements),
        *_keys(keys, final),
        *_limits(final),
        *_estimate(final, phases),
    )


def _runs(recording: Recording) -> Iterator[str]:
    resumed = sum(
        1 for _, event in recording.of(events.Header) if isinstance(event, events.Header) and event.resumed
    )
    if resumed:
        yield f"The session was interrupted, and taken up again {plural(resumed, 'time')}."
    digests = [
        event.plan.digest for _, event in recording.of(events.Planned) if isinstance(event, events.Planned)
    ]
    changed = sum(1 for one, other in pairwise(digests) if one != other)
    if changed:
        yield f"The plan was made anew, and differed, {plural(changed, 'time')}."


def _phases(phases: tuple[PhaseDone, ...], actions: tuple[Turn, ...]) -> Iterator[str]:
    against = {turn.phase: turn for turn in actions if turn.what == "skip-gate" and turn.result == "done"}
    for phase in phases:
        turn = against.get(phase.name)
        missing = [piece.name for piece in phase.evidence if not piece.holds]
        if turn is not None:
            why = turn.reason or "(no reason)"
            yield f"{phase.name} was passed against its evidence by {turn.who}, because: {why}."
        elif phase.outcome == "skipped":
            yield f"{phase.name} was skipped" + (f": {phase.text}." if phase.text else ".")
        elif phase.outcome == "passed" and missing:
            yield f"{phase.name} passed although not all its evidence held: {', '.join(missing)}."
        if phase.outcome in ("parked", "failed", "undone"):
            yield f"{phase.name} is {phase.outcome}" + (f": {phase.text}." if phase.text else ".")
        elif phase.outcome in ("ahead", "running"):
            yield (
                f"{phase.name} was not reached."
                if phase.outcome == "ahead"
                else f"{phase.name} was not finished."
            )


def _control(recording: Recording) -> Iterator[str]:
    for _, event in recording.of(events.ControlChanged):
        if isinstance(event, events.ControlChanged) and event.how == "taken-over" and event.owner is not None:
            had = f" from {event.by}" if event.by else ""
            why = f", because: {event.reason}" if event.reason else ""
            yield f"{event.owner.name} took control over{had}{why}."


def _held_up(recording: Recording, phases: tuple[PhaseDone, ...]) -> Iterator[str]:
    """What parked before it went on, stops, batches that were tried again, and readings that could not be had."""
    came_on = {phase.name for phase in phases if phase.outcome not in ("parked", "failed")}
    parked: dict[str, list[str]] = {}
    for _, event in recording.of(events.PhaseEnded):
        if isinstance(event, events.PhaseEnded) and event.outcome in ("parked", "failed"):
            parked.setdefault(event.phase, []).append(event.text)
    for name, whys in parked.items():
        if name in came_on:
            why = f", the last time because: {whys[-1]}" if whys[-1] else ""
            yield f"{name} stopped {plural(len(whys), 'time')} before it went on{why}."
    paused = sum(
        isinstance(event, events.StateChanged) and event.state == "paused"
        for _, event in recording.of(events.StateChanged)
    )
    if paused:
        yield f"It was paused {plural(paused, 'time')}."
    totals = recording.final.totals
    if totals.throttled_s:
        yield f"The throttle stopped the backfill for {duration(totals.throttled_s)} in all."
    if totals.batch_retries:
        yield f"{plural(totals.batch_retries, 'batch')} had to be tried again."
    failed: dict[str, list[str]] = {}
    for _, event in recording.of(events.ReadingFailed):
        if isinstance(event, events.ReadingFailed):
            failed.setdefault(event.reading, []).append(event.why)
    for reading, whys in failed.items():
        yield f"The reading of {reading} failed {plural(len(whys), 'time')}: {whys[-1]}."


def _statements(statements: tuple[StatementDone, ...]) -> Iterator[str]:
    for one in statements:
        if one.outcome in ("error", "cancelled", "lost", "unfinished"):
            yield f"{one.name} ({one.phase}) came to no end: {one.outcome}" + (
                f", {one.text}." if one.text else "."
            )
        elif one.tries > 1:
            held = f", held by {', '.join(one.held_by)}" if one.held_by else ""
            got = one.outcome in ("done", "already-done")
            tries = f"took {one.tries} tries to get its lock" if got else f"got no lock in {one.tries} tries"
            yield f"{one.name} ({one.phase}) {tries}{held}."


def _keys(keys: tuple[Keys, ...], final: Session) -> Iterator[str]:
    skipped = [one for one in keys if one.what == "skipped"]
    if skipped:
        total = sum(one.total for one in skipped)
        yield f"{plural(total, 'row')} left out of the backfill, and listed."
    if final.totals.differences:
        yield f"Verification found {plural(final.totals.differences, 'difference')}."


def _limits(final: Session) -> Iterator[str]:
    limits = final.header.limits if final.header else {}
    lag = limits.get("replication_lag")
    for name, most in final.totals.max_replication_lag_s.items():
        if lag and most > lag:
            yield f"{name} was up to {duration(most)} behind; the limit is {duration(lag)}."
    queue = limits.get("lock_queue")
    if queue and final.totals.max_lock_queue > queue:
        yield f"Up to {final.totals.max_lock_queue} sessions queued behind us; the limit is {queue:g}."


def _estimate(final: Session, phases: tuple[PhaseDone, ...]) -> Iterator[str]:
    guess = final.preflight.estimate if final.preflight else None
    took = sum(phase.seconds for phase in phases if phase.name == "backfill" and phase.outcome == "passed")
    if guess is None or not guess.rows or took <= guess.seconds_high:
        return
    # What is the same in words is as expected: "took 1 min 0 s, expected 1 min 0 s" is no deviation.
    if duration(took) != duration(guess.seconds_high):
        yield f"The backfill took {duration(took)}; preflight expected {duration(guess.seconds_high)} at most."
