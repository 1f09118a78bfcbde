"""The series of a session as one table: a row for each sample, with the batches committed since the row before.

`docs/export.md` says what each column is. Cells are text, numbers or None, which is not read or not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from console import events
from console.recording import Recording

Cell = str | float | None

COLUMNS = (
    "t",
    "time",
    "rows_per_second",
    "transactions_per_second",
    "p99_ms",
    "lock_waits",
    "queued_behind_us",
    "active",
    "connections",
    "oldest_transaction_s",
    "history",
    "application_version",
    "p50_ms",
    "p95_ms",
    "phase",
    "throttle",
    "batches",
    "rows_filled",
    "longest_batch_ms",
    "batch_size",
    "rows_done",
    "rows_scanned",
    "rows_total",
    "retries",
)
"""Behind them comes `lag_s NAME` for each replica."""


def series(recording: Recording) -> Iterator[list[Cell]]:
    """The line of titles, and the rows."""
    replicas = recording.final.replica_names
    yield [*COLUMNS, *(f"lag_s {name}" for name in replicas)]
    rows = _Rows(_wall_clock(recording), replicas)
    kinds = (events.Sample, events.Batches, events.Throttled, events.PhaseBegan)
    held: list[Cell] | None = None
    for _, event in recording.of(*kinds):
        match event:
            case events.Sample():
                if held is not None:
                    yield held
                held = rows.sample(event)
            case events.Batches():
                rows.batches(event)
            case events.Throttled():
                rows.throttle = "; ".join(reason.name for reason in event.reasons)
            case events.PhaseBegan():
                rows.phase = event.phase
    if held is not None:
        yield rows.last(held)


class _Rows:
    def __init__(self, wall: Callable[[float], str], replicas: tuple[str, ...]) -> None:
        self.phase = ""
        self.throttle = ""
        self._wall = wall
        self._replicas = replicas
        self._newest: events.Batches | None = None
        self._rows: list[int] = []
        self._milliseconds: list[float] = []
        self._retries = 0

    def batches(self, event: events.Batches) -> None:
        """Keep them for the row that comes next."""
        self._newest = event
        self._rows += event.rows
        self._milliseconds += event.milliseconds
        self._retries += event.retries

    def sample(self, event: events.Sample) -> list[Cell]:
        """The row of a sample."""
        lags = {replica.name: replica.lag for replica in event.replicas}
        oldest = event.oldest_transaction
        tps = event.application_tps
        return [
            event.t,
            self._wall(event.t),
            event.rows_per_second,
            event.transactions_per_second if tps is None else tps,
            event.p99_ms,
            event.waiting,
            event.queued_behind_us,
            event.active,
            event.connections,
            None if oldest is None else round(event.t - oldest, 3),
            event.history,
            event.application_version,
            event.p50_ms,
            event.p95_ms,
            self.phase,
            self.throttle,
            *self._since(),
            *(lags.get(name) for name in self._replicas),
        ]

    def _since(self) -> list[Cell]:
        newest = self._newest
        cells: list[Cell] = [
            len(self._rows),
            sum(self._rows),
            max(self._milliseconds, default=None),
            *((newest.size, newest.done, newest.scanned, newest.total) if newest else (None,) * 4),
            self._retries,
        ]
        self._rows, self._milliseconds, self._retries = [], [], 0
        return cells

    def last(self, row: list[Cell]) -> list[Cell]:
        """The last row, with the batches that came behind it, so that the column adds up."""
        if not self._rows:
            return row
        at = COLUMNS.index("batches")
        before, more = row[at : at + 8], self._since()
        both = [number(a) + number(b) for a, b in zip(before[:2], more[:2], strict=True)]
        longest = max(number(before[2]), number(more[2]))
        retries = number(before[7]) + number(more[7])
        return [*row[:at], *both, longest, *more[3:7], retries, *row[at + 8 :]]


def number(cell: Cell) -> float:
    """A cell that counts; nothing counts as 0."""
    return cell if isinstance(cell, int | float) else 0


def _wall_clock(recording: Recording) -> Callable[[float], str]:
    """The time of day, as the newest run's clock would tell it; empty where no header says when it began."""
    header = recording.header
    if header is None:
        return lambda t: ""
    try:
        began = datetime.fromisoformat(header.started) - timedelta(seconds=header.t)
    except ValueError:  # a damaged digit
        return lambda t: ""
    return lambda t: (began + timedelta(seconds=t)).isoformat(timespec="milliseconds")
