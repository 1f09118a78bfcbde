"""`demo`: builds the throwaway world, walks its change in it, and takes everything down again."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path

from console import events
from console.cli.errors import DONE, UNFINISHED, USAGE, CommandError, can_be_written
from console.cli.narrator import summary
from console.cli.say import Progress, tell
from console.cli.screen import needs_terminal, show
from console.cli.walk import follow, start
from console.demo.client import World, start_world
from console.demo.errors import DemoError
from console.demo.runners import HOME
from console.runner.launch import Launched
from console.session import Session

PATIENCE = 15.0
"""Seconds that a runner gets to end by itself before the demo's servers go."""
_FIRST_FIGURES = 5.0
"""Seconds in which the application should say something of itself; without it the demo goes on, too."""
_DEPLOYS = {"dual-writes": "v2", "reads": "v3"}
"""The version of the application that each gate waits for."""


def demo(
    *,
    database: str,
    rows: int | None,
    headless: bool,
    advance: str | None,
    as_json: bool,
    recording: str | None,
    keep: bool,
) -> int:
    """Shows the console on a world of its own; the exit status is the session's."""
    if recording is not None:
        _is_free(Path(recording).absolute())
    if not headless:
        needs_terminal()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    world = _built(database, rows, keep)
    launched: Launched | None = None
    try:
        if not keep:
            # What the session leaves goes with the rest.
            os.environ["COLUMN_CONSOLE_HOME"] = str(world.directory / HOME)
        launched = start(
            world.change_file,
            advance=advance,
            recording=recording,
            application=world.application_file,
            alone=headless and advance == "auto",
        )
        if headless and advance != "auto":
            where = "" if keep else f"COLUMN_CONSOLE_HOME={world.directory / HOME} "
            tell(f"each phase waits for you: {where}column-console send {launched.session_id} advance")
        if headless:
            return _headless(world, launched, as_json=as_json, kept=keep or recording is not None)
        return show(launched.socket, world=world.socket, parting=None if keep else _parting)
    finally:
        _leave(world, launched)


def _is_free(recording: Path) -> None:
    """A demo is new each time, so what was recorded of another can't go on."""
    can_be_written(recording)
    if recording.exists() and recording.stat().st_size:
        raise CommandError(f"{recording} is there already, and is not overwritten: name another file", USAGE)


def _built(database: str, rows: int | None, keep: bool) -> World:
    progress = Progress()
    try:
        world = start_world(database=database, rows=rows, keep=keep, progress=progress)
        until = time.monotonic() + _FIRST_FIGURES
        while world.figures() is None and time.monotonic() < until:
            time.sleep(0.05)
        return world
    except DemoError as error:
        progress.close()
        raise CommandError(str(error), UNFINISHED) from None
    finally:
        progress.close()


def _headless(world: World, launched: Launched, *, as_json: bool, kept: bool) -> int:
    people = People(world)
    status, session = follow(launched, as_json=as_json, seen=people.see)
    tell("")
    for line in summary(session):
        tell(line)
    if kept:
        tell(f"recorded in {launched.recording}")
    return status


class People:
    """Plays the people outside: deploys the version of the application that a gate waits for."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._gates: set[str] = set()

    def see(self, event: events.Event) -> None:
        """Heeds an event of the session."""
        if isinstance(event, events.Planned):
            self._gates = {phase.name for phase in event.plan.phases if phase.does == "gate"}
        elif isinstance(event, events.PhaseBegan) and event.phase in self._gates:
            self._gates.remove(event.phase)
            self._deploy(_DEPLOYS[event.phase])

    def _deploy(self, version: str) -> None:
        try:
            answer = self._world.ask("deploy", version=version)
        except DemoError as error:
            tell(str(error), "warning")
        else:
            level = "info" if answer.ok else "warning"
            tell(f"the demo's people deploy: {answer.text}", level, f"{datetime.now().astimezone():%H:%M:%S}")


def _parting(session: Session, _: str, link: str) -> tuple[str, int]:
    """Of a demo that ends with its screen: leaving it half-way is no failure."""
    if session.ended is not None:
        return "\n".join(summary(session)), session.ended.exit_status
    return (link, UNFINISHED) if link else ("left the demo", DONE)


def _leave(world: World, launched: Launched | None) -> None:
    """Ends what was started, or says how to come back to what is kept."""
    if world.keep and world.running:
        if launched is not None and launched.process.poll() is None:
            tell(f"the session goes on: column-console attach {shlex.quote(launched.session_id)}")
        tell_lines(world.how_to_use())
        world.let_go()
        return
    tell("taking the demo down")
    if launched is not None:
        _end(launched.process)
    world.stop()


def _end(runner: subprocess.Popen[bytes]) -> None:
    """Ends a runner: at the end of its batch if it comes there in time."""
    if runner.poll() is not None:
        return
    runner.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        runner.wait(PATIENCE)
    if runner.poll() is None:
        runner.kill()
        runner.wait()


def tell_lines(text: str) -> None:
    """Several lines of narration."""
    for line in text.splitlines():
        tell(line)
