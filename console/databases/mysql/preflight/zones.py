"""What the value and the default depend on of the session's time zone.

A TIMESTAMP holds a moment, a DATETIME or DATE what a clock shows: between the two, the session's `time_zone` decides.
The sync trigger computes in the application's sessions, the backfill in ours. Measured on MySQL 9.7 and MariaDB
10.11: a trigger fired at `+02:00` stores a moment two hours from the one that the batches store for the same row.
Replicas get what the primary got: row events hold the moment, and statements bring their time zone along.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from console.databases.base import DatabaseError
from console.databases.mysql import tokens
from console.databases.mysql.expressions import Expression
from console.databases.mysql.identifiers import literal, quote
from console.databases.mysql.preflight.look import Findings, Look, Row, note, warning
from console.facts import Finding
from console.words import count, plural

ZONED = ("from_unixtime", "unix_timestamp")
"""Functions whose result depends on nothing of the session but its time zone."""
VARIABLES = ("@@session.time_zone", "@@time_zone", "@@local.time_zone")
_APART = ("+00:00", "-12:00", "+13:00")
"""Zones more than a day apart: a date that is read in them differs, whatever the time of the day."""
_WITH_ITS_ZONE = re.compile(r"[+-]\d\d:\d\d'$|^null$", re.IGNORECASE)
_ROWS = 200
"""Rows tried from each end of the key."""


async def in_time_zones(look: Look, read: Expression, value: str) -> Findings:
    """Whether another `time_zone` gives another value; tried on rows, and where there are none, told by the types."""
    moments = [c.name for c in look.seen.columns if c.name in read.columns and c.data_type == "timestamp"]
    into_moment = look.seen.type is not None and look.seen.type.name == "timestamp"
    calls, variables = tokens.calls(value), [name.lower() for name in tokens.variables(value)]
    said = "convert_tz" in calls and any(name in VARIABLES for name in variables)
    if not (moments or into_moment or set(calls) & {*ZONED, "convert_tz"} or set(variables) & {*VARIABLES}):
        return ()
    tried, differ = await _tried(look, value, into_moment=into_moment)
    if tried and not differ:
        return ()
    if not tried and (said or (into_moment and moments)):
        return ()
    rows = f": it differs in {count(differ)} of {plural(tried, 'row')} tried" if tried else ""
    return [await _depends(look, rows, _mend(read.columns, moments, into_moment=into_moment))]


async def _depends(look: Look, rows: str, mend: str) -> Finding:
    who = (
        "the sync trigger computes it in the application's sessions, which may have another"
        if look.uses_trigger
        else "the application's sessions may have another"
    )
    return warning(
        "value.time-zone",
        f"the value depends on the session's time_zone{rows}; ours is the server's, {await _zone(look)}, and {who}",
        mend,
    )


def _mend(columns: Sequence[str], moments: Sequence[str], *, into_moment: bool) -> str:
    if into_moment:
        name = next((name for name in columns if name not in moments), columns[0] if columns else "placed_at")
        return f"Say which zone it was written in: CONVERT_TZ({quote(name)}, '+00:00', @@session.time_zone) if UTC"
    name = moments[0] if moments else "placed_at"
    return f"Say which zone it is to be in: CONVERT_TZ({quote(name)}, @@session.time_zone, '+00:00') for UTC"


async def _tried(look: Look, value: str, *, into_moment: bool) -> tuple[int, int]:
    """Rows of both ends of the key for which there is a value, and those that have another in another zone."""
    key = look.facts.key
    if key is None:
        return 0, 0
    names = ", ".join(quote(c.name) for c in look.seen.columns if c.column != look.facts.existing)
    # What a TIMESTAMP column would hold: what the clock shows, turned into the moment by the session's zone.
    shown = f"UNIX_TIMESTAMP(CAST(({value}) AS DATETIME(6)))" if into_moment else f"({value})"
    by_key: dict[Row, set[object]] = {}
    for direction in ("", " DESC"):
        order = ", ".join(f"{quote(name)}{direction}" for name in key.columns)
        row = f"(SELECT {names} FROM {look.facts.name} ORDER BY {order} LIMIT {_ROWS}) AS {quote(look.table[1])}"
        columns = ", ".join(quote(name) for name in key.columns)
        for zone in _APART:
            for *of, given in await _in_zone(look, zone, f"SELECT {columns}, {shown} FROM {row}"):
                if given is not None:
                    by_key.setdefault(tuple(of), set()).add(given)
    return len(by_key), sum(len(values) > 1 for values in by_key.values())


async def _in_zone(look: Look, zone: str, query: str) -> list[Row]:
    """The rows of a query in a session of that zone; none where the value fails, of which the sample tells."""
    ((before,),) = await look.rows("SELECT @@SESSION.time_zone")
    await look.lane.execute(f"SET SESSION time_zone = {literal(zone)}", what="preflight")
    try:
        return await look.rows(query)
    except DatabaseError:
        return []
    finally:
        await look.lane.execute(f"SET SESSION time_zone = {literal(str(before))}", what="preflight")


async def one_moment(look: Look, text: str, what: str) -> Findings:
    """A constant of a TIMESTAMP column is one moment for everybody: the one that it names in our sessions."""
    type_ = look.seen.type
    if type_ is None or type_.name != "timestamp" or _WITH_ITS_ZONE.search(text) or tokens.calls(text):
        return ()
    return [
        note(
            f"{what}.time-zone",
            f"the {what} {text} is read in the server's time zone, {await _zone(look)}, and is the same moment for all",
        )
    ]


async def _zone(look: Look) -> str:
    ((zone, system),) = await look.rows("SELECT @@GLOBAL.time_zone, @@GLOBAL.system_time_zone")
    return f"the system's {system}" if zone == "SYSTEM" else str(zone)
