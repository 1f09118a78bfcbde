"""The application: requests that come in at their own rate, whatever the database does (an open loop).

Latency counts from when a request was due, so a stall shows in every request it delays and not only in those that
had a connection (what is often called coordinated omission).
"""

import asyncio
import collections
import random
import time
from pathlib import Path

from console.demo import figures
from console.demo.errors import DemoError
from console.demo.figures import Figures, percentile
from console.demo.link import Connect, Link, Refused
from console.demo.operations import VERSIONS, Dialect, Knowledge, some_operation

RATE = 100.0
"""Requests per second."""
CONNECTIONS = 20
"""As many sessions can queue behind a lock, which is more than a change lets queue by default (10)."""

_PATIENCE_S = 10.0
"""A request that has found no connection for so long is given up, as a load balancer does."""
_RECONNECT_S = 0.2
_OLD_S = 0.1
"""Unanswered requests count in the latencies from this age on; younger ones are simply on their way."""


class Traffic:
    """One application on one database: `run` it, `deploy` versions, make it `burst`.

    `connect` opens its connections. The figures go to the file `publish_to` each second.
    """

    def __init__(
        self,
        connect: Connect,
        dialect: Dialect,
        publish_to: Path,
        *,
        rate: float = RATE,
        connections: int = CONNECTIONS,
    ) -> None:
        self._connect = connect
        self._publish_to = publish_to
        self._rate = rate
        self._connections = connections
        self._known = Knowledge(random.Random(), dialect)  # noqa: S311  (no secret hangs on it)
        self._due: asyncio.Queue[float] = asyncio.Queue()
        self._unanswered: collections.Counter[float] = collections.Counter()
        self._latencies: list[float] = []
        self._errors = 0
        self._last_error = ""
        self._burst_factor = 1.0
        self._burst_until = 0.0

    @property
    def version(self) -> str:
        """The version that is deployed."""
        return self._known.version

    def deploy(self, version: str) -> None:
        """Deploy a version: each connection is replaced before its next request."""
        if version not in VERSIONS:
            raise DemoError(f"the application has no version {version}: take one of {', '.join(VERSIONS)}")
        self._known.version = version

    @property
    def bursting(self) -> bool:
        """Whether a burst is going on."""
        return time.monotonic() < self._burst_until

    def burst(self, factor: float, seconds: float) -> None:
        """Let `factor` times as many requests come in for some seconds; 0 seconds end a burst."""
        self._burst_factor = factor
        self._burst_until = time.monotonic() + seconds

    @property
    def rate(self) -> float:
        """Requests that come in per second now."""
        return self._rate * self._burst_factor if self.bursting else self._rate

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._arrivals())
            tasks.create_task(self._watch())
            tasks.create_task(self._publish())
            for _ in range(self._connections):
                tasks.create_task(self._serve())

    async def _arrivals(self) -> None:
        """Let requests come in, at random moments that average the rate. A late wake-up catches up."""
        due = time.monotonic()
        while True:
            due += self._known.chance.expovariate(self.rate)
            if (ahead := due - time.monotonic()) > 0:
                await asyncio.sleep(ahead)
            self._unanswered[due] += 1
            self._due.put_nowait(due)

    async def _serve(self) -> None:
        """Answer requests one by one on a connection of the deployed version."""
        link: Link | None = None
        connected_as = ""
        try:
            while True:
                due = await self._due.get()
                try:
                    if time.monotonic() - due > _PATIENCE_S:
                        self._fail(f"given up after {_PATIENCE_S:.0f} s without a free connection")
                        continue
                    if link is None or link.closed or connected_as != self.version:
                        await _closed(link)
                        link, connected_as = None, self.version
                        link = await self._connect(f"shop {connected_as}")
                    await some_operation(self._known.chance)(link, self._known)
                    self._latencies.append(time.monotonic() - due)
                except Refused as error:
                    await self._recover(link, error)
                finally:
                    self._answered(due)
        finally:
            await _closed(link)

    async def _recover(self, link: Link | None, error: Refused) -> None:
        """Count a failed request; wait before a new connection, and see whether a column came or went."""
        self._fail(str(error))
        if link is None or link.closed:
            await asyncio.sleep(_RECONNECT_S)
        elif error.unknown_column:
            self._known.has_new_column = False

    async def _watch(self) -> None:
        """Each second, look whether the new column is there."""
        while True:
            link: Link | None = None
            try:
                link = await self._connect("shop health check")
                await self._known.learn(link)
                while True:
                    await self._known.look_for_column(link)
                    await asyncio.sleep(1.0)
            except Refused:
                await asyncio.sleep(_RECONNECT_S)  # the requests count what fails; this is tried again
            finally:
                await _closed(link)

    async def _publish(self) -> None:
        """Each second, publish the figures. It waits for nothing else, least of all for the database."""
        since = time.monotonic()
        while True:
            await asyncio.sleep(max(since + 1.0 - time.monotonic(), 0.0))
            now = time.monotonic()
            figures.publish(self._publish_to, self._figures(now, now - since))
            self._latencies.clear()
            since = now

    def _figures(self, now: float, seconds: float) -> Figures:
        old = [now - due for due in self._unanswered if now - due >= _OLD_S]
        ascending = sorted(s * 1000 for s in (*self._latencies, *old))
        return Figures(
            at=time.time(),
            version=self.version,
            tps=round(len(self._latencies) / seconds, 1),
            target_tps=self.rate,
            waiting=self._unanswered.total(),
            p50_ms=round(percentile(ascending, 50), 2),
            p95_ms=round(percentile(ascending, 95), 2),
            p99_ms=round(percentile(ascending, 99), 2),
            max_ms=round(ascending[-1], 2) if ascending else 0.0,
            errors=self._errors,
            last_error=self._last_error,
        )

    def _answered(self, due: float) -> None:
        self._unanswered[due] -= 1
        if not self._unanswered[due]:
            del self._unanswered[due]

    def _fail(self, reason: str) -> None:
        self._errors += 1
        self._last_error = reason


async def _closed(link: Link | None) -> None:
    if link is not None:
        await link.close()
