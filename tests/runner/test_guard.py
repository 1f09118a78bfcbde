"""The guard of a statement that stands in a queue, beside a server that does not answer when it is to."""

from __future__ import annotations

import asyncio
import random
import types
from typing import cast

import pytest

from console.change import Limits
from console.databases.base import LockTimeout, StatementTimeout, Worker
from console.events import ServerSession
from console.plan import Statement
from console.runner import ddl
from console.runner.control import Control, Parked
from console.runner.stage import Stage
from console.runner.stream import Stream
from tests.recording.streams import header


class Watched:
    """A watcher that sees a queue, until it is made blind. Each look is counted."""

    def __init__(self) -> None:
        self.blind = False
        self.queue = 0
        self.looks = 0
        self.cancels = 0
        self.deaf = 0
        """Cancels that fail."""

    async def queued_behind(self, _: int) -> int:
        self.looks += 1
        if self.blind:
            raise StatementTimeout("no answer")
        return self.queue

    async def blockers(self, _: int) -> tuple[ServerSession, ...]:
        return ()

    async def cancel_ours(self, _: int) -> bool:
        self.cancels += 1
        if self.cancels <= self.deaf:
            raise StatementTimeout("no answer")
        return True

    async def look(self, times: int) -> None:
        """Waits for so many looks more."""
        until = self.looks + times
        while self.looks < until:  # noqa: ASYNC110 - what is waited for is the guard's own pace
            await asyncio.sleep(0.01)


def stage_of(watcher: Watched) -> Stage:
    """As much of a stage as the guard needs: on a real server, nobody can be made blind on command."""
    worker = types.SimpleNamespace(pid=7, unwatched=True)
    file = types.SimpleNamespace(limits=Limits(lock_queue=2))
    return cast("Stage", types.SimpleNamespace(worker=worker, watcher=watcher, file=file))


def unwatched(stage: Stage) -> bool:
    """What the worker was told."""
    return stage.worker.unwatched


async def test_it_says_when_it_is_blind_and_when_it_sees_again() -> None:
    watcher = Watched()
    stage = stage_of(watcher)
    async with ddl.guard(stage):
        assert not unwatched(stage)
        watcher.blind = True
        await watcher.look(2)
        assert not unwatched(stage)
        await watcher.look(ddl.BLIND_LOOKS + 1)
        assert unwatched(stage)
        watcher.blind = False
        await watcher.look(2)
        assert not unwatched(stage)


async def test_a_cancel_that_fails_is_sent_again_and_one_that_came_is_not() -> None:
    watcher, seen = Watched(), ddl.Seen()
    watcher.queue, watcher.deaf = 3, 2
    async with ddl.guard(stage_of(watcher), seen):
        await watcher.look(6)
    assert watcher.cancels == 3
    assert seen.guarded
    assert seen.queued == 3


class Late:
    """A worker whose first tries are told to have failed; from one on, the catalog shows the effect all the same."""

    pid = 7
    unwatched = False

    def __init__(self, shown_after: int) -> None:
        self._shown_after = shown_after
        self.tries = 0

    async def run(self, _: Statement, __: float) -> None:
        self.tries += 1
        raise LockTimeout("no lock")

    async def holds(self, _: str) -> bool:
        return self.tries >= self._shown_after


@pytest.mark.parametrize("shown_after", [1, 3])
async def test_a_try_that_took_effect_all_the_same_is_not_followed_by_another(
    monkeypatch: pytest.MonkeyPatch, shown_after: int
) -> None:
    """Ended when it had committed: a server can't be made to answer so on command."""
    monkeypatch.setattr(ddl, "pause_after", lambda *_: 0.01)
    worker = Late(shown_after)
    assert await ddl.run(trying(worker), "add-column", ADD)
    assert worker.tries == shown_after


async def test_a_cancel_that_comes_as_the_time_is_up_stands() -> None:
    """Whoever pressed was told that the phase parks: no other try is sent."""
    worker = Late(9)
    stage = trying(worker)

    async def cancelled(*_: object) -> None:
        stage.control.cancelled_by = "ana"
        await worker.run(ADD, 0.1)

    racing = types.SimpleNamespace(pid=7, unwatched=False, run=cancelled, holds=worker.holds)
    stage.worker = cast("Worker", racing)
    with pytest.raises(Parked, match="add-column was cancelled by ana"):
        await ddl.run(stage, "add-column", ADD)
    assert worker.tries == 1


def trying(worker: Late) -> Stage:
    """As much of a stage as a statement's tries need."""
    stream = Stream(None)
    stream.emit(header())
    stage = types.SimpleNamespace(
        worker=worker,
        watcher=types.SimpleNamespace(holders=_nobody, queued_behind=_none, blockers=_nobody),
        stream=stream,
        control=Control(stream),
        plan=types.SimpleNamespace(table="t"),
        file=types.SimpleNamespace(limits=Limits(lock_retries=2)),
        random=random.Random(1),
    )
    stage.holds = worker.holds
    return cast("Stage", stage)


ADD = Statement(name="add-column", sql="ALTER", lock="", conflicts="", cost="metadata", done_when="SELECT")


async def _nobody(*_: object) -> tuple[ServerSession, ...]:
    return ()


async def _none(*_: object) -> int:
    return 0
