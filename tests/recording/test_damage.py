"""A torn or damaged recording: what can be read is, unchanged, and what is missing is said."""

from __future__ import annotations

import functools
import tempfile
from bisect import bisect_right
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console import events
from console.recording import Recording, RecordingError
from console.recording.order import CLOCK_SLACK
from console.session import Session, fold
from tests.recording.streams import record, streams, typical


def _bytes_of(stream: list[events.Event]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return record(Path(folder) / "r.jsonl", stream).read_bytes()


def _open(data: bytes) -> Recording:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.jsonl"
        path.write_bytes(data)
        return Recording.open(path)


@functools.cache
def _typical() -> tuple[bytes, list[events.Event]]:
    stream = list(typical(200, waits=0.5))
    return _bytes_of(stream), stream


@pytest.mark.slow
@given(streams(max_size=30), st.data())
@settings(deadline=None, max_examples=50)
def test_every_prefix_loads(stream: list[events.Event], data: st.DataObject) -> None:
    whole = _bytes_of(stream)
    cut = data.draw(st.integers(1, len(whole)))
    first = whole.index(b"\n")
    if cut < first:
        with pytest.raises(RecordingError, match="was cut off in its first line"):
            _open(whole[:cut])
        return
    recording = _open(whole[:cut])
    kept = list(recording.events)
    assert kept == stream[: len(kept)]
    assert recording.final == fold(kept)
    torn = whole[cut - 1 : cut] != b"\n" and whole[cut : cut + 1] != b"\n"
    assert bool(recording.problems) == torn
    assert all("cut off" in problem.text for problem in recording.problems)


@pytest.mark.slow
@given(st.data())
@settings(deadline=None, max_examples=60)
def test_damage_never_changes_what_was_shown_before_it(data: st.DataObject) -> None:
    whole, stream = _typical()
    offset = data.draw(st.integers(0, len(whole) - 1))
    piece = data.draw(st.binary(min_size=1, max_size=8))
    length = data.draw(st.sampled_from([len(piece), 0, 1, 3000]))
    damaged = whole[:offset] + piece + whole[offset + length :]
    # A header that can't be trusted any more is refused; nothing else is.
    in_header = offset <= whole.index(b"\n")
    try:
        recording = _open(damaged)
    except RecordingError:
        if in_header:
            return
        raise
    lines = whole[:offset].split(b"\n")[:-1]
    intact = sum(1 for line in lines if b'"kind":"snapshot"' not in line[:20])
    if not in_header:
        for position in {0, 1, intact // 2, intact}:
            assert recording.at_event(position) == fold(stream[:position])
        t = stream[intact - 1].t if intact else 0.0
        if t > 0:
            assert recording.at(t - 0.001) == fold(event for event in stream if event.t <= t - 0.001)
        sound = _open(whole)
        points = sum(isinstance(event, events.Sample) for event in stream[:intact])
        assert recording.points[:points] == sound.points[:points]
        told = bisect_right(sound.log_positions, intact)
        assert recording.log[:told] == sound.log[:told]
        # What comes after it is looked for by time.
        assert all(
            later >= earlier - CLOCK_SLACK for earlier, later in pairwise(p.t for p in recording.points)
        )
    assert isinstance(recording.final, Session)
    lost = len(stream) - len(recording.events)
    assert not lost or recording.problems
    for event in recording.events:
        assert isinstance(event, events.Event)


def test_a_snapshot_after_the_damage_puts_the_session_right() -> None:
    whole, stream = _typical()
    lines = whole.split(b"\n")
    batches = [n for n, line in enumerate(lines) if line.startswith(b'{"kind":"batches"')]
    broken = batches[10]
    lines[broken] = lines[broken][:40] + b"\x00\xff" + lines[broken][42:]
    recording = _open(b"\n".join(lines))
    assert [problem.line for problem in recording.problems] == [broken + 1]
    truth = fold(stream)
    assert recording.final.totals == truth.totals
    assert recording.final.history == truth.history
    near = recording.position(30.0)
    assert (
        recording.at_event(near).totals.batches == fold(e for e in stream if e.t <= 30.0).totals.batches - 9
    )


def test_a_time_that_became_earlier_changes_nothing_before_it() -> None:
    """Neither the points of the charts, nor what is found on the time line."""
    whole, stream = _typical()
    lines = whole.split(b"\n")
    late = next(
        n for n, line in enumerate(lines) if b'"t":150.0' in line and line.startswith(b'{"kind":"sample"')
    )
    lines[late] = lines[late].replace(b'"t":150.0', b'"t":50.0')
    damaged, sound = _open(b"\n".join(lines)), _open(whole)
    assert [f"line {late + 1}: event" in str(problem) for problem in damaged.problems] == [True]
    assert [point for point in sound.points if point.t != 150.0] == [*damaged.points]
    assert damaged.final.totals == sound.final.totals
    assert len(damaged.events) == len(stream) - 1


def test_times_behind_two_damaged_ones_are_not_all_taken_for_damaged() -> None:
    whole, stream = _typical()
    lines = whole.split(b"\n")
    for number in (60, 61):
        lines[number] = lines[number].replace(b'"t":', b'"t":7')
    assert len(_open(b"\n".join(lines)).events) >= len(stream) - 2


def test_an_empty_line_is_told() -> None:
    whole, stream = _typical()
    lines = whole.split(b"\n")
    lines[20] = b""
    recording = _open(b"\n".join(lines))
    assert [str(problem) for problem in recording.problems] == [
        "line 21: the line is empty: what it said is lost"
    ]
    assert len(recording.events) == len(stream) - 1
    assert _open(whole).problems == ()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'"s":41,"h', b'"s":91,"h', "event 91 has a damaged number"),
        (b'"s":41,"h', b'"s":11,"h', "event 11 stands in the wrong place"),
        (b'.0,"s":41,"h', b'9.0,"s":41,"h', "event 41 has a damaged time"),
        (b'"t":12.0,"s":41,"h', b'"t":2.0,"s":41,"h', "event 41 has a damaged time"),
        (b'"t":12.0,"s":41,"h', b'"u":12.0,"s":41,"h', "event 41 has a damaged time"),
        (b'"s":41,"h', b'"s":4,h', "bytes can't be read"),
    ],
)
def test_a_damaged_digit_costs_its_line_alone(old: bytes, new: bytes, says: str) -> None:
    whole, stream = _typical()
    assert whole.count(old) == 1
    recording = _open(whole.replace(old, new))
    assert recording.chain.state == "broken"
    assert [says in problem.text for problem in recording.problems] == [True]
    assert [event.s for event in recording.events] == [event.s for event in stream if event.s != 41]
    assert recording.duration == stream[-1].t


def test_lines_that_were_taken_out_are_missed() -> None:
    whole, _ = _typical()
    lines = whole.split(b"\n")
    del lines[100:103]
    recording = _open(b"\n".join(lines))
    (problem,) = recording.problems
    assert problem.line == 101
    assert "are missing before this line" in problem.text


def test_without_its_header_it_can_be_watched() -> None:
    whole, stream = _typical()
    recording = _open(b'{"kind":"hea\x00' + whole[13:])
    assert recording.header is None
    assert [problem.line for problem in recording.problems[:1]] == [1]
    assert any("the header can't be read" in problem.text for problem in recording.problems)
    assert recording.final.totals == fold(stream).totals


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
@settings(deadline=None, max_examples=50)
def test_anything_else_is_no_recording(data: bytes) -> None:
    with pytest.raises(RecordingError) as caught:
        _open(data)
    assert str(caught.value).count("\n") == 0
