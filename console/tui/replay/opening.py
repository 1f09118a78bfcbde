"""A recording that is large: the first picture stands before all of it is read."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from console.recording import RecordingError
from console.tui.replay.tape import Tape

PATIENCE = 2.0
"""Seconds that the reading waits for the first picture: on a terminal that nobody reads it never stands."""


class Opening:
    """Reads the whole of a recording, of which the player knows the first line."""

    def __init__(
        self, read: Callable[[], Tape], text: str, *, ready: Callable[[], None], failed: Callable[[], None]
    ) -> None:
        """`text` says what is read. `ready` is called when the player has it all, and raises ValueError where it can't
        begin where it should; `failed` then, and when it can't be read: why stands in `error`."""
        self.text = text
        self.error: Exception | None = None
        self._read = read
        self._ready = ready
        self._failed = failed
        self._drawn = asyncio.Event()

    def drawn(self) -> None:
        """The first picture stands."""
        self._drawn.set()

    async def finish(self, load: Callable[[Tape], None]) -> bool:
        """Read it once the first picture stands, which a thread beside it would hold up; whether that went well."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._drawn.wait(), PATIENCE)
        try:
            load(await asyncio.to_thread(self._read))
            self._ready()
        except (RecordingError, ValueError) as error:
            self.error = error
            self._failed()
            return False
        return True
