"""`run` and `attach`: starts a runner, or finds one, and shows its session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from console import directories
from console.change import ChangeFile
from console.cli.asking import found_session
from console.cli.change_file import load
from console.cli.errors import DONE, UNFINISHED, USAGE, CommandError, can_be_written
from console.cli.follow import Follower
from console.cli.say import data, tell
from console.cli.screen import needs_terminal, show
from console.directories import DirectoryError, Listed
from console.events import Event
from console.runner.foreground import become
from console.runner.launch import Launched, LaunchFailed, launch
from console.session import Session


def run(
    change: str,
    *,
    headless: bool,
    as_json: bool,
    advance: str | None,
    detach: bool,
    foreground: bool,
    recording: str | None,
    application: str | None,
) -> int:
    """Walks through a change: attaches to its runner where it has one, else starts one."""
    file = load(change)
    if recording is not None:
        can_be_written(Path(recording).absolute())
    if not headless and not detach and not foreground:
        needs_terminal()
    listed = live_session(file)
    if listed is not None:
        if headless or foreground:
            raise CommandError(
                f"this change has a runner already, session {listed.session.id}: "
                f"`column-console attach {listed.session.id}` shows it, "
                f"`column-console send {listed.session.id} abort` ends it",
                UNFINISHED,
            )
        tell(f"this change has a runner already: session {listed.session.id}")
        return DONE if detach else show(Path(listed.session.socket))
    if foreground:
        become(
            Path(change),
            advance=advance,
            recording=Path(recording) if recording else None,
            application=Path(application) if application else None,
        )
    auto = (advance or file.session.advance) == "auto"
    launched = start(
        change, advance=advance, recording=recording, application=application, alone=headless and auto
    )
    if detach:
        data(launched.session_id)
        from console.doctor.host import ends_with_the_login

        if danger := ends_with_the_login():
            tell(danger, "warning")
        tell(f"it runs by itself; `column-console attach {launched.session_id}` shows it")
        return DONE
    if headless:
        if not auto:
            tell(f"each phase waits for you: column-console send {launched.session_id} advance")
        return follow(launched, as_json=as_json)[0]
    return show(launched.socket)


def attach(name: str, *, observe: bool) -> int:
    """Comes back to a session that runs."""
    listed = found_session(name, live=True)
    return show(Path(listed.session.socket), observe=observe)


def live_session(file: ChangeFile) -> Listed | None:
    """The session that walks this change on this machine just now."""
    try:
        found = directories.list_sessions()
    except DirectoryError as error:
        raise CommandError(str(error), USAGE) from None
    wanted = Path(file.path).resolve()
    for listed in found:
        session = listed.session
        if (
            listed.state == "live"
            and session.title == file.change.title
            and Path(session.change_file) == wanted
        ):
            return listed
    return None


def start(
    change: str | Path,
    *,
    advance: str | None,
    recording: str | None,
    application: str | Path | None,
    alone: bool,
) -> Launched:
    """A runner that is up. `alone`: nobody will be there to decide. Raises CommandError."""
    try:
        return launch(change, advance=advance, recording=recording, application=application, alone=alone)
    except LaunchFailed as error:
        raise CommandError(error.text, error.exit_status) from None
    except KeyboardInterrupt:
        tell("the runner was just starting; `column-console sessions` tells whether it runs", "warning")
        raise


def follow(
    launched: Launched, *, as_json: bool, seen: Callable[[Event], None] | None = None
) -> tuple[int, Session]:
    """Shows the session without a screen until it ends; the exit status, and what the session came to."""
    follower = Follower(
        launched.recording,
        socket=launched.socket,
        pid=launched.pid,
        running=lambda: launched.process.poll() is None,
        as_json=as_json,
        seen=seen,
    )
    status = follower.follow()
    return status, follower.narrator.session
