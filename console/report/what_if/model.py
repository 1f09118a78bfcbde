"""Runs the throttle's controller over the ticks of a recorded backfill, with limits of one's choice. Pure."""

from __future__ import annotations

import statistics

from msgspec.structs import replace

from console.change import Frozen, Limits
from console.events import Replica
from console.recording import Recording
from console.report.what_if.beyond import Beyond, beyond
from console.report.what_if.ticks import Backfill, NoBackfill, Tick, at_work, backfill, speeds
from console.throttle import OUTSIDE, Decision, Throttle, is_open

ASSUMPTIONS = (
    "Batches would have run as fast as the recorded ones did at that moment, whatever the limits.",
    "Where a replica fell behind while rows were filled, it falls behind in the model in proportion to the rows.",
    "Where it fell behind by a second each second it replayed nothing: it falls behind in the model as recorded.",
    "A replica that caught up catches up in the model by the same share.",
    "Load, lock waits and pauses by people are as recorded: that a faster backfill makes more of them is not modelled.",
    "The operator's own throttle holds in the model as it did in the session.",
    "The maintenance window is judged by the recorded time of day; what is left when the readings end waits for it.",
    "batch_time, lock_timeout, lock_queue and lock_retries play no part: they shape batches and DDL, not the throttle.",
)

STANDSTILL = 0.9
"""Seconds by which a replica falls behind in a second, from which on it replays nothing."""

MOST_SHARE = 10.0
"""How many times the recorded growth of a lag the model goes along with: further is guesswork."""


class Step(Frozen, frozen=True):
    """One tick, as recorded and as modelled."""

    t: float
    """On the session's clock."""
    seconds: float
    recorded_rows_per_second: float
    rows_per_second: float
    recorded_lag_s: float | None
    """Of the replica that was furthest behind."""
    lag_s: float | None
    stopped: bool
    reasons: tuple[str, ...]
    """What holds the backfill back in the model."""


class Course(Frozen, frozen=True):
    """How a backfill went."""

    seconds: float
    rows: int
    stops: int
    stopped_s: float
    max_lag_s: dict[str, float]
    reasons: dict[str, float]
    """Seconds that each reason held it back."""
    beyond_s: float = 0.0
    """Seconds of `seconds` that lie beyond the recorded readings."""
    beyond_rows: int = 0
    beyond_closed_s: float = 0.0
    """Seconds of `beyond_s` in which the maintenance window was closed."""


class WhatIf(Frozen, frozen=True):
    """A model of a recorded backfill under other limits. The names are an interface: `--what-if CHANGE --json`."""

    model: bool
    """Always true: this did not happen."""
    recorded_limits: Limits
    limits: Limits
    recorded: Course
    control: Course
    """The model with the recorded limits: how far it is from `recorded` tells how far to trust it."""
    modelled: Course
    """The model with the other limits."""
    steps: tuple[Step, ...]
    at_work: float
    """The share of the time in which batches ran where nothing held them back."""
    assumptions: tuple[str, ...]


def what_if(recording: Recording, recorded: Limits, other: Limits) -> WhatIf:
    """The model's word on the backfill of a recording. Raises NoBackfill."""
    done = backfill(recording)
    share = at_work(done.ticks)
    try:
        control, _ = _run(done, recorded, share)
        modelled, steps = _run(done, other, share)
    except (OverflowError, OSError, ValueError):
        # Of the wall clock, which a window is judged by.
        raise NoBackfill("its time of day is damaged, so that no window can be judged by it") from None
    return WhatIf(
        model=True,
        recorded_limits=recorded,
        limits=other,
        recorded=Course(
            seconds=round(done.seconds, 3),
            rows=done.rows,
            stops=done.stops,
            stopped_s=round(done.stopped_s, 3),
            max_lag_s=_peaks([tick.readings.replicas for tick in done.ticks]),
            reasons={name: round(value, 3) for name, value in done.reasons.items()},
        ),
        control=control,
        modelled=modelled,
        steps=tuple(steps),
        at_work=round(share, 3),
        assumptions=ASSUMPTIONS,
    )


def _peaks(read: list[tuple[Replica, ...]]) -> dict[str, float]:
    peaks: dict[str, float] = {}
    for replicas in read:
        for replica in replicas:
            if replica.lag is not None:
                peaks[replica.name] = max(peaks.get(replica.name, 0.0), round(replica.lag, 3))
    return peaks


