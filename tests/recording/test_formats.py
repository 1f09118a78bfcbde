"""Recordings of every format that was ever written can be read, for ever. `golden/` keeps one of each."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from console import events
from console.recording import Recording
from console.report import summarise

GOLDEN = Path(__file__).parent / "golden"


def test_there_is_one_of_each_format() -> None:
    there = sorted(path.name for path in GOLDEN.iterdir())
    assert there == [f"format-{number}.jsonl" for number in range(1, events.FORMAT + 1)]


@pytest.mark.parametrize("number", range(1, events.FORMAT + 1))
def test_it_says_what_it_said_when_it_was_written(number: int) -> None:
    recording = Recording.open(GOLDEN / f"format-{number}.jsonl")
    assert recording.problems == ()
    assert recording.header is not None
    assert recording.header.title == "public.orders.placed_on"
    report = summarise(recording)
    assert (report.outcome, report.runs, report.seconds) == ("completed", 2, 3605.0)
    assert (report.rows_backfilled, report.batches, report.retries) == (5000, 4, 2)
    assert (report.verified_rows, report.max_replication_lag_s) == (4999, {"db2": 3.25})
    assert [phase.outcome for phase in report.phases] == [
        "passed",
        "passed",
        "skipped",
        "left-out",
        "passed",
        "passed",
        "passed",
    ]
    middle = recording.at(12.6)
    assert (middle.phase, middle.state, middle.totals.batches) == ("backfill", "starting", 2)
    assert middle.throttle[0].name == "replication lag"


@pytest.mark.parametrize("number", range(1, events.FORMAT))
def test_it_says_what_the_present_format_says(number: int) -> None:
    older = Recording.open(GOLDEN / f"format-{number}.jsonl")
    present = Recording.open(GOLDEN / f"format-{events.FORMAT}.jsonl")
    assert len(older.events) == len(present.events)
    for before, now in zip(older.events, present.events, strict=True):
        if isinstance(before, events.Header):
            before = replace(before, format=events.FORMAT)  # noqa: PLW2901 - the one thing that differs
        assert before == now
    assert replace(older.final, header=None) == replace(present.final, header=None)
    assert ([*older.points], older.log, older.times) == ([*present.points], present.log, present.times)


@pytest.mark.parametrize("header", [b'"format":1,', b'"format":"2",'], ids=["says 1", "says nothing"])
def test_samples_behind_a_header_that_names_an_older_format_are_read_as_they_are(
    tmp_path: Path, header: bytes
) -> None:
    """A damaged digit in the header, or a damaged header of the version that took the session up."""
    present = (GOLDEN / f"format-{events.FORMAT}.jsonl").read_bytes()
    path = tmp_path / "r.jsonl"
    first = (GOLDEN / "format-1.jsonl").read_bytes().split(b"\n")[0] if header == b'"format":"2",' else b""
    damaged = present.replace(b'"format":2,', header, 1)
    path.write_bytes((first + b"\n" if first else b"") + damaged)
    points = [*Recording.open(GOLDEN / f"format-{events.FORMAT}.jsonl").points]
    assert any(point.rows_per_second or any(point.lags) for point in points)
    assert [*Recording.open(path).points] == points


def test_a_line_of_a_format_that_was_none_is_left_out_and_told(tmp_path: Path) -> None:
    """A damaged line is no reason for a converter to fail."""
    lines = (GOLDEN / "format-1.jsonl").read_bytes().split(b"\n")
    broken = next(n for n, line in enumerate(lines) if line.startswith(b'{"kind":"batches"'))
    lines[broken] = lines[broken].replace(b'"done"', b'"gone"')
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"\n".join(lines))
    recording = Recording.open(path)
    assert [problem.line for problem in recording.problems] == [broken + 1]
