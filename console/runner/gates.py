"""Where the walk waits for something outside to happen, and shows the evidence that it did.

The evidence is looked at each second and shown as it changes. A gate that waits for people (a deploy) is passed by
a person once its evidence holds, or by itself under `advance = auto`; one that waits for replicas passes by itself.
Going on against the evidence takes a typed reason, and is recorded.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from console import events
from console.databases.base import DatabaseError
from console.runner.stage import Stage

INTERVAL = 1.0
Look = Callable[[], Awaitable[tuple[events.Evidence, ...]]]


async def watch(
    stage: Stage, phase: str, look: Look, *, for_people: bool, waiting: str
) -> tuple[events.PhaseOutcome, tuple[events.Evidence, ...], str]:
    """Watches until the evidence holds (and a person advances, where it is for people), or someone skips the gate.

    How it was passed, the evidence as it was then, and the reason given. Raises Stopped.
    """
    stage.control.nothing_decided()
    try:
        passed = await _watch(stage, phase, look, for_people=for_people, waiting=waiting)
    finally:
        stage.control.offer(())
    # It waits no longer: whoever looks before the next phase says so would take the next one for a gate that does.
    stage.control.working()
    return passed


async def _watch(
    stage: Stage, phase: str, look: Look, *, for_people: bool, waiting: str
) -> tuple[events.PhaseOutcome, tuple[events.Evidence, ...], str]:
    shown: tuple[events.Evidence, ...] | None = None
    while True:
        evidence = await _look(look)
        holds = all(piece.holds for piece in evidence)
        if evidence != shown:
            shown = evidence
            stage.stream.emit(events.PhaseEvidence(phase=phase, evidence=evidence))
        if holds and (stage.auto or not for_people):
            return "passed", evidence, ""
        _say(stage, holds=holds, waiting=waiting)
        stage.control.offer(("advance", "skip-gate") if holds else ("skip-gate",))
        await stage.control.sleep(INTERVAL)
        decision = stage.control.made()
        if decision is None:
            continue
        if decision.action == "skip-gate":
            stage.control.took(decision)
            return "skipped", evidence, f"{decision.by}: {decision.reason}"
        # What held when the operator pressed must hold when the gate opens.
        evidence = await _look(look)
        if all(piece.holds for piece in evidence):
            stage.control.took(decision)
            return "passed", evidence, f"advanced by {decision.by}"
        stage.control.turned_down(decision, "the evidence no longer holds; the gate stays shut")


def _say(stage: Stage, *, holds: bool, waiting: str) -> None:
    reason = "the evidence holds: advance" if holds else waiting
    waits_for = "advance" if holds else "evidence"
    session = stage.stream.session
    if (session.state, session.reason, session.waits_for) != ("waiting", reason, waits_for):
        stage.stream.emit(events.StateChanged(state="waiting", reason=reason, waits_for=waits_for))


async def _look(look: Look) -> tuple[events.Evidence, ...]:
    """The evidence; where it can't be had, that is what it says."""
    try:
        return await look()
    except DatabaseError as error:
        return (events.Evidence(name="evidence", seen=f"can't be read: {error.text}", holds=False),)
