"""The screen: draws a session, sends actions.

`run_live` shows a runner's session, `run_replay` a recording, `run_picker` which sessions there are. Textual is loaded
when one of them is called, so that whoever only asks whether there is a terminal does not pay for it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from console.tui.clock import NoMoment
from console.tui.terminal import Terminal, TerminalError, inspect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from console.recording import Recording
    from console.session import Session
    from console.tui.past import Past
    from console.tui.source import Source, Trouble

    Connect = Callable[[], Awaitable[Source]]
    Parting = Callable[[Session, str, str], tuple[str, int]]

__all__ = ["NoMoment", "TerminalError", "run_live", "run_picker", "run_replay"]


def run_live(
    source: Source | Connect, *, trouble: Trouble | None = None, parting: Parting | None = None
) -> int:
    """Show a runner's session until the person leaves or the session has ended; the exit status.

    `source` is a source, or what connects to one: a link belongs to the event loop that this starts.
    The session's own status where it has ended, 0 where the person left and the runner goes on, 1 where the runner
    is gone. The last line printed, on standard error, says how to come back, unless `parting` has a better one.
    Raises `TerminalError`, and whatever connecting raises.
    """
    terminal = inspect()
    _prepare(terminal)
    from console.tui.run import live  # noqa: PLC0415  (after the environment is set: Textual reads it once)

    return live(source, terminal, trouble, parting)


def run_replay(
    recording: Recording,
    read: Callable[[], Recording],
    *,
    at: str | None = None,
    speed: float = 1.0,
    begun: bool = False,
) -> int:
    """Play a recording through the same screen; the exit status. Nothing is written.

    `at`: where to begin, as in the dialog *Go to* (`14:05`, `12m30s`, an event's number) or a phase's name. `read`:
    reads it once more, for what is written of it meanwhile. `begun`: `recording` is its first line alone, and the first
    picture does not wait for the rest. Raises `TerminalError`, `RecordingError`, and `NoMoment` where `at` is no moment
    of the recording.
    """
    terminal = inspect(instead="use `report`")
    _prepare(terminal)
    from console.tui.run import replay  # noqa: PLC0415  (as above)

    return replay(recording, terminal, read, at=at, speed=speed, begun=begun)


def run_picker(known: Sequence[Past]) -> Past | None:
    """Let the person pick a session to replay; None where they leave without. Raises `TerminalError`."""
    terminal = inspect(instead="use `report`")
    _prepare(terminal)
    from console.tui.run import pick  # noqa: PLC0415  (as above)

    return pick(known, terminal)


def _prepare(terminal: Terminal) -> None:
    """What Textual reads once, when it is loaded. Nothing fades or slides: that would cross the link for nothing."""
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    for name in ("COLUMNS", "LINES"):
        # The terminal knows its size, also after it was resized; Textual would believe these for ever.
        os.environ.pop(name, None)
    if terminal.few_colours:
        # With NO_COLOR, a theme of the terminal's own colours at the start is what makes it leave colours out
        # altogether; any other makes it grey.
        os.environ["TEXTUAL_THEME"] = "ansi-dark"
