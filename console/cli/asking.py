"""`send`: an action asked of a session that runs on this machine."""

from __future__ import annotations

import secrets
from pathlib import Path

import msgspec

from console import directories
from console.cli.errors import DONE, UNFINISHED, USAGE, CommandError, complain
from console.cli.say import data, tell
from console.directories import DirectoryError, Listed
from console.events import OPEN_STATES, ActionChanged, Ask
from console.link.once import send_once
from console.link.protocol import LinkError
from console.words import plain

NOT_DONE = ("refused", "cancelled", "expired")


def found_session(name: str, *, live: bool) -> Listed:
    """The session that a name means. Raises CommandError."""
    try:
        listed = directories.find_session(name)
    except DirectoryError as error:
        raise CommandError(str(error), USAGE) from None
    if live and listed.state != "live":
        state = f"has ended ({listed.outcome})" if listed.outcome else "has no runner any more"
        mend = (
            f"`column-console replay {listed.session.id}` shows it"
            if listed.outcome == "completed"
            else f"`column-console run {listed.session.change_file}` takes it up again"
        )
        raise CommandError(f"session {listed.session.id} {state}: {mend}", UNFINISHED)
    return listed


def send(
    session: str, action: str, arguments: tuple[str, ...], reason: str, *, wait: float, as_json: bool
) -> int:
    """Asks a session's runner for an action, and prints what became of it: 0 done, or armed where nobody waits for its
    result; 1 not done.
    """
    listed = found_session(session, live=True)
    answer = ask(listed.session.socket, action, arguments, reason, wait=wait)
    return show_answer(answer, back=f"column-console send {listed.session.id}", waited=wait, as_json=as_json)


def show_answer(answer: ActionChanged, *, back: str, waited: float, as_json: bool) -> int:
    """Prints what became of an action; the exit status. `back`: the command that asks that session for another;
    `waited`: the seconds that its result was waited for.
    """
    missed = waited > 0 and answer.state in OPEN_STATES
    if as_json:
        data(msgspec.json.encode(answer).decode())
    else:
        said = f"{answer.action}: {answer.state}" + (f", {plain(answer.text)}" if answer.text else "")
        if answer.state in NOT_DONE:
            complain(said)
        elif missed:
            complain(f"{said} (no result within {waited:g} s)")
        else:
            data(said)
        if answer.state == "armed":
            tell(f"to take it back: {back} cancel {answer.id}")
    return UNFINISHED if missed or answer.state in NOT_DONE else DONE


def ask(
    socket: str | Path,
    action: str,
    arguments: tuple[str, ...] = (),
    reason: str = "",
    *,
    wait: float = 0.0,
) -> ActionChanged:
    """What became of an action that was asked of the runner at a socket. Raises CommandError."""
    question = Ask(id=secrets.token_hex(16), action=action, arguments=arguments, reason=reason)
    try:
        return send_once(socket, question, wait=wait)
    except LinkError as error:
        raise CommandError(str(error), UNFINISHED) from None
