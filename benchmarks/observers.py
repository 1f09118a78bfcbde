"""What people who watch cost the work: batches per second of a real backfill with one controller and ten observers, one
of them stopped (SIGSTOP), against the same backfill with no screen; and the runner's memory.

The two take turns in one backfill, so that what else the machine does meets both alike. Then one observer stays stopped
for five minutes while the work goes on. To reach: at least 0.95 of the pace without screens, and memory that does not
grow with what the stopped one does not read.
"""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from console.demo.client import start_world
from console.events import Ask, Batches
from console.link.client import connect
from console.link.once import send_once
from console.recording import Recording
from console.runner.launch import launch

ROWS = 2_000_000
WINDOW = 12.0
"""Seconds of each turn."""
TURNS = 4
STOPPED = 300.0
"""Seconds for which one observer is stopped at the end."""


def main() -> None:
    """Print a line for each turn, the ratio, and the runner's memory."""
    with start_world(rows=ROWS) as world, tempfile.TemporaryDirectory(prefix="cc-bench-") as folder:
        launched = launch(
            world.change_file, advance="auto", env={**os.environ, "COLUMN_CONSOLE_HOME": folder}
        )
        try:
            _until_batches(launched.recording)
            alone, watched = [], []
            print("turn  batches/s alone  watched  ratio  memory of the runner alone  watched")
            for turn in range(1, TURNS + 1):
                without = _pace(launched.recording)
                before = _memory(launched.pid)
                screens = _attach(launched.socket)
                beside = _pace(launched.recording)
                after = _memory(launched.pid)
                _leave(screens)
                alone.append(without)
                watched.append(beside)
                print(
                    f"{turn:4}  {without:15.1f}  {beside:7.1f}  {beside / without:5.2f}  {before:23.1f} MB"
                    f"  {after:4.1f} MB",
                    flush=True,
                )
            ratios = [one / other for one, other in zip(watched, alone, strict=True)]
            print(f"median: {statistics.median(ratios):.3f} of the batches per second without a screen")
            _stop_for_long(launched.socket, launched.pid)
        finally:
            launched.process.terminate()
            launched.process.wait()


def _stop_for_long(path: Path, pid: int) -> None:
    """One observer stopped for five minutes, the backfill slow enough to last."""
    send_once(path, Ask(id="bench-throttle", action="throttle", arguments=("1000rows/s",)))
    screens = _attach(path)
    first = _memory(pid)
    began = time.monotonic()
    while time.monotonic() - began < STOPPED:
        time.sleep(min(60.0, STOPPED))
        print(f"stopped for {time.monotonic() - began:3.0f} s: {_memory(pid):.1f} MB", flush=True)
    print(f"memory: {_memory(pid) / first:.2f} of what it was when it was stopped")
    _leave(screens)


def _pace(recording: Path) -> float:
    """Batches per second of the next seconds, by the session's own clock."""
    start = Recording.open(recording).final.t
    time.sleep(WINDOW)
    events = [event for _, event in Recording.open(recording).of(Batches)]
    during = [event for event in events if isinstance(event, Batches) and event.t > start]
    return sum(len(event.rows) for event in during) / (during[-1].t - start)


def _until_batches(recording: Path) -> None:
    while Recording.open(recording).final.totals.batches < 20:
        time.sleep(0.5)


def _attach(path: Path) -> list[subprocess.Popen[bytes]]:
    """One controller and nine observers that read, and a tenth that is stopped; once all are attached."""
    found = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.observers", str(path), role, str(number)],
            stdout=subprocess.PIPE,
        )
        for role, number in (("operator", 1), ("observer", 9), ("observer", 1))
    ]
    for one in found:
        assert one.stdout is not None
        one.stdout.readline()
    found[-1].send_signal(signal.SIGSTOP)
    return found


def _leave(screens: list[subprocess.Popen[bytes]]) -> None:
    for one in screens:
        one.kill()
        one.wait()
        assert one.stdout is not None
        one.stdout.close()


def _memory(pid: int) -> float:
    """Resident megabytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


async def _watch(path: str, role: str, number: int) -> None:
    clients = [
        await connect(path, role="operator" if role == "operator" else "observer") for _ in range(number)
    ]

    async def read(position: int) -> None:
        async for _ in clients[position].events():
            attached[position] = True
            if all(attached) and not told:
                told.append(True)
                print("attached", flush=True)

    attached = [False] * number
    told: list[bool] = []
    await asyncio.gather(*(read(position) for position in range(number)), return_exceptions=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(_watch(sys.argv[1], sys.argv[2], int(sys.argv[3])))
    else:
        main()
