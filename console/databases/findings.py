"""How preflight says what it saw, on any database: findings with whatever came from outside made harmless. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from console.change import Change
from console.databases.base import Unreachable
from console.facts import Finding, Severity, TableFacts
from console.words import count, plain


def found(code: str, severity: Severity, seen: str, remedy: str = "") -> Finding:
    """A finding, with whatever came from outside made harmless."""
    return Finding(code=code, severity=severity, seen=plain(seen), remedy=plain(remedy))


def blocker(code: str, seen: str, remedy: str) -> Finding:
    """A finding that forbids to go on; it always has a mend."""
    return found(code, "blocker", seen, remedy)


def warning(code: str, seen: str, remedy: str) -> Finding:
    """A finding that wants a look."""
    return found(code, "warning", seen, remedy)


def note(code: str, seen: str, remedy: str = "") -> Finding:
    """A finding that informs."""
    return found(code, "note", seen, remedy)


def listed(names: Sequence[object], most: int = 5) -> str:
    """Names in a row, the first few of many.

    >>> listed(["a", "b"]), listed(range(9), 2)
    ('a, b', '0, 1 and 7 more')
    """
    shown = ", ".join(str(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


# What is found alike on every database.


def unfilled(change: Change, facts: TableFacts, what_then: str) -> list[Finding]:
    """NOT NULL that the rows of today can never satisfy; `what_then` says what those do: `stay NULL`."""
    if change.nullable or change.backfill is not None or not facts.rows:
        return []
    what = "neither [backfill] nor default" if change.default is None else "no [backfill]"
    value = f' = "{change.default}"' if change.default is not None else ""
    return [
        blocker(
            "null.unfilled",
            f"nullable = false with {what}: about {count(facts.rows)} existing rows {what_then}",
            f"Add [backfill] value{value}, or set nullable = true",
        )
    ]


def unwritten(change: Change, *, backfills: bool) -> list[Finding]:
    """NOT NULL that an application which does not know the column runs into."""
    unsynced = backfills and change.backfill is not None and change.backfill.sync == "none"
    if not unsynced or change.nullable or change.default is not None:
        return []
    return [
        warning(
            "null.sync-none",
            "nullable = false, sync = none and no default: once the column is NOT NULL, an application "
            "that does not write it fails on every insert",
            "Set sync to trigger or application, or add a default",
        )
    ]


def unreachable(replica: str, why: Unreachable | None) -> Finding:
    """A replica that the change file names, and to which there is no connection."""
    return blocker(
        "replica.unreachable",
        f"replica {replica}: {why.text if why else 'no connection'}",
        (why.remedy if why else "") or "Correct [database] replicas, or leave it out",
    )
