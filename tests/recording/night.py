"""A night's backfill as a runner sends it, to be measured: figures that never repeat, times to the millisecond."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from msgspec.structs import replace

from console import events
from tests.recording.streams import header, plan, preflight

QUERIES = (
    "UPDATE orders SET status = ?, updated_at = now() WHERE id = ?",
    "SELECT o.id, o.status, o.amount FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.email = ?",
    "INSERT INTO orders (customer_id, status, amount, placed_at) VALUES (?, ?, ?, now()) RETURNING id",
    "/* column-console */ ALTER TABLE public.orders ADD COLUMN placed_on date",
)
MODES = ("RowExclusiveLock", "AccessShareLock", "transactionid", "AccessExclusiveLock")
BURST = 50
BURST_TAKES = 3
"""Seconds in which a burst of lock waits builds up."""
WAITED = 20
"""Seconds that each of them waits."""


def night(
    seconds: int,
    *,
    per_second: int = 1,
    replicas: int = 2,
    batches: int = 5,
    waits: float = 0.3,
    burst_each: int = 0,
    seed: int = 7,
) -> Iterator[events.Event]:
    """Readings `per_second` times a second, `batches` a second, `waits` new lock waits a second, and `BURST` of them at
    once each `burst_each` seconds (0: never)."""
    return _Night(Random(seed), replicas, batches, waits, burst_each).stream(seconds, per_second)


class _Night:
    def __init__(self, dice: Random, replicas: int, batches: int, waits: float, burst_each: int) -> None:
        self._dice = dice
        self._replicas = [f"db{number}" for number in range(2, 2 + replicas)]
        self._batches = batches
        self._waits = waits
        self._burst_each = burst_each
        self._s = 0
        self._live: dict[int, float] = {}
        self._done = 0

    def stream(self, seconds: int, per_second: int) -> Iterator[events.Event]:
        for event in (
            header(),
            events.PreflightDone(preflight=preflight()),
            events.Planned(plan=plan()),
            events.PhaseBegan(phase="backfill"),
        ):
            yield self._numbered(event, 0.0)
        for tick in range(seconds * per_second):
            second = tick / per_second
            t = round(second + 0.2 + self._dice.random() * 0.1, 3)
            if not tick % per_second:
                yield from self._each_second(tick // per_second, t, seconds)
            yield self._numbered(self._sample(t), t)

    def _numbered(self, event: events.Event, t: float) -> events.Event:
        self._s += 1
        return replace(event, t=t, s=self._s)

    def _each_second(self, second: int, t: float, seconds: int) -> Iterator[events.Event]:
        rows = [self._dice.choice((1000, 1000, 1000, 998)) for _ in range(self._batches)]
        self._done += sum(rows)
        yield self._numbered(
            events.Batches(
                rows=tuple(rows),
                milliseconds=tuple(round(self._dice.uniform(80, 120), 1) for _ in rows),
                size=1000,
                done=self._done,
                scanned=self._done,
                total=seconds * 1000 * self._batches,
                cursor=str(self._done * 3),
            ),
            t,
        )
        new = int(self._dice.random() < self._waits)
        if self._burst_each and second % self._burst_each < BURST_TAKES:
            new += BURST // BURST_TAKES + 1
        ended = tuple(pid for pid, until in self._live.items() if until <= t)
        for pid in ended:
            del self._live[pid]
        began = tuple(self._wait(t) for _ in range(new))
        if began or ended:
            yield self._numbered(events.LockWaitsChanged(began=began, ended=ended), t)
        if not second % 5:
            yield self._numbered(events.Log(level="info", text=f"vacuum passed {second} pages"), t)

    def _sample(self, t: float) -> events.Sample:
        dice = self._dice

        def ago() -> float:
            return round(t - dice.random() * 0.1, 3)

        return events.Sample(
            rows_per_second=round(dice.random() * 9000, 1),
            activity_at=ago(),
            transactions_per_second=round(300 + dice.random() * 50, 1),
            active=dice.randrange(20),
            connections=40 + dice.randrange(9),
            oldest_transaction=round(t - dice.random() * 9, 3),
            locks_at=ago(),
            waiting=len(self._live),
            queued_behind_us=dice.choice((0, 0, 0, 2)),
            replication_at=ago(),
            replicas=tuple(
                events.Replica(
                    name=name,
                    state="streaming",
                    lag=round(dice.random(), 3),
                    bytes=dice.randrange(10**6),
                    replied=ago(),
                    server_lag=round(dice.random(), 3),
                )
                for name in self._replicas
            ),
            application_at=round(t - dice.random(), 3),
            application_version="v2",
            application_tps=round(300 + dice.random() * 50, 1),
            p50_ms=round(1 + dice.random(), 1),
            p95_ms=round(3 + dice.random(), 1),
            p99_ms=round(8 + dice.random(), 1),
        )

    def _wait(self, t: float) -> events.LockWait:
        dice = self._dice
        pid = 1000 + dice.randrange(1_000_000)
        self._live[pid] = t + WAITED
        session = events.ServerSession(
            pid=pid,
            started=round(1795832000 + dice.random() * 3600, 6),
            user="shop",
            application=dice.choice(("shop-web", "shop-worker")),
            state="active",
            query=dice.choice(QUERIES),
            transaction_began=round(t - dice.random(), 3),
        )
        return events.LockWait(
            session=session,
            blocked_by=(dice.choice((*self._live, 999)),),
            mode=dice.choice(MODES),
            on="public.orders",
            began=round(t - dice.random() * 0.5, 3),
        )
