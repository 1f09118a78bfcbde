"""What a recording of a night weighs, and how fast it is written, opened and sought in.

Times are medians, beside the plainest thing that touches the same bytes in the same run: decoding every line once.
To reach: under 2 MB an hour in a typical session and 4 at worst; 8 hours open in under 0.5 s, any second in under
10 ms.
"""

from __future__ import annotations

import gzip
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from console import events
from console.recording import Recorder, Recording
from tests.recording.night import night

HOURS = 8
SEEKS = 200
ROUNDS = 5
SESSIONS: dict[str, dict[str, Any]] = {
    "typical: 1 sample/s, 5 batches/s, 2 replicas, a lock wait each 3 s": {},
    "the same with 9 batches/s": {"batches": 9},
    "full rate: 2 samples/s, 5 batches/s, 3 replicas, 50 lock waits each 30 s": {
        "per_second": 2,
        "replicas": 3,
        "burst_each": 30,
    },
}
_OPENING = """
import sys
from console.recording import Recording
def held():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
before = held()
recording = Recording.open(sys.argv[1])
recording.at(recording.duration / 2)
print(held() - before)
"""


def main() -> None:
    """Print a table for each kind of session."""
    with tempfile.TemporaryDirectory() as folder:
        for name, rates in SESSIONS.items():
            path = Path(folder) / "recording.jsonl"
            path.unlink(missing_ok=True)
            stream = list(night(HOURS * 3600, **rates))
            print(f"{name}: {HOURS} h, {len(stream):,} events")
            measure_writing(path, stream)
            measure_size(path, stream)
            del stream
            measure_reading(path)
            measure_memory(path)
            print()


def measure_writing(path: Path, stream: list[events.Event]) -> None:
    """CPU time for each event, beside an `os.write` of its line."""
    lines = [events.encode(event) + b"\n" for event in stream]
    fd = os.open(path.with_suffix(".plain"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    began = time.process_time()
    for line in lines:
        os.write(fd, line)
    plain = time.process_time() - began
    os.close(fd)
    began = time.process_time()
    with Recorder.create(path) as recorder:
        for event in stream:
            recorder.append(event)
    ours = time.process_time() - began
    show("append an event", ours / len(stream), plain / len(stream), "a bare os.write")


def measure_size(path: Path, stream: list[events.Event]) -> None:
    """Bytes an hour, whole and by kind, and gzipped; beside the events as they are on the wire."""
    data = path.read_bytes()
    kinds: Counter[str] = Counter()
    for line in data.splitlines():
        kinds[line[9 : line.index(b'"', 9)].decode()] += len(line) + 1
    hour = len(data) / HOURS / 1e6
    wire = sum(len(events.encode(event)) + 1 for event in stream) / HOURS / 1e6
    packed = len(gzip.compress(data)) / HOURS / 1e6
    parts = ", ".join(f"{kind} {size / HOURS / 1e6:.2f}" for kind, size in kinds.most_common(4))
    print(f"  {'MB an hour':<24}{hour:>9.2f}      {hour / wire:>7.3f} of the events on the wire ({parts})")
    print(f"  {'... gzipped':<24}{packed:>9.2f}      {packed / hour:>7.3f} of it")


def measure_reading(path: Path) -> None:
    """Opening, following the chain, and going to any second, beside decoding every line."""
    lines = path.read_bytes().splitlines()
    decoding = median(lambda: decode(lines))
    show("open", median(lambda: Recording.open(path)), decoding, "decoding every line")
    recording = Recording.open(path)
    show("go along the chain", once(lambda: recording.chain), decoding, "decoding every line")
    dice = Random(7)
    times = []
    for _ in range(SEEKS):
        second = dice.random() * recording.duration
        times.append(once(lambda at=second: recording.at(at)))  # type: ignore[misc]
    show("go to any second", statistics.median(times), decoding, "decoding every line")
    show("... 99 % of them", sorted(times)[SEEKS * 99 // 100], decoding, "decoding every line")


def measure_memory(path: Path) -> None:
    """What opening adds to a process, beside the file."""
    ran = subprocess.run([sys.executable, "-c", _OPENING, path], capture_output=True, text=True, check=True)
    grown, size = int(ran.stdout) / (1 << 20), path.stat().st_size / (1 << 20)
    print(f"  {'memory of an open one':<24}{grown:>9.1f} MB   {grown / size:>7.3f} of the file")


def decode(lines: list[bytes]) -> None:
    """Each line once, as plain JSON, and forget it."""
    decoder = msgspec.json.Decoder()
    for line in lines:
        decoder.decode(line)


def once(act: Callable[[], object]) -> float:
    """Seconds of CPU that a call takes."""
    began = time.process_time()
    act()
    return time.process_time() - began


def median(act: Callable[[], object]) -> float:
    """Seconds that a call takes, of several."""
    return statistics.median(once(act) for _ in range(ROUNDS))


def show(name: str, seconds: float, beside: float, what: str) -> None:
    """A line of the table."""
    print(f"  {name:<24}{seconds * 1e3:>9.3f} ms   {seconds / beside:>7.3f} of {what}")


if __name__ == "__main__":
    main()
