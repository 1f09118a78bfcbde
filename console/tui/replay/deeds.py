"""What the replay's actions do: they move the play head, or open a dialog about the recording."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from console.tui.asking import Severity
from console.tui.player import Player
from console.tui.replay.moments import TROUBLE, Kind, Moment
from console.tui.replay.source import ReplaySource
from console.tui.screens.about import About
from console.tui.screens.desk import AtTheScreen
from console.tui.screens.find import Find
from console.tui.screens.moments import GoTo, SetBookmark

if TYPE_CHECKING:
    from console.tui.app import ConsoleApp

SHORT = 2.5
"""Seconds for which a word about the player stands: the next key wants the room."""
JUMPS: dict[str, tuple[tuple[Kind, ...], str]] = {
    "action": (("action",), "action"),
    "warning": (TROUBLE, "warning"),
    "phase": (("phase",), "phase"),
    "note": (("note", "bookmark"), "note or bookmark"),
}


class ReplayDeeds:
    """Does them, on an app that plays a recording."""

    def __init__(self, app: ConsoleApp, source: ReplaySource) -> None:
        self.app = app
        self.source = source
        self.player: Player = source.player

    def deeds(self) -> dict[str, Callable[[], None]]:
        """By name of each action."""
        player = self.player
        jumps = {
            f"{way}-{name}": lambda kinds=kinds, word=word, by=by: self._jump(kinds, word, by)
            for name, (kinds, word) in JUMPS.items()
            for way, by in (("next", 1), ("previous", -1))
        }
        return jumps | {
            "play": self._play,
            "previous": lambda: self._told(-1),
            "next": lambda: self._told(1),
            "step-back": lambda: self._moved(lambda: player.step(-1)),
            "step": lambda: self._moved(lambda: player.step(1)),
            "sample-back": lambda: self._moved(lambda: player.sample(-1)),
            "sample": lambda: self._moved(lambda: player.sample(1)),
            "slow-down": lambda: self._moved(lambda: player.faster(-1), jumped=False),
            "speed-up": lambda: self._moved(lambda: player.faster(1), jumped=False),
            "skip-quiet": self._skip_quiet,
            "first": lambda: self._moved(lambda: player.seek(0.0)),
            "last": lambda: self._moved(self._last),
            "go-to": lambda: self._open(GoTo(player.phases(), len(player.tape.events))),
            "find": lambda: self._open(Find(player)),
            "bookmark": self._bookmark,
            "at-the-screen": lambda: self._open(AtTheScreen(player)),
            "about": lambda: self._open(About(player)),
        }

    def _open(self, dialog: Find | GoTo | SetBookmark | AtTheScreen | About) -> None:
        self.app.push_screen(dialog)

    def _moved(self, move: Callable[[], None], *, jumped: bool = True) -> None:
        move()
        self.source.moved(jumped=jumped)
        self.app.redraw()

    def go_to(self, kind: str, where: float) -> None:
        """Move the play head to a time (`t`) or an event (`event`)."""
        if kind == "event":
            self.player.pause()
            self._moved(lambda: self.player.go_to_event(int(where)))
        else:
            self._moved(lambda: self.player.seek(where))

    def mark(self, text: str) -> None:
        """Set a bookmark where the play head is."""
        self._marked(self.player.bookmarks.put(self.player.position, text), "bookmark set")

    def _say(self, text: str, severity: Severity = "information") -> None:
        """A word about the player, in the place of the one before: keys are pressed faster than it is read."""
        self.app.clear_notifications()
        self.app.tell(text, severity, timeout=SHORT)

    def _play(self) -> None:
        player = self.player
        jumped = player.at_end
        self._moved(player.pause if player.running else player.play, jumped=jumped)

    def _skip_quiet(self) -> None:
        player = self.player
        player.skips = not player.skips
        said = "left out while it plays" if player.skips else "played"
        self._say(f"stretches that the log tells nothing of are {said}")
        self._moved(lambda: None, jumped=False)

    def _last(self) -> None:
        if self.player.written:
            self.player.follow()
        else:
            self.player.seek(self.player.duration)

    def _told(self, by: int) -> None:
        self._moved(lambda: self.player.jump(by))
        self.app.deeds.bring_up("log")

    def _jump(self, kinds: Collection[Kind], word: str, by: int) -> None:
        found: list[Moment | None] = []
        self._moved(lambda: found.append(self.player.jump_to(kinds, by)))
        if found[0] is None:
            self._say(f"there is no {word} {'after' if by > 0 else 'before'} this moment", "warning")
        else:
            self.app.deeds.bring_up("locks" if found[0].kind == "lock" else "log")

    def _bookmark(self) -> None:
        if self.player.bookmarks.at(self.player.position) is not None:
            self._marked(self.player.bookmarks.remove(self.player.position), "bookmark taken away")
        else:
            self._open(SetBookmark())

    def _marked(self, problem: str, done: str) -> None:
        self.player.mark()
        if problem:
            self.app.tell(f"{done}; {problem}", "warning")
        else:
            self._say(done)
        self.app.redraw()
