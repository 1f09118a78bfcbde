"""What can't be opened says why in one sentence; what is opened is not touched."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from console import events
from console.recording import Recording, RecordingError
from console.recording.convert import Record, convert
from console.session import fold
from tests.recording.streams import header, record, typical


def _refusal(path: Path) -> str:
    with pytest.raises(RecordingError) as caught:
        Recording.open(path)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(path), "FILE")


def test_missing(tmp_path: Path) -> None:
    assert _refusal(tmp_path / "no.jsonl").startswith("There is no recording at FILE")


def test_empty(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.touch()
    assert _refusal(path) == "FILE is empty: nothing was recorded."


def test_folder(tmp_path: Path) -> None:
    assert _refusal(tmp_path) == "FILE is a folder, not a recording: name a file in it."
    (tmp_path / "recording.jsonl").touch()
    assert "name the file FILE/recording.jsonl" in _refusal(tmp_path)


def test_no_recording(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    for text in ("hello\n", '{"kind": "page"}\n{"kind": "page"}\n', '{"kind":"note","text":"a","by":"b"}\n'):
        path.write_text(text)
        assert _refusal(path) == "FILE is not a recording of column-console."


def test_no_ordinary_file(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert _refusal(path).startswith("FILE is no ordinary file")


def test_newer_format(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(b'{"kind":"header","format":9,"t":0.0,"s":1,"orbit":"low"}\n')
    assert _refusal(path) == (
        f"FILE was written by a newer column-console (format 9, this one reads up to {events.FORMAT}): update."
    )


def test_taken_up_by_a_newer_version(tmp_path: Path) -> None:
    path = record(tmp_path / "r.jsonl", list(typical(5)))
    whole = Recording.open(path)
    with path.open("ab") as file:
        file.write(
            b'{"kind":"header","format":9,"t":9.0,"s":99,"orbit":"low"}\n{"kind":"orbit","t":9.0,"s":100}\n'
        )
    recording = Recording.open(path)
    assert recording.final == whole.final
    (problem,) = recording.problems
    assert "from here on it was written by a newer column-console" in problem.text


def test_unreadable(tmp_path: Path) -> None:
    path = record(tmp_path / "r.jsonl", [header()])
    path.chmod(0)
    # Root may read it all the same, so it becomes somebody else; what it needs is imported before.
    code = (
        "import os, sys; from console.recording import Recording\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"
        "Recording.open(sys.argv[1])"
    )
    ran = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert ran.stderr.splitlines()[-1].endswith(f"The recording {path} can't be read: Permission denied.")


def test_opening_changes_nothing(tmp_path: Path) -> None:
    path = record(tmp_path / "r.jsonl", list(typical(70)))
    with path.open("ab") as file:
        file.write(b'{"kind":"log","lev')
    before = path.read_bytes(), path.stat().st_mtime_ns
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        recording = Recording.open(path)
        assert recording.final.ended is None
        assert recording.at(33.0).t == 33.0
    finally:
        tmp_path.chmod(0o700)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert list(tmp_path.iterdir()) == [path]


def test_gzipped(tmp_path: Path) -> None:
    path = record(tmp_path / "r.jsonl", list(typical(300)))
    plain, packed = Recording.open(path), tmp_path / "r.jsonl.gz"
    data = path.read_bytes()
    half = len(data) // 2
    packed.write_bytes(gzip.compress(data[:half]) + gzip.compress(data[half:]))
    assert Recording.open(packed).final == plain.final
    packed.write_bytes(gzip.compress(data)[:-300])
    short = Recording.open(packed)
    assert list(short.events) == list(plain.events)[: len(short.events)]
    assert len(short.events) > 100
    assert "the compressed file ends early" in short.problems[-1].text
    packed.write_bytes(gzip.compress(data) + b"and more")
    longer = Recording.open(packed)
    assert longer.final == plain.final
    assert "something else follows what is compressed" in longer.problems[-1].text
    broken = bytearray(gzip.compress(data))
    broken[-8] ^= 0xFF  # of the checksum
    packed.write_bytes(broken)
    assert "the compressed file is damaged" in Recording.open(packed).problems[-1].text


def test_unknown_kinds_are_shown_as_text(tmp_path: Path) -> None:
    path = record(tmp_path / "r.jsonl", [header()])
    with path.open("ab") as file:
        file.write(b'{"kind":"eclipse","of":"sun","t":1.0,"s":2}\n')
    recording = Recording.open(path)
    assert recording.problems == ()
    assert "eclipse" in recording.final.log[-1].text


def test_log_and_moments_of_the_whole_session(tmp_path: Path) -> None:
    stream = list(typical(3000))
    recording = Recording.open(record(tmp_path / "r.jsonl", stream))
    assert len(recording.log) > 600
    for line, position in zip(recording.log, recording.log_positions, strict=True):
        assert stream[position - 1].t == line.t
    assert tuple(recording.log[-300:]) == fold(stream).log
    found = list(recording.of(events.PhaseBegan, events.PhaseEnded))
    assert [stream[position - 1] for position, _ in found] == [event for _, event in found]
    assert len(found) == 7


def test_older_formats_go_through_each_converter() -> None:
    def first(record: Record) -> Record | None:
        return None if record["kind"] == "gone" else {**record, "text": record.pop("words")}

    def second(record: Record) -> Record:
        return {**record, "level": "info"}

    steps = {events.FORMAT - 2: first, events.FORMAT - 1: second}
    line = b'{"kind":"log","words":"hello"}'
    converted = convert(line, events.FORMAT - 2, steps)
    assert converted is not None
    assert events.decode(converted) == events.Log(level="info", text="hello")
    assert convert(b'{"kind":"gone"}', events.FORMAT - 2, steps) is None
    with pytest.raises(msgspec.DecodeError):
        convert(b"[1]", events.FORMAT - 2, steps)
