"""Runs the checks of a preflight, on any database: each under a deadline, the worst findings first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar

from console.databases.base import ConnectionLost, DatabaseError
from console.databases.findings import note
from console.facts import Finding, Severity

L = TypeVar("L")
Checks = Mapping[str, tuple[str, Callable[[L], Awaitable[Iterable[Finding]]]]]
"""By name: what the check looks at, in words that complete "... could not be looked at", and the check."""

DEADLINE = 10.0
"""Seconds that one check may take; the server's own limit for a statement is shorter."""
_ORDER: tuple[Severity, ...] = ("blocker", "warning", "note")


async def run_checks(checks: Checks[L], look: L) -> tuple[Finding, ...]:
    """All findings. What can't be looked at becomes a note that says so. Raises ConnectionLost."""
    findings: list[Finding] = []
    for name, (what, check) in checks.items():
        try:
            async with asyncio.timeout(DEADLINE):
                findings.extend(await check(look))
            continue
        except TimeoutError:
            why = f"no answer within {DEADLINE:g} s"
        except ConnectionLost:
            raise
        except DatabaseError as error:
            why = error.text
        unread = f"{what} could not be looked at: {why}"
        findings.append(note(f"{name}.unread", unread, "Look by hand before you go on"))
    findings.sort(key=lambda finding: _ORDER.index(finding.severity))
    return tuple(findings)
