"""What it costs to look at the recording of a night: until the first picture, until it plays, until a moment is shown
or found.

Times are medians, beside opening the recording alone in the same run; the pictures are timed on a real terminal, beside
an interpreter that only imports Textual. To reach: the first picture in under 1 s; going to any second is a matter of
milliseconds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pexpect

from benchmarks.recording import HOURS, SEEKS, SESSIONS, show
from console.recording import Recorder, Recording
from console.tui.draw import timeline
from console.tui.player import Player
from console.tui.replay.search import search
from console.tui.view import View
from tests.recording.night import night

ROUNDS = 5
COMMAND = str(Path(sys.executable).with_name("column-console"))
WIDTH, HEIGHT = 120, 40


def main() -> None:
    """Print a table for each kind of session."""
    with tempfile.TemporaryDirectory() as folder:
        for name, rates in SESSIONS.items():
            path = Path(folder) / "recording.jsonl"
            path.unlink(missing_ok=True)
            with Recorder.create(path) as recorder:
                for event in night(HOURS * 3600, **rates):
                    recorder.append(event)
            print(f"{name}: {HOURS} h, {path.stat().st_size / 1e6:.1f} MB")
            measure_player(path)
            measure_paint(path, folder)
            print()


def measure_player(path: Path) -> None:
    """Everything but the terminal."""
    opening = median(lambda: Recording.open(path))
    recording = Recording.open(path)
    player = Player(recording, clock=lambda: 0.0)
    beside = "opening it"
    show("know its moments", median(lambda: Player(recording)), opening, beside)
    show("lay out the time line", median(lambda: lay_out(player)), opening, beside)
    show("make the list to find in", median(lambda: Player(recording).entries()), opening, beside)
    known = player.entries()
    show("find words", median(lambda: search(known, "backfill begins")), opening, beside)
    dice = Random(7)
    times = []
    for _ in range(SEEKS):
        second = dice.random() * player.duration
        began = time.perf_counter()
        player.seek(second)
        view = View(session=player.session(), now=player.position, mode="replay", playing=player.playing())
        timeline.draw(view, WIDTH, 3)
        times.append(time.perf_counter() - began)
    show("go to any second", statistics.median(times), opening, beside)
    show("... 99 % of them", sorted(times)[SEEKS * 99 // 100], opening, beside)


def lay_out(player: Player) -> None:
    """The time line, anew."""
    player.mark()
    player.track.cells(WIDTH)


def measure_paint(path: Path, home: str) -> None:
    """Seconds on the wall until the command has drawn its first picture on a terminal, and until it plays."""
    environment = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "COLUMN_CONSOLE_HOME": home}
    importing = median(lambda: subprocess.run([sys.executable, "-c", "import textual.app"], check=True))
    for what, text in (("first picture", "REPLAY"), ("it plays", "PLAYING")):
        took = statistics.median(paint(path, environment, text) for _ in range(ROUNDS))
        show(what, took, importing, "importing Textual")


def paint(path: Path, environment: dict[str, str], text: str) -> float:
    """Seconds until this stands on the terminal: the header, or that all of it is read."""
    arguments = ["replay", str(path)]
    began = time.perf_counter()
    process: pexpect.spawn[str] = pexpect.spawn(
        COMMAND, arguments, env=environment, dimensions=(HEIGHT, WIDTH), encoding="utf-8", timeout=60
    )
    process.expect(text)
    took = time.perf_counter() - began
    # To be rid of it takes as long as a third of a picture.
    process.close(force=True)
    return took


def median(act: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        act()
        times.append(time.perf_counter() - began)
    return statistics.median(times)
