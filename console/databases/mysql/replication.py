"""How far each replica is behind, in what state, and why.

One row for each replica that the change file names, and one for each other that the primary gives away, which can't be
read and counts as `unread`. The lag is told by two clocks that are both the runner's: since when the primary has had
transactions that the replica lacks (`gtids`), and since when it has had a beat that the replica lacks (`heartbeat`).
Each is a lower bound, known to within the time between two looks or beats, and the larger counts. The server's own
figure stands beside them and is used only where there is neither: it is whole seconds, 0 for the first second of a
stall, NULL for a stopped thread, and twice the truth while some DDL is replayed (measured).

A replica that was there and is gone is not lag 0, and neither is what we may not see.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from console.change import Frozen
from console.databases.mysql.connect import DirectConnection
from console.databases.mysql.discovery import Replicas, discover
from console.databases.mysql.gtids import missing, transactions
from console.databases.mysql.heartbeat import Heartbeat
from console.databases.mysql.lane import Lane
from console.databases.mysql.replica import ReplicaServer, Seen, Threads
from console.databases.mysql.sight import NOTHING, Looked, Sight, ask
from console.databases.positions import Positions
from console.events import Replica
from console.facts import ReplicaState
from console.words import duration, plural

UNSEEN = 3.0
"""Seconds after which a replica that does not answer us counts as stalled."""
PATIENCE = 0.5
"""Seconds that a reading waits for the replicas to answer; one that hangs makes the others no later."""
CLOSELY = 0.5
"""Seconds of lag from which it is looked who or what holds a replica up."""
STRANGERS_AFTER = 10.0
"""Seconds for which the log must go to more servers than are known, until that counts as a stranger."""


class _Primary(Frozen, frozen=True):
    """What one look at the primary gave."""

    gtids: str
    identity: str
    replicas: Replicas


class Replication:
    """Remembers the replicas seen so far. `clock` is any steady clock, in seconds."""

    def __init__(
        self,
        replicas: Sequence[ReplicaServer],
        heartbeat: Heartbeat,
        looked: Looked,
        to_session: Callable[[float], float],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._named = tuple(replicas)
        for number, server in enumerate(self._named, 1):
            if server.name in {other.name for other in self._named[: number - 1]}:
                server.name = f"{server.name} ({number})"
        self._heartbeat = heartbeat
        self._looked = looked
        self._to_session = to_session
        self._clock = clock
        self._positions = Positions()
        self._lags: dict[str, float] = {}
        self._discovered: dict[str, str] = {}
        """Key -> name of those that the change file does not name."""
        self._strangers_since: float | None = None
        self.missing = NOTHING
        """What the last reading had to leave out."""

    @property
    def any(self) -> bool:
        """Whether there are replicas."""
        return bool(self._named or self._discovered)

    async def read(self, lane: Lane) -> tuple[Replica, ...]:
        """Every replica known, in the order of the change file, then as first seen.

        Raises where the primary can't be asked; a replica that can't is a row that says so.
        """
        sight = await self._looked.sight(lane)
        primary = await lane.call(lambda link: _look(link, sight), what="reading the replicas")
        total = transactions(primary.gtids, mariadb=sight.family.mariadb)
        if total:
            self._positions.note(total, self._clock())
        looks = {
            server.looking(self._clock(), closely=self._lags.get(server.name, 0.0) > CLOSELY)
            for server in self._named
        }
        if looks:
            done, _ = await asyncio.wait(looks, timeout=PATIENCE)
            for look in done:
                look.result()
        now = self._clock()
        found = [self._replica(server, primary, total, sight, now) for server in self._named]
        self._lags = {one.name: one.lag or 0.0 for one in found}
        self.missing = primary.replicas.missing
        return (*found, *self._others(primary.replicas, now))

    async def close(self) -> None:
        """Close the connections to the replicas."""
        for server in self._named:
            await server.close()

    # -- Those that the change file names

    def _replica(
        self, server: ReplicaServer, primary: _Primary, total: int, sight: Sight, now: float
    ) -> Replica:
        seen = server.seen
        if seen is None:
            return Replica(name=server.name, state="unread", lag=None, why=server.failure or "not read yet")
        lacks = missing(primary.gtids, seen.applied, mariadb=sight.family.mariadb)
        lag = self._lag(seen, total, lacks, now)
        state, why = self._state(server, seen, primary, lag=lag, lacks=lacks, now=now)
        return Replica(
            name=server.name,
            state=state,
            lag=None if state == "gone" else lag,
            replied=self._to_session(server.seen_unix),
            server_lag=seen.threads.behind if seen.threads else None,
            why=why,
        )

    def _lag(self, seen: Seen, total: int, lacks: int, now: float) -> float | None:
        lags = []
        if total:
            lags.append(self._positions.lag(total - lacks, now))
        beat = None if seen.beat is None else self._heartbeat.lag(seen.beat, now)
        if beat is not None:
            lags.append(beat)
        if not lags and seen.threads and seen.threads.behind is not None:
            lags.append(seen.threads.behind)
        return max(lags, default=None)

    def _state(
        self,
        server: ReplicaServer,
        seen: Seen,
        primary: _Primary,
        *,
        lag: float | None,
        lacks: int,
        now: float,
    ) -> tuple[ReplicaState, str]:
        age = now - server.seen_at
        if server.failure and not server.silent:
            return "gone", server.failure
        if age > UNSEEN:
            return "stalled", f"no answer for {duration(age)}"
        if seen.identity and seen.identity == primary.identity:
            return "gone", "it is the primary itself"
        if seen.threads is None and seen.missing == NOTHING:
            return "gone", "it is no replica"
        trouble = stopped(seen.threads) if seen.threads else ""
        if trouble:
            return "stalled", trouble
        if lag is None:
            return "unread", f"how far it is can't be told{_because(self._heartbeat.failure)}"
        if seen.held_up and lag > CLOSELY:
            return "conflict", seen.held_up
        if seen.threads is None:
            remedy = f"; {seen.missing.remedy} would show it" if seen.missing.remedy else ""
            return "streaming", f"whether its threads run can't be seen{remedy}"
        return "streaming", _why_behind(seen, lacks) if lag > CLOSELY else ""

    # -- Those that it does not

    def _others(self, replicas: Replicas, now: float) -> list[Replica]:
        if any(server.seen is None and not server.failure for server in self._named):
            return []  # who they are is not known yet
        seen = [server.seen for server in self._named if server.seen]
        known = {f"id {one.server_id}" for one in seen} | {f"uuid {one.identity}" for one in seen}
        here = {f"id {one.server_id}": one.name for one in replicas.registered or ()}
        if replicas.registered is None:
            for session in replicas.sending or ():
                if session.identity:
                    here[f"uuid {session.identity}"] = f"replica at {session.host}"
        here = {key: name for key, name in here.items() if key not in known}
        for key, name in here.items():
            self._discovered.setdefault(key, name)
        for key in known:
            self._discovered.pop(key, None)
        found = [
            Replica(
                name=name,
                state="unread",
                lag=None,
                why="name it in [database] replicas, so that it can be read",
            )
            if key in here
            else Replica(name=name, state="gone", lag=None, why="it is no longer connected to the primary")
            for key, name in self._discovered.items()
        ]
        return found + self._strangers(replicas, now)

    def _strangers(self, replicas: Replicas, now: float) -> list[Replica]:
        """Those that only their number gives away."""
        nameless = [one for one in replicas.sending or () if not one.identity]
        fed = sum(1 for server in self._named if server.seen and server.seen.threads)
        more = len(nameless) - max(fed, len(replicas.registered or ()))
        if more <= 0:
            self._strangers_since = None
            return []
        if self._strangers_since is None:
            self._strangers_since = now
        if now - self._strangers_since < STRANGERS_AFTER:
            return []
        hosts = ", ".join(sorted({one.host for one in nameless}))
        why = f"the primary sends its log to {plural(len(nameless), 'server')} ({hosts}), and fewer are known"
        return [Replica(name=f"{plural(more, 'replica')} not named", state="unread", lag=None, why=why)]


def _look(connection: DirectConnection, sight: Sight) -> _Primary:
    """Blocks."""
    identity = "''" if sight.family.mariadb else "@@server_uuid"
    gtids, uuid = ask(connection, f"SELECT @@GLOBAL.{sight.family.gtid_variable}, {identity}")[0]
    return _Primary(gtids=str(gtids or ""), identity=str(uuid), replicas=discover(connection, sight))


def stopped(threads: Threads) -> str:
    """Which of its threads does not run, and why; empty where both do.

    >>> def of(receives, applies, error=""):
    ...     return Threads(receives=receives, applies=applies, receive_error="", apply_error=error, behind=None,
    ...                    delay=0, source_id=1, state="")
    >>> stopped(of("Yes", "Yes")), stopped(of("No", "No")), stopped(of("Yes", "No", "Duplicate entry"))
    ('', 'both its threads are stopped', 'its applier (SQL thread) is stopped: Duplicate entry')
    >>> stopped(of("Connecting", "Yes"))
    "it can't reach its source"
    """
    if threads.applies != "Yes":
        if threads.receives == "No" and not threads.apply_error and not threads.receive_error:
            return "both its threads are stopped"
        return f"its applier (SQL thread) is stopped{_because(threads.apply_error)}"
    if threads.receives == "No":
        return f"its receiver (IO thread) is stopped{_because(threads.receive_error)}"
    if threads.receives != "Yes":
        return f"it can't reach its source{_because(threads.receive_error)}"
    return ""


def _because(text: str) -> str:
    return f": {text}" if text else ""


def _why_behind(seen: Seen, lacks: int) -> str:
    if seen.threads and seen.threads.delay:
        return f"it applies everything {duration(seen.threads.delay)} late on purpose"
    parts = [f"{plural(lacks, 'transaction')} to apply"] if lacks else []
    if seen.applying:
        parts.append(seen.applying)
    return "; ".join(parts)
