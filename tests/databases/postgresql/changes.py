"""Change files for tests, made in code, and the door to a database for them."""

from __future__ import annotations

from typing import Any

from console.change import Backfill, Change, ChangeFile, Limits, SessionRules, TableName, Target
from console.databases.postgresql.connect import connect
from console.databases.postgresql.inspect import inspect
from console.facts import TableFacts
from tests.servers.database import Database


def change(table: str = "orders", column: str = "placed_on", **fields: Any) -> Change:
    """A change of `public.TABLE` that adds a date, filled from `placed_at`, unless told otherwise."""
    given: dict[str, Any] = {
        "type": "date",
        "backfill": Backfill(value="(placed_at at time zone 'UTC')::date"),
        **fields,
    }
    return Change(table=TableName("public", table), column=column, **given)


def change_file(
    database: Database, wanted: Change, *, replica: bool = True, role: str = "deploy", **limits: Any
) -> ChangeFile:
    """A change file for a test database."""
    return ChangeFile(
        path="test.toml",
        target=Target(
            kind="postgresql",
            url=database.url(role),
            replicas=(database.standby_url(role),) if replica else (),
        ),
        change=wanted,
        limits=Limits(**limits),
        session=SessionRules(),
    )


async def facts_of(file: ChangeFile) -> TableFacts:
    """The table as it is."""
    async with await connect(file.target.url, purpose="test", read_only=True) as connection:
        return await inspect(connection, file.change)


ORDERS = """
CREATE TABLE days (day date PRIMARY KEY);
INSERT INTO days SELECT '2026-01-01'::date + n FROM generate_series(0, 400) n;
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    placed_at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'new',
    amount numeric NOT NULL
);
INSERT INTO orders (placed_at, amount)
SELECT '2026-01-01 00:00+00'::timestamptz + n * interval '7 minutes', n FROM generate_series(1, {rows}) n;
CREATE INDEX ON orders (status);
ANALYZE orders;
"""
