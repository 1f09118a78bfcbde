"""The standbys that the primary feeds, as a gate sees them: has each replayed past a position, and is one gone.

A standby that was there and is gone is no proof of anything: neither is the slot that it left behind. What only
stores the log (pg_receivewal, pg_basebackup) replays nothing, and feeds no reader; a subscriber is no standby.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from console.databases.postgresql.identifiers import literal
from console.databases.postgresql.sessions import grant_to
from console.events import Evidence
from console.words import count, plain

Ask = Callable[[str], Awaitable[list[tuple[Any, ...]]]]
"""Runs a query on the primary, read-only, and gives its rows."""


class Attached:
    """Remembers the standbys seen so far."""

    def __init__(self, ask: Ask, *, number: int) -> None:
        self._ask = ask
        self._number = number
        """The server's version, comparable."""
        self._known: dict[str, str] = {}
        """The standbys seen, by slot or application name: what they are called."""
        self._storing: set[str] = set()
        """Slots that were read by what only stores the log."""

    async def look(self, mark: str) -> tuple[Evidence, ...]:
        """One piece of evidence for each standby that is attached, then one for each that is gone."""
        out, here = [], set()
        seen: Counter[str] = Counter()
        for row in await self._ask(_attached(mark)):
            application, slot, state, position, allowed, user = row[0], row[1], row[2], row[3], *row[6:]
            if allowed and position is None and state == "streaming":
                self._storing.add(slot)
                continue
            base = slot or application
            seen[base] += 1
            key = base if seen[base] == 1 else f"{base} ({seen[base]})"
            name = plain(application if seen[base] == 1 else key)
            here.add(key)
            if position is not None or not allowed:
                self._known[key] = name
            out.append(_said(name, state, allowed=allowed, user=user, past=row[4], behind=row[5]))
        return (*out, *await self._gone(here))

    async def gone(self) -> tuple[Evidence, ...]:
        """One piece of evidence for each standby that is gone."""
        return tuple(evidence for evidence in await self.look("0/0") if evidence.seen.startswith("gone"))

    async def _gone(self, here: set[str]) -> list[Evidence]:
        why = dict.fromkeys(sorted(self._known.keys() - here), "it is no longer connected to the primary")
        for (slot,) in await self._ask(_idle_slots(self._number)):
            if slot not in self._storing:
                why[slot] = f"nothing reads its slot {slot}"
        return [
            Evidence(
                name=f"replica {self._known.get(key, plain(key))}: replay", seen=f"gone: {text}", holds=False
            )
            for key, text in why.items()
        ]


def _said(name: str, state: str | None, *, allowed: bool, user: str, past: Any, behind: Any) -> Evidence:
    if past is not None:
        words = "has replayed past the change" if past else f"{count(float(behind))} bytes short of it"
        seen = f"{state}, {words}"
    elif allowed:
        seen = f"{state}, has not told its position yet"
    else:
        seen = f"its position may not be read ({grant_to('pg_read_all_stats', user)} mends it)"
    return Evidence(name=f"replica {name}: replay", seen=seen, holds=bool(past))


def _attached(mark: str) -> str:
    at = f"{literal(mark)}::pg_lsn"
    return (
        "SELECT r.application_name, coalesce(s.slot_name::text, ''), r.state, r.replay_lsn::text,"
        f" r.replay_lsn >= {at}, pg_wal_lsn_diff({at}, r.replay_lsn),"
        " pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'), quote_ident(current_user)"
        " FROM pg_stat_replication r LEFT JOIN pg_replication_slots s ON s.active_pid = r.pid"
        " WHERE r.state IS DISTINCT FROM 'backup' AND s.slot_type IS DISTINCT FROM 'logical' ORDER BY 1, 2, r.pid"
    )


def _idle_slots(number: int) -> str:
    """Physical slots that nothing reads, though something did: one never used holds no position."""
    used = "restart_lsn IS NOT NULL" + (" OR wal_status = 'lost'" if number >= 130000 else "")
    return (
        "SELECT slot_name::text FROM pg_replication_slots"
        f" WHERE slot_type = 'physical' AND NOT temporary AND NOT active AND ({used}) ORDER BY 1"
    )