def _run(done: Backfill, limits: Limits, share: float) -> tuple[Course, list[Step]]:
    throttle = Throttle(limits)
    throttle.learn(done.before)
    lags = _Lags()
    left, seconds, stopped_s, stops = float(done.rows), 0.0, 0.0, 0
    stopping = False
    held: dict[str, float] = {}
    shown: list[tuple[Replica, ...]] = []
    steps: list[Step] = []
    rate, bound = 0.0, 0.0
    for tick, speed in zip(done.ticks, speeds(done.ticks), strict=True):
        if left <= 0:
            break
        if tick.operator is not None:
            throttle.set_operator(tick.operator)
        replicas = lags.read(tick, rate)
        shown.append(replicas)
        readings = replace(tick.readings, replicas=replicas, rows_per_second=rate)
        decision = throttle.decide(readings, tick.t, tick.unix)
        bound = decision.rows_per_second
        rate = 0.0
        if tick.working and not decision.stop:
            rate = speed * share * decision.pace
            rate = min(rate, bound) if bound > 0 else rate
        took = min(tick.seconds, left / rate) if rate > 0 else tick.seconds
        if decision.stop and tick.working:
            stopped_s += took
            stops += not stopping
        stopping = decision.stop
        for name in {reason.name for reason in decision.reasons}:
            held[name] = held.get(name, 0.0) + took
        steps.append(_step(tick, took, rate, replicas, decision))
        left -= rate * took
        seconds += took
        # Float: a millionth of a row is none.
        left = 0.0 if left < 1e-6 else left
    rest = Beyond(seconds=0.0)
    if left > 0:
        usual = statistics.median(speeds(done.ticks)) * share
        usual = min(usual, bound) if bound > 0 else usual
        rest = beyond(left / usual if usual > 0 else 0.0, done.ticks[-1].unix, limits.window)
    if rest.closed_s and limits.window is not None:
        closed = not is_open(limits.window, done.ticks[-1].unix)
        stopped_s += rest.closed_s
        # One that was closed when the readings ended is counted already.
        stops += rest.closings + (closed and not stopping)
        held[OUTSIDE] = held.get(OUTSIDE, 0.0) + rest.closed_s
    course = Course(
        seconds=round(seconds + rest.seconds, 3),
        rows=done.rows,
        stops=stops,
        stopped_s=round(stopped_s, 3),
        max_lag_s=_peaks(shown),
        reasons={name: round(value, 3) for name, value in held.items()},
        beyond_s=round(rest.seconds, 3),
        beyond_rows=round(left),
        beyond_closed_s=round(rest.closed_s, 3),
    )
    return course, steps


def _step(tick: Tick, took: float, rate: float, replicas: tuple[Replica, ...], decision: Decision) -> Step:
    return Step(
        t=round(tick.t, 3),
        seconds=round(took, 3),
        recorded_rows_per_second=round(tick.rows / tick.seconds, 1) if tick.seconds > 0 else 0.0,
        rows_per_second=round(rate, 1),
        recorded_lag_s=_furthest(tick.readings.replicas),
        lag_s=_furthest(replicas),
        stopped=decision.stop,
        reasons=tuple(sorted({reason.name for reason in decision.reasons})),
    )


def _furthest(replicas: tuple[Replica, ...]) -> float | None:
    known = [replica.lag for replica in replicas if replica.lag is not None]
    return round(max(known), 3) if known else None


class _Lags:
    """The lag of each replica in the model, beside the recorded one."""

    def __init__(self) -> None:
        self._recorded: dict[str, float] = {}
        self._modelled: dict[str, float] = {}

    def read(self, tick: Tick, rate: float) -> tuple[Replica, ...]:
        """The replicas as the model has them; `rate` is the rows per second that it filled until now."""
        recorded_rate = tick.rows / tick.seconds if tick.seconds > 0 else 0.0
        return tuple(
            self._replica(replica, tick.seconds, rate, recorded_rate) for replica in tick.readings.replicas
        )

    def _replica(self, replica: Replica, seconds: float, rate: float, recorded_rate: float) -> Replica:
        name, lag = replica.name, replica.lag
        if lag is None:
            # Unread is unread; where it is read again, it begins from what is read.
            self._recorded.pop(name, None)
            return replica
        before = self._recorded.get(name)
        if before is None:
            modelled = lag
        else:
            modelled = next_lag(
                self._modelled[name],
                before=before,
                after=lag,
                seconds=seconds,
                share=rate / recorded_rate if recorded_rate > 0 else 1.0,
            )
        self._recorded[name], self._modelled[name] = lag, modelled
        return replace(replica, lag=modelled)


def next_lag(modelled: float, *, before: float, after: float, seconds: float, share: float) -> float:
    """The model's lag after a tick in which the recorded one went from `before` to `after`.

    `share` is what the model filled meanwhile, as a share of what was filled.

    >>> grown = [next_lag(1.0, before=1.0, after=1.4, seconds=1.0, share=share) for share in (0.0, 0.5, 1.0)]
    >>> [round(lag, 3) for lag in grown]
    [1.0, 1.2, 1.4]

    A standstill is not ours; catching up is by the same share:

    >>> next_lag(1.0, before=1.0, after=2.0, seconds=1.0, share=0.0)
    2.0
    >>> next_lag(8.0, before=4.0, after=1.0, seconds=1.0, share=9.0)
    2.0
    """
    grown = after - before
    if grown <= 0:
        return modelled * (after / before) if before > 0 else modelled
    if seconds > 0 and grown >= STANDSTILL * seconds:
        return modelled + grown
    return modelled + grown * min(MOST_SHARE, share)
