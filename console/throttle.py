"""What holds the backfill back: a pure function of readings and time, and its small memory.

Lag is a *budget*: nothing steers on it, the work stops when it is spent and goes on when it is back under half.
Load is a *gauge*: it makes the pace faster or slower, step by step, and never stops the work. What can't be read
counts against us: a reading of the replicas that is missing or old stops the work, an old reading of the load
leaves the pace where it is. All reasons that hold are listed, not the first one.

Nothing here reads a clock. `now` is the session's clock `t`, in seconds; `unix` is the wall clock, which only the
maintenance window needs. How large a batch is and how long to wait after one: `console.runner.pace`.
"""

from __future__ import annotations

import datetime
import math
import zoneinfo
from collections.abc import Sequence

from msgspec.structs import replace

from console.change import Frozen, Limits, Window
from console.events import OperatorThrottle, Reason, Replica
from console.words import duration, plural

STALE = 3.0
"""Seconds after which a reading is too old to go on with; each is taken once a second."""

BEHIND_US = 0.2
"""Seconds that a session may wait behind a batch before batches are cut: twice the usual `batch_time`."""

OUTSIDE = "outside the window"
"""The reason that holds while the maintenance window is closed."""

SLOWEST = 1 / 16
"""The pace that load alone never goes below, so that the work ends some day and the operator sees it move."""

UP, DOWN, HALF = 1.5, 0.8, 0.5
"""What one reading of the load may do to the pace."""


About = tuple[str, str]
Found = tuple[About, Reason]


class Readings(Frozen, frozen=True):
    """The newest of each reading, with the time on the session's clock at which it was read (None: never)."""

    replication_at: float | None = None
    replicas: tuple[Replica, ...] = ()
    replication_failure: str = ""
    """Why the last try to read the replicas failed; empty where it did not."""
    activity_at: float | None = None
    active: int | None = None
    """Sessions at work on the server, other than ours."""
    locks_at: float | None = None
    behind_us: float = 0.0
    """The longest that a session has been waiting for a lock of ours, in seconds."""
    rows_per_second: float = 0.0
    """What the backfill does now."""


class Decision(Frozen, frozen=True):
    """Whether to go on, and how fast."""

    stop: bool
    pace: float
    """0 < pace <= 1, the share of the time to be at work: 0.5 is a pause as long as each batch took."""
    rows_per_second: float
    """The rows per second that people allow; 0: no bound."""
    cut: bool
    """Someone waits behind our batches: make the next one smaller. True once for each reading that says so."""
    reasons: tuple[Reason, ...]

    @property
    def names(self) -> tuple[tuple[str, str, bool], ...]:
        """What the reasons are, apart from their readings: where this changes, people should be told at once."""
        return tuple((reason.name, reason.owner, reason.stops) for reason in self.reasons)


