"""The trouble menu: what can be done to the demo to see how the console takes it.

Each trouble is caused as it happens in real life: by a session of the application's role, by an operator's hand on
the standby, by customers, by a deploy.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec

from console.demo.errors import DemoError
from console.demo.ground import Follower, Ground
from console.demo.held import HeldSession
from console.demo.link import Link
from console.demo.operations import VERSIONS, Dialect
from console.demo.traffic import Traffic

HELD_S = 60.0
BURST_S = 30.0
BURST_FACTOR = 5.0


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """How a trouble is wanted."""

    on: bool | None = None
    """None: the other way round."""
    seconds: float | None = None
    """How long; None: as long as is usual for it."""
    version: str | None = None
    """For a deploy; None: the next one."""


class Trouble(Protocol):
    """One entry of the menu."""

    name: str
    title: str
    help: str

    async def active(self) -> bool:
        """Whether it is going on now."""

    async def cause(self, order: Order) -> str:
        """Begin it or end it, and say in one sentence what has happened. Raises `DemoError`."""

    async def end(self) -> None:
        """End it when the demo ends."""


class Hold:
    """A session that holds something for a time."""

    # `help`, as every entry of the menu calls it.
    def __init__(self, name: str, title: str, help: str, session: HeldSession, holds: str) -> None:  # noqa: A002
        self.name = name
        self.title = title
        self.help = help
        self._session = session
        self._holds = holds

    async def active(self) -> bool:
        """Whether the session is there; an operator may have ended it."""
        return self._session.open

    async def cause(self, order: Order) -> str:
        """Open the session, or close it."""
        if self._session.open if order.on is None else not order.on:
            await self._session.close()
            return f"the session that {self._holds} is closed"
        seconds = HELD_S if order.seconds is None else order.seconds
        if self._session.open:
            return f"a session {self._holds} already"
        await self._session.hold(seconds)
        return f"a session {self._holds} for {seconds:.0f} s"

    async def end(self) -> None:
        """Close the session."""
        await self._session.close()


class Stall:
    """The standby or replica receives and does not apply: what it shows grows old."""

    def __init__(self, follower: Follower) -> None:
        self.name = f"stall-{follower.word}"
        self.title = f"Stall the {follower.word}"
        self.help = follower.stall_help
        self._follower = follower

    async def active(self) -> bool:
        """Whether it is stalled, as it says itself."""
        return await asyncio.to_thread(self._follower.stalled)

    async def cause(self, order: Order) -> str:
        """Stall it, or let it go on."""
        follower = self._follower
        if not follower.running:
            raise DemoError(
                f"the {follower.word} is stopped, so it can't be told: start it with stop-{follower.word}"
            )
        if await self.active() if order.on is None else not order.on:
            await asyncio.to_thread(follower.resume)
            return follower.resumed_text
        await asyncio.to_thread(follower.stall)
        return follower.stalled_text

    async def end(self) -> None:
        """Nothing to do: the server ends with the demo."""


class Stop:
    """The standby or replica goes away."""

    def __init__(self, follower: Follower) -> None:
        self.name = f"stop-{follower.word}"
        self.title = f"Stop the {follower.word}"
        self.help = f"shuts the {follower.word} down; again: starts it"
        self._follower = follower

    async def active(self) -> bool:
        """Whether the server's process is gone."""
        return not self._follower.running

    async def cause(self, order: Order) -> str:
        """Stop it, or start it."""
        follower = self._follower
        if not follower.running if order.on is None else not order.on:
            follower.launch()  # from this thread, the main one, because the server ends with it
            await asyncio.to_thread(follower.wait_until_ready)
            return f"the {follower.word} runs"
        await asyncio.to_thread(follower.stop)
        return f"the {follower.word} is stopped"

    async def end(self) -> None:
        """Nothing to do: the server ends with the demo."""


