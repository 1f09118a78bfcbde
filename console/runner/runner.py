"""Walks a plan from preflight to finish, phase by phase.

Each phase: is it done already? if not, wait for *Advance* (or go, under `advance = auto`), carry it out, and say how
it ended. On trouble it parks, keeps everything, says why, and waits for a person; only a person rolls back.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from console import events
from console.databases.base import DatabaseError, Inspector, RunnerLockHeld
from console.facts import TableFacts
from console.plan import Phase
from console.runner import gaps, holders, phases, undo
from console.runner.control import Parked, Stopped
from console.runner.stage import Stage
from console.words import plural

T = TypeVar("T")
COMPLETED, UNFINISHED, BLOCKED, ROLLED_BACK, DIFFERENCES = 0, 1, 3, 4, 5
"""Exit statuses; the command line's are the same."""


class Again(Exception):
    """What preflight found was mended: look at the table, and plan, anew."""


class Runner:
    """One run of a plan."""

    def __init__(self, stage: Stage, inspector: Inspector, facts: TableFacts) -> None:
        self._stage = stage
        self._inspector = inspector
        self._facts = facts

    async def run(self) -> events.Ended:
        """Runs to the end, whichever it is; the event that tells of it, not emitted yet.

        Raises Again where a blocker of preflight was mended: the facts, and so the plan, may have changed.
        """
        stage = self._stage
        try:
            return await self._walk()
        except Stopped as stopped:
            if stopped.how == "roll-back":
                return await self._roll_back(stopped)
            why = f" because {stopped.reason}" if stopped.reason else ""
            phase = stage.stream.session.phase
            stage.stream.emit(
                events.PhaseEnded(
                    phase=phase, outcome="parked", seconds=stage.worked(phase), text=f"by {stopped.by}"
                )
            )
            return self._unfinished(f"stopped by {stopped.by}{why}; everything is kept, run again to go on")
        except _Blocked as blocked:
            return events.Ended(outcome="failed", exit_status=BLOCKED, text=blocked.reason)
        except _Alone as parked:
            return self._unfinished(parked.reason)
        except RunnerLockHeld as held:
            return events.Ended(outcome="failed", exit_status=UNFINISHED, text=str(held))

    def _unfinished(self, text: str) -> events.Ended:
        session = self._stage.stream.session
        differs = session.phase == "verify" and session.totals.differences > 0
        return events.Ended(outcome="parked", exit_status=DIFFERENCES if differs else UNFINISHED, text=text)

    async def _walk(self) -> events.Ended:
        stage = self._stage
        await self._preflight()
        await stage.connect()
        stage.throttle.learn(stage.monitor.active_seen())
        if await self._surely(lambda: phases.rolling_back(stage)):
            raise Stopped("roll-back", "an earlier run", "it was under way")
        await self._surely(self._same_change)
        if await self._surely(self._complete_already):
            for phase in stage.plan.phases[1:]:
                self._passed(phase, "left-out" if phase.left_out else "already-done", (), phase.left_out)
            return events.Ended(
                outcome="completed",
                exit_status=COMPLETED,
                text="the change was complete already; its rows were not compared again",
            )
        for phase in stage.plan.phases[1:]:
            await self._phase(phase)
        return events.Ended(outcome="completed", exit_status=COMPLETED, text="the change is complete")

    # -- Preflight

    async def _preflight(self) -> None:
        stage = self._stage
        phase = stage.plan.phases[0]
        began = time.monotonic()
        stage.stream.emit(events.PhaseBegan(phase=phase.name))
        stage.control.working()
        try:
            preflight = await self._inspector.preflight(stage.file, self._facts)
        except DatabaseError as error:
            reason = f"preflight could not look: {error}"
        else:
            stage.stream.emit(events.PreflightDone(preflight=preflight))
            blockers = preflight.blockers
            seen = plural(len(blockers), "blocker")
            evidence = (events.Evidence(name="blockers", seen=seen, holds=not blockers),)
            if not blockers:
                self._passed(phase, "passed", evidence, "", time.monotonic() - began)
                return
            reason = f"preflight found {seen}: {blockers[0].seen}"
        self._tell_parked(phase, reason)
        if stage.alone:
            raise _Blocked(reason)
        await stage.control.decide(("retry",), state="parked", reason=reason, waits_for="retry")
        raise Again

    # -- Is it the change that was begun, and is there anything left to do?

    async def _same_change(self) -> None:
        begun = await phases.begun_as(self._stage)
        wanted = self._stage.file.change
        if begun is None or begun == wanted:
            return
        differing = [
            name for name in wanted.__struct_fields__ if getattr(begun, name) != getattr(wanted, name)
        ]
        raise _Blocked(
            f"an earlier run of this change is unfinished, and the change file says something else now"
            f" ({', '.join(differing)}): put back what it said, or roll that run back first"
        )

    async def _complete_already(self) -> bool:
        """Whether the catalog shows all that stays, nothing of ours, and no row lacks its value.

        The sync trigger does not count: it goes again at the end.
        """
        stage = self._stage
        if await phases.begun_as(stage) is not None or self._facts.existing is None:
            return False
        for phase in stage.plan.phases:
            if phase.does != "statements" or phase.left_out or phase.name == "dual-writes":
                continue
            if await phases.is_done(stage, phase) is None:
                return False
        fills = any(
            phase.does in ("backfill", "verify") and not phase.left_out for phase in stage.plan.phases
        )
        return not fills or await gaps.find(stage, ()) is None

    async def _surely(self, work: Callable[[], Awaitable[T]]) -> T:
        """Does `work`; where the database refuses, parks, and does it again when a person says so."""
        while True:
            try:
                return await work()
            except RunnerLockHeld:
                raise
            except DatabaseError as error:
                await self._parked(self._current(), str(error))

    def _current(self) -> Phase:
        stage = self._stage
        name = stage.stream.session.phase
        return next((phase for phase in stage.plan.phases if phase.name == name), stage.plan.phases[0])

    # -- The other phases

    async def _phase(self, phase: Phase) -> None:
        stage = self._stage
        if phase.left_out:
            self._passed(phase, "left-out", (), phase.left_out)
            return
        allowed = False
        while True:
            try:
                done = await phases.is_done(stage, phase)
                if done is not None:
                    self._passed(phase, "already-done", done, "")
                    return
                if not allowed:
                    await self._permission(phase)
                    allowed = True
                began = time.monotonic()
                stage.stream.emit(events.PhaseBegan(phase=phase.name))
                stage.control.working()
                outcome, evidence, text = await phases.carry_out(stage, phase)
                self._passed(phase, outcome, evidence, text, time.monotonic() - began)
                return
            except Parked as parked:
                await self._parked(phase, parked.reason)
            except RunnerLockHeld:
                raise
            except DatabaseError as error:
                await self._parked(phase, str(error))

    async def _permission(self, phase: Phase) -> None:
        stage = self._stage
        await stage.control.checkpoint()
        two = stage.file.session.two_person and phase.irreversible
        if (stage.auto and not two) or phases.starts_by_itself(phase):
            return
        why = ", which takes two people" if two else ""
        if two and stage.alone:
            raise _Alone(f"{phase.title} is next{why}: run it with a screen, or detached")
        done = await phases.done_so_far(stage, phase)
        reason = f"{phase.title} is next{why}: advance" + (f" ({done})" if done else "")
        with self._looking_at(phase):
            await stage.control.decide(("advance",), state="waiting", reason=reason, waits_for="advance")

    async def _parked(self, phase: Phase, reason: str) -> None:
        stage = self._stage
        self._tell_parked(phase, reason)
        if stage.alone:
            raise _Alone(reason)
        with self._looking_at(phase):
            await stage.control.decide(("retry",), state="parked", reason=reason, waits_for="retry")

    @contextmanager
    def _looking_at(self, phase: Phase) -> Iterator[None]:
        """While a person decides, it is told who holds the tables that the phase locks."""
        monitor = self._stage.monitor
        monitor.look_at(*holders.locked_by(self._stage.plan, phase))
        try:
            yield
        finally:
            monitor.look_at()

    def _tell_parked(self, phase: Phase, reason: str) -> None:
        stage = self._stage
        seconds = stage.worked(phase.name)
        stage.stream.emit(events.PhaseEnded(phase=phase.name, outcome="parked", seconds=seconds, text=reason))

    def _passed(
        self,
        phase: Phase,
        outcome: events.PhaseOutcome,
        evidence: tuple[events.Evidence, ...],
        text: str,
        seconds: float = 0.0,
    ) -> None:
        self._stage.stream.emit(
            events.PhaseEnded(
                phase=phase.name, outcome=outcome, seconds=round(seconds, 3), evidence=evidence, text=text
            )
        )

    # -- Rolling back

    async def _roll_back(self, stopped: Stopped) -> events.Ended:
        stage = self._stage
        stage.stream.log(f"rolling back, asked by {stopped.by}", "warning")
        stage.stream.emit(events.StateChanged(state="running", reason=f"rolling back, asked by {stopped.by}"))
        while True:
            try:
                try:
                    undone = await undo.run(stage)
                    text = f"rolled back by {stopped.by}" + ("" if undone else ": nothing had been begun")
                    return events.Ended(outcome="rolled-back", exit_status=ROLLED_BACK, text=text)
                except Parked as parked:
                    await self._parked(self._current(), parked.reason)
                except RunnerLockHeld as held:
                    return events.Ended(outcome="failed", exit_status=UNFINISHED, text=str(held))
                except DatabaseError as error:
                    await self._parked(self._current(), str(error))
            except _Alone as parked:
                return self._unfinished(f"the roll-back is unfinished: {parked.reason}")
            except Stopped as again:
                if again.how == "abort":
                    return self._unfinished(
                        "stopped in the middle of the roll-back; run again to go on with it"
                    )


class _Alone(Exception):
    """Parked, with nobody there to decide."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Blocked(_Alone):
    """A blocker, with nobody there to mend it; or one that only another change file mends."""
