"""What was on the operator's screen at the moment that the replay shows."""

from __future__ import annotations

from collections.abc import Sequence

from console.session import StatementView
from console.tui.draw import desk
from console.tui.lines import Line
from console.tui.player import Player
from console.tui.screens.dialog import Dialog
from console.tui.view import View


class AtTheScreen(Dialog):
    """Who was there, what was open and pressed, how old the readings were, what each statement blocked."""

    heading = "On the operator's screen"

    def __init__(self, player: Player) -> None:
        super().__init__()
        self._player = player
        self._known: dict[tuple[str, float], list[desk.Blocked]] = {}

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """As it was where the play head is."""
        return desk.draw(view, width, lambda statement: self._blocked(statement, view.now))

    def _blocked(self, statement: StatementView, now: float) -> list[desk.Blocked]:
        """Remembered for what has ended, because it is drawn again and again."""
        if statement.outcome is None:
            return desk.blocked(self._player.tape, statement, now)
        key = (statement.name, statement.began)
        if key not in self._known:
            self._known[key] = desk.blocked(self._player.tape, statement, now)
        return self._known[key]
