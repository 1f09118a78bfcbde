"""How far each standby is behind, in what state, and why.

One row for each standby, whether the primary lists it, the change file names it, or both. The lag is told by the
position clock (`positions`). The clocks of other hosts are never compared with ours: a standby's last answer counts
from when *we* first saw it.

A standby that was there and is gone is not lag 0, and neither is what we may not see.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

from console.change import Frozen
from console.databases.positions import Positions
from console.databases.postgresql.line import Line
from console.databases.postgresql.scribe import TAG
from console.databases.postgresql.sessions import grant_to
from console.databases.postgresql.standby import Seen, Standby, look_at_all
from console.events import Replica
from console.facts import ReplicaState
from console.words import duration, size

SILENT = 2.0
"""Seconds without an answer, while it is behind, after which a standby counts as stalled."""
SILENT_IDLE = 12.0
"""The same while it has nothing to answer: it reports every `wal_receiver_status_interval`, 10 s by default."""
UNSEEN = 3.0
"""Seconds after which a standby of the change file that does not answer us counts as unread."""

# Rights hide all of a row but its name; slots and our own position anyone may see. Copies under way (`backup`) and
# what only stores the log (no replay position: pg_receivewal, pg_basebackup) are no standbys.
_PRIMARY = f"""{TAG}SELECT extract(epoch FROM clock_timestamp())::float8, (pg_current_wal_lsn() - '0/0')::bigint,
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'), quote_ident(current_user),
       r.pid, r.application_name, host(r.client_addr), r.state, (r.replay_lsn - '0/0')::bigint,
       extract(epoch FROM r.replay_lag)::float8, r.reply_time::text,
       s.slot_name, s.slot_type, s.active, {{wal_status}},
       (pg_current_wal_lsn() - s.restart_lsn)::bigint
  FROM (SELECT 1) one
  LEFT JOIN (pg_stat_replication r FULL JOIN pg_replication_slots s ON s.active_pid = r.pid)
       ON coalesce(r.state, '') <> 'backup' AND NOT coalesce(s.temporary, false)"""


class _Listed(Frozen, frozen=True):
    """A standby or a slot as the primary lists it."""

    pid: int | None
    application: str
    address: str
    state: str | None
    replayed: int | None
    server_lag: float | None
    reply: str | None
    slot: str
    slot_type: str
    slot_active: bool
    wal_status: str
    kept: int | None
    """Bytes of the log that the slot holds back."""

    @property
    def key(self) -> str:
        """What stays the same when it connects again."""
        return f"slot {self.slot}" if self.slot else f"{self.application} at {self.address or 'a socket'}"

    @property
    def trouble(self) -> str:
        """What is wrong with its slot, in a word."""
        if self.slot and self.wal_status not in ("", "reserved"):
            return self.wal_status
        return "inactive" if self.slot and not self.slot_active else ""


@dataclasses.dataclass
class _Known:
    """A standby that was seen, and what we remember of it."""

    listed: _Listed
    name: str
    replayed: int | None = None
    reply: str | None = None
    replied: float = 0.0
    """When its last answer was first seen, on our own clock and on the server's."""
    replied_server: float = 0.0
    here: bool = True


class _Now(Frozen, frozen=True):
    """What one look at the primary gave besides the standbys."""

    clock: float
    """Our own clock, seconds."""
    server: float
    """The primary's, Unix seconds."""
    position: int
    hidden: str
    """The GRANT that would let us see the standbys' figures; empty where we see them."""


