"""Who has control: one person at a time, while any number watch.

Whoever attaches while nobody has it gets it. It stays theirs while their screen is away, until somebody takes it. It
passes by request and hand-over, by release, or by take-over: announced, with a countdown unless its holder is gone,
with a reason, and recorded.
"""

from __future__ import annotations

from collections.abc import Callable

from console import events
from console.link.peer import Caller
from console.runner.book import Armed, Book, Refusal
from console.runner.people import People
from console.runner.stream import Stream
from console.session import Client, InControl
from console.words import plain

COUNTDOWN = 10.0
"""Seconds between the announcement of a take-over and its doing."""
STALE = 25.0
"""Seconds without a word, of which a screen says one each 10 s, after which its holder counts as gone."""
REQUEST_TIME = 120.0
"""Seconds within which the holder may answer a request."""


class Lease:
    """Keeps who has control. `silence`: seconds since a client's last word; None: it is not connected."""

    def __init__(
        self,
        stream: Stream,
        book: Book,
        people: People,
        silence: Callable[[str], float | None],
        *,
        countdown: float = COUNTDOWN,
    ) -> None:
        self._stream = stream
        self._book = book
        self._people = people
        self._silence = silence
        self._countdown = countdown
        self.deeds = {
            "request-control": self._request,
            "hand-over": self._hand_over,
            "release-control": self._release,
            "take-over": self._take_over,
        }

    # -- What others ask of it

    @property
    def holder(self) -> InControl | None:
        """Who has control."""
        return self._stream.session.control

    def away(self) -> bool:
        """Whether the holder has no screen that says anything."""
        held = self.holder
        if held is None or not held.client:
            return True
        silence = self._silence(held.client)
        return silence is None or silence > STALE

    def has(self, caller: Caller) -> bool:
        """Whether the caller has control: by its screen, or, without one, as the same user. While nobody has it,
        whoever asks without a screen may act, and does not take it.
        """
        held = self.holder
        if held is None:
            return not caller.screen
        if held.client == caller.client:
            return True
        return held.uid == caller.owner.uid and (not caller.screen or not held.client)

    def why_not(self, caller: Caller) -> str:
        """Why the caller may not act; empty where it may."""
        if not self._people.may_control(caller.owner.uid, caller.owner.name):
            return (
                f"{caller.owner.name} is not among the controllers ({self._people.controllers()}); "
                "observers may look, and leave notes"
            )
        if caller.role == "observer":
            return "this screen is attached to watch only: an observer may look, and leave notes"
        if self.has(caller):
            return ""
        held = self.holder
        if held is None:
            return "nobody has control: request-control takes it"
        where = f" ({held.claims})" if held.claims else ""
        gone = ", and is away" if self.away() else ""
        return f"{held.name}{where} has control{gone}: request-control asks for it, take-over takes it"

    def see(self, event: events.Event) -> None:
        """Something happened: who attaches gets control where nobody has it, or where it is theirs."""
        if not isinstance(event, events.Attached) or event.role != "operator":
            return
        held = self.holder
        if held is None:
            self._give(_client(event), "attached", event.owner.name)
        elif event.instead_of == held.client != "" or (held.uid == event.owner.uid and self.away()):
            self._give(_client(event), "back", event.owner.name)

    # -- Deeds

    async def _request(self, ask: events.Ask, caller: Caller) -> str | Armed:
        self._not_mine(caller)
        if self.holder is None or self.away():
            self._give(_who(caller), "requested", caller.owner.name, plain(ask.reason))
            return "you have control"
        if self._pending("request-control", caller):
            raise Refusal("you have asked for it already")
        held = self.holder
        return Armed(
            text=f"{held.name} is asked for control",
            done=f"{held.name} gave it",
            seconds=REQUEST_TIME,
        )

    async def _hand_over(self, ask: events.Ask, caller: Caller) -> str:
        self._mine(caller)
        wanted = plain(ask.arguments[0]) if ask.arguments else ""
        to = self._receiver(wanted, caller)
        self._give(to, "handed-over", caller.owner.name, plain(ask.reason))
        return f"{to.name} has control"

    async def _release(self, ask: events.Ask, caller: Caller) -> str:
        self._mine(caller)
        waiting = self._asked_for()
        if waiting:
            self._give(waiting[0], "handed-over", caller.owner.name, plain(ask.reason))
            return f"{waiting[0].name} had asked for control, and has it"
        reason = plain(ask.reason)
        self._stream.emit(events.ControlChanged(how="released", by=caller.owner.name, reason=reason))
        return "nobody has control"

    async def _take_over(self, ask: events.Ask, caller: Caller) -> str | Armed:
        self._not_mine(caller)
        reason = plain(ask.reason).strip()
        if self.holder is None or self.away():
            self._give(
                _who(caller), "taken-over", self.holder.name if self.holder is not None else "", reason
            )
            return "you have control"
        if not reason:
            raise Refusal(f"{self.holder.name} is here: taking over needs a reason, which is recorded")
        if any(one.ask.action == "take-over" for one in self._book.open.values() if one.ask.id != ask.id):
            raise Refusal("somebody takes over already: it is announced")
        held = self.holder.name

        def due() -> tuple[events.ActionState, str]:
            if caller.screen and self._silence(caller.client) is None:
                return "cancelled", f"{caller.owner.name} has left"
            if not self.has(caller):
                before = self.holder
                self._give(_who(caller), "taken-over", before.name if before else "", reason)
            return "done", f"{caller.owner.name} has control"

        return Armed(
            text=f"takes control from {held} in {self._countdown:g} s", seconds=self._countdown, when_due=due
        )

    # -- How it passes

    def _mine(self, caller: Caller) -> None:
        if self.holder is None or not self.has(caller):
            raise Refusal(self.why_not(caller) or "nobody has control")

    def _not_mine(self, caller: Caller) -> None:
        held = self.holder
        if held is not None and self.has(caller) and (held.client == caller.client or not caller.screen):
            raise Refusal("you have control already")

    def _pending(self, action: str, caller: Caller) -> list[str]:
        """The open actions of that name and of this caller, but for the one that is just asked."""
        return [
            id_
            for id_, one in self._book.open.items()
            if one.ask.action == action and one.armed is not None and one.caller.client == caller.client
        ]

    def _asked_for(self) -> list[Client]:
        """Who has asked for control and is still here, the first first."""
        return [
            _who(one.caller)
            for one in self._book.open.values()
            if one.ask.action == "request-control" and one.armed is not None and self._here(one.caller)
        ]

    def _here(self, caller: Caller) -> bool:
        return not caller.screen or self._silence(caller.client) is not None

    def _receiver(self, wanted: str, caller: Caller) -> Client:
        if not wanted:
            waiting = self._asked_for()
            if not waiting:
                raise Refusal("nobody has asked for control: say to whom, by name or by screen (c2)")
            return waiting[0]
        others = [client for client in self._stream.session.clients if client.client != caller.client]
        fitting = [client for client in others if wanted in (client.client, client.name)]
        able = [
            client
            for client in fitting
            if client.role == "operator" and self._people.may_control(client.uid, client.name)
        ]
        if not able:
            why = "only watches, and can't have control" if fitting else "is not here"
            raise Refusal(f"{wanted[:40]} {why}")
        if len(able) > 1:
            screens = ", ".join(client.client for client in able)
            raise Refusal(f"{wanted[:40]} is here more than once: name one of {screens}")
        return able[0]

    def _give(self, to: Client, how: events.ControlWay, by: str, reason: str = "") -> None:
        owner = events.Owner(name=to.name, uid=to.uid, claims=to.claims)
        self._stream.emit(events.ControlChanged(how=how, owner=owner, client=to.client, by=by, reason=reason))
        for id_, one in list(self._book.open.items()):
            if one.armed is None:
                continue
            mine = one.caller.client == to.client
            if one.ask.action == "request-control" and mine:
                self._book.settle(id_, "done")
            elif one.ask.action == "take-over" and mine:
                self._book.settle(id_, "done", f"{to.name} has control")
            elif one.armed.approval and not self.has(one.caller):
                # Who pressed it is not in charge any more.
                self._book.withdraw(id_, f"control passed to {to.name}")


def _who(caller: Caller) -> Client:
    owner = caller.owner
    screen = caller.client if caller.screen else ""
    return Client(
        client=screen, name=owner.name, role="operator", since=0.0, uid=owner.uid, claims=owner.claims
    )


def _client(event: events.Attached) -> Client:
    owner = event.owner
    return Client(
        client=event.client,
        name=owner.name,
        role="operator",
        since=event.t,
        uid=owner.uid,
        claims=owner.claims,
    )
