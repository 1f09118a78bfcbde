"""The backfill of a recording as a list of ticks, one for each reading: what was read, what was done meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from console import events
from console.change import Frozen
from console.recording import Recording
from console.session import behind
from console.throttle import Readings

PHASES = ("backfill", "backfill-again")


class NoBackfill(Exception):
    """The recording holds no backfill with readings; the text says so."""


class Tick(Frozen, frozen=True):
    """The time up to a reading, and the reading."""

    t: float
    """When it was read, on the session's clock."""
    unix: float
    seconds: float
    """Since the tick before, or since the backfill went on."""
    readings: Readings
    working: bool
    """Nobody had paused it, and it was not parked."""
    rows: int
    """Filled in this tick."""
    busy: float
    """Seconds that its batches took."""
    stopped: bool
    """The throttle stopped it, as recorded."""
    held: bool
    """The throttle held it back in any way, as recorded."""
    operator: events.OperatorThrottle | None
    """The operator's own throttle, as it stood."""


class Backfill(Frozen, frozen=True):
    """What is to be run again."""

    ticks: tuple[Tick, ...]
    rows: int
    seconds: float
    stops: int
    stopped_s: float
    before: tuple[int, ...]
    """Active sessions, as read before the backfill, from which the limit of the load is learnt."""
    reasons: dict[str, float]
    """Seconds that each reason held it back, as recorded."""


class _Reader:
    """Goes through the events, and puts the ticks together."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._zero = 0.0
        self._phase = ""
        self._last = 0.0
        self._state: events.RunnerState = "running"
        self._worked = 0.0
        """Seconds of this tick in which the runner was at work."""
        self._since = 0.0
        self._rows = 0
        self._busy = 0.0
        self._throttle: tuple[events.Reason, ...] = ()
        self._waits: dict[int, events.LockWait] = {}
        self._readings = Readings()
        self._operator: events.OperatorThrottle | None = None
        self._stopped_at: float | None = None
        self._learnt = False
        self.ticks: list[Tick] = []
        self.active: list[int] = []
        self.stops = 0
        self.stopped_s = 0.0
        self.reasons: dict[str, float] = {}
        self._told = 0.0

    def read(self) -> Backfill:
        """The whole of it. Raises NoBackfill."""
        for position, event in self._recording.of(*_KINDS):
            self._take(event, self._recording.times[position - 1])
        if self._phase:
            self._close(self._recording.duration)
        if not self.ticks:
            raise NoBackfill("the recording holds no backfill with readings")
        # What happened where no reading was taken is no part of the course.
        seconds = sum(tick.seconds for tick in self.ticks)
        return Backfill(
            ticks=tuple(self.ticks),
            rows=sum(tick.rows for tick in self.ticks),
            seconds=seconds,
            stops=self.stops,
            stopped_s=min(self.stopped_s, seconds),
            before=tuple(self.active),
            reasons={name: min(held, seconds) for name, held in self.reasons.items()},
        )

    def _take(self, event: events.Event, t: float) -> None:
        match event:
            case events.Header():
                self._zero = event.started_unix
                self._throttled((), t)
                self._waits, self._phase, self._state = {}, "", "running"
                self._readings, self._operator = Readings(), None
            case events.OperatorThrottle():
                self._operator = event
            case events.LockWaitsChanged():
                for pid in event.ended:
                    self._waits.pop(pid, None)
                self._waits.update((wait.session.pid, wait) for wait in event.began)
            case events.ReadingFailed(reading="replication"):
                self._readings = replace(self._readings, replication_failure=event.why)
            case events.Sample():
                self._sample(event, t)
            case events.PhaseBegan(phase=phase) if phase in PHASES:
                self._phase, self._last, self._since = phase, t, t
                self._learnt, self._worked, self._state = True, 0.0, "running"
            case events.PhaseEnded(phase=phase) if phase == self._phase:
                self._close(t)
                self._phase = ""
            case events.StateChanged() if self._phase:
                self._count(t)
                self._state = event.state
            case events.Throttled() if self._phase:
                self._throttled(event.reasons, t)
            case events.Batches() if self._phase:
                self._rows += sum(event.rows)
                self._busy += sum(event.milliseconds) / 1000
            case _:
                pass

    def _count(self, t: float) -> None:
        if self._state == "running":
            self._worked += t - self._since
        self._since = t

    def _throttled(self, reasons: tuple[events.Reason, ...], t: float) -> None:
        stopping = any(reason.stops for reason in reasons)
        if stopping and self._stopped_at is None:
            self._stopped_at = t
            self.stops += 1
        elif not stopping and self._stopped_at is not None:
            self.stopped_s += t - self._stopped_at
            self._stopped_at = None
        for name in {reason.name for reason in self._throttle}:
            self.reasons[name] = self.reasons.get(name, 0.0) + t - self._told
        self._throttle, self._told = reasons, t

    def _sample(self, event: events.Sample, t: float) -> None:
        ours = [pid for pid, wait in self._waits.items() if wait.session.ours]
        queue = (self._waits[pid] for pid in behind(self._waits, ours))
        self._readings = Readings(
            replication_at=event.replication_at,
            replicas=event.replicas,
            replication_failure=self._readings.replication_failure
            if event.replication_at == self._readings.replication_at
            else "",
            activity_at=event.activity_at,
            active=event.active,
            locks_at=event.locks_at,
            behind_us=max((max(0.0, t - wait.began) for wait in queue if wait.mode), default=0.0),
            rows_per_second=event.rows_per_second,
        )
        if not self._learnt and event.active is not None:
            self.active = [*self.active[-59:], event.active]
        if self._phase:
            self._tick(t)

    def _close(self, t: float) -> None:
        """The rest, from the last reading to the end."""
        if self._readings.replication_at is not None and (self._rows or t > self._last):
            self._tick(t)
        self._throttled((), t)

    def _tick(self, t: float) -> None:
        self._count(t)
        seconds = t - self._last
        self.ticks.append(
            Tick(
                t=t,
                unix=self._zero + t,
                seconds=seconds,
                readings=self._readings,
                working=self._rows > 0 or self._worked * 2 >= seconds,
                rows=self._rows,
                busy=self._busy,
                stopped=any(reason.stops for reason in self._throttle),
                held=bool(self._throttle),
                operator=self._operator,
            )
        )
        self._last, self._rows, self._busy, self._worked = t, 0, 0.0, 0.0


_KINDS: tuple[type[events.Event], ...] = (
    events.Header,
    events.OperatorThrottle,
    events.LockWaitsChanged,
    events.ReadingFailed,
    events.Sample,
    events.PhaseBegan,
    events.PhaseEnded,
    events.StateChanged,
    events.Throttled,
    events.Batches,
)


def backfill(recording: Recording) -> Backfill:
    """The recording's backfill. Raises NoBackfill."""
    return _Reader(recording).read()


def speeds(ticks: tuple[Tick, ...]) -> Iterator[float]:
    """Rows a second while a batch runs, at each tick; where none ran, as at the nearest one before, else after."""
    known = [tick.rows / tick.busy if tick.rows and tick.busy > 0 else None for tick in ticks]
    last = next((speed for speed in known if speed is not None), 0.0)
    for speed in known:
        last = last if speed is None else speed
        yield last


def at_work(ticks: tuple[Tick, ...]) -> float:
    """The share of the time that batches ran, where nothing held them back; the rest went between them.

    1 where there was no such time.
    """
    free = [tick for tick in ticks if tick.working and not tick.held and tick.rows]
    seconds = sum(tick.seconds for tick in free)
    return min(1.0, sum(tick.busy for tick in free) / seconds) if seconds else 1.0
