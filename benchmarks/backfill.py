"""What the backfill costs: its speed beside one big UPDATE of the same rows, and what the application feels of each.

Worlds of the demo in turn, each with its application at work: in two of them the real runner walks the change, once
with limits so wide that nothing holds it back and once with the usual ones; in the third one UPDATE fills a column of
the same type with the same expression. To reach: unthrottled, at least 0.8 of the UPDATE's rows per second; with the
usual limits, the application's 99th percentile at most 1.25 of what it is when nothing else runs. Whatever else works
on the machine makes a walk or an UPDATE slower, never faster, and by half on two cores: so the best of each are
compared, and a round says more the less else is at work.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from console import config
from console.demo.client import World, start_world
from console.events import Batches, PhaseEnded, Sample, Throttled
from console.recording import Recording, RecordingError
from console.runner.launch import launch

ROWS = 300_000
ROUNDS = 2
FREE = '\n[limits]\nreplication_lag = "1h"\nrunning_queries = 10000\n'
"""Limits that hold nothing back; batches aim at the usual time."""
IDLE = 8.0
"""Seconds in which the application is watched alone."""


def main() -> None:
    """Print a row for each round, and the ratios."""
    frees, usuals, updates, ours_p99, one_p99 = [], [], [], [], []
    print(f"{ROWS:,} rows; p99 is the application's, as a ratio to what it is alone in the same world")
    print(
        "round  free rows/s  usual rows/s  UPDATE rows/s  free  usual  held back"
        "  p99 usual  p99 UPDATE  longest batch  peak lag"
    )
    for number in range(1, ROUNDS + 1):
        free = with_world(walked, FREE)
        usual = with_world(walked, "")
        update = with_world(updated, "")
        frees.append(free.speed)
        usuals.append(usual.speed)
        updates.append(update.speed)
        ours_p99.append(usual.p99)
        one_p99.append(update.p99)
        print(
            f"{number:5}  {free.speed:11,.0f}  {usual.speed:12,.0f}  {update.speed:13,.0f}"
            f"  {free.speed / update.speed:4.2f}  {usual.speed / update.speed:5.2f}  {usual.held:7.1f} s"
            f"  x{usual.p99:8.1f}  x{update.p99:9.1f}  {usual.longest:10.0f} ms  {usual.lag * 1000:5.0f} ms",
            flush=True,
        )
    print(
        f"best of each: {max(frees) / max(updates):.2f} of one UPDATE's speed unthrottled,"
        f" {max(usuals) / max(updates):.2f} with the usual limits;"
        f" median p99 x{statistics.median(ours_p99):.1f} with the usual limits,"
        f" x{statistics.median(one_p99):.1f} under one UPDATE"
    )


@dataclass(frozen=True)
class Measured:
    """What one walk, or one UPDATE, came to."""

    speed: float
    """Rows per second."""
    p99: float
    """The application's, as a ratio to idle."""
    longest: float
    """The longest batch, in milliseconds."""
    lag: float = 0.0
    """The peak, in seconds."""
    held: float = 0.0
    """Seconds in which the throttle held the backfill back, slowed or stopped."""


def with_world(measure: Callable[[World, float], Measured], limits: str) -> Measured:
    """Measures in a world of its own, with these lines at the end of its change file."""
    with start_world(rows=ROWS) as world:
        with world.change_file.open("a", encoding="utf-8") as file:
            file.write(limits)
        time.sleep(2)
        alone = watched(world, IDLE)
        return measure(world, alone)


def watched(world: World, seconds: float) -> float:
    """The median of the application's 99th percentiles of some seconds, in milliseconds."""
    seen = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(1)
        figures = world.figures()
        if figures is not None:
            seen.append(figures.p99_ms)
    return statistics.median(seen)


def walked(world: World, alone: float) -> Measured:
    """The real runner, up to the end of the backfill."""
    with tempfile.TemporaryDirectory(prefix="cc-bench-") as folder:
        launched = launch(
            world.change_file,
            advance="auto",
            application=world.application_file,
            alone=True,
            env={**os.environ, "COLUMN_CONSOLE_HOME": folder},
        )
        try:
            ended = until_backfilled(launched.recording)
        finally:
            launched.process.terminate()
            launched.process.wait()
        recording = Recording.open(launched.recording)
    batches = [e for _, e in recording.of(Batches) if isinstance(e, Batches)]
    during = (ended.t - ended.seconds, ended.t)
    samples = [
        e for _, e in recording.of(Sample) if isinstance(e, Sample) and during[0] <= e.t <= during[1] + 1
    ]
    p99 = statistics.median([s.p99_ms for s in samples if s.p99_ms is not None] or [alone])
    longest = max(ms for batch in batches for ms in batch.milliseconds)
    lag = max(recording.final.totals.max_replication_lag_s.values(), default=0.0)
    held, since = 0.0, None
    for _, event in recording.of(Throttled):
        assert isinstance(event, Throttled)
        held += event.t - since if since is not None else 0.0
        since = event.t if event.reasons else None
    return Measured(batches[-1].done / ended.seconds, p99 / alone, longest, lag, held)


def until_backfilled(path: Path) -> PhaseEnded:
    """The event that ends the backfill."""
    while True:
        time.sleep(0.2)
        try:
            for _, event in Recording.open(path).of(PhaseEnded):
                if isinstance(event, PhaseEnded) and event.phase == "backfill":
                    return event
        except RecordingError:
            continue


def updated(world: World, alone: float) -> Measured:
    """One UPDATE of the whole table."""
    file = config.load(world.change_file)
    assert file.change.backfill is not None
    with psycopg.connect(file.target.url, autocommit=True) as connection:
        connection.execute("ALTER TABLE orders ADD COLUMN one_update date")
        began = time.monotonic()
        value = file.change.backfill.value.replace("%", "%%")
        done = connection.execute(f"UPDATE orders SET one_update = {value}".encode())
        seconds = time.monotonic() - began
    time.sleep(1)
    figures = world.figures()
    p99 = figures.p99_ms if figures else alone
    return Measured(done.rowcount / seconds, p99 / alone, seconds * 1000)


if __name__ == "__main__":
    main()
