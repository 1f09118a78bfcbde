"""A link that mends itself: when it breaks or falls silent, the same way is taken again, with pauses that grow.

An action that was asked for when the link broke is done once or not at all, and the asker is told which: asks have
ids. What reached the runner is found by its id; what did not is sent again within a few seconds, and is otherwise
withdrawn, so that no old press is done to a session that its presser has not seen.

Where there is nothing to come back to, no runner or no session, that is said after a minute, and no more is tried.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator
from typing import Literal

from msgspec.structs import replace

from console.events import ActionChanged, Ask, Ended, Event, Header, Snapshot
from console.link.client import Client
from console.link.preface import NoSession
from console.link.protocol import LinkError
from console.link.ssh import NotLetIn
from console.link.ways import Way
from console.session import Session, restore
from console.words import duration

BEAT = 3.0
"""Seconds between two heartbeats, each of which the runner answers."""
SILENCE = 10.0
"""Seconds without a byte after which the link is dead. The runner says something each second."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds between two tries: doubled each time, and varied by a quarter, so that screens do not come all at once."""
REFUSED_PAUSE = 60.0
"""Seconds where the other machine refuses the login: a key that is locked just now, say."""
NOBODY = 60.0
"""Seconds for which a session is looked for that has no runner, or is not there any more: whoever watches over a runner
starts it anew within that; what comes later comes by a person's hand, who can attach again."""
FRESH = 15.0
"""Seconds for which an ask that did not arrive may still be sent again; after that it is withdrawn."""
WITHDRAW = "withdraw"
"""An action that no runner does: sent under the id of an ask, it leaves that ask nothing to do should it still come."""
NOT_DONE = "the link broke before it reached the runner: it was not done and will not be; press again"
HALF_DONE = "the runner that took it is gone: look whether it was done, and press again if not"
FINAL = ("done", "refused", "cancelled", "expired")


def pause(failures: int, *, chance: float) -> float:
    """Seconds to wait before the next try, after so many; `chance` is from 0 to 1.

    >>> [pause(n, chance=0.5) for n in range(8)]
    [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0, 5.0]
    >>> pause(1, chance=0.0), pause(1, chance=1.0)
    (0.75, 1.25)
    """
    return float(min(FIRST_PAUSE * 2 ** min(failures, 10), LONGEST_PAUSE)) * (0.75 + chance / 2)


