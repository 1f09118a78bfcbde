"""Folds a stretch of a recording's lines at once: what `apply` makes of them one by one, in half the time.

Of several samples only the last one stays; those before it leave their points in the charts and their peaks in the
totals. So they are not unpacked, and the session is not made anew for each.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from console import events
from console.recording import packed, packing
from console.recording.problems import UNREADABLE, taken_line
from console.session import HISTORY, Point, Session, apply

_APART = (packed.Batches, packed.LockWaits)
"""Neither looks at what a sample leaves, nor changes it."""


class _Passed:
    """What the samples that were passed over leave."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.points: list[Point] = []
        self.t, self.s = 0.0, 0
        self.queue = 0
        self.lags: dict[str, float] = {}

    def add(self, sample: packed.Sample) -> None:
        points, self.names = packing.charts((sample,), self.names)
        self.points += points
        self.t, self.s = max(self.t, sample.t), max(self.s, sample.s)
        self.queue = max(self.queue, sample.v.queued_behind_us)
        # Through a dict, as `apply` does it: of one that a damaged line names twice, the last lag counts.
        for name, lag in {copy.name: copy.lag for copy in sample.r}.items():
            if lag is not None and lag > self.lags.get(name, -1.0):
                self.lags[name] = lag

    def into(self, session: Session) -> Session:
        totals = session.totals
        peaks = totals.max_replication_lag_s
        higher = {name: lag for name, lag in self.lags.items() if lag > peaks.get(name, -1.0)}
        if higher or self.queue > totals.max_lock_queue:
            totals = replace(
                totals,
                max_replication_lag_s={**peaks, **higher},
                max_lock_queue=max(totals.max_lock_queue, self.queue),
            )
        return replace(
            session,
            t=max(session.t, self.t),
            s=max(session.s, self.s),
            replica_names=self.names,
            history=(*session.history, *self.points)[-HISTORY:],
            totals=totals,
        )


def stride(session: Session, lines: Iterable[bytes], samples: int) -> Session:
    """The session after the lines, of which so many are samples. A line that makes no sense changes nothing."""
    passed = _Passed(session.replica_names)
    for line in lines:
        event = taken_line(line)
        if type(event) is packed.Sample:
            samples -= 1
            # As `apply` does with an event that was applied before.
            if samples > 0 and (not event.s or event.s > max(session.s, passed.s)):
                passed.add(event)
                continue
        if passed.points and not isinstance(event, _APART):
            session = passed.into(session)
            passed = _Passed(session.replica_names)
        session = applied(session, packing.unpack(event))
        if not passed.points:
            passed.names = session.replica_names
    return passed.into(session) if passed.points else session


def applied(session: Session, event: events.Event) -> Session:
    """The session after `event`; unchanged where damaged numbers make that impossible."""
    try:
        return apply(session, event)
    except UNREADABLE:
        return session
