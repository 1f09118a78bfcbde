"""Each phase of a plan: is it done already, and how is it carried out.

The database says what is done: a phase of statements by the catalog, a backfill by the cursor that was committed
with its batches, a gate by the mark that was left when it was passed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from console import events
from console.change import Change
from console.databases.base import Cursor, LockTimeout, Retry
from console.plan import CREATE_PROGRESS, Phase
from console.runner import ddl, gaps, gates
from console.runner.backfill import Backfill, key_text, sweep
from console.runner.control import Parked
from console.runner.stage import Stage
from console.runner.verify import ITEM as VERIFIED
from console.runner.verify import Found, Verify
from console.words import plural

NOT_NULL = ("not-null", "not-null-check")
"""The statements that put NOT NULL, or what stands for it, in place."""
Passed = tuple[events.PhaseOutcome, tuple[events.Evidence, ...], str]
FINISHING = "finishing"
"""Stored before the first thing of ours is removed: from then on nothing before `finish` is begun again."""
CHANGE = "change"
"""The change as it was begun, to tell a change file that says something else now."""
FOUND = "found"
"""The phases whose work was there before us."""
ROLLING_BACK = "rolling-back"


def starts_by_itself(phase: Phase) -> bool:
    """Whether the phase needs no *Advance* to begin: it only looks, or waits."""
    return phase.does in ("reads", "gate")


async def is_done(stage: Stage, phase: Phase) -> tuple[events.Evidence, ...] | None:
    """What shows that the phase is done already, or None."""
    finishing = await _load(stage, FINISHING) is not None
    if finishing and phase.name != "finish":
        return (events.Evidence(name=phase.name, seen="an earlier run went on to finish", holds=True),)
    match phase.does:
        case "statements":
            return await _statements_done(stage, phase)
        case "backfill":
            return await _backfill_done(stage, phase)
        case "verify":
            stored = await _load(stage, VERIFIED)
            found = msgspec.json.decode(stored, type=Found) if stored else None
            if found is None or found.differences:
                return None
            stage.stream.emit(events.Verified(rows=found.rows, differences=0))
            return (
                events.Evidence(name="compared", seen=f"0 differences in {found.rows:,} rows", holds=True),
            )
        case "gate":
            mark = await _load(stage, _mark(phase))
            return (events.Evidence(name=phase.name, seen=mark.decode(), holds=True),) if mark else None
        case "reads":
            return None


async def _load(stage: Stage, item: str) -> bytes | None:
    return await stage.steady(lambda: stage.worker.load(item))


def _mark(phase: Phase) -> str:
    return f"passed {phase.name}"


async def _statements_done(stage: Stage, phase: Phase) -> tuple[events.Evidence, ...] | None:
    evidence = []
    for statement in phase.statements:
        query = statement.done_when
        if not query or not await stage.holds(query):
            return None
        evidence.append(events.Evidence(name=statement.name, seen="the catalog shows it", holds=True))
    return tuple(evidence)


async def _backfill_done(stage: Stage, phase: Phase) -> tuple[events.Evidence, ...] | None:
    mark = await _load(stage, _mark(phase))
    return (events.Evidence(name=phase.name, seen=mark.decode(), holds=True),) if mark else None


async def done_so_far(stage: Stage, phase: Phase) -> str:
    """How much of a backfill an earlier run did, in words; empty where there is nothing to tell."""
    if phase.does != "backfill":
        return ""
    stored = await _load(stage, phase.name)
    rows = msgspec.json.decode(stored, type=Cursor).rows if stored else 0
    return f"{plural(rows, 'row')} filled in an earlier run" if rows else ""


async def carry_out(stage: Stage, phase: Phase) -> Passed:
    """Carries the phase out. Raises Parked, Stopped."""
    if not starts_by_itself(phase):
        await _begin(stage, phase)
    match phase.name:
        case "replicas":
            return await gates.watch(
                stage,
                phase.name,
                stage.evidences.replicas,
                for_people=False,
                waiting="waits until the column is on every replica",
            )
        case "dual-writes":
            return await _dual_writes(stage, phase)
        case "backfill" | "backfill-again":
            evidence = await Backfill(stage, phase.name).run()
            await _remember(stage, phase, evidence)
            return "passed", evidence, ""
        case "verify":
            return "passed", await Verify(stage).run(), ""
        case "constraints":
            return await _constraints(stage, phase)
        case "reads":
            return await _gate(
                stage,
                phase,
                stage.evidences.reads,
                "waits for the deploy of the application that reads the column",
            )
        case "finish":
            return await _finish(stage, phase)
        case _:
            return await _statements(stage, phase)


async def _statements(stage: Stage, phase: Phase) -> Passed:
    for statement in phase.statements:
        if statement.name != CREATE_PROGRESS:
            await ddl.run(stage, phase.name, statement)
    return "passed", await _statements_done(stage, phase) or (), ""


async def _begin(stage: Stage, phase: Phase) -> None:
    """Makes the progress table, and notes the change and what of it was there before us. Harmless to repeat.

    It comes before anything of the change is made, so that an interrupted walk is never taken for a finished one,
    and a roll-back takes away nothing that was not ours. Where the column was there before us, the phase is passed
    over whose statement makes the table; then it is made here.
    """
    noted = await _load(stage, CHANGE) is not None
    found = () if noted else [other.name for other in stage.plan.phases if await _was_there(stage, other)]
    for statement in phase.statements:
        if statement.name == CREATE_PROGRESS:
            await ddl.run(stage, phase.name, statement)
    if noted:
        return
    change = msgspec.json.encode(stage.file.change)

    async def note() -> None:
        await stage.worker.prepare_progress()
        await stage.worker.store(FOUND, msgspec.json.encode(found))
        await stage.worker.store(CHANGE, change)

    await _in_tries(stage, note, "noting the change")


async def _in_tries(stage: Stage, work: Callable[[], Awaitable[None]], what: str) -> None:
    """Does `work`, which is harmless to repeat, again where it gets no lock: a global read lock holds it up too.

    Raises Parked after the last try.
    """
    tries = stage.file.limits.lock_retries + 1
    for attempt in range(1, tries + 1):
        await stage.control.checkpoint()
        try:
            return await stage.steady(work)
        except (LockTimeout, Retry):
            stage.stream.log(f"{what}: try {attempt} of {tries}: no lock", "warning")
        if attempt < tries:
            await stage.control.sleep(ddl.pause_after(attempt, stage.random.uniform(0.75, 1.25)))
    raise Parked(f"{what} got no lock in {plural(tries, 'try')}", "Retry when the holder has gone")


async def _was_there(stage: Stage, phase: Phase) -> bool:
    """Whether the first thing that the phase makes, besides the progress table, is there already."""
    if phase.does != "statements" or phase.left_out or phase.name == "finish":
        return False
    query = next(
        (statement.done_when for statement in phase.statements if statement.name != CREATE_PROGRESS), ""
    )
    return bool(query) and await stage.holds(query)


async def found_before(stage: Stage) -> tuple[str, ...]:
    """The phases whose work was there before an earlier, unfinished run began."""
    stored = await _load(stage, FOUND)
    return msgspec.json.decode(stored, type=tuple[str, ...]) if stored else ()


async def rolling_back(stage: Stage) -> bool:
    """Whether an earlier run was rolling the change back."""
    return await _load(stage, ROLLING_BACK) is not None


async def begin_rolling_back(stage: Stage) -> None:
    """Forgets what was done, so that no later run takes it for done; only the roll-back itself is left to do."""
    await stage.steady(lambda: stage.worker.forget((CHANGE, FOUND), ROLLING_BACK))


async def begun_as(stage: Stage) -> Change | None:
    """The change as an earlier, unfinished run began it; None where there is none."""
    stored = await _load(stage, CHANGE)
    return msgspec.json.decode(stored, type=Change) if stored else None


async def _dual_writes(stage: Stage, phase: Phase) -> Passed:
    if phase.does == "gate":
        return await _gate(
            stage,
            phase,
            stage.evidences.dual_writes,
            "waits for the deploy of the application that writes the column",
        )
    for statement in phase.statements:
        await ddl.run(stage, phase.name, statement)
    return await gates.watch(
        stage,
        phase.name,
        stage.evidences.dual_writes,
        for_people=False,
        waiting="waits until every row that is written carries the value",
    )


async def _gate(stage: Stage, phase: Phase, look: gates.Look, waiting: str) -> Passed:
    outcome, evidence, text = await gates.watch(stage, phase.name, look, for_people=True, waiting=waiting)
    await _remember(stage, phase, evidence, text)
    return outcome, evidence, text


async def _remember(
    stage: Stage, phase: Phase, evidence: tuple[events.Evidence, ...], text: str = ""
) -> None:
    words = "; ".join(f"{piece.name}: {piece.seen}" for piece in evidence)
    mark = f"passed in an earlier run ({text or words})".encode()
    await _begin(stage, phase)
    await stage.steady(lambda: stage.worker.store(_mark(phase), mark))


async def _constraints(stage: Stage, phase: Phase) -> Passed:
    evidence: list[events.Evidence] = []
    swept = False
    for statement in phase.statements:
        if statement.name != "default" and not swept:
            await _sweep_late_rows(stage, phase)
            swept = True
        if statement.name in NOT_NULL:
            await _no_nulls(stage)
        try:
            await ddl.run(stage, phase.name, statement)
        except Parked:
            if statement.name.startswith("validate-not-null"):
                await _take_back_not_null(stage, phase)
            raise
    if not swept:
        await _sweep_late_rows(stage, phase)
    evidence.extend(await _statements_done(stage, phase) or ())
    return "passed", tuple(evidence), ""


async def _sweep_late_rows(stage: Stage, phase: Phase) -> None:
    """Where no trigger fills them, rows written since the backfill lack their value until the default is set."""
    backfill = stage.file.change.backfill
    if backfill is not None and backfill.sync != "trigger" and not stage.plan.phase("backfill").left_out:
        await sweep(stage, phase.name)


async def _no_nulls(stage: Stage) -> None:
    """NOT VALID checks new row versions: with it, the application's update of a row without a value would fail."""
    if stage.plan.phase("backfill").left_out:
        return
    gap = await gaps.find(stage, (), null_valued=True)
    if gap is not None:
        keys = ", ".join(key_text(key) for key in gap.keys[:5])
        raise Parked(
            f"{stage.file.change.column} is NULL in some rows (keys {keys}), because the value is NULL there or they"
            " were skipped: NOT NULL would make the application's updates of them fail",
            "Give them a value, then retry",
        )


async def _take_back_not_null(stage: Stage, phase: Phase) -> None:
    """A constraint that could not be validated goes again, before the application runs into it."""
    stage.stream.log("NOT NULL could not be validated: taking it back", "warning")
    for statement in phase.undo:
        if statement.name.startswith("drop-not-null"):
            await ddl.run(stage, phase.name, statement)


async def _finish(stage: Stage, phase: Phase) -> Passed:
    if await begun_as(stage) is not None:
        await stage.steady(lambda: stage.worker.store(FINISHING, b"true"))
    for statement in phase.statements:
        await ddl.run(stage, phase.name, statement)
    return await gates.watch(
        stage,
        phase.name,
        stage.evidences.finished,
        for_people=False,
        waiting="waits until the replicas have followed",
    )
