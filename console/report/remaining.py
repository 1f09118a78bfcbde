"""What is left to do after a session, in sentences: each is a task for somebody."""

from __future__ import annotations

from collections.abc import Iterator

from console import events
from console.report.parts import Keys, PhaseDone, Turn
from console.session import Session
from console.words import plural

_THROUGH = ("passed", "already-done", "left-out", "skipped")


def remaining(
    final: Session,
    *,
    outcome: events.Outcome,
    torn: bool,
    phases: tuple[PhaseDone, ...],
    actions: tuple[Turn, ...],
    keys: tuple[Keys, ...],
) -> tuple[str, ...]:
    """All that is left; empty where nothing is."""
    return (
        *_end(torn),
        *_walk(final, outcome, phases),
        *_gates(phases, actions),
        *_rows(final, keys),
        *_readings(final),
    )


def _end(torn: bool) -> Iterator[str]:
    if torn:
        yield (
            "Find out first how it ended, from the whole recording or from the database: the end is missing here, and "
            "the rest of this list holds as far as the recording goes."
        )


def _walk(final: Session, outcome: events.Outcome, phases: tuple[PhaseDone, ...]) -> Iterator[str]:
    ahead = [phase for phase in phases if phase.outcome not in _THROUGH]
    if outcome == "rolled-back":
        left = [phase.name for phase in phases if phase.outcome in ("failed", "parked", "running")]
        if left:
            yield f"See whether anything is left in the database of {', '.join(left)}."
        yield "The column is not there: begin anew when the reason for the roll-back is mended."
        return
    if not ahead:
        return
    why = f" ({final.reason})" if final.ended is None and final.reason else ""
    names = ", ".join(phase.name for phase in ahead)
    run = "Run" if final.ended is not None else "Unless its runner is still at work, run"
    yield f"{run} the change file again to go on with {ahead[0].name}{why}: still to be done are {names}."
    begun = [phase.name for phase in phases if phase.outcome in _THROUGH and phase.outcome != "left-out"]
    unfinished = any(phase.name == "finish" for phase in ahead)
    if unfinished and {"add-column", "dual-writes"}.intersection(begun):
        yield (
            "Until finish has passed, the table of the progress, and the sync trigger where the plan has one, "
            "stay in the database."
        )


def _gates(phases: tuple[PhaseDone, ...], actions: tuple[Turn, ...]) -> Iterator[str]:
    against = {turn.phase for turn in actions if turn.what == "skip-gate" and turn.result == "done"}
    for phase in phases:
        missing = [piece for piece in phase.evidence if not piece.holds]
        if phase.name in against or (phase.outcome in ("passed", "skipped") and missing):
            seen = "; ".join(f"{piece.name}: {piece.seen}" for piece in missing) or "see its evidence"
            yield f"See to what {phase.name} was passed against ({seen})."


def _rows(final: Session, keys: tuple[Keys, ...]) -> Iterator[str]:
    skipped = sum(one.total for one in keys if one.what == "skipped")
    if skipped:
        yield f"Fill by hand the {plural(skipped, 'row')} that the backfill left out, listed below."
    if final.totals.differences:
        yield f"Mend the {plural(final.totals.differences, 'row')} that verification found to differ."


def _readings(final: Session) -> Iterator[str]:
    for failure in final.failures.values():
        if failure.remedy:
            yield f"The reading of {failure.reading} failed to the end ({failure.why}): {failure.remedy}."
