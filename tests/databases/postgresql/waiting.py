"""Waiting for something that a server shows."""

from __future__ import annotations

import asyncio

from tests.servers.database import Database


async def until(database: Database, query: str, role: str = "postgres") -> None:
    """Wait until the query's one value is true. Fails after ten seconds or more."""
    for _ in range(500):
        if database.rows(query, role) == [(True,)]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"it never came: {query}")
