"""What stands on a client's screen, for the recording: bounded, and no oftener than a person can press."""

from __future__ import annotations

from console import events
from console.link.protocol import OnScreen
from console.words import plain

MOST = 10
"""That a client may tell in a second of the session: a person is slower, and a recording small."""
LONGEST = 80
"""Characters of a dialog's title, and of what was pressed."""


class Screens:
    """What one client tells of its screen. Where it tells too much, it is not heard for a while."""

    def __init__(self, client: str) -> None:
        self._client = client
        self._told: list[float] = []

    def take(self, screen: OnScreen, now: float) -> events.ScreenChanged | None:
        """The event that says it, or None. `now` is the session's clock, in seconds."""
        self._told = [told for told in self._told if now - told < 1.0]
        if len(self._told) >= MOST:
            return None
        self._told.append(now)
        dialog, pressed = (plain(text)[:LONGEST] for text in (screen.dialog, screen.pressed))
        return events.ScreenChanged(client=self._client, dialog=dialog, pressed=pressed)
