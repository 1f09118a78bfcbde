"""A desk with people at it, and work that heeds what they decide, without a database."""

from __future__ import annotations

import asyncio
import itertools
from typing import cast

from console import events
from console.change import Change, ChangeFile, Limits, SessionRules, TableName, Target
from console.databases.base import Evidences, Watcher, Worker
from console.link.peer import Caller, Role
from console.runner.control import Control
from console.runner.desk import Desk
from console.runner.monitor import Monitor
from console.runner.people import People
from console.runner.stage import Stage
from console.runner.stream import Stream
from console.session import Session
from console.throttle import Throttle
from tests.plan.plans import plan
from tests.recording.streams import header

UIDS = {"ana": 1000, "bo": 1001, "cy": 1002}
RULES = SessionRules(controllers=("ana", "bo"))


class Office:
    """A session's desk. `recorded` is all that happened."""

    def __init__(
        self, rules: SessionRules = RULES, *, countdown: float = 0.05, session: Session | None = None
    ) -> None:
        self.recorded: list[events.Event] = []
        self.silent: dict[str, float | None] = {}
        self.stream = Stream(session)
        self.stream.add(self.recorded.append)
        self.control = Control(self.stream)
        people = People(rules, user=UIDS["ana"])
        self.desk = Desk(self.control, self.stream, people, self.silent.get, countdown=countdown)
        self.stream.add(self.desk.lease.see)
        self._ids = map(str, itertools.count(1))
        self._people = people
        self.stream.emit(header())
        self.stream.emit(events.Planned(plan=plan()))
        self.desk.stage = self._stage(rules)

    def _stage(self, rules: SessionRules) -> Stage:
        change = Change(table=TableName("public", "orders"), column="placed_on", type="date")
        target = Target(kind="postgresql", url="postgresql://x/y")
        limits = Limits()
        return Stage(
            file=ChangeFile(path="c.toml", target=target, change=change, limits=limits, session=rules),
            plan=plan(),
            stream=self.stream,
            control=self.control,
            # Nothing that is asked of this desk reaches a database.
            worker=cast("Worker", None),
            watcher=cast("Watcher", None),
            evidences=cast("Evidences", None),
            monitor=cast("Monitor", None),
            throttle=Throttle(limits),
            advance="manual",
            alone=False,
        )

    @property
    def session(self) -> Session:
        """As it stands."""
        return self.stream.session

    @property
    def holder(self) -> str:
        """Who has control, by name and screen."""
        held = self.session.control
        return f"{held.name} {held.client}".strip() if held is not None else ""

    def attach(self, client: str, name: str, *, role: Role = "operator", instead_of: str = "") -> Caller:
        """A person's screen comes."""
        owner = events.Owner(name=name, uid=UIDS[name], claims=f"ssh from 10.0.0.{UIDS[name] - 999}")
        caller = Caller(client=client, owner=owner, role=self._people.role(owner, role))
        self.silent[client] = 0.0
        attached = events.Attached(client=client, owner=owner, role=caller.role, instead_of=instead_of)
        self.stream.emit(attached)
        return caller

    def detach(self, caller: Caller) -> None:
        """It goes."""
        self.silent.pop(caller.client)
        self.stream.emit(events.Detached(client=caller.client, name=caller.owner.name))

    def sender(self, name: str) -> Caller:
        """Somebody who asks without a screen, as `send` does."""
        owner = events.Owner(name=name, uid=UIDS[name])
        return Caller(client=f"send-{next(self._ids)}", owner=owner, screen=False)

    async def ask(
        self,
        caller: Caller,
        action: str,
        *arguments: str,
        reason: str = "",
        phase: str = "",
        seq: int = 0,
        id_: str = "",
    ) -> events.ActionChanged:
        """Ask for an action; what is answered."""
        ask = events.Ask(
            id=id_ or f"n{next(self._ids)}",
            action=action,
            arguments=arguments,
            reason=reason,
            phase=phase,
            seq=seq,
        )
        return await self.desk.ask(ask, caller)

    def of(self, kind: type[events.Event]) -> list[events.Event]:
        """The events of a kind so far."""
        return [event for event in self.recorded if isinstance(event, kind)]

    def states(self, action: str) -> list[str]:
        """What became of the actions of this name, state by state."""
        return [
            event.state
            for event in self.recorded
            if isinstance(event, events.ActionChanged) and event.action == action
        ]

    def begin(self, phase: str) -> None:
        """The walk is at this phase."""
        self.stream.emit(events.PhaseBegan(phase=phase))

    def waiting(self, *accepts: str) -> asyncio.Task[str]:
        """The work waits for one of these decisions; the task tells which came."""

        async def decide() -> str:
            decision = await self.control.decide(
                accepts, state="waiting", reason="it is next: advance", waits_for="advance"
            )
            return f"{decision.action} by {decision.by}"

        return asyncio.ensure_future(decide())
