"""The chain: it is whole over what was written, in one run or several, and tells where anything else begins."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from console import events
from console.recording import Recorder, Recording
from console.recording.chain import verify
from tests.recording.streams import header, record, typical

GOLDEN = Path(__file__).parent / "golden"
ENDED = events.Ended(outcome="completed", exit_status=0, text="done", t=60.0, s=1000)


def _lines(seconds: int = 30) -> list[bytes]:
    """A recording of some seconds, as its lines."""
    with tempfile.TemporaryDirectory() as folder:
        path = record(Path(folder) / "r.jsonl", list(typical(seconds)))
        return path.read_bytes().split(b"\n")[:-1]


def _joined(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def test_it_is_whole_and_its_hash_is_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with Recorder.create(path) as recorder:
        for event in [*typical(30), ENDED]:
            recorder.append(event)
        said = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[
            0
        ]
        assert recorder.sha256 == said
        assert recorder.lines == path.read_bytes().count(b"\n")
    chain = Recording.open(path).chain
    assert (chain.state, chain.breaks, chain.sha256, chain.lines) == ("whole", (), said, recorder.lines)
    assert chain.ended
    assert chain.verdict == f"the chain of hashes is whole over {chain.lines} lines"


def test_a_recording_without_an_end_says_so() -> None:
    chain = verify(_joined(_lines()))
    assert chain.state == "whole"
    assert chain.verdict.endswith("; the recording has no end yet")


def test_a_second_run_goes_on_with_it(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record(path, list(typical(20)))
    first = path.read_bytes()
    with path.open("ab") as file:
        file.write(b'{"kind":"log","level":"info","te')
    torn = Recording.open(path).chain
    assert (torn.state, torn.broken, torn.holds) == ("torn", 0, True)
    assert torn.sha256 == hashlib.sha256(first).hexdigest()
    with Recorder.create(path, session_id=header().session) as recorder:
        t, s = recorder.session.t, recorder.session.s
        recorder.append(replace(header(resumed=True), t=t + 60, s=s + 1))
        recorder.append(events.Log(level="info", text="on", t=t + 61, s=s + 2))
        assert recorder.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    chain = Recording.open(path).chain
    assert (chain.state, chain.lines) == ("whole", recorder.lines)


def test_a_recording_of_an_older_format_is_taken_up_into_the_chain(tmp_path: Path) -> None:
    older = (GOLDEN / "format-1.jsonl").read_bytes()
    assert verify(older).state == "none"
    path = tmp_path / "r.jsonl"
    path.write_bytes(older)
    with Recorder.create(path, session_id="orders-placed_on-1") as recorder:
        t, s = recorder.session.t, recorder.session.s
        recorder.append(replace(header(resumed=True), t=t + 60, s=s + 1))
        recorder.append(events.Log(level="info", text="on", t=t + 61, s=s + 2))
    data = path.read_bytes()
    chain = verify(data)
    assert (chain.state, chain.unchained, chain.broken) == ("whole", older.count(b"\n"), 0)
    # What the older version wrote is judged as one piece.
    changed = verify(data.replace(b'"owner":"ana"', b'"owner":"bob"', 1))
    assert [one.line for one in changed.breaks] == [older.count(b"\n") + 1]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: lines.__setitem__(20, lines[20].replace(b'"t":', b'"t":1', 1)), 21),
        (lambda lines: lines.__delitem__(slice(20, 23)), 21),
        (lambda lines: lines.insert(20, lines[3]), 21),
        (lambda lines: lines.insert(20, b'{"kind":"log","level":"info","text":"nothing was wrong"}'), 21),
        (lambda lines: lines.__setitem__(20, lines[20][:-4]), 21),
        (lambda lines: lines.__delitem__(0), 1),
    ],
    ids=["changed", "taken out", "moved", "put in", "cut", "first gone"],
)
def test_it_says_where_it_breaks_and_goes_on_behind(change: Callable[[list[bytes]], None], line: int) -> None:
    lines = _lines()
    change(lines)
    chain = verify(_joined(lines))
    assert chain.state == "broken"
    assert chain.breaks[0].line == line
    assert chain.broken <= 2
    assert f"line {line}" in chain.verdict
    assert "not as it was written" in chain.verdict


def test_lines_that_change_places_are_named() -> None:
    lines = _lines()
    lines[20], lines[21] = lines[21], lines[20]
    assert {one.line for one in verify(_joined(lines)).breaks} <= {21, 22, 23}


def test_many_breaks_are_counted_and_the_first_ones_told() -> None:
    lines = [line.replace(b'"kind":"sample"', b'"kind":"simple"') for line in _lines(60)]
    chain = verify(_joined(lines))
    assert chain.broken == 60
    assert len(chain.breaks) == 20
    assert "60 places" in chain.verdict


@given(st.data())
@settings(deadline=None, max_examples=80)
def test_no_byte_changes_unseen(data: st.DataObject) -> None:
    whole = _joined(_lines(10))
    offset = data.draw(st.integers(0, len(whole) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[offset]))
    chain = verify(whole[:offset] + bytes([value]) + whole[offset + 1 :])
    last = offset == len(whole) - 1
    assert chain.state == ("torn" if last else "broken")
    assert last or abs(chain.breaks[0].line - 1 - whole[:offset].count(b"\n")) <= 1
    assert chain.sha256 != hashlib.sha256(whole).hexdigest()


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_every_prefix_is_whole_or_torn(data: st.DataObject) -> None:
    whole = _joined(_lines(10))
    cut = data.draw(st.integers(whole.index(b"\n") + 1, len(whole)))
    chain = verify(whole[:cut])
    assert chain.state == ("whole" if whole[:cut].endswith(b"\n") else "torn")
    assert chain.lines == whole[:cut].count(b"\n")
