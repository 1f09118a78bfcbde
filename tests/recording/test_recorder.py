"""The recorder: nothing that it took is lost, nothing of anyone else's is overwritten, and no trouble stops a run."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from console import events
from console.recording import Recorder, Recording, RecordingError
from console.recording.chain import split
from console.recording.disk import DiskSync
from console.recording.packing import pack
from console.session import fold
from tests.recording.streams import decode, header, record, typical


def test_owner_only_one_line_each(tmp_path: Path) -> None:
    stream = list(typical(10))
    mask = os.umask(0)
    try:
        path = record(tmp_path / "r.jsonl", stream)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = path.read_bytes().split(b"\n")
    written = [line for line in lines[:-1] if not line.startswith(b'{"kind":"snapshot"')]
    assert [decode(line) for line in written] == stream
    assert [split(line)[0] + b"}" for line in written] == [pack(event) for event in stream]
    assert lines[-1] == b""


def test_a_snapshot_at_each_phase_change_and_each_minute(tmp_path: Path) -> None:
    stream = list(typical(600))
    path = record(tmp_path / "r.jsonl", stream)
    times = []
    for line in path.read_bytes().splitlines():
        event = decode(line)
        if isinstance(event, events.Snapshot):
            times.append(event.t)
    changes = [event.t for event in stream if isinstance(event, events.PhaseBegan | events.PhaseEnded)]
    assert times[: len(changes)] == changes
    minutes = times[len(changes) :]
    assert len(minutes) == 9
    assert all(later - earlier <= 61 for earlier, later in pairwise(minutes))


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="there is no folder"):
        Recorder.create(tmp_path / "no" / "r.jsonl")


def test_a_folder_or_a_device_is_no_place(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="is a folder: name a file in it"):
        Recorder.create(tmp_path)
    with pytest.raises(RecordingError, match="no ordinary file"):
        Recorder.create("/dev/null")


@pytest.mark.parametrize("text", ["", "my notes\n", '{"kind":"no'])
@pytest.mark.parametrize("session_id", ["", "other"])
def test_another_session_or_file_is_not_overwritten(tmp_path: Path, text: str, session_id: str) -> None:
    path = tmp_path / "r.jsonl"
    if text:
        path.write_text(text)
    else:
        record(path, list(typical(3)))
    before = path.read_bytes()
    with pytest.raises(RecordingError):
        Recorder.create(path, session_id=session_id)
    assert path.read_bytes() == before


def test_two_recorders_do_not_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with Recorder.create(path), pytest.raises(RecordingError, match="being written by another runner"):
        Recorder.create(path)


def test_a_session_is_taken_up_after_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    stream = list(typical(100))
    record(path, stream)
    with path.open("ab") as file:
        file.write(b'{"kind":"log","level":"info","te')
    with Recorder.create(path, session_id=header().session) as recorder:
        assert recorder.session == fold(stream)
        t, s = recorder.session.t, recorder.session.s
        again = replace(header(resumed=True), t=t + 60, s=s + 1)
        recorder.append(again)
        recorder.append(events.Log(level="info", text="on", t=t + 61, s=s + 2))
    recording = Recording.open(path)
    assert recording.problems == ()
    assert recording.final == fold([*stream, again, events.Log(level="info", text="on", t=t + 61, s=s + 2)])
    assert recording.header == header()


def test_a_first_line_that_was_torn_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(events.encode(header())[:50])
    with Recorder.create(path, session_id=header().session) as recorder:
        assert recorder.session.s == 0
        recorder.append(header())
    assert list(Recording.open(path).events) == [header()]


@contextmanager
def _room_for(size: int) -> Iterator[None]:
    """No file of this process may grow beyond `size`: writes fall short and then fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 100, 3000, 40_000, 40_001, 40_150])
def test_a_full_disk_loses_what_came_meanwhile_and_says_so(tmp_path: Path, room: int) -> None:
    path = tmp_path / "r.jsonl"
    stream = list(typical(300))
    said: list[str] = []
    half = next(n for n, event in enumerate(stream) if event.t > 200)
    recorder = Recorder.create(path, on_problem=said.append)
    with _room_for(room):
        for event in stream[:half]:
            recorder.append(event)
        assert recorder.failing is True
        full = path.read_bytes()
    assert len(said) == 1
    assert "can't be written" in said[0]
    assert full == b"" or full.endswith(b"\n")
    for event in stream[half:]:
        recorder.append(event)
    recorder.close()
    assert len(said) == 2
    assert "goes on" in said[1]
    recording = Recording.open(path)
    assert recording.problems
    assert all("missing" in problem.text for problem in recording.problems)
    truth = fold(stream)
    assert recording.header == header()
    assert recording.final == truth
    kept = full.count(b"\n")
    early = min(kept, len(recording.events) - 1)
    assert early == 0 or recording.at_event(1) == fold(stream[:1])
    assert fold(recording.events) == truth


