"""Seeking: the session at any moment is what the events up to it add up to."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console import events
from console.recording import Recording
from console.session import Session, fold
from tests.recording.night import night
from tests.recording.streams import record, streams


@given(streams(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_seek_is_fold_in_any_order(stream: list[events.Event], random: Random) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recording = Recording.open(record(Path(folder) / "r.jsonl", stream))
    assert recording.problems == ()
    assert list(recording.events) == stream
    truth = [Session()]
    for event in stream:
        truth.append(fold([event], truth[-1]))
    positions = list(range(len(stream) + 1))
    random.shuffle(positions)
    for position in positions:
        assert recording.at_event(position) == truth[position]
    assert recording.final == truth[-1]
    for event in stream:
        after = max(n for n, other in enumerate(stream, 1) if other.t <= event.t)
        assert recording.position(event.t) == after
        assert recording.at(event.t) == truth[after]


@given(streams(), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8))
@settings(deadline=None, max_examples=30)
def test_forwards_and_back_again_is_where_it_was(
    stream: list[events.Event], walks: list[tuple[int, int]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recording = Recording.open(record(Path(folder) / "r.jsonl", stream))
    for begin, steps in walks:
        begin = min(begin, len(stream))  # noqa: PLW2901 - no further than there is
        end = min(begin + steps, len(stream))
        there = [recording.at_event(position) for position in range(begin, end + 1)]
        back = [recording.at_event(position) for position in range(end, begin - 1, -1)]
        assert back == there[::-1]
        # One jump there is as good as all the steps.
        assert recording.at_event(begin) == there[0]
        assert recording.at_event(end) == there[-1]


@pytest.mark.slow
def test_seek_is_fold_over_an_hour(tmp_path: Path) -> None:
    stream = list(night(3600, per_second=2, replicas=3, burst_each=30))
    recording = Recording.open(record(tmp_path / "r.jsonl", stream))
    assert recording.problems == ()
    session, checked = Session(), 0
    for position, event in enumerate(stream, 1):
        session = fold([event], session)
        if position % 391 == 0:
            assert Recording.open(recording.path).at_event(position) == session
            assert recording.at_event(position) == session
            checked += 1
    assert checked > 15
    assert recording.final == session
    assert len(session.history) == 600
    assert len(recording.points) == 7200
    assert recording.duration == stream[-1].t
