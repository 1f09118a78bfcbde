"""A cast is what the screen of a replay shows: asciinema's own format, and the same picture when it is played."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyte
import pytest

from console import events
from console.recording import Recording
from console.tui.app import ConsoleApp
from console.tui.cast import FRAME, LAST, cast
from console.tui.player import Player
from console.tui.replay.source import ReplaySource
from tests.recording.night import night
from tests.recording.streams import record
from tests.tui.screens import Shown
from tests.tui.terminals import plain_for_pyte


def recorded(tmp_path: Path, seconds: int = 90) -> Recording:
    """A night of some seconds, with an end."""
    stream = list(night(seconds, burst_each=40))
    ended = events.Ended(
        outcome="completed", exit_status=0, text="the change is complete", t=seconds + 0.5, s=len(stream) + 1
    )
    return Recording.open(record(tmp_path / "r.jsonl", [*stream, ended]))


def made(recording: Recording, **options: Any) -> list[Any]:
    """The lines of a cast, as JSON gives them."""

    async def lines() -> list[Any]:
        return [json.loads(line) async for line in cast(recording, "r.jsonl", **options)]

    return asyncio.run(lines())


def pictures(lines: list[Any]) -> list[str]:
    """What a terminal shows after each frame."""
    head, *frames = lines
    screen = pyte.Screen(head["width"], head["height"])
    stream = pyte.ByteStream(screen)
    shown = []
    for _, kind, data in frames:
        assert kind == "o"
        stream.feed(plain_for_pyte(data.encode()))
        shown.append("\n".join(line.rstrip() for line in screen.display))
    return shown


def replayed(recording: Recording, t: float, size: tuple[int, int]) -> str:
    """What the replay's own screen shows, when it has stopped at its end."""
    player = Player(recording)
    player.speed = 10.0
    player.seek(t)

    async def shown() -> str:
        app = ConsoleApp(ReplaySource(player, "r.jsonl"))
        async with app.run_test(size=size) as pilot:
            screen = Shown(app, pilot)
            await screen.settle()
            return screen.text

    return asyncio.run(shown())


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_it_ends_with_the_picture_of_the_replay(tmp_path: Path, size: tuple[int, int]) -> None:
    recording = recorded(tmp_path)
    lines = made(recording, size=size, speed=10.0)
    head = lines[0]
    assert recording.header is not None
    assert (head["version"], head["width"], head["height"]) == (2, *size)
    assert head["timestamp"] == int(recording.header.started_unix)
    times = [frame[0] for frame in lines[1:]]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(recording.duration / 10 + LAST, abs=0.01)
    # The last frame but one leaves the picture; the last leaves the screen.
    assert pictures(lines)[-2] == replayed(recording, recording.duration, size)


@pytest.mark.slow
def test_asciinema_plays_it(tmp_path: Path) -> None:
    lines = made(recorded(tmp_path, 30), size=(80, 24), speed=10.0)
    file = tmp_path / "r.cast"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    play = [sys.executable, "-m", "asciinema", "play", "--speed", "100", str(file)]
    done = subprocess.run(play, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert done.stdout.decode() == "".join(data for _, _, data in lines[1:])


@pytest.mark.slow
def test_it_shows_each_moment_as_it_was(tmp_path: Path) -> None:
    recording = recorded(tmp_path)
    lines = made(recording, size=(120, 40), speed=20.0)
    shown = pictures(lines)
    # Five seconds of the session lie between two frames.
    assert 90 / 20 / FRAME <= len(shown) <= 90 / 20 / FRAME + 5
    assert len(set(shown)) > 15
    assert "PAUSED" not in shown[5]
    assert "PAUSED" in shown[-2]


@pytest.mark.slow
def test_the_same_recording_gives_the_same_cast(tmp_path: Path) -> None:
    recording = recorded(tmp_path, 30)
    first, second = (made(recording, size=(80, 24), speed=10.0) for _ in range(2))
    assert pictures(first)[-2] == pictures(second)[-2]
    assert [frame[0] for frame in first[1:]] == [frame[0] for frame in second[1:]]
    assert first[0] == second[0]
