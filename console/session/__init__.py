"""The fold: a session is what its events add up to.

`session = apply(session, event)`, and nothing else, makes what any screen, report or `--json` shows, live and in
replay alike. Pure: no clock is read here. Ages are told by whoever draws, from the times that stand here and the
time at which it draws, both on the session's own clock `t` (seconds since it began).

Bounded: the history keeps the last `HISTORY` samples, the log the last `LOG` lines.
"""

from console.session.fold import ACTIONS, HISTORY, LOG, STATEMENTS, apply, fold, point
from console.session.meanwhile import meanwhile
from console.session.queue import Queue, behind
from console.session.snapshots import SNAPSHOT_HISTORY, SNAPSHOT_LOG, restore, snapshot
from console.session.state import (
    Client,
    InControl,
    LogLine,
    Looking,
    PhaseState,
    PhaseView,
    Point,
    Session,
    StatementView,
    Totals,
)

__all__ = [
    "ACTIONS",
    "HISTORY",
    "LOG",
    "SNAPSHOT_HISTORY",
    "SNAPSHOT_LOG",
    "STATEMENTS",
    "Client",
    "InControl",
    "LogLine",
    "Looking",
    "PhaseState",
    "PhaseView",
    "Point",
    "Queue",
    "Session",
    "StatementView",
    "Totals",
    "apply",
    "behind",
    "fold",
    "meanwhile",
    "point",
    "restore",
    "snapshot",
]
