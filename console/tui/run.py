"""Runs the application on a terminal: signals, the watchdog, and the last lines when it is over."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from console.recording import Recording
from console.session import Session
from console.tui.app import ConsoleApp
from console.tui.back import advice, attach
from console.tui.crash import words
from console.tui.driver import TerminalDriver
from console.tui.mending import no_link
from console.tui.past import Past
from console.tui.pick import PickApp
from console.tui.player import Player
from console.tui.replay.bookmarks import Bookmarks
from console.tui.replay.growth import Growth
from console.tui.replay.opening import Opening
from console.tui.replay.places import Span, place
from console.tui.replay.source import ReplaySource
from console.tui.source import MendsItself, Source, Trouble
from console.tui.terminal import Terminal, Watchdog
from console.words import plain, size

Connect = Callable[[], Awaitable[Source]]
"""Connects to a runner, once there is an event loop."""

Parting = Callable[[Session, str, str], tuple[str, int]]
"""The last line and the exit status, of the session, its name, and why the link is down."""


def live(
    source: Source | Connect, terminal: Terminal, trouble: Trouble | None, parting: Parting | None = None
) -> int:
    """Show a runner's session; the exit status. `parting` says the last line, where `farewell` would be wrong."""

    async def show() -> tuple[ConsoleApp, int]:
        app = ConsoleApp(
            await source() if callable(source) else source,
            trouble=trouble,
            glyphs=terminal.glyphs,
            few_colours=terminal.few_colours,
            ends_demo=trouble is not None and parting is not None,
        )
        return app, await _run(app, terminal)

    app, told = asyncio.run(show())
    if app.crashed:
        _say(words(app.crash, "live"))
        return 1
    mends = app.source if isinstance(app.source, MendsItself) else None
    if parting is not None:
        text, status = parting(app.session, app.source.title, no_link(app))
    else:
        text, status = farewell(app.session, app.source.title, no_link(app), mends.host if mends else "")
    for action in mends.unanswered if mends else ():
        _say(f"not known whether it was done: {plain(action)}; the session's log tells\n")
    _say(f"{text}\n")
    return told or status


def replay(
    recording: Recording,
    terminal: Terminal,
    read: Callable[[], Recording],
    *,
    at: str | None,
    speed: float,
    begun: bool,
) -> int:
    """Play a recording; the exit status. With `begun`, it is no more than its first line until `read` has read it.

    Raises NoMoment where `at` is none of it, and RecordingError where the whole can't be read.
    """
    path = Path(recording.path)
    player = Player(recording, speed=speed, bookmarks=Bookmarks.of(recording.header, recording.path))

    def ready() -> None:
        if at is None:
            player.seek(0.0)
        else:
            begin(player, at)
        if at is None or player.written or not player.at_end:
            player.play()

    text = f"reading {size(path.stat().st_size)}" if begun else ""

    async def show() -> tuple[ConsoleApp, int, Exception | None]:
        opening = None
        if begun:
            player.go_to_event(1)
            opening = Opening(read, text, ready=ready, failed=lambda: app.exit())  # noqa: PLW0108 - made below
        source = ReplaySource(player, path.name, Growth(path, read), opening)
        app = ConsoleApp(source, glyphs=terminal.glyphs, few_colours=terminal.few_colours)
        status = await _run(app, terminal)
        return app, status, opening.error if opening is not None else None

    if not begun:
        ready()
    app, told, error = asyncio.run(show())
    if error is not None:
        raise error
    _say(words(app.crash, "replay") if app.crashed else f"left the replay of {plain(recording.path)}\n")
    return 1 if app.crashed else told


def pick(known: Sequence[Past], terminal: Terminal) -> Past | None:
    """Let a person pick one of the sessions; None where they pick none."""

    async def show() -> Past | None:
        app = PickApp(known, glyphs=terminal.glyphs, few_colours=terminal.few_colours)
        loop = asyncio.get_running_loop()

        def leave(_: int) -> None:
            loop.call_soon_threadsafe(app.exit)

        app.driver_class = TerminalDriver
        with Watchdog(leave).watching():
            return await app.run_async(mouse=terminal.mouse)

    return asyncio.run(show())


def begin(player: Player, at: str) -> None:
    """Put the play head where `at` says. Raises NoMoment."""
    tape = player.tape
    planned = [phase.name for phase in tape.at_event(len(tape.events)).phases]
    header = tape.at_event(1).header
    found = place(at, Span(header, player.duration, len(tape.events), player.phases(), planned))
    if found.event:
        player.go_to_event(found.event)
    else:
        player.seek(found.t)


def farewell(session: Session, name: str, link: str, host: str = "") -> tuple[str, int]:
    """The last line, and the exit status. `host`: the machine of the runner, where it is another one."""
    if session.ended is not None:
        return f"{session.ended.outcome}: {plain(session.ended.text)}", session.ended.exit_status
    if link:
        return f"{plain(link).rstrip('.')}. {advice(session.header, name, host)}", 1
    back = attach(name, host)
    state = "waits" if session.state == "waiting" else "goes on"
    return f"detached: the runner {state}. To come back: {back}", 0


async def _run(app: ConsoleApp, terminal: Terminal) -> int:
    """Run it; the status that a signal asks for, 0 where there was none."""
    status = 0
    loop = asyncio.get_running_loop()

    def leave(told: int) -> None:
        nonlocal status
        status = told
        loop.call_soon_threadsafe(app.exit)

    app.driver_class = TerminalDriver
    with Watchdog(leave).watching():
        await app.run_async(mouse=terminal.mouse)
    return status


def _say(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        # The terminal is gone, and with it whoever could have read this.
        return
