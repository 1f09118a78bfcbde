"""Inspect and preflight on a test database, and cases that make one finding appear and go again."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, NamedTuple

from console.change import Backfill, Change, ChangeFile, Index, Limits, SessionRules, TableName, Target
from console.databases.mysql.address import read_address
from console.databases.mysql.connect import Session
from console.databases.mysql.inspect import inspect
from console.databases.mysql.inspector import MySqlInspector
from console.databases.mysql.lane import Lane
from console.demo.mysql.node import Connection
from console.facts import Finding, Preflight, TableFacts
from tests.servers.mysql_database import MySqlDatabase

ORDERS = """
CREATE TABLE days (day date PRIMARY KEY);
INSERT INTO days VALUES ('2026-01-01'), ('2026-01-02');
CREATE TABLE orders (
    id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    placed_at datetime(6) NOT NULL,
    status varchar(20) NOT NULL DEFAULT 'new',
    amount decimal(10,2) NOT NULL,
    KEY status (status)
);
INSERT INTO orders (placed_at, amount)
SELECT '2026-01-01' + INTERVAL 7 * n MINUTE, n
  FROM (WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < {rows}) SELECT n FROM r) r;
ANALYZE TABLE orders;
"""


def healthy_orders(database: MySqlDatabase, rows: int = 300) -> MySqlDatabase:
    """The shop's tables, on a server that shows who holds a metadata lock, as MariaDB does not by itself."""
    database.run(ORDERS.format(rows=rows))
    if database.family == "mariadb":
        database.run(
            "UPDATE performance_schema.setup_instruments SET ENABLED = 'YES'"
            " WHERE NAME = 'wait/lock/metadata/sql/mdl'"
        )
    database.wait_until_replayed()
    return database


def change(table: str = "orders", column: str = "placed_on", **fields: Any) -> Change:
    """A change that adds a date, filled from `placed_at`, unless told otherwise."""
    given: dict[str, Any] = {"type": "date", "backfill": Backfill(value="DATE(placed_at)"), **fields}
    schema = given.pop("schema", None)
    return Change(table=TableName(schema, table), column=column, **given)


INDEXED = change(indexes=(Index(name="by_day", columns=("placed_on",)),))
"""The same with an index on the new column."""


def change_file(
    database: MySqlDatabase, wanted: Change, *, url: str = "", replicas: Sequence[str] = (), **limits: Any
) -> ChangeFile:
    """A change file for a test database."""
    return ChangeFile(
        path="test.toml",
        target=Target(kind=database.family, url=url or database.url(), replicas=tuple(replicas)),
        change=wanted,
        limits=Limits(**limits),
        session=SessionRules(),
    )


@contextlib.asynccontextmanager
async def reading(url: str) -> AsyncIterator[Lane]:
    """A read-only lane, as the inspector's."""
    lane = Lane(read_address(url), Session(purpose="test", read_only=True, statement_limit=5), deadline=5)
    try:
        yield lane
    finally:
        await lane.close()


async def facts_of(database: MySqlDatabase, wanted: Change, *, role: str = "deploy") -> TableFacts:
    """The table as it is."""
    async with reading(database.url(role)) as lane:
        return await inspect(lane, wanted)


class Looked(NamedTuple):
    """What inspect and preflight told."""

    facts: TableFacts
    preflight: Preflight

    @property
    def codes(self) -> set[str]:
        """The codes of all findings."""
        return {finding.code for finding in self.preflight.findings}

    def all(self, code: str) -> list[Finding]:
        """The findings of one code."""
        return [finding for finding in self.preflight.findings if finding.code == code]

    def one(self, code: str) -> Finding:
        """The only finding of a code."""
        (finding,) = self.all(code)
        return finding


async def look(
    database: MySqlDatabase,
    wanted: Change | None = None,
    *,
    role: str = "deploy",
    url: str = "",
    replicas: Sequence[str] | None = None,
    **limits: Any,
) -> Looked:
    """Inspect and preflight, as the console does it; `replicas` is the pair's own unless given."""
    known = [database.replica_url(role)] if replicas is None else replicas
    file = change_file(database, wanted or change(), url=url or database.url(role), replicas=known, **limits)
    inspector = await MySqlInspector.open(file, None)
    try:
        facts = await inspector.inspect(file.change)
        return Looked(facts, await inspector.preflight(file, facts))
    finally:
        await inspector.close()


class Case(NamedTuple):
    """A finding, the statements that bring it about, and those that end it."""

    code: str
    severity: str
    seen: str
    """What must stand in the finding."""
    before: str = ""
    after: str = ""
    change: Change | None = None
    """Where the finding lies in the change, `before` and `after` are empty."""


async def see_all(database: MySqlDatabase, cases: Sequence[Case]) -> None:
    """No finding is there, each comes with its cause, and all are gone with their causes."""
    codes = {case.code for case in cases}
    assert not codes & (await look(database)).codes
    for case in cases:
        if case.before:
            database.run(case.before)
        looked = await look(database, case.change)
        found = looked.all(case.code)
        assert found, (case.code, sorted(looked.codes))
        assert {finding.severity for finding in found} == {case.severity}, case.code
        assert any(case.seen in finding.seen for finding in found), (case.seen, found)
        assert not {code for code in looked.codes if code.endswith(".unread")}, case.code
        for finding in looked.preflight.findings:
            assert finding.remedy or finding.severity == "note", finding
            assert "\n" not in finding.seen + finding.remedy
        if case.after:
            database.run(case.after)
    assert not codes & (await look(database)).codes


@contextlib.contextmanager
def transaction(connection: Connection, statement: str) -> Iterator[Connection]:
    """A transaction that has run a statement and stays open."""
    with connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(statement)
        cursor.fetchall()
        yield connection
        cursor.execute("ROLLBACK")
