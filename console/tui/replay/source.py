"""A recording as a source of events, paced by its player."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from console.events import ActionChanged, Ended, Event, Owner
from console.session import snapshot
from console.tui.player import Player
from console.tui.replay.growth import EACH, Growing
from console.tui.replay.opening import Opening
from console.tui.replay.tape import Tape
from console.tui.source import Mode

NO = "replay: a recording is only looked at"
BURST = 50
"""Events that are told one by one; where more are due at once, a snapshot stands for them."""
FRAME, FAST_FRAME = 0.02, 0.1
"""Seconds that it rests at least between two bursts; when it plays fast, nobody sees more."""
FAST = 30.0
SETTLED = 0.5
"""Seconds after which the first picture stands, on a machine that is not too slow: nothing depends on it."""


class ReplaySource:
    """A recording that is played."""

    mode: Mode = "replay"
    me = ""

    def __init__(
        self, player: Player, title: str, growing: Growing | None = None, opening: Opening | None = None
    ) -> None:
        """`growing` tells whether the recording is still being written; without it, it is not.

        With `opening`, the player has no more than the first line until it is read.
        """
        self.player = player
        self.title = title
        self._growing = growing
        self._opening = opening
        if opening is not None:
            player.opening = opening.text
        self._moved = asyncio.Event()
        self._jumped = True
        self._closed = False
        self._verifying: asyncio.Task[None] | None = None
        player.written = self._written()

    def moved(self, *, jumped: bool = True) -> None:
        """The player was told to do something else; `jumped`: the play head is elsewhere."""
        self._jumped = self._jumped or jumped
        self._moved.set()

    def drawn(self) -> None:
        """What was given so far is on the screen."""
        if self._opening is not None:
            self._opening.drawn()

    async def events(self) -> AsyncIterator[Event]:
        """A snapshot at the beginning and after each jump; between them the events, when their time comes."""
        player = self.player
        if self._opening is not None:
            yield snapshot(player.session(), whole=True)
            if not await self._opening.finish(self._opened):
                return
            self._opening = None
        self._verifying = asyncio.create_task(self._verify())
        while not self._closed:
            late = player.running and player.behind() > BURST
            if late:
                player.catch_up()
            if player.skip_quiet() or late or self._jumped:
                self._jumped = False
                yield snapshot(player.session(), whole=True)
                if late:
                    # Not at once again: whoever draws must come to it.
                    await self._wait()
            elif player.running and player.due() <= 0:
                event = player.tape.events[player.index]
                player.index += 1
                yield event
            else:
                if player.running and not player.follows and player.at_end:
                    player.ends()
                await self._wait()
                await self._look()

    def _opened(self, tape: Tape) -> None:
        self.player.opening = ""
        self.player.load(tape)
        self.player.written = self._written()

    async def _wait(self) -> None:
        """Until the next event is due, or the player is told something."""
        player = self.player
        timeout: float | None = None
        if player.running and not player.follows:
            rest = FAST_FRAME if player.speed >= FAST else FRAME
            timeout = max(rest, min(player.due(), player.left(), player.until_quiet()))
        if self._growing is not None:
            timeout = min(EACH, timeout) if timeout is not None else EACH
        try:
            await asyncio.wait_for(self._moved.wait(), timeout)
        except TimeoutError:
            return
        self._moved.clear()

    async def _verify(self) -> None:
        """Look at the chain of hashes, once the first picture stands: a thread beside it would take half its time."""
        await asyncio.sleep(SETTLED)
        tape = self.player.tape
        chain = await asyncio.to_thread(lambda: tape.chain)
        if self.player.tape is tape:
            self.player.chain = chain

    def _written(self, grown: Tape | None = None) -> bool:
        """Whether somebody writes it: not where the session has ended, however lately, until a run takes it up."""
        if self._growing is None or not self._growing.written:
            return False
        return not self._ended(grown or self.player.tape)

    @staticmethod
    def _ended(tape: Tape) -> bool:
        return bool(tape.events) and isinstance(tape.events[-1], Ended)

    async def _look(self) -> None:
        """Take what was written meanwhile."""
        if self._growing is None:
            return
        grown = await self._growing.look()
        self.player.lost = self._growing.lost
        # Before it is loaded: the play head stays at its end where it is still written.
        self.player.written = self._written(grown)
        if grown is not None:
            self.player.load(grown)
            self.player.chain = grown.chain
        elif self.player.follows and self._ended(self.player.tape):
            self.player.pause()

    async def ask(
        self,
        action: str,
        arguments: tuple[str, ...] = (),
        reason: str = "",
        phase: str = "",
        seq: int = 0,
    ) -> ActionChanged:
        """Refused, always."""
        nobody = Owner(name="")
        return ActionChanged(id="", action=action, state="refused", owner=nobody, text=NO)

    def now(self) -> float:
        """The play head, but no later than the next event that was not passed: played fast, readings would look old."""
        player = self.player
        if player.index < len(player.tape.times):
            return min(player.position, player.tape.times[player.index])
        return player.position

    async def close(self) -> None:
        """Stop looking."""
        self._closed = True
        if self._verifying is not None:
            self._verifying.cancel()
        self._moved.set()
