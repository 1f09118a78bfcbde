"""A real session for the pictures: the demo's shop, its traffic and its troubles, walked from preflight to finish."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from console.demo.client import World, start_world
from console.demo.runners import HOME
from console.recording import Recording, RecordingError
from console.runner.launch import Launched, launch
from console.session import Session
from tests.screenshots.operator import Operator, attached

ROWS = 400_000
PATIENCE = 300.0


def sit(recording: Path, database: str = "postgresql") -> Recording:
    """Walks a change on a new demo, causing the troubles that the pictures show; some minutes. Its recording."""
    with start_world(rows=ROWS, database=database) as world:
        with world.change_file.open("a", encoding="utf-8") as file:
            file.write(_LIMITS[database == "postgresql"])
        with _launched(world, recording) as launched, attached(launched.socket) as operator:
            follower = "standby" if database == "postgresql" else "replica"
            Sitting(world, operator, recording, follower).walk()
    return Recording.open(recording)


_LIMITS = {
    False: "\n[limits]\nlock_retries = 4\n",
    True: '\n[limits]\nlock_retries = 6\nlock_timeout = "4s"\nlock_queue = 40\n',
}
"""Few tries, so that the session parks before the trouble is over. On PostgreSQL (True) the last of them wait long,
and let many queue: a pile-up that stands for seconds, on however fast a machine."""
LONG_TRY = 6
"""The try that waits for 3.2 s: each waits twice as long as the one before."""


@contextlib.contextmanager
def _launched(world: World, recording: Path) -> Iterator[Launched]:
    launched = launch(
        world.change_file,
        advance="manual",
        alone=False,
        recording=recording,
        application=world.application_file,
        env={**os.environ, "COLUMN_CONSOLE_HOME": str(world.directory / HOME)},
    )
    try:
        yield launched
    finally:
        if launched.process.poll() is None:
            launched.process.terminate()
            launched.process.wait()


class Sitting:
    """An operator, and a world that gives them something to do."""

    def __init__(self, world: World, operator: Operator, recording: Path, follower: str) -> None:
        self._world = world
        self._operator = operator
        self._recording = recording
        self._follower = follower

    def walk(self) -> None:
        """All ten phases."""
        self._until(lambda s: s.phase == "add-column" and s.waits_for == "advance", "the first advance")
        self._linger(6)  # the charts fill
        self._cause("hold-lock", seconds=20.0)
        self._ask("advance", phase="add-column")
        self._until(lambda s: s.state == "parked", "parked after the last try")
        self._linger(4)
        self._cause("hold-lock", on=False)
        if self._follower == "standby":
            self._pile_up("add-column")
        else:
            self._ask("retry")
        self._advance("dual-writes")
        self._until(lambda s: s.waits_for == "evidence" or s.phase == "backfill", "the gate of the writers")
        self._world.ask("deploy", version="v2")
        self._advance("backfill")
        self._until(lambda s: s.phase == "backfill" and s.totals.batches > 20, "batches")
        self._ask("throttle", "6000rows/s", reason="the shop's campaign begins")
        self._linger(8)
        self._cause(f"stall-{self._follower}", on=True)
        self._until(lambda s: any(reason.stops for reason in s.throttle), "the lag's stop")
        self._linger(6)
        self._cause(f"stall-{self._follower}", on=False)
        self._until(lambda s: not any(reason.stops for reason in s.throttle), "going on")
        self._cause(f"stop-{self._follower}", on=True)
        self._linger(8)
        self._cause(f"stop-{self._follower}", on=False)
        self._ask("throttle", "off", reason="the campaign is over")
        self._advance("verify")
        self._advance("constraints")
        self._advance("indexes")
        self._until(lambda s: s.phase == "reads" and s.waits_for == "evidence", "the gate of the readers")
        self._linger(6)
        self._world.ask("deploy", version="v3")
        self._advance("reads")
        self._advance("finish")
        self._until(lambda s: s.ended is not None, "the end")

    # -- What the operator and the world do

    def _pile_up(self, phase: str) -> None:
        """Somebody young holds the table at each try, so that it is sent, waits, and the application behind it.

        A holder that was there for long would keep it from being sent at all, and nobody would queue.
        """
        self._cause("hold-lock", seconds=30.0)
        self._ask("retry")
        for attempt in range(1, LONG_TRY + 1):
            session = self._until(partial(_past_try, phase, attempt), f"try {attempt}")
            self._cause("hold-lock", on=False)
            if session.phase != phase or attempt == LONG_TRY or session.statement is None:
                return
            next_try = session.statement.next_try_at or session.t
            self._linger(max(0.0, next_try - session.t - 0.7))
            self._cause("hold-lock", seconds=30.0)

    def _advance(self, phase: str) -> None:
        """Waits until the phase can be begun, and begins it."""
        self._until(lambda s: s.phase == phase and s.waits_for == "advance", f"{phase} to be begun")
        self._linger(2)
        self._ask("advance", phase=phase)

    def _ask(self, action: str, *arguments: str, reason: str = "", phase: str = "") -> None:
        answer = self._operator.ask(action, arguments, reason=reason, phase=phase)
        if answer.state in ("refused", "expired", "cancelled"):
            raise RuntimeError(f"{action} was {answer.state}: {answer.text}")

    def _cause(self, trouble: str, *, on: bool = True, seconds: float | None = None) -> None:
        answer = self._world.ask(trouble, on=on, seconds=seconds)
        if not answer.ok:
            raise RuntimeError(f"{trouble}: {answer.text}")

    # -- Waiting

    def _until(self, true: Callable[[Session], object], what: str) -> Session:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                session = Recording.open(self._recording).final
            except RecordingError:
                session = Session()
            if true(session):
                return session
            if session.ended is not None or time.monotonic() > deadline:
                raise RuntimeError(
                    f"waited in vain for {what}: {session.phase} {session.state} {session.reason}"
                )
            time.sleep(0.1)

    @staticmethod
    def _linger(seconds: float) -> None:
        """Time in which the screen fills; nothing is waited for."""
        time.sleep(seconds)


def _past_try(phase: str, attempt: int, session: Session) -> bool:
    """Whether try `attempt` of the phase's statement ended without its lock, or the phase is over."""
    running = session.statement
    return session.phase != phase or (
        running is not None
        and running.attempt == attempt
        and running.outcome in ("lock-timeout", "queue-guard")
    )