class Throttle:
    """Decides from the readings, before each batch and at least each second.

    It remembers which replica has spent its budget, how fast the load lets us go, and since when each reason
    holds. `limits.running_queries = 0` means that the limit is learnt, by `learn`.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.most_active = limits.running_queries
        """Active sessions at which the gauge shows 1; 0: not learnt yet, the load is not looked at."""
        self._pace = 1.0
        self._activity_seen: float | None = None
        self._locks_seen: float | None = None
        self._spent: set[str] = set()
        self._since: dict[About, float] = {}
        self._operator: OperatorThrottle | None = None

    def learn(self, active: Sequence[int]) -> None:
        """Learn the limit from readings of `active` taken while we did nothing; a given limit stands."""
        if not self.limits.running_queries and active:
            self.most_active = ordinary_limit(active)

    def set_operator(self, throttle: OperatorThrottle) -> None:
        """The operator's own throttle, on top of everything; 100 % without a bound takes it away."""
        self._operator = throttle

    def operator(self, now: float) -> OperatorThrottle | None:
        """The operator's throttle, if one holds at `now`: it has not expired and holds something back."""
        throttle = self._operator
        if throttle is None or (throttle.expires is not None and now >= throttle.expires):
            return None
        return throttle if throttle.percent < 100 or throttle.rows_per_second > 0 else None

    def decide(self, readings: Readings, now: float, unix: float) -> Decision:
        """What to do now, with all reasons. A stop holds for as long as any reason that stops does."""
        operator = self.operator(now)
        bounds = [self.limits.rows_per_second, operator.rows_per_second if operator else 0.0]
        waits = self._lock_waits(readings, now)
        found = [
            *self._window(unix),
            *self._replication(readings, now),
            *self._operators(operator),
            *self._rate(readings),
            *self._load(readings, now),
            *waits,
        ]
        cut = bool(waits) and readings.locks_at != self._locks_seen
        self._locks_seen = readings.locks_at
        # A reason that went on since the last decision keeps its date; the others lose theirs.
        self._since = {about: self._since.get(about, now) for about, _ in found}
        return Decision(
            stop=any(reason.stops for _, reason in found),
            pace=max(0.001, min(1.0, self._pace * (operator.percent / 100 if operator else 1.0))),
            rows_per_second=min((bound for bound in bounds if bound > 0), default=0.0),
            cut=cut,
            reasons=tuple(replace(reason, since=self._since[about]) for about, reason in found),
        )

    # -- Each reason, with what it is about: that tells one that goes on from a new one.

    def _window(self, unix: float) -> list[Found]:
        window = self.limits.window
        if window is None or is_open(window, unix):
            return []
        return [_found(OUTSIDE, f"{local_time(window, unix):%H:%M}", str(window))]

    def _replication(self, readings: Readings, now: float) -> list[Found]:
        limit = f"at most {duration(STALE)} old"
        failure = f": {readings.replication_failure}" if readings.replication_failure else ""
        if readings.replication_at is None:
            return [_found("stale reading", f"the replicas have not been read yet{failure}", limit)]
        found = []
        age = now - readings.replication_at
        if age > STALE:
            said = f"the replicas were last read {duration(age)} ago{failure}"
            found.append(_found("stale reading", said, limit))
        for replica in readings.replicas:
            found += self._replica(replica)
        return found

    def _replica(self, replica: Replica) -> list[Found]:
        limit = self.limits.replication_lag
        about, why = replica.name, f": {replica.why}" if replica.why else ""
        found = []
        if replica.state in ("gone", "unread", "stalled") or replica.lag is None:
            state = replica.state if replica.state in ("gone", "stalled") else "unread"
            said = f"{replica.name}{why}"
            found.append(_found(f"replica {state}", said, "every replica answers", about=about))
        if replica.lag is not None and replica.lag > limit:
            self._spent.add(replica.name)
        elif replica.lag is not None and replica.lag < limit / 2:
            self._spent.discard(replica.name)
        if replica.name in self._spent:
            name = "replay conflict" if replica.state == "conflict" else "replication lag"
            said = f"{replica.name} {'unknown' if replica.lag is None else duration(replica.lag)}{why}"
            bound = f"{duration(limit)}, goes on below {duration(limit / 2)}"
            found.append(_found(name, said, bound, about=about))
        if replica.slot:
            said = f"{replica.name}: its slot is {replica.slot}"
            found.append(_found("slot not reserved", said, "reserved", about=about))
        return found

    def _operators(self, operator: OperatorThrottle | None) -> list[Found]:
        if operator is None:
            return []
        parts = [f"{operator.percent:g} %"] if operator.percent < 100 else []
        if operator.rows_per_second > 0:
            parts.append(f"{operator.rows_per_second:g} rows/s")
        said = ", ".join(parts)
        return [_found("operator", said, said, owner=operator.by, stops=operator.percent <= 0)]

    def _rate(self, readings: Readings) -> list[Found]:
        limit = self.limits.rows_per_second
        if limit <= 0:
            return []
        said = f"{readings.rows_per_second:.0f} rows/s"
        return [_found("rows per second", said, f"{limit:g} rows/s", owner="change file", stops=False)]

    def _load(self, readings: Readings, now: float) -> list[Found]:
        if not self.most_active:
            return []
        at, active = readings.activity_at, readings.active
        if at is None or active is None or now - at > STALE:
            said = f"not read, pace stays at {self._pace:.0%}"
        else:
            if at != self._activity_seen:
                self._activity_seen = at
                self._pace = next_pace(self._pace, active / self.most_active)
            said = f"{active} active, pace {self._pace:.0%}"
        if self._pace >= 1:
            return []
        return [_found("load", said, plural(self.most_active, "session"), stops=False)]

    def _lock_waits(self, readings: Readings, now: float) -> list[Found]:
        if readings.locks_at is None or now - readings.locks_at > STALE or readings.behind_us <= BEHIND_US:
            return []
        said = f"{duration(readings.behind_us)} behind our batch"
        return [_found("lock waits", said, duration(BEHIND_US), stops=False)]


