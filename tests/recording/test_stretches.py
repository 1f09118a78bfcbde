"""A stretch is taken in as a whole, and unread where it is sealed: what is found is what a look at each line finds."""

from __future__ import annotations

import functools
import re
import tempfile
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from console import events
from console.recording import Recorder, Recording, packed
from console.recording import scan as scanning
from console.recording.found import Found
from console.recording.points import Points
from console.recording.stretches import SNAPSHOT, take_clean
from console.session import Point, fold
from tests.recording.night import night
from tests.recording.streams import header, record, typical


@functools.cache
def _night() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return record(Path(folder) / "r.jsonl", list(night(400, replicas=3, burst_each=40))).read_bytes()


def _unsealed(data: bytes) -> bytes:
    return re.sub(rb',"seal":\d+', b"", data)


def _stretches(data: bytes) -> list[bytes]:
    begins = [0, *(at.start() + 1 for at in re.finditer(b"\n" + SNAPSHOT, data)), len(data)]
    return [data[first:last] for first, last in pairwise(begins)]


def _seals(data: bytes) -> list[int]:
    return [int(digits) for digits in re.findall(rb'"crc":\d+,"seal":(\d+),', data)]


def _facts(found: Found) -> dict[str, object]:
    """All that it found, in kinds that can be compared."""
    own = ("data", "lines", "points", "_promised")
    facts = {name: value for name, value in vars(found).items() if name not in own}
    return {**facts, "lines": list(found.lines), "points": list(found.points)}


def _both_ways(data: bytes) -> tuple[Found, Found]:
    """What is found by stretches, and line by line."""
    by_stretches = scanning.scan(data, "r.jsonl")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scanning, "take_clean", lambda _: (0, 0))
        return by_stretches, scanning.scan(data, "r.jsonl")


@pytest.mark.parametrize("change", [bytes, _unsealed])
def test_nothing_is_found_otherwise(change: Callable[[bytes], bytes]) -> None:
    data = change(_night())
    taken, begins = take_clean(found := Found(data))
    assert taken == data[:begins].count(b"\n") > 0.7 * data.count(b"\n")
    assert found.problems == []
    ours, theirs = _both_ways(data)
    assert _facts(ours) == _facts(theirs)


@pytest.mark.slow
@given(st.data())
@settings(deadline=None, max_examples=60)
def test_nothing_is_found_otherwise_in_damaged_bytes(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([_night(), _unsealed(_night())]))
    offset = data.draw(st.integers(whole.index(b"\n") + 1, len(whole) - 1))
    piece = data.draw(st.binary(min_size=1, max_size=8) | st.sampled_from([b"\n", b"}\n{", b"9", b'"s":7']))
    length = data.draw(st.sampled_from([len(piece), 0, 1, 3000]))
    ours, theirs = _both_ways(whole[:offset] + piece + whole[offset + length :])
    assert _facts(ours) == _facts(theirs)


class _Counting:
    """A decoder that counts the lines which it is given."""

    def __init__(self) -> None:
        self.lines = 0

    def decode(self, line: bytes) -> Any:
        self.lines += 1
        return _decode(line)

    def decode_lines(self, text: bytes) -> Any:
        self.lines += text.count(b"\n")
        return _decode_lines(text)


_decode, _decode_lines = packed.decoder.decode, packed.decoder.decode_lines


def test_what_is_sealed_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = _night()
    left = _stretches(sealed)[-1].count(b"\n")
    told = len(re.findall(rb'^{"kind":"(?!sample|batches|lock-waits)', sealed, re.MULTILINE))
    read = []
    for data in (sealed, _unsealed(sealed)):
        monkeypatch.setattr(packed, "decoder", counting := _Counting())
        scanning.scan(data, "r.jsonl")
        read.append(counting.lines)
    # Of the sealed one: the last stretch, what is told, and the samples of the last sealed stretch for their names.
    assert read[0] < left + told + 61
    assert read[1] >= sealed.count(b"\n")


