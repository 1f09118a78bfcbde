"""Preflight on a test database, and cases that make one finding appear and go again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from console.change import Change
from console.databases.postgresql.inspector import PostgresInspector
from console.facts import Finding, Preflight, TableFacts
from tests.databases.postgresql.changes import change, change_file
from tests.servers.database import Database


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
    database: Database,
    wanted: Change | None = None,
    *,
    role: str = "deploy",
    replica: bool = False,
    url: str = "",
    replicas: Sequence[str] = (),
    **limits: Any,
) -> Looked:
    """Inspect and preflight, as the console does it. `url`, `replicas`: other ways in than the database's own."""
    file = change_file(database, wanted or change(), replica=replica, role=role, **limits)
    if url or replicas:
        target = type(file.target)(
            kind="postgresql",
            url=url or file.target.url,
            replicas=tuple(replicas) or file.target.replicas,
        )
        file = type(file)(
            path=file.path, target=target, change=file.change, limits=file.limits, session=file.session
        )
    inspector = await PostgresInspector.open(file, None)
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
    role: str = "deploy"
    """Who looks."""
    by: str = "postgres"
    """Who runs the statements."""


async def see(database: Database, case: Case) -> None:
    """The finding is not there, comes with its cause, and goes with it."""
    wanted = case.change if case.before else None
    assert case.code not in (await look(database, wanted, role=case.role)).codes, case.code
    if case.before:
        database.run(case.before, case.by)
    looked = await look(database, case.change, role=case.role)
    found = looked.all(case.code)
    assert found, (case.code, sorted(looked.codes))
    assert {finding.severity for finding in found} == {case.severity}, case.code
    assert any(case.seen in finding.seen for finding in found), (case.seen, found)
    unread = [finding for finding in looked.preflight.findings if finding.code.endswith(".unread")]
    assert [finding for finding in unread if finding.code != "statements.unread"] == [], case.code
    for finding in looked.preflight.findings:
        assert finding.remedy or finding.severity == "note", finding
        assert "\n" not in finding.seen + finding.remedy
    if case.after:
        database.run(case.after, case.by)
        assert case.code not in (await look(database, wanted, role=case.role)).codes, case.code
