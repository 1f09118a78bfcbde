"""Runs a statement that takes a lock: under a lock timeout, watched for a queue behind it, and tried again.

The lock timeout is the longest stall that a try can cause, so the first tries are short and the later ones longer
(measured: tries of 100 ms with a pause of 1 s kept the application at 0.85 to 0.93 of its throughput, where a
timeout of 2 s left 0.55). A statement that would only wait behind an old transaction is not sent at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from msgspec.structs import replace

from console import events
from console.databases.base import (
    Cancelled,
    ConnectionLost,
    DatabaseError,
    LockTimeout,
    Retry,
    StatementTimeout,
)
from console.narrate import NOT_SENT, holder
from console.plan import Statement
from console.runner import holders
from console.runner.control import Parked
from console.runner.stage import Stage
from console.words import plural

SHORTEST_TRY = 0.1
GUARD_INTERVAL = 0.1
LONGEST_PAUSE = 10.0
BLIND_LOOKS = 3
"""Looks of the guard that fail, one after another, until it counts as blind."""


def lock_timeout(attempt: int, most: float) -> float:
    """Seconds to wait for the lock in try `attempt` (from 1): doubling from 0.1 s to `most`.

    >>> [lock_timeout(attempt, 1.0) for attempt in (1, 2, 3, 4, 5, 30)]
    [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    >>> lock_timeout(1, 0.05)
    0.05
    """
    return min(most, SHORTEST_TRY * 2.0 ** min(attempt - 1, 20))


def pause_after(attempt: int, jitter: float) -> float:
    """Seconds until the next try: growing from 1 s to 10 s, times `jitter` (0.75 to 1.25).

    >>> [round(pause_after(attempt, 1.0), 1) for attempt in (1, 2, 5, 30)]
    [1.0, 1.3, 2.9, 10.0]
    """
    return min(LONGEST_PAUSE, 1.3 ** min(attempt - 1, 30)) * jitter


class Seen:
    """What the guard saw while a statement ran."""

    def __init__(self) -> None:
        self.queued = 0
        self.guarded = False
        self.holders: tuple[events.ServerSession, ...] = ()


async def run(stage: Stage, phase: str, statement: Statement) -> bool:
    """Runs `statement` until the catalog shows its effect; False where it showed it already.

    Raises Parked (no lock after the last try, cancelled, refused), Stopped, ConnectionLost never.
    """
    if statement.done_when and await stage.holds(statement.done_when):
        stage.stream.emit(events.StatementEnded(phase=phase, name=statement.name, outcome="already-done"))
        return False
    attempts = stage.file.limits.lock_retries + 1
    last = ""
    for attempt in range(1, attempts + 1):
        await stage.control.checkpoint()
        if attempt > 1 and await _took_effect(stage, statement):
            return True
        ended = await _try(stage, phase, statement, attempt, attempts)
        stage.stream.emit(ended)
        match ended.outcome:
            case "done" | "already-done":
                return True
            case "error":
                raise Parked(ended.text)
            case "cancelled":
                raise Parked(f"{statement.name} was cancelled{ended.text}")
            case "lost":
                await stage.connect()
            case "lock-timeout" | "queue-guard":
                if stage.control.cancelled_by:
                    # Its time was up at the moment when somebody cancelled it, who was told that the phase parks.
                    raise Parked(f"{statement.name} was cancelled {stage.control.by_whom()}")
                last = _why(ended)
                if ended.next_try is not None:
                    await stage.control.sleep(ended.next_try)
    if await _took_effect(stage, statement):
        return True
    raise Parked(
        f"{statement.name} got no lock in {plural(attempts, 'try')}{last}", "Retry when the holder has gone"
    )


def _why(ended: events.StatementEnded) -> str:
    if ended.outcome == "queue-guard":
        return f": {plural(ended.queued, 'session')} queued behind it"
    return ": held by " + ", ".join(holder(h) for h in ended.holders[:3]) if ended.holders else ""


async def _took_effect(stage: Stage, statement: Statement) -> bool:
    """Whether a try that seemed to fail did its work: its answer was lost, or it was ended when it had committed."""
    if not statement.done_when or not await stage.holds(statement.done_when):
        return False
    stage.stream.log(f"{statement.name}: the catalog shows that it took effect")
    return True


async def _try(
    stage: Stage, phase: str, statement: Statement, attempt: int, attempts: int
) -> events.StatementEnded:
    """One try, told as the event that ends it."""
    ended = events.StatementEnded(
        phase=phase, name=statement.name, outcome="done", attempt=attempt, attempts=attempts
    )
    pause = pause_after(attempt, stage.random.uniform(0.75, 1.25)) if attempt < attempts else None
    # What is left of an earlier cancel says nothing of this try.
    stage.control.cancelled_by = ""
    blocking = await _blocking(stage, statement)
    if blocking:
        text = f"{NOT_SENT} while an old transaction holds the table"
        return replace(ended, outcome="lock-timeout", holders=blocking, next_try=pause, text=text)
    began, seen = time.monotonic(), Seen()
    try:
        timeout = lock_timeout(attempt, stage.file.limits.lock_timeout)
        await _clear(stage, phase, statement, seen, timeout)
        stage.stream.emit(_beginning(stage, phase, statement, attempt))
        began = time.monotonic()
        async with guard(stage, seen, (phase, statement)):
            await stage.worker.run(statement, timeout)
        if statement.done_when and not await stage.worker.holds(statement.done_when):
            text = statement.otherwise or "it ran, but the catalog does not show its effect"
            return replace(ended, outcome="error", text=text)
    except DatabaseError as error:
        took = round(time.monotonic() - began, 3)
        outcome, text = _outcome(stage, error, seen)
        waits = outcome in ("lock-timeout", "queue-guard")
        if waits and not seen.holders:
            seen.holders = await _holders(stage, statement)
        return replace(
            ended,
            outcome=outcome,
            text=text,
            seconds=took,
            holders=seen.holders,
            queued=seen.queued,
            next_try=pause if waits else None,
        )
    return replace(ended, seconds=round(time.monotonic() - began, 3), queued=seen.queued)


def _beginning(stage: Stage, phase: str, statement: Statement, attempt: int) -> events.StatementBegan:
    return events.StatementBegan(
        phase=phase,
        name=statement.name,
        sql=statement.sql,
        lock=statement.lock,
        attempt=attempt,
        pid=stage.worker.pid,
    )


def _outcome(stage: Stage, error: DatabaseError, seen: Seen) -> tuple[events.StatementOutcome, str]:
    match error:
        case LockTimeout() | Retry() | StatementTimeout():
            return "lock-timeout", ""
        case Cancelled() if seen.guarded:
            return "queue-guard", ""
        case Cancelled():
            return "cancelled", f" {stage.control.by_whom()}"
        case ConnectionLost():
            return "lost", error.text
        case _:
            return "error", str(error)


async def _holders(stage: Stage, statement: Statement) -> tuple[events.ServerSession, ...]:
    """Who holds the table now: for a try that was over before the guard could look."""
    held: tuple[events.ServerSession, ...] = ()
    for table in holders.locked(stage.plan, statement):
        with contextlib.suppress(DatabaseError):
            held += await stage.watcher.holders(table)
    return tuple(session for session in dict.fromkeys(held) if session.pid != stage.worker.pid)


async def _blocking(stage: Stage, statement: Statement) -> tuple[events.ServerSession, ...]:
    """Old transactions that hold its tables, where the statement conflicts with any holder: a build at its beginning.

    Autovacuum is asked to go. Without the reading, the try itself will tell: it waits no longer than its lock timeout.
    """
    blocking: tuple[events.ServerSession, ...] = ()
    if statement.guarded or statement.lock.startswith(holders.EXCLUSIVE):
        for table in holders.locked(stage.plan, statement):
            blocking += await _blocking_on(stage, statement, table)
    return tuple(dict.fromkeys(blocking))


async def _blocking_on(stage: Stage, statement: Statement, table: str) -> tuple[events.ServerSession, ...]:
    with contextlib.suppress(DatabaseError):
        found = await stage.watcher.holders(table)
        if any(session.application == holders.AUTOVACUUM for session in found):
            stage.stream.log(f"autovacuum is at work on {table}; it is asked to give way")
            with contextlib.suppress(LockTimeout, Retry):
                await stage.worker.make_way(table)
        if not statement.lock.startswith(holders.EXCLUSIVE):
            return ()
        others = (session for session in found if session.pid != stage.worker.pid)
        return holders.old(others, stage.stream.now())
    return ()


async def _clear(stage: Stage, phase: str, statement: Statement, seen: Seen, seconds: float) -> None:
    """Removes what an earlier failed try left: an INVALID index keeps the name, and is written to by everybody.

    Under the try's lock timeout (`seconds`), where the statement itself is under it.
    """
    if not statement.clear_when or not await stage.worker.holds(statement.clear_when):
        return
    name = f"clear-{statement.name}"
    stage.stream.emit(
        events.StatementBegan(
            phase=phase, name=name, sql=statement.clear, lock=statement.lock, pid=stage.worker.pid
        )
    )
    began = time.monotonic()
    async with guard(stage, seen):
        await stage.worker.execute(statement.clear, seconds if statement.guarded else 0)
    took = round(time.monotonic() - began, 3)
    stage.stream.emit(events.StatementEnded(phase=phase, name=name, outcome="done", seconds=took))


@contextlib.asynccontextmanager
async def guard(
    stage: Stage, seen: Seen | None = None, progress: tuple[str, Statement] | None = None
) -> AsyncIterator[None]:
    """Watches a statement of ours: who holds it up, who queues behind it, how far it is.

    Cancels it, once, where more than `limits.lock_queue` sessions stand behind it; while it can't see them, the
    worker is told.
    """
    stage.worker.unwatched = False
    tasks = [asyncio.create_task(_watch_queue(stage, seen or Seen()))]
    if progress is not None and progress[1].cost in ("build", "scan"):
        tasks.append(asyncio.create_task(_watch_progress(stage, *progress)))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watch_queue(stage: Stage, seen: Seen) -> None:
    pid, blind, cancelled = stage.worker.pid, 0, False
    while True:
        await asyncio.sleep(GUARD_INTERVAL)
        blind += 1
        with contextlib.suppress(DatabaseError):
            queued = await stage.watcher.queued_behind(pid)
            seen.queued = max(seen.queued, queued)
            seen.holders = await stage.watcher.blockers(pid) or seen.holders
            if queued > stage.file.limits.lock_queue and not cancelled:
                seen.guarded = True
                await stage.watcher.cancel_ours(pid)
                cancelled = True
            blind = 0
        stage.worker.unwatched = blind >= BLIND_LOOKS


async def _watch_progress(stage: Stage, phase: str, statement: Statement) -> None:
    while True:
        await asyncio.sleep(1)
        with contextlib.suppress(DatabaseError):
            progress = await stage.watcher.progress(stage.worker.pid)
            if progress is None:
                continue
            waits = f", waits for {holder(progress.waits_for)}" if progress.waits_for else ""
            stage.stream.emit(
                events.Progressed(
                    phase=phase,
                    done=progress.done,
                    total=progress.total,
                    unit=progress.unit,
                    doing=f"{statement.name}: {progress.doing}{waits}",
                )
            )
