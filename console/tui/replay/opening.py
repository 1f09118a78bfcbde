"""A recording that is large: the first picture stands before all of it is read."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable

from console.tui.replay.tape import Tape

PATIENCE = 2.0
"""Seconds that the reading waits for the first picture: on a terminal that nobody reads it never stands."""


class Opening:
    """Reads the whole of a recording, of which the player knows the first line."""

    def __init__(
        self, read: Callable[[], Tape], text: str, *, ready: Callable[[], None], failed: Callable[[], None]
    ) -> None:
        """`text` says what is read. `ready` is called when the player has it all; `failed` where that raises, or the
        recording can't be read: why stands in `error`."""
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
            load(await _beside(self._read))
            self._ready()
        except Exception as error:  # noqa: BLE001 - whoever waits for the picture must hear of any
            self.error = error
            self._failed()
            return False
        return True


def _beside(work: Callable[[], Tape]) -> asyncio.Future[Tape]:
    """What `work` gives, done in a thread that nobody waits for who leaves meanwhile, as they do for asyncio's own."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Tape] = loop.create_future()

    def settle(tape: Tape | None, error: Exception | None) -> None:
        if done.done():
            return
        if tape is not None:
            done.set_result(tape)
        else:
            done.set_exception(error or RuntimeError("nothing was read"))

    def run() -> None:
        tape, error = None, None
        try:
            tape = work()
        except Exception as problem:  # noqa: BLE001 - it belongs to whoever waits for the future
            error = problem
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, tape, error)

    threading.Thread(target=run, name="opening", daemon=True).start()
    return done
