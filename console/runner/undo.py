"""Rolls a change back: each phase's undo, last phase first, each statement guarded like any other.

The trigger goes before the column: left behind, it would make every write of the application fail. What was there
before the change was begun stays.
"""

from __future__ import annotations

from console import events
from console.plan import Statement
from console.runner import ddl, phases
from console.runner.stage import Stage

ORDER = ("indexes", "constraints", "dual-writes", "add-column")


async def run(stage: Stage) -> bool:
    """Undoes what there is to undo; False where nothing had been begun. Raises Parked, Stopped. Harmless to repeat."""
    if await phases.begun_as(stage) is None and not await phases.rolling_back(stage):
        await _drop_empty_progress(stage)
        return False
    await phases.begin_rolling_back(stage)
    found = await phases.found_before(stage)
    for name in ORDER:
        phase = next((phase for phase in stage.plan.phases if phase.name == name), None)
        if phase is None or phase.left_out or not phase.undo:
            continue
        ours = [s for s in phase.undo if phase.name not in found or s.name == "drop-progress"]
        if all([await _gone(stage, statement) for statement in ours]):
            continue
        stage.stream.emit(events.PhaseBegan(phase=phase.name))
        for statement in ours:
            await ddl.run(stage, phase.name, statement)
        stage.stream.emit(
            events.PhaseEnded(phase=phase.name, outcome="undone", seconds=stage.worked(phase.name))
        )
    return True


async def _drop_empty_progress(stage: Stage) -> None:
    """Removes a progress table in which nothing was noted yet: all that the change has made by then."""
    phase = stage.plan.phase("add-column")
    for statement in phase.undo:
        if statement.name == "drop-progress" and not await _gone(stage, statement):
            await ddl.run(stage, phase.name, statement)


async def _gone(stage: Stage, statement: Statement) -> bool:
    return await stage.steady(lambda: stage.worker.holds(statement.done_when))