def test_folding_goes_on_where_nothing_can_be_written(tmp_path: Path) -> None:
    stream = list(typical(20))
    recorder = Recorder.create(tmp_path / "r.jsonl")
    with _room_for(0):
        for event in stream:
            recorder.append(event)
    recorder.close()
    assert recorder.session == fold(stream)


_WRITER = """
import sys
from console.recording import Recorder
from tests.recording.streams import typical
with Recorder.create(sys.argv[1]) as recorder:
    for event in typical(100_000, waits=2.0):
        recorder.append(event)
        sys.stdout.write(f"{event.s}\\n")
        sys.stdout.flush()
"""


@pytest.mark.slow
def test_killed_at_any_moment_it_loses_at_most_a_torn_line(tmp_path: Path) -> None:
    random = Random(20261128)
    for number in range(12):
        path = tmp_path / f"{number}.jsonl"
        writer = subprocess.Popen([sys.executable, "-c", _WRITER, path], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        acknowledged = 0
        for _ in range(random.randrange(1, 4000)):
            acknowledged = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.stdout.read().split(b"\n")
        writer.wait()
        writer.stdout.close()
        # The last line of a pipe may be cut off as well.
        acknowledged = max([acknowledged, *(int(line) for line in rest[:-1])])
        recording = Recording.open(path)
        assert all("cut off" in problem.text for problem in recording.problems)
        assert len(recording.problems) <= 1
        assert len(recording.events) >= acknowledged
        assert [event.s for event in recording.events] == list(range(1, len(recording.events) + 1))
        with Recorder.create(path, session_id=header().session) as again:
            assert again.session == recording.final


def test_the_disk_is_asked_at_once_where_it_matters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    real = os.fdatasync

    def counting(fd: int) -> None:
        real(fd)
        sizes.append(os.fstat(fd).st_size)

    monkeypatch.setattr(os, "fdatasync", counting)
    path = tmp_path / "r.jsonl"
    with Recorder.create(path) as recorder:
        recorder.append(header())
        recorder.append(events.PhaseBegan(phase="backfill", t=1.0, s=2))
        assert sizes
        assert sizes[-1] == path.stat().st_size
        recorder.append(events.Log(level="info", text="a", t=2.0, s=3), sync=True)
        assert sizes[-1] == path.stat().st_size
        recorder.append(events.Log(level="info", text="b", t=3.0, s=4))
    assert sizes[-1] == path.stat().st_size


def test_a_disk_that_fails_or_hangs_is_told_of_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(fd: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", failing)
    said: list[str] = []
    with Recorder.create(tmp_path / "r.jsonl", on_problem=said.append) as recorder:
        recorder.append(header(), sync=True)
    assert said == [
        f"The disk under {tmp_path / 'r.jsonl'} failed to keep the recording: Input/output error."
    ]
    monkeypatch.setattr(DiskSync, "wait", lambda self, seconds: False)
    with Recorder.create(tmp_path / "s.jsonl", on_problem=said.append) as recorder:
        for number in range(1, 9):
            recorder.append(events.Log(level="info", text="a", s=number), sync=True)
    assert sum("is slow" in text for text in said) == 1


def test_after_closing_nothing_is_written(tmp_path: Path) -> None:
    path = record(tmp_path / "r.jsonl", [header()])
    recorder = Recorder.create(path, session_id=header().session)
    recorder.close()
    recorder.close()
    recorder.append(events.Log(level="info", text="late", t=1.0, s=2))
    assert recorder.session.log[-1].text == "late"
    assert list(Recording.open(path).events) == [header()]


def test_a_torn_line_that_can_t_be_taken_back_costs_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fd: int, length: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "r.jsonl"
    stream = list(typical(60))
    recorder = Recorder.create(path)
    with _room_for(12_345), monkeypatch.context() as patched:
        patched.setattr(os, "ftruncate", refuse)
        for event in stream[: len(stream) // 2]:
            recorder.append(event)
        assert not path.read_bytes().endswith(b"\n")
    for event in stream[len(stream) // 2 :]:
        recorder.append(event)
    recorder.close()
    recording = Recording.open(path)
    assert ["can't be read" in problem.text for problem in recording.problems].count(True) == 1
    assert recording.final == fold(stream)
