"""Queries that only look: each tagged, so that a DBA knows whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from console.databases.postgresql.connect import Connection

TAG = "/* column-console */ "


async def fetch(connection: Connection, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """All rows of a query of ours. `%s` in it are the parameters; without any, `%` is itself."""
    cursor = await connection.execute((TAG + query).encode(), list(parameters) or None)
    return await cursor.fetchall()


async def fetch_one(connection: Connection, query: str, *parameters: Any) -> tuple[Any, ...] | None:
    """The first row of a query of ours, or None."""
    rows = await fetch(connection, query, *parameters)
    return rows[0] if rows else None


class Probed(NamedTuple):
    """What a probe gave: its rows, and the type and type modifier of each column."""

    rows: Sequence[tuple[Any, ...]]
    types: tuple[tuple[int, int], ...]


async def probe(connection: Connection, query: str) -> Probed:
    """Runs a query that holds text from the change file.

    By the extended protocol, which takes one statement and no more, whatever the text holds. Positions in
    errors count from the query's own beginning: no tag stands before it.
    """
    cursor = await connection.execute(query.encode(), None, binary=True)
    result = cursor.pgresult
    assert result is not None
    types = tuple((result.ftype(number), result.fmod(number)) for number in range(result.nfields))
    return Probed(await cursor.fetchall(), types)


async def explained(connection: Connection, query: str) -> dict[str, Any]:
    """The top node of the plan that the server would choose for a query with text from the change file."""
    probed = await probe(connection, f"EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) {query}")
    plan: dict[str, Any] = probed.rows[0][0][0]["Plan"]
    return plan
