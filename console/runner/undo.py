"""Rolls a change back: each phase's undo, last phase first, each statement guarded like any other.

The trigger goes before the column: left behind, it would make every write of the application fail. What was there
before the change was begun stays.
"""

from __future__ import annotations

from console import events
from console.plan import DROP_PROGRESS
from console.runner import ddl, phases
from console.runner.stage import Stage

ORDER = ("indexes", "constraints", "dual-writes", "add-column")


async def run(stage: Stage) -> bool:
    """Undoes what there is to undo; False where nothing had been begun. Raises Parked, Stopped. Harmless to repeat."""
    begun = await phases.begun_as(stage) is not None or await phases.rolling_back(stage)
    if begun:
        await phases.begin_rolling_back(stage)
    found = await phases.found_before(stage)
    undone = begun
    for name in ORDER:
        phase = next((phase for phase in stage.plan.phases if phase.name == name), None)
        if phase is None or phase.left_out or not phase.undo:
            continue
        # Before the change was noted, nothing but the progress table can be there of ours.
        all_ours = begun and phase.name not in found
        ours = [s for s in phase.undo if all_ours or s.name == DROP_PROGRESS]
        if all([await stage.holds(statement.done_when) for statement in ours]):
            continue
        stage.stream.emit(events.PhaseBegan(phase=phase.name))
        for statement in ours:
            await ddl.run(stage, phase.name, statement)
        stage.stream.emit(
            events.PhaseEnded(phase=phase.name, outcome="undone", seconds=stage.worked(phase.name))
        )
        undone = True
    return undone
