"""The screen, for the commands that show one: on a runner's socket, or on a recording."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from console import directories
from console.cli.errors import UNFINISHED, USAGE, CommandError
from console.directories import DirectoryError
from console.link.lasting import Lasting
from console.link.preface import NoSession
from console.link.protocol import LinkError
from console.link.ways import LocalWay, Way
from console.recording import Recording, RecordingError
from console.session import Session
from console.tui import NoMoment, TerminalError, run_live, run_picker, run_replay
from console.tui.past import past_sessions
from console.tui.source import Source
from console.tui.terminal import inspect
from console.tui.trouble import DemoTrouble

Parting = Callable[[Session, str, str], tuple[str, int]]


def needs_terminal() -> None:
    """Complains where a screen can't be shown, before anything is begun."""
    try:
        inspect()
    except TerminalError as error:
        raise CommandError(str(error), USAGE) from None


def show(
    socket: Path, *, observe: bool = False, world: Path | None = None, parting: Parting | None = None
) -> int:
    """Shows a runner's session until it is left, or over; the exit status.

    `world` is the demo's socket; `parting` makes the last line and the status where the runner will not go on.
    """

    way = LocalWay(socket, "observer" if observe else "operator")
    return show_way(way, world=world, parting=parting)


def show_way(way: Way, *, world: Path | None = None, parting: Parting | None = None) -> int:
    """The same for whatever leads to a session. Its link mends itself."""

    async def source() -> Source:
        return await Lasting.open(way)

    try:
        return run_live(source, trouble=None if world is None else DemoTrouble(world), parting=parting)
    except TerminalError as error:
        raise CommandError(str(error), USAGE) from None
    except NoSession as error:
        raise CommandError(str(error), error.status) from None
    except LinkError as error:
        raise CommandError(str(error), UNFINISHED) from None


def play(
    recording: Recording,
    read: Callable[[], Recording],
    at: str | None,
    speed: float,
    *,
    begun: bool = False,
) -> int:
    """Plays a recording, and what is written of it meanwhile, which `read` reads; the exit status.

    With `begun`, `recording` is its first line alone.
    """
    try:
        return run_replay(recording, read, at=at, speed=speed, begun=begun)
    except (TerminalError, RecordingError) as error:
        raise CommandError(str(error), USAGE) from None
    except NoMoment as error:
        raise CommandError(f"--at: {error}", USAGE) from None


def pick() -> str | None:
    """The recording of the session that the person picks; None where they pick none."""
    try:
        known = past_sessions()
    except DirectoryError as error:
        raise CommandError(str(error), UNFINISHED) from None
    if not known:
        sessions = directories.home() / "sessions"
        raise CommandError(f"there are no sessions in {sessions}: name a recording to replay", USAGE)
    try:
        picked = run_picker(known)
    except TerminalError as error:
        raise CommandError(str(error), USAGE) from None
    return None if picked is None else picked.recording