class Lasting:
    """A source for the screen. `open` makes one; `close` lets go of it, and the runner goes on."""

    mode: Literal["live", "replay"] = "live"

    def __init__(self, way: Way, client: Client) -> None:
        self._way = way
        self._client = client
        self._connected = asyncio.Event()
        self._connected.set()
        self._over = ""
        self._parted = ""
        self._given_up = False
        self._lost_at = 0.0
        self._next_try: float | None = None
        self._why = ""
        self._returned = False
        self._failures = 0
        self._ended = False
        self._answers: dict[str, ActionChanged] = {}
        self._asking: dict[str, str] = {}
        self._watching = asyncio.create_task(self._watch(), name="link-watch")

    @classmethod
    async def open(cls, way: Way) -> Lasting:
        """Attach for the first time. Raises LinkError."""
        return cls(way, await way.open())

    @property
    def title(self) -> str:
        """The session's id."""
        return self._client.title

    @property
    def me(self) -> str:
        """What this screen is called in the session's events: another name after each break."""
        return self._client.me

    @property
    def host(self) -> str:
        """The machine that the runner is on, as the operator named it; empty for this one."""
        return self._way.host

    @property
    def lost(self) -> str:
        """That there is no link just now, for how long, and when the next try is; empty while it stands."""
        if self._over:
            return self._parted
        if self._connected.is_set():
            return ""
        now = time.monotonic()
        tries = "trying now"
        if self._next_try is not None and self._next_try > now:
            tries = f"next try in {self._next_try - now:.0f} s"
        return f"no link for {duration(max(1.0, now - self._lost_at))}, {tries}: {self._why}"

    @property
    def unanswered(self) -> tuple[str, ...]:
        """The actions that were asked for, and of which it is not known yet what became."""
        return tuple(self._asking.values())

    def returned(self) -> bool:
        """Whether the session that was given last is the first after an absence; told once."""
        returned, self._returned = self._returned, False
        return returned

    def now(self) -> float:
        """The session's clock, in seconds, advancing between its events, with or without a link."""
        return self._client.now()

    async def events(self) -> AsyncIterator[Event]:
        """The session whole, then what happens; after each break the session whole once more. For one reader.

        Ends when the session has ended, or after `close`. Raises LinkError where there is nothing to come back to.
        """
        while not self._over:
            why = self._client.ended
            try:
                async for event in self._client.events():
                    self._note(event)
                    yield event
            except LinkError as problem:
                why = str(problem)
            if self._ended or self._over:
                break
            await self._come_back(why or self._client.ended)
        self._over = self._over or "the session has ended"
        self._connected.set()
        if self._given_up:
            raise LinkError(self._over)

    async def ask(
        self,
        action: str,
        arguments: tuple[str, ...] = (),
        reason: str = "",
        phase: str = "",
        seq: int = 0,
    ) -> ActionChanged:
        """Ask for an action, and wait for what became of it, over as many links as that takes.

        Raises LinkError where there is no link, so that nothing was asked, and where it is over before an answer
        came: then it is not known whether it was done.
        """
        if not self._connected.is_set():
            raise LinkError(f"there is no link, so nothing was asked ({self._why})")
        ask = Ask(
            id=uuid.uuid4().hex, action=action, arguments=arguments, reason=reason, phase=phase, seq=seq
        )
        self._asking[ask.id] = " ".join((action, *arguments))
        answer = await self._pursue(ask)
        # Where none came, it stays among the unanswered.
        del self._asking[ask.id]
        self._answers.pop(ask.id, None)
        return answer

    async def _pursue(self, ask: Ask) -> ActionChanged:
        """What became of an ask, over as many links as that takes. Raises LinkError where none is left."""
        asked_at = time.monotonic()
        runner = self._client.hello.pid
        withdrawn = False
        while True:
            try:
                answer = await self._client.pass_on(replace(ask, action=WITHDRAW) if withdrawn else ask)
            except LinkError:
                await self._mended()
            else:
                if answer.action != WITHDRAW:
                    return answer
                return replace(
                    answer, action=ask.action, arguments=ask.arguments, state="expired", text=NOT_DONE
                )
            known = self._answers.get(ask.id)
            if known is not None and known.state in FINAL:
                return known
            if self._over:
                if self._ended and known is None:
                    raise LinkError("the session had ended before it arrived: it was not done")
                raise LinkError(
                    "the link was lost before the answer: the session's log tells whether it was done"
                )
            if known is not None and self._client.hello.pid != runner:
                return replace(known, state="expired", text=HALF_DONE)
            withdrawn = known is None and time.monotonic() - asked_at > FRESH

    def screen(self, dialog: str, pressed: str = "") -> None:
        """Tell what the person has before them, for the recording: where there is a link just now."""
        self._client.screen(dialog, pressed)

    async def close(self) -> None:
        """Hang up. The runner goes on."""
        if not self._over:
            self._parted, self._over = self.lost, "we hung up"
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)
        # Whoever waits for the link learns that there will be none.
        self._connected.set()
        await self._client.close()

    async def _mended(self) -> None:
        """Wait until there is a link again, and the session's state with it, or it is over."""
        self._breaks(self._client.ended)
        await self._connected.wait()

    def _note(self, event: Event) -> None:
        """What of an event matters to the link: that the session ended, and what became of asks."""
        if isinstance(event, Snapshot):
            session = restore(Session(), event)
            self._ended = session.ended is not None
            for action in session.actions:
                if action.id in self._asking:
                    self._answers[action.id] = action
            self._stands()
        elif isinstance(event, Ended):
            self._ended = True
        elif isinstance(event, Header):
            # Taken up again by another runner.
            self._ended = False
        elif isinstance(event, ActionChanged) and event.id in self._asking:
            self._answers[event.id] = event

    def _stands(self) -> None:
        """The session is known again, if this is not what an old link had still to say."""
        if not self._connected.is_set() and not self._client.ended:
            self._returned = True
            self._why, self._next_try, self._failures = "", None, 0
            self._connected.set()

    def _breaks(self, why: str) -> None:
        """The link is lost, whoever noticed it first."""
        if self._connected.is_set() and not self._over:
            self._lost_at = time.monotonic() - self._client.silence
            self._connected.clear()
        self._why = why

    async def _come_back(self, why: str) -> None:
        """Take the way again, until it leads there."""
        self._breaks(why)
        leaving = asyncio.create_task(self._client.close())
        refused = False
        nobody_since: float | None = None
        while not self._is_over():
            chance = random.random()  # noqa: S311 - jitter, not a secret
            wait = REFUSED_PAUSE if refused else pause(self._failures, chance=chance)
            self._failures += 1
            self._next_try = time.monotonic() + wait
            await asyncio.sleep(wait)
            try:
                client = await self._way.open(again=True)
            except LinkError as problem:
                self._why, refused = str(problem), isinstance(problem, NotLetIn)
                now = time.monotonic()
                nobody_since = (nobody_since or now) if isinstance(problem, NoSession) else None
                if nobody_since is not None and now - nobody_since >= NOBODY:
                    self._over = self._parted = self._why
                    self._given_up = True
                continue
            if self._is_over():
                await client.close()
            else:
                self._client = client
            break
        await leaving

    def _is_over(self) -> bool:
        return bool(self._over)

    async def _watch(self) -> None:
        """See to it that a silent link is noticed."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(BEAT)
            if time.monotonic() - before > 2 * BEAT:
                # It was us who stood still, stopped or on a machine that slept: look again before judging.
                continue
            if self._client.ended:
                continue
            if self._client.silence > SILENCE:
                self._client.abandon(f"nothing was heard for {SILENCE:g} s")
            else:
                self._client.alive()
