"""Everything that can be done from the screen: one registry, which feeds the keys, the buttons, the menu, the
palette, the help and the README's table.

An action that can't be used now has a reason why not, and is shown with it. Pure: what an action does is in
`console.tui.screens`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from console.session import Session
from console.tui import why
from console.tui.people import no_control, no_pause
from console.tui.replay.keys import KEYS as REPLAY_KEYS
from console.tui.source import Mode

LEAVES_DEMO = "leave, and take the demo down"
"""What `leave` does in a demo that ends with its screen."""

Danger = Literal["none", "careful", "irreversible"]
Group = Literal["work", "more", "view", "replay"]
WhyNot = Callable[[Session], str]
WhyNotMe = Callable[[Session, str], str]


def _always(_: Session) -> str:
    return ""


@dataclass(frozen=True)
class Action:
    """One thing that a person can do."""

    name: str
    key: str
    """As Textual names it; several with commas, the first of which is shown."""
    label: str
    help: str
    group: Group
    danger: Danger = "none"
    why_not: WhyNot = _always
    modes: tuple[Mode, ...] = ("live", "replay")
    """Where it has a meaning. Elsewhere its key may mean something else."""
    needs_runner: bool = False
    """Asks a runner for something, so it can't be used on a recording or without a link."""

    @property
    def shown_key(self) -> str:
        """The first key as people write it."""
        return shown(self.key.split(",")[0])

    act: WhyNotMe | None = None
    """For what only some people may do: why this screen (by its name) may not."""

    def allowed(self, session: Session, mode: Mode, link: str = "", me: str = "") -> str:
        """Empty where it can be used now, else why not. `link` says why the link is down, empty while it is up; `me`
        what this screen is called.
        """
        if self.needs_runner:
            if mode == "replay":
                return "replay: a recording is only looked at"
            if session.ended is not None:
                return f"the session has ended: {session.ended.outcome}"
            if link:
                return link
        return self.why_not(session) or (self.act(session, me) if self.act is not None else "")


def shown(key: str) -> str:
    """A key as people write it.

    >>> shown("space"), shown("question_mark"), shown("ctrl+p"), shown("G")
    ('space', '?', 'ctrl+p', 'G')
    """
    return {
        "minus": "-",
        "plus": "+",
        "equals_sign": "=",
        "question_mark": "?",
        "left_square_bracket": "[",
        "right_square_bracket": "]",
        "left_curly_bracket": "{",
        "right_curly_bracket": "}",
        "comma": ",",
        "full_stop": ".",
        "less_than_sign": "<",
        "greater_than_sign": ">",
        "slash": "/",
        "f1": "F1",
        "escape": "esc",
    }.get(key, key)


# -- The registry