def test_each_snapshot_seals_the_stretch_before_it(tmp_path: Path) -> None:
    data = _night()
    assert _seals(data) == [zlib.crc32(stretch) for stretch in _stretches(data)[:-1]]
    assert len(_seals(data)) == 7


def test_a_session_that_is_taken_up_goes_on_sealing(tmp_path: Path) -> None:
    path = record(tmp_path / "r.jsonl", list(typical(100)))
    with path.open("ab") as file:
        file.write(b'{"kind":"log","te')
    with Recorder.create(path, session_id=header().session) as recorder:
        t, s = recorder.session.t, recorder.session.s
        recorder.append(replace(header(resumed=True), t=t, s=s + 1))
        recorder.append(events.PhaseBegan(phase="verify", t=t, s=s + 2))
        recorder.append(events.PhaseEnded(phase="verify", outcome="passed", t=t, s=s + 3))
    data = path.read_bytes()
    assert _seals(data) == [zlib.crc32(stretch) for stretch in _stretches(data)[:-1]]


@pytest.mark.parametrize("kind", [b"sample", b"batches", b"lock-waits"])
def test_a_line_that_was_sealed_unreadable_is_told_where_it_stands(tmp_path: Path, kind: bytes) -> None:
    """Nobody writes such a file but on purpose, or by a fault of ours: it opens, and plays."""
    first, second, *others = _stretches(_night())
    lines = second.split(b"\n")
    at = next(index for index, line in enumerate(lines) if line.startswith(b'{"kind":"%s"' % kind))
    lines[at] = re.sub(rb'"(v|rows|texts)":', b'"\\1":7,"_":', lines[at], count=1)
    second = b"\n".join(lines)
    others[0] = re.sub(rb'"seal":\d+', b'"seal":%d' % zlib.crc32(second), others[0], count=1)
    path = tmp_path / "r.jsonl"
    path.write_bytes(first + second + b"".join(others))
    recording = Recording.open(path)
    position = first.count(b"\n") + at
    (bad,) = [
        n
        for n, event in enumerate(recording.events)
        if isinstance(event, events.Log) and "can not" in event.text
    ]
    assert f"event {bad + 1} can not be read" in recording.at_event(bad + 1).log[-1].text
    assert bad < position
    assert len([*recording.points]) == len(recording.points) == _night().count(b'\n{"kind":"sample"')
    kinds = {event.__class__ for event in recording.events}
    assert all(type(event) in kinds for _, event in recording.of(*kinds))
    assert not recording.chain.holds
    assert recording.at(recording.duration).s == fold(recording.events).s


_points = st.builds(Point, t=st.floats(0, 100), rows_per_second=st.floats(0, 9), lags=st.just(()))


@given(st.lists(st.tuples(st.booleans(), st.lists(_points, max_size=4)), max_size=6), st.data())
def test_points_are_a_list_of_points(parts: list[tuple[bool, list[Point]]], data: st.DataObject) -> None:
    asked: list[int] = []
    points, known = Points(), []

    def make(number: int, part: list[Point]) -> Iterator[Point]:
        asked.append(number)
        yield from part

    for number, (promised, part) in enumerate(parts):
        if promised:
            points.promise(len(part), lambda n=number, p=part: [*make(n, p)])  # type: ignore[misc]
        else:
            points.extend(part)
        known += part
    assert (asked, len(points)) == ([], len(known))
    bound = st.none() | st.integers(-30, 30)
    piece = slice(data.draw(bound), data.draw(bound), data.draw(st.sampled_from([None, 1, 2, -1])))
    assert points[piece] == known[piece]
    assert [points[index] for index in range(-len(known), len(known))] == known + known
    for outside in (len(known), -len(known) - 1):
        with pytest.raises(IndexError):
            points[outside]
    assert [*points] == known
    assert len(asked) == len(set(asked))
