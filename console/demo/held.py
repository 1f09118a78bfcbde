"""A session that opens a transaction and keeps it open: what stands in a change's way most often."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from console.demo.errors import DemoError
from console.demo.link import Connect, Link, Refused

Begin = Callable[[Link], Awaitable[None]]


class HeldSession:
    """One session, opened by `connect` as `name`.

    `begin` opens its transaction and runs its first statements; `query`, if any, then runs for as long as it is held:
    it takes one parameter, the seconds.
    """

    def __init__(self, connect: Connect, name: str, begin: Begin, *, query: str | None = None) -> None:
        self._connect = connect
        self._name = name
        self._begin = begin
        self._query = query
        self._holding: asyncio.Task[None] | None = None

    @property
    def open(self) -> bool:
        """Whether it is held: neither closed, nor over, nor ended by somebody."""
        return self._holding is not None and not self._holding.done()

    async def hold(self, seconds: float) -> None:
        """Open it, and come back when it holds what it is there to hold. Raises `DemoError` when it can't."""
        await self.close()
        link: Link | None = None
        try:
            link = await self._connect(self._name)
            await self._begin(link)
        except Refused as error:
            if link is not None:
                await link.close()
            raise DemoError(f"the session could not be opened: {error}") from None
        self._holding = asyncio.create_task(self._keep(link, seconds))

    async def close(self) -> None:
        """Roll it back and close it. Harmless when it is not open."""
        if self._holding is None:
            return
        self._holding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._holding
        self._holding = None

    async def _keep(self, link: Link, seconds: float) -> None:
        try:
            if self._query is not None:
                await link.run(self._query, [seconds])
            else:
                await link.wait_until_gone(seconds)
        except Refused:
            return  # ended by an operator, or by the standby's replay: that is what it is there for
        finally:
            await link.close()
