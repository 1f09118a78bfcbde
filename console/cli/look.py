"""`check` and `plan`: they connect, read, print and go. Nothing is written to any database."""

from __future__ import annotations

import asyncio
import contextlib
import textwrap
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from console import plan_text
from console.change import ChangeFile
from console.cli.change_file import load
from console.cli.errors import BLOCKED, DONE, UNFINISHED, CommandError
from console.cli.say import data
from console.databases import open_database
from console.databases.base import BadExpression, Database, DatabaseError, Inspector, NotFound
from console.facts import Estimate, Finding, Preflight
from console.plan import Plan, make_plan
from console.words import count, duration, plain, plural, size

T = TypeVar("T")
WIDTH = 100


def check(path: str, *, as_json: bool) -> int:
    """Prints what preflight finds; the exit status says whether anything forbids the change."""
    file = load(path)

    async def look(_: Database, inspector: Inspector) -> Preflight:
        facts = await inspector.inspect(file.change)
        return await inspector.preflight(file, facts)

    found = _looked(file, look)
    if as_json:
        data(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        data(findings_text(file, found))
    return BLOCKED if found.blockers else DONE


def plan(path: str, form: str) -> int:
    """Prints the plan as `text`, `sql` or `json`."""
    file = load(path)

    async def look(database: Database, inspector: Inspector) -> Plan:
        facts = await inspector.inspect(file.change)
        return make_plan(file.change, facts, database.writer(facts), file.session)

    made = _looked(file, look)
    if form == "json":
        data(plan_text.json(made))
    elif form == "sql":
        data(plan_text.sql(made, file.limits.lock_timeout))
    else:
        data(plan_text.text(made))
    return DONE


def _looked(file: ChangeFile, look: Callable[[Database, Inspector], Awaitable[T]]) -> T:
    """What `look` sees; trouble with the database ends the command."""

    async def looking() -> T:
        database = open_database(file)
        inspector = await database.inspector()
        try:
            return await look(database, inspector)
        finally:
            with contextlib.suppress(DatabaseError):
                await inspector.close()

    try:
        return asyncio.run(looking())
    except (NotFound, BadExpression) as error:
        raise CommandError(str(error), BLOCKED) from None
    except DatabaseError as error:
        raise CommandError(str(error), UNFINISHED) from None


def findings_text(file: ChangeFile, found: Preflight) -> str:
    """What preflight found, for people: worst first, each with what to do."""
    lines = [plain(f"Preflight of {file.change.title}"), ""]
    for finding in found.findings:
        lines += [*_finding(finding), ""]
    if found.estimate is not None:
        lines += [*_estimate(found.estimate), ""]
    numbers = [
        plural(sum(finding.severity == severity for finding in found.findings), severity)
        for severity in ("blocker", "warning", "note")
    ]
    verdict = "nothing stands in the way" if not found.blockers else "this change can't begin like this"
    lines.append(f"{', '.join(numbers)}: {verdict}")
    return "\n".join(lines) + "\n"


def _finding(finding: Finding) -> list[str]:
    head = f"{finding.severity.upper():<8} "
    lines = _wrapped(f"{finding.seen}  [{finding.code}]", head, " " * len(head))
    if finding.remedy:
        lines += _wrapped(finding.remedy, " " * len(head) + "-> ", " " * (len(head) + 3))
    return lines


def _estimate(estimate: Estimate) -> list[str]:
    text = (
        f"{count(estimate.rows)} rows, about {size(estimate.wal_bytes)} of write-ahead log and "
        f"{size(estimate.disk_bytes)} of disk, {_range(estimate.seconds_low, estimate.seconds_high)}"
    )
    return _wrapped(text, "ESTIMATE ", " " * 9)


def _range(low: float, high: float) -> str:
    shown = duration(low), duration(high)
    return shown[0] if shown[0] == shown[1] else f"{shown[0]} to {shown[1]}"


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        plain(text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
