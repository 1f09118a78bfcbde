"""What a report says is left to do."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from console import events
from console.recording import Recording
from console.report import summarise
from tests.report.story import story


def test_what_is_left_to_do(recorded: Callable[[list[events.Event]], Recording]) -> None:
    assert summarise(recorded(story())).remaining == (
        "See to what replicas was passed against (visible on every replica: db3: no).",
        "Fill by hand the 1 row that the backfill left out, listed below.",
    )
    parked = [*story()[:17], events.StateChanged(state="parked", reason="1 row fails", t=20.0, s=18)]
    first, *others = summarise(recorded(parked)).remaining
    assert first == (
        "Unless its runner is still at work, run the change file again to go on with backfill (1 row fails): still to "
        "be done are backfill, verify, constraints."
    )
    assert len(others) == 1
    clean = [
        replace(event, outcome="passed", evidence=())
        if isinstance(event, events.PhaseEnded) and event.phase == "replicas"
        else event
        for event in story()
        if not isinstance(event, events.KeysListed | events.ActionChanged)
    ]
    assert summarise(recorded(clean)).remaining == ()