def next_pace(pace: float, load: float) -> float:
    """The pace after a reading of the load, where 1 is the limit.

    Below 0.4 faster, up to 0.7 as it is, above that slower, above 1 half.

    >>> [next_pace(0.4, load) for load in (0.1, 0.39)], [next_pace(0.4, load) for load in (0.4, 0.7)]
    ([0.6000000000000001, 0.6000000000000001], [0.4, 0.4])
    >>> [round(next_pace(0.4, load), 2) for load in (0.71, 1.0, 1.01, 50)]
    [0.32, 0.32, 0.2, 0.2]
    >>> next_pace(0.9, 0), next_pace(SLOWEST, 9) == SLOWEST
    (1.0, True)
    """
    if load < 0.4:
        return min(1.0, pace * UP)
    if load <= 0.7:
        return pace
    return max(SLOWEST, pace * (DOWN if load <= 1 else HALF))


def ordinary_limit(active: Sequence[int]) -> int:
    """The limit for a server that has so many active sessions on an ordinary day: they fill 0.4 of it.

    Judged by the 90th percentile; never below 10, for on a quiet server a few sessions more mean nothing.

    >>> ordinary_limit([0, 1, 0, 2]), ordinary_limit([8] * 10), ordinary_limit([8] * 19 + [100])
    (10, 20, 20)
    """
    return max(10, math.ceil(percentile(active, 0.9) / 0.4))


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the least value that at least `share` of them do not exceed.

    >>> percentile([5, 1, 4, 2, 3], 0.9), percentile(list(range(1, 11)), 0.9), percentile([7], 0.5)
    (5, 9, 7)
    """
    # Rounded first: 0.9 * 10 must be the ninth of ten, whatever floats make of it.
    return sorted(values)[max(0, math.ceil(round(share * len(values), 9)) - 1)]


def is_open(window: Window, unix: float) -> bool:
    """Whether the wall clock stands inside the window; it may span midnight. The end is outside.

    >>> night = Window(60, 300)
    >>> [is_open(night, minutes * 60) for minutes in (59, 60, 299, 300)]
    [False, True, True, False]
    >>> [is_open(Window(1380, 60), minutes * 60) for minutes in (1379, 1380, 0, 59, 60)]
    [False, True, True, True, False]
    """
    local = local_time(window, unix)
    minute = local.hour * 60 + local.minute
    if window.start < window.end:
        return window.start <= minute < window.end
    return minute >= window.start or minute < window.end


def local_time(window: Window, unix: float) -> datetime.datetime:
    """The wall clock of the window's time zone."""
    # UTC without the time zone database, which a small host may lack.
    zone = datetime.UTC if window.zone == "UTC" else zoneinfo.ZoneInfo(window.zone)
    return datetime.datetime.fromtimestamp(unix, zone)


def _found(
    name: str, reading: str, limit: str, *, about: str = "", owner: str = "", stops: bool = True
) -> Found:
    reason = Reason(name=name, reading=reading, limit=limit, owner=owner, stops=stops)
    return (name, about or owner), reason
