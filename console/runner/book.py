"""The book of actions: each has an owner, comes to one result, and is known by its id.

An action that waits (for the end of the batch, for a second person, for a countdown) is *armed*, and can be
cancelled until it commits. What was asked before gets the answer that it got, also from the next runner.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from msgspec.structs import replace

from console import events
from console.change import Frozen
from console.link.peer import Caller
from console.runner.stream import Stream
from console.words import plain

KEPT = 1000
"""Answers kept for asks that come twice."""
LONGEST_TEXT = 2000
WITHDRAW = "withdraw"
"""Asked under the id of an ask that was lost on its way: should that still come, it is not done."""
CLOSED = ("done", "refused", "cancelled", "expired")


class Refusal(Exception):
    """Why an action is not done, in one sentence."""


class Armed(Frozen, frozen=True):
    """An action that does not come to its result at once."""

    text: str
    """What it waits for."""
    done: str = ""
    """What is said of it once it is done."""
    seconds: float | None = None
    """Until it is due; None: when the work gets there."""
    when_due: Callable[[], tuple[events.ActionState, str]] | None = None
    """What happens when it is due: its result. Without it, it expires."""
    withdraw: Callable[[], None] | None = None
    """Takes it back from where it waits."""
    approval: bool = False
    """It waits for a second person."""


class Open:
    """An action on its way."""

    def __init__(self, ask: events.Ask, caller: Caller, asked: float) -> None:
        self.ask = ask
        self.caller = caller
        self.asked = asked
        self.armed: Armed | None = None
        self.settled = asyncio.Event()
        self.timer: asyncio.TimerHandle | None = None

    @property
    def owner(self) -> events.Owner:
        """Who asked for it."""
        return self.caller.owner


class Book:
    """All actions of a session, open and closed."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._answers: dict[str, events.ActionChanged] = {}
        self.open: dict[str, Open] = {}
        for action in stream.session.actions:
            self._keep(action)

    def begin_anew(self) -> None:
        """What an earlier runner left open did not come to its end."""
        for action in self._stream.session.open_actions:
            text = "the runner ended before it was done"
            self._emit(_with(action, "cancelled", text))

    def known(self, ask: events.Ask, owner: events.Owner) -> events.ActionChanged | None:
        """What became of the ask with this id; None for a new one. Raises Refusal where it was another ask."""
        before = self._answers.get(ask.id)
        withdrawn = before is not None and WITHDRAW in (before.action, ask.action)
        if (
            before is not None
            and not withdrawn
            and (before.action, before.owner.uid) != (plain(ask.action)[:40], owner.uid)
        ):
            raise Refusal("its id was used for another action: each ask needs one of its own")
        return before

    def result(
        self, ask: events.Ask, owner: events.Owner, state: events.ActionState, text: str
    ) -> events.ActionChanged:
        """An action as the event that tells of it."""
        return events.ActionChanged(
            id=ask.id[:64],
            action=plain(ask.action)[:40],
            state=state,
            owner=owner,
            arguments=tuple(plain(argument)[:LONGEST_TEXT] for argument in ask.arguments[:8]),
            reason=plain(ask.reason)[:LONGEST_TEXT],
            text=text,
        )

    def begin(self, ask: events.Ask, caller: Caller, *, quietly: bool = False) -> None:
        """It is about to be done: on the disk before it is, so that no deed is without its owner."""
        self.open[ask.id] = Open(ask, caller, self._stream.now())
        if not quietly:
            self._emit(self.result(ask, caller.owner, "running", ""))

    def arm(self, id_: str, armed: Armed) -> None:
        """It waits. Where it was settled meanwhile, that stands."""
        one = self.open.get(id_)
        if one is None:
            return
        one.armed = armed
        if one.timer is not None:
            one.timer.cancel()
            one.timer = None
        if armed.seconds is not None:
            loop = asyncio.get_running_loop()
            one.timer = loop.call_later(armed.seconds, self._due, id_)
        due = None if armed.seconds is None else round(self._stream.now() + armed.seconds, 3)
        told = self.result(one.ask, one.owner, "armed", armed.text)
        self._emit(_at(told, asked=one.asked, due=due))

    def settle(self, id_: str, state: events.ActionState, text: str = "") -> None:
        """It came to its result. A second result changes nothing."""
        one = self.open.pop(id_, None)
        if one is None:
            return
        if one.timer is not None:
            one.timer.cancel()
        if not text and state == "done" and one.armed is not None:
            text = one.armed.done
        self._emit(_at(self.result(one.ask, one.owner, state, text), asked=one.asked, due=None))
        one.settled.set()

    def withdraw(self, id_: str, text: str) -> None:
        """Take back what has not committed. Raises Refusal where it has."""
        one = self.open.get(id_)
        if one is None or one.armed is None:
            raise Refusal("it has come to its result already")
        if one.armed.withdraw is not None:
            one.armed.withdraw()
        self.settle(id_, "cancelled", text)

    async def answer(self, id_: str, within: float) -> events.ActionChanged:
        """What becomes of it within so many seconds: its result, or that it waits."""
        one = self.open.get(id_)
        waits_for_people = one is not None and one.armed is not None and one.armed.seconds is not None
        if one is not None and not waits_for_people:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await one.settled.wait()
        return self._answers[id_]

    def tell(self, answer: events.ActionChanged) -> None:
        """A result that came at once."""
        self._emit(answer)

    def close(self) -> None:
        """The session ends: whatever is open is not done any more."""
        for id_ in list(self.open):
            self.settle(id_, "cancelled", "the session ended first")

    def _due(self, id_: str) -> None:
        one = self.open.get(id_)
        if one is None or one.armed is None:
            return
        if one.armed.when_due is None:
            if one.armed.withdraw is not None:
                one.armed.withdraw()
            self.settle(id_, "expired", "nobody answered in time")
            return
        self.settle(id_, *one.armed.when_due())

    def _emit(self, action: events.ActionChanged) -> None:
        self._keep(action)
        self._stream.emit(action)

    def _keep(self, action: events.ActionChanged) -> None:
        self._answers.pop(action.id, None)
        self._answers[action.id] = action
        if len(self._answers) > KEPT:
            # The oldest that is closed: an open one is still to be told of.
            oldest = next((known for known, one in self._answers.items() if one.state in CLOSED), action.id)
            if oldest != action.id:
                del self._answers[oldest]


def _at(action: events.ActionChanged, *, asked: float, due: float | None) -> events.ActionChanged:
    return replace(action, asked=asked, due=due)


def _with(action: events.ActionChanged, state: events.ActionState, text: str) -> events.ActionChanged:
    return replace(action, state=state, text=text, due=None)