class Replication:
    """Remembers the standbys seen so far. `clock` is any steady clock, in seconds."""

    def __init__(
        self,
        standbys: Sequence[Standby],
        to_session: Callable[[float], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._standbys = tuple(standbys)
        self._to_session = to_session
        self._clock = clock
        self._positions = Positions()
        self._known: dict[str, _Known] = {}

    async def read(self, line: Line) -> tuple[Replica, ...]:
        """Every standby known, in the order in which they were first seen.

        Raises where the primary can't be asked; a standby that can't is a row that says so.
        """
        wal_status = "s.wal_status" if line.version >= 130000 else "NULL::text"
        query = _PRIMARY.format(wal_status=wal_status)
        looking = asyncio.create_task(look_at_all(self._standbys, self._clock()))
        try:
            rows = await line.rows(query, what="reading the standbys")
            await looking
        finally:
            looking.cancel()
            await asyncio.wait({looking})
        server, position, allowed, user = rows[0][:4]
        hidden = "" if allowed else grant_to("pg_read_all_stats", user)
        now = _Now(clock=self._clock(), server=server, position=position, hidden=hidden)
        self._positions.note(position, now.clock)
        self._remember([_listed(row[4:]) for row in rows if row[4] is not None or row[11] is not None], now)
        self._match()
        by_key = {standby.key: standby for standby in self._standbys if standby.key}
        found = [self._replica(key, known, by_key.get(key), now) for key, known in self._known.items()]
        found += [self._unlisted(standby, now) for standby in self._standbys if not standby.key]
        return tuple(found)

    async def close(self) -> None:
        """Close the connections to the standbys."""
        for standby in self._standbys:
            await standby.close()

    # -- Who is there

    def _remember(self, listed: list[_Listed], now: _Now) -> None:
        for earlier in self._known.values():
            earlier.here = False
        for one in listed:
            known = self._known.get(one.key)
            if known is None:
                if not _worth_a_row(one, hidden=bool(now.hidden)):
                    continue
                known = self._known[one.key] = _Known(one, self._name(one), replied=now.clock)
            known.listed, known.here = one, one.pid is not None
            known.replayed = one.replayed if one.replayed is not None else known.replayed
            if one.reply is not None and one.reply != known.reply:
                known.reply, known.replied, known.replied_server = one.reply, now.clock, now.server

    def _name(self, one: _Listed) -> str:
        """The application name, unless it tells nothing or is taken."""
        taken = {known.name for known in self._known.values()}
        plain_name = one.application if one.application not in ("", "walreceiver") else ""
        for name in (plain_name, one.slot, one.address, one.application):
            if name and name not in taken:
                return name
        return f"{one.application or 'standby'} ({one.key})"

    def _match(self) -> None:
        """Find each standby of the change file among those that the primary lists: by slot, then by name."""
        for standby in self._standbys:
            seen = standby.seen
            if seen is None or not seen.is_standby:
                continue
            by_slot = [
                key for key, known in self._known.items() if seen.slot and known.listed.slot == seen.slot
            ]
            by_name = [
                key
                for key, known in self._known.items()
                if known.listed.application == seen.application
                and (not seen.address or known.listed.address in ("", seen.address))
            ]
            found = by_slot or (by_name if len(by_name) == 1 else [])
            standby.key = found[0] if found else ""

    # -- What is said of it

    def _replica(self, key: str, known: _Known, standby: Standby | None, now: _Now) -> Replica:
        own = standby.seen if standby and now.clock - standby.seen_at <= UNSEEN else None
        replayed = max(
            (at for at in (known.replayed, own.replayed if own else None) if at is not None), default=None
        )
        lag, behind = self._lag(replayed, known.listed.server_lag if known.here else None, now)
        state, why = self._state(known, standby, own, now, lag=lag, behind=behind)
        return Replica(
            name=known.name,
            state=state,
            lag=None if state == "gone" else lag,
            bytes=behind,
            replied=self._to_session(known.replied_server) if known.replied_server else None,
            server_lag=known.listed.server_lag if known.here else None,
            why=why,
            slot=known.listed.trouble,
        )

    def _lag(
        self, replayed: int | None, server_lag: float | None, now: _Now
    ) -> tuple[float | None, int | None]:
        if replayed is None:
            return None, None
        return self._positions.lag(replayed, now.clock, server_lag), max(0, now.position - replayed)

    def _state(
        self,
        known: _Known,
        standby: Standby | None,
        own: Seen | None,
        now: _Now,
        *,
        lag: float | None,
        behind: int | None,
    ) -> tuple[ReplicaState, str]:
        if not known.here:
            return "gone", _gone(known.listed)
        if standby and standby.seen and not standby.seen.is_standby:
            return "gone", "it is no standby any more"
        silent = now.clock - known.replied
        if not now.hidden and silent > (SILENT if behind and lag and lag > SILENT else SILENT_IDLE):
            return "stalled", f"no reply for {duration(silent)}"
        if standby and own is None:
            return "unread", standby.failure or "it has not answered yet"
        if own and own.conflict:
            return "conflict", own.why
        if lag is None:
            return "unread", _unread(now.hidden)
        return "streaming", _why_behind(known.listed, own, lag)

    def _unlisted(self, standby: Standby, now: _Now) -> Replica:
        """A standby of the change file that the primary does not list: fed by another standby, or out of reach."""
        own = standby.seen if now.clock - standby.seen_at <= UNSEEN else None
        if own is not None and not own.is_standby:
            return Replica(name=standby.name, state="gone", lag=None, why="it is no standby")
        if own is None or own.replayed is None:
            return Replica(name=standby.name, state="unread", lag=None, why=standby.failure or "not read yet")
        lag, behind = self._lag(own.replayed, None, now)
        state: ReplicaState = "conflict" if own.conflict else "streaming"
        return Replica(name=standby.name, state=state, lag=lag, bytes=behind, why=own.why)


def _listed(row: Sequence[Any]) -> _Listed:
    (pid, application, address, state, replayed, server_lag, reply, slot, slot_type, active, status, kept) = (
        row
    )
    return _Listed(
        pid=pid,
        application=application or "",
        address=address or "",
        state=state,
        replayed=replayed,
        server_lag=server_lag,
        reply=reply,
        slot=slot or "",
        slot_type=slot_type or "",
        slot_active=bool(active),
        wal_status=status or "",
        kept=kept,
    )


def _worth_a_row(one: _Listed, *, hidden: bool) -> bool:
    """Standbys are; subscribers and slots that nothing reads only where they hold the log back."""
    if one.slot_type == "logical" or one.pid is None:
        return bool(one.trouble)
    return one.replayed is not None or hidden


def _gone(one: _Listed) -> str:
    if not one.slot:
        return "it is no longer connected to the primary"
    kept = f", which holds back {size(one.kept)} of the log" if one.kept else ""
    return f"nothing reads its slot {one.slot}{kept}"


def _unread(hidden: str) -> str:
    return f"this role may not see it; {hidden} lets it" if hidden else "it has not told its position yet"


def _why_behind(one: _Listed, own: Seen | None, lag: float) -> str:
    if own and own.why:
        return own.why
    if one.state == "catchup":
        return "it is catching up"
    if own and own.hidden and lag > 1:
        return f"what holds replay up can't be seen; {own.hidden} would show it"
    return ""
