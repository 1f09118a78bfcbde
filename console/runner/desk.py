"""Where actions come in: may this be done now, by this person? If so it is done, and every ask gets one clear result.

An action is conditional on the phase and the moment that the asker saw, and idempotent by its id: asked again, it
gets the answer that it got.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from console import events
from console.databases.base import DatabaseError
from console.link.peer import Caller
from console.runner.book import LONGEST_TEXT, WITHDRAW, Armed, Book, Open, Refusal
from console.runner.control import Control
from console.runner.deeds import DECISIONS, Deeds
from console.runner.lease import COUNTDOWN, Lease
from console.runner.people import People
from console.runner.stage import Stage
from console.runner.stream import Stream
from console.words import plain

SETTLES = 2.0
"""Seconds for which an answer waits for an action to come to its result; after that it says what it waits for."""
FOR_ALL = ("note", "cancel")
FOR_CONTROLLERS = ("request-control", "take-over", "approve")
"""For those who may have control, and need not have it now."""

Deed = Callable[[events.Ask, Caller], Awaitable[str | Armed]]


class Desk:
    """Takes asks."""

    def __init__(
        self,
        control: Control,
        stream: Stream,
        people: People,
        silence: Callable[[str], float | None],
        *,
        countdown: float = COUNTDOWN,
    ) -> None:
        """`silence`: seconds since a client's last word, None for one that is not connected."""
        self._stream = stream
        self._people = people
        self.book = Book(stream)
        self.lease = Lease(stream, self.book, people, silence, countdown=countdown)
        self._work = Deeds(control, self.book, people)
        control.settle = self.book.settle
        self._deeds: dict[str, Deed] = {
            **self._work.deeds,
            **self.lease.deeds,
            "note": self._note,
            "cancel": self._cancel,
            "approve": self._approve,
        }

    @property
    def stage(self) -> Stage | None:
        """Set once the plan is made; until then only a few actions are possible."""
        return self._work.stage

    @stage.setter
    def stage(self, stage: Stage) -> None:
        self._work.stage = stage

    async def ask(self, ask: events.Ask, caller: Caller) -> events.ActionChanged:
        """Does what is asked, or says why not; never raises for what an asker sends."""
        try:
            known = self.book.known(ask, caller.owner)
        except Refusal as refusal:
            return self.book.result(ask, caller.owner, "refused", str(refusal))
        if known is not None:
            return known
        try:
            if ask.action == WITHDRAW:
                raise Refusal("an action that was lost on its way was withdrawn; it was not done")
            self._may(ask, caller)
        except Refusal as refusal:
            answer = self.book.result(ask, caller.owner, "refused", str(refusal))
            self.book.tell(answer)
            return answer
        self.book.begin(ask, caller, quietly=ask.action == "note")
        await self._do(ask, caller)
        return await self.book.answer(ask.id, SETTLES)

    async def _do(self, ask: events.Ask, caller: Caller) -> None:
        try:
            done = await self._deeds[ask.action](ask, caller)
        except Refusal as refusal:
            self.book.settle(ask.id, "refused", str(refusal))
        except DatabaseError as error:
            self.book.settle(ask.id, "refused", f"the database refused: {error.text}")
        except BaseException:
            self.book.settle(ask.id, "refused", "the runner failed at it: see its log")
            raise
        else:
            if isinstance(done, Armed):
                self.book.arm(ask.id, done)
                self._work.hand_in(ask.id)
            else:
                self.book.settle(ask.id, "done", done)

    def close(self) -> None:
        """The session ends."""
        self.book.close()

    # -- May it be done

    def _may(self, ask: events.Ask, caller: Caller) -> None:
        if ask.action not in self._deeds:
            known = ", ".join(sorted(self._deeds))
            raise Refusal(f"there is no action {plain(ask.action)[:40]!r}; there are {known}")
        self._may_person(ask, caller)
        session = self._stream.session
        now = session.phase if self.stage is not None else ""
        if ask.phase and now and ask.phase != now:
            raise Refusal(
                f"the walk has moved on: it was at {plain(ask.phase)[:40]} for you, it is at {now} now"
            )
        if ask.action in DECISIONS and 0 < ask.seq < self._stream.state_s:
            why = f": {session.reason}" if session.reason else ""
            raise Refusal(f"it has changed since you looked, it is {session.state} now{why}")

    def _may_person(self, ask: events.Ask, caller: Caller) -> None:
        if ask.action in FOR_ALL or (ask.action == "pause" and self._people.rules.observers_may_pause):
            return
        if ask.action in FOR_CONTROLLERS and self._able(caller):
            return
        why = self.lease.why_not(caller)
        if why:
            raise Refusal(why)

    def _able(self, caller: Caller) -> bool:
        owner = caller.owner
        return caller.role == "operator" and self._people.may_control(owner.uid, owner.name)

    # -- Deeds

    async def _note(self, ask: events.Ask, caller: Caller) -> str:
        text = plain(" ".join((*ask.arguments, ask.reason))).strip()[:LONGEST_TEXT]
        if not text:
            raise Refusal("the note is empty")
        self._stream.emit(events.Note(text=text, by=caller.owner.name))
        return ""

    async def _cancel(self, ask: events.Ask, caller: Caller) -> str:
        """Takes back an action that has not committed: one's own, or, for who has control, anybody's."""
        one = self._picked(ask, lambda one: one.armed is not None and one.ask.id != ask.id)
        owner = one.owner
        theirs = owner.uid == caller.owner.uid and (not caller.screen or one.caller.client == caller.client)
        declines = one.armed is not None and one.armed.approval and self._able(caller)
        if one.ask.action == "take-over":
            if not theirs:
                raise Refusal(
                    f"a take-over is taken back by who announced it, {owner.name}; hand over, or speak"
                )
        elif not (theirs or declines or self.lease.has(caller)):
            raise Refusal(f"it is {owner.name}'s: who asked for it, or who has control, takes it back")
        self.book.withdraw(one.ask.id, f"by {caller.owner.name}")
        return f"{one.ask.action} of {owner.name} is taken back"

    async def _approve(self, ask: events.Ask, caller: Caller) -> str:
        """A second person agrees to what can't be undone."""
        one = self._picked(ask, lambda one: one.armed is not None and one.armed.approval)
        if one.owner.uid == caller.owner.uid:
            raise Refusal(
                f"you are {caller.owner.name}, and so is who asked for it: it takes another login that may have control"
            )
        self._work.approved[one.ask.id] = caller.owner.name
        await self._do(one.ask, one.caller)
        answer = await self.book.answer(one.ask.id, SETTLES)
        if answer.state in ("refused", "cancelled", "expired"):
            raise Refusal(f"{one.ask.action} was approved, and then {answer.state}: {answer.text}")
        return f"{one.ask.action} of {one.owner.name} is approved"

    def _picked(self, ask: events.Ask, fits: Callable[[Open], bool]) -> Open:
        """The open action that is named by its id or by what it is; without a name, the only one that fits."""
        wanted = ask.arguments[0] if ask.arguments else ""
        found = [one for one in self.book.open.values() if fits(one)]
        if wanted:
            found = [one for one in found if wanted in (one.ask.id, one.ask.action)]
        if not found:
            raise Refusal(f"no action {plain(wanted)[:64]} waits".replace("  ", " "))
        if len(found) > 1:
            names = ", ".join(f"{one.ask.id} ({one.ask.action} of {one.owner.name})" for one in found)
            raise Refusal(f"{len(found)} actions wait, so name one: {names}")
        return found[0]