ACTIONS: tuple[Action, ...] = (
    Action(
        *("slower", "minus", "Slower", "throttle the backfill one step down, in percent of its free pace"),
        group="work",
        why_not=why.slower,
        needs_runner=True,
        act=no_control,
    ),
    Action(
        *(
            "faster",
            "plus,equals_sign",
            "Faster",
            "throttle the backfill one step up, in percent; a bound in rows/s stays",
        ),
        group="work",
        why_not=why.faster,
        needs_runner=True,
        act=no_control,
    ),
    Action(
        *("pause", "space", "Pause", "pause at the end of the batch; again: resume"),
        group="work",
        why_not=why.pause,
        needs_runner=True,
        act=no_pause,
        modes=("live",),
    ),
    Action(
        *("advance", "n", "Advance", "show what the next phase will do, and ask; never advances by itself"),
        group="work",
        danger="careful",
        why_not=why.advance,
        needs_runner=True,
        act=no_control,
    ),
    Action(
        *("throttle", "v", "Throttle to ...", "type a percentage, rows per second or off, and for how long"),
        group="more",
        why_not=why.no_backfill,
        needs_runner=True,
        act=no_control,
    ),
    Action(
        *("retry", "r", "Retry", "try again what parked"),
        group="more",
        danger="careful",
        why_not=why.retry,
        needs_runner=True,
        act=no_control,
    ),
    Action(
        *("skip-gate", "s", "Skip gate", "go on against the evidence; asks for a reason, which is recorded"),
        group="more",
        danger="careful",
        why_not=why.skip,
        needs_runner=True,
        act=no_control,
    ),
    Action(
        *("skip-rows", "S", "Skip rows", "leave the failing rows out, and list them"),
        group="more",
        danger="careful",
        why_not=why.skip_rows,
        needs_runner=True,
        act=no_control,
    ),
    Action(
        *("cancel-statement", "k", "Cancel statement", "cancel our own statement that is running"),
        group="more",
        danger="careful",
        why_not=why.cancel,
        needs_runner=True,
        act=no_control,
    ),
    Action(
        *("roll-back", "b", "Roll back", "undo every phase, last first; asks for the table's name"),
        group="more",
        danger="irreversible",
        needs_runner=True,
        act=no_control,
    ),
    Action(
        *("abort", "x", "Stop here", "end the session and leave everything as it is; can be taken up again"),
        group="more",
        danger="careful",
        needs_runner=True,
        act=no_control,
    ),
    Action(
        *("note", "o", "Note", "write a remark into the log and the recording"),
        group="more",
        needs_runner=True,
    ),
    Action(
        "people",
        "w",
        "Who is here",
        "show who is here; ask for control, hand it over, take it",
        group="more",
        modes=("live",),
    ),
    Action(
        *("asked", "a", "Asked for", "show the actions that wait; approve one, or take it back"),
        group="more",
        modes=("live",),
        why_not=why.asked,
    ),
    Action(
        *("session", "h", "Holder", "show the picked session of the lock waits; cancel or end it"),
        group="more",
        danger="careful",
        why_not=why.picked,
    ),
    Action(
        *("findings", "f", "Findings", "show what preflight found"),
        group="more",
        why_not=why.findings,
    ),
    Action(
        *("statement", "d", "Details", "show the statements of the phase in full"),
        group="more",
        why_not=why.statement,
    ),
    Action("menu", "m", "Menu", "every action, with its reason where it can't be used", group="view"),
    Action("trouble", "T", "Trouble", "cause trouble in the demo", group="more", modes=("live",)),
    Action("panel-1", "1", "Phases", "go to the phases; again: enlarge", group="view"),
    Action("panel-2", "2", "Current phase", "go to the current phase; again: enlarge", group="view"),
    Action("panel-3", "3", "Charts", "go to the charts; again: enlarge", group="view"),
    Action("panel-4", "4", "Lock waits", "go to the lock waits; again: enlarge", group="view"),
    Action("panel-5", "5", "Replicas", "go to the replicas; again: enlarge", group="view"),
    Action("panel-6", "6", "Log", "go to the log; again: enlarge", group="view"),
    Action("back", "escape", "Back", "put the enlarged panel back, let go of the picked line", group="view"),
    Action("open", "enter", "Open", "show the picked line in full", group="view"),
    Action("copy", "y", "Copy", "copy the picked line or the statement to the clipboard", group="view"),
    Action("help", "question_mark,f1", "Help", "show all keys, and what the words mean", group="view"),
    Action("palette", "ctrl+p", "Palette", "find an action by its name", group="view"),
    Action("redraw", "ctrl+l", "Redraw", "draw the whole screen anew", group="view"),
    Action("leave", "q", "Leave", "leave the view; the runner goes on", group="view"),
    *(Action(*known, group="replay", modes=("replay",)) for known in REPLAY_KEYS),
)

BY_NAME: dict[str, Action] = {action.name: action for action in ACTIONS}


def of_mode(mode: Mode) -> tuple[Action, ...]:
    """The actions that mean something in this mode."""
    return tuple(action for action in ACTIONS if mode in action.modes)


def label(action: Action, session: Session) -> str:
    """The label as it is now: Pause becomes Resume."""
    return "Resume" if action.name == "pause" and session.state == "paused" else action.label


GROUPS: dict[Group, str] = {
    "work": "The work",
    "more": "More, in the menu",
    "view": "The view",
    "replay": "Replay",
}


def table_markdown() -> str:
    """The README's table of keys."""
    rows = ["| key | action | what it does |", "|---|---|---|"]
    for group, title in GROUPS.items():
        rows.append(f"| | **{title}** | |")
        rows += [
            f"| {' '.join(f'`{shown(key)}`' for key in action.key.split(','))} | {action.label} | {action.help} |"
            for action in ACTIONS
            if action.group == group
        ]
    return "\n".join(rows) + "\n"