class Burst:
    """More customers come than usual."""

    name = "burst"
    title = "Traffic burst"
    help = f"{BURST_FACTOR:.0f} times the usual traffic for {BURST_S:.0f} s; again: ends it"

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    async def active(self) -> bool:
        """Whether the burst is going on."""
        return self._traffic.bursting

    async def cause(self, order: Order) -> str:
        """Begin a burst, or end it."""
        if self._traffic.bursting if order.on is None else not order.on:
            self._traffic.burst(1.0, 0.0)
            return "traffic is as usual"
        seconds = BURST_S if order.seconds is None else order.seconds
        self._traffic.burst(BURST_FACTOR, seconds)
        return f"traffic is {BURST_FACTOR:.0f} times as heavy for {seconds:.0f} s"

    async def end(self) -> None:
        """Nothing to do: traffic ends with the demo."""


class Deploy:
    """The application's next version goes live."""

    name = "deploy"
    title = "Deploy the next version"
    help = "v1 ignores the new column, v2 writes it, v3 reads it too"

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    async def active(self) -> bool:
        """Never: a deploy is over at once."""
        return False

    async def cause(self, order: Order) -> str:
        """Deploy the version that is asked for, or the next one."""
        wanted = order.version
        if wanted is None:
            after = VERSIONS[VERSIONS.index(self._traffic.version) + 1 :]
            if not after:
                raise DemoError(
                    f"{self._traffic.version} is the application's last version: name one to go back"
                )
            wanted = after[0]
        self._traffic.deploy(wanted)
        return f"the application is {wanted} now"

    async def end(self) -> None:
        """Nothing to do."""


def troubles(ground: Ground, traffic: Traffic) -> Sequence[Trouble]:
    """The menu, in its order."""
    follower, begin = ground.follower, Begin(ground.dialect)
    return (
        Hold(
            *("hold-lock", "Hold a lock"),
            f"a session reads orders and sits in its transaction for {HELD_S:.0f} s; again: it goes",
            HeldSession(ground.connect, "shop back office", begin.reading),
            f"holds {follower.shares} on orders",
        ),
        Hold(
            *("hold-row-locks", "Hold row locks"),
            f"a session updates a few orders and sits in its transaction for {HELD_S:.0f} s; again: it goes",
            HeldSession(ground.connect, "shop back office", begin.updating),
            "holds locks on a few rows of orders",
        ),
        Hold(
            *("long-report", "Long report"),
            f"one query on an old snapshot of orders that takes {HELD_S:.0f} s; again: it goes",
            HeldSession(
                ground.connect,
                "shop report",
                begin.reporting,
                query=f"SELECT count(*), sum(amount), {ground.dialect.sleep} FROM orders",
            ),
            "reads an old snapshot of orders",
        ),
        Hold(
            *(f"long-report-on-{follower.word}", f"Long report on the {follower.word}"),
            f"a session reads orders on the {follower.word} and sits there for {HELD_S:.0f} s; again: it goes",
            HeldSession(ground.connect_to_follower, "shop dashboard", begin.reporting),
            f"holds an old snapshot on the {follower.word}",
        ),
        Stall(follower),
        Stop(follower),
        Burst(traffic),
        Deploy(traffic),
    )


class Begin:
    """How a session begins that then holds something."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    async def reading(self, link: Link) -> None:
        """Read the newest orders, in a transaction."""
        await link.run(self._dialect.patience)
        await link.run("BEGIN")
        await link.rows("SELECT id, status, note FROM orders ORDER BY id DESC LIMIT 50")

    async def updating(self, link: Link) -> None:
        """Lock rows spread over the whole table, so that a backfill meets one wherever it is."""
        await link.run(self._dialect.patience)
        await link.run("BEGIN")
        ((newest,),) = await link.rows("SELECT max(id) FROM orders")
        for part in range(1, 20, 2):
            ((order,),) = await link.rows("SELECT min(id) FROM orders WHERE id >= %s", [newest * part // 20])
            await link.run(
                f"UPDATE orders SET note = 'under review', updated_at = {self._dialect.now} WHERE id = %s",
                [order],
            )

    async def reporting(self, link: Link) -> None:
        """Read all orders, on a snapshot that stays."""
        await link.run(self._dialect.patience)
        await link.run(self._dialect.snapshot)
        await link.rows("SELECT status, count(*) FROM orders GROUP BY status")
