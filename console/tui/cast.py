"""A replay as an asciicast, version 2, which asciinema plays: what the screen itself sends to a terminal.

https://docs.asciinema.org/manual/asciicast/v2/. The application runs on a driver that keeps what is written instead of
sending it; the play head is moved from frame to frame, so that no clock of this machine has a say in what is drawn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, ClassVar

import msgspec
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot

from console.events import Event
from console.recording import Recording
from console.session import snapshot
from console.tui.app import ConsoleApp, SessionChanged
from console.tui.player import Player
from console.tui.replay.source import ReplaySource

FRAME = 0.25
"""Seconds of the cast between two frames, as between two ticks of a replay."""
LAST = 3.0
"""Seconds for which the last frame stays."""
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[2J\x1b[H", "\x1b[?25h\x1b[?1049l"
"""The other screen, without a cursor, and back."""


class _Kept(HeadlessDriver):
    """A terminal that keeps what it is sent, in a list that whoever made the class has."""

    sent: ClassVar[list[str]]

    @property
    def is_headless(self) -> bool:
        """Textual writes to no headless one."""
        return False

    def write(self, data: str) -> None:
        """Keep it."""
        self.sent.append(data)


class _Still(ReplaySource):
    """A replay that moves only when it is told to."""

    async def events(self) -> AsyncIterator[Event]:
        """Where it stands, once."""
        yield snapshot(self.player.session(), whole=True)
        await asyncio.Event().wait()


async def cast(
    recording: Recording,
    title: str,
    *,
    size: tuple[int, int],
    speed: float,
    begin: float = 0.0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> AsyncIterator[bytes]:
    """The lines of the cast, each with its newline, from `begin` seconds on. `size` is columns and rows."""
    player = Player(recording, clock=lambda: 0.0)
    # Looked at when the recording was opened.
    player.chain = recording.chain
    player.speed = speed
    player.seek(begin)
    player.running = True
    source = _Still(player, title)
    app = ConsoleApp(source)
    sent: list[str] = []
    app.driver_class = type("_KeptHere", (_Kept,), {"sent": sent})
    header = recording.header
    yield _line(
        {
            "version": 2,
            "width": size[0],
            "height": size[1],
            **({"timestamp": int(header.started_unix + begin)} if header else {}),
            "title": f"column-console: {header.title}" if header else "column-console",
            "env": {"TERM": "xterm-256color"},
        }
    )
    frames: asyncio.Queue[tuple[float, str] | None] = asyncio.Queue(maxsize=8)

    async def play(pilot: Pilot[Any]) -> None:
        moments = list(_moments(player, begin))
        # The application has taken in where the source stands, before it is told of anything else.
        await pilot.pause()
        sent.clear()
        app.redraw_all()
        for number, (at, t) in enumerate(moments):
            player.seek(t)
            if number == len(moments) - 1:
                player.pause()
            app.post_message(SessionChanged(player.session()))
            await pilot.pause(0)
            app.redraw()
            await pilot.pause(0)
            await pilot.pause(0)
            await frames.put((at, "".join(sent)))
            sent.clear()
            progress(number + 1, len(moments))
        await frames.put(None)
        app.exit()

    running = asyncio.create_task(app.run_async(size=size, mouse=False, auto_pilot=play))
    running.add_done_callback(lambda _: frames.put_nowait(None) if frames.empty() else None)
    at = 0.0
    yield _line([0.0, "o", _ENTER])
    while (frame := await frames.get()) is not None:
        at, drawn = frame
        if drawn:
            yield _line([round(at, 3), "o", drawn])
    await running
    yield _line([round(at + LAST, 3), "o", _LEAVE])


def _moments(player: Player, begin: float) -> Iterator[tuple[float, float]]:
    """When a frame is drawn, in seconds of the cast and of the session; not where nothing can have changed."""
    speed, duration, times = player.speed, player.duration, player.tape.times
    position, second = -1, -1
    count = int((duration - begin) / speed / FRAME) + 1
    passed = 0
    for number in range(count):
        t = begin + number * FRAME * speed
        while passed < len(times) and times[passed] <= t:
            passed += 1
        if passed != position or int(t) != second:
            position, second = passed, int(t)
            yield number * FRAME, t
    yield max(0.0, duration - begin) / speed, duration


def _line(value: object) -> bytes:
    return msgspec.json.encode(value) + b"\n"
