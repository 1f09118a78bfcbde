"""The value and the default: what they are, what they depend on, and what a sample of the rows gives."""

from __future__ import annotations

import psycopg

from console.databases.base import BadExpression
from console.databases.postgresql.asking import probe
from console.databases.postgresql.errors import sentence
from console.databases.postgresql.identifiers import quote
from console.databases.postgresql.inspect import UNNAMED, type_or_none
from console.databases.postgresql.lab import Lab
from console.databases.postgresql.preflight.look import Findings, Look, blocker, listed, note, warning
from console.facts import Finding
from console.words import count, plural

SAMPLE = 1000
"""Rows tried from each end of the key."""

_VOLATILE = """
SELECT DISTINCT p.proname FROM pg_proc p
 WHERE p.proname = ANY (%s) AND p.provolatile = %s AND pg_function_is_visible(p.oid) ORDER BY 1
"""


async def value(look: Look) -> Findings:
    """Volatile functions by name; dependence on the session's settings; a value that is always NULL or constant."""
    backfill = look.change.backfill
    if backfill is None:
        return ()
    try:
        read = await look.lab.value(backfill.value, await type_or_none(look.lab, look.change))
    except BadExpression as error:
        return [blocker("value.wrong", error.text, error.remedy or "Correct [backfill] value")]
    if look.facts.value_constant:
        if look.facts.existing is not None:
            return [
                note("value.constant", "the value is the same for every row, but the column is there already")
            ]
        return [
            note(
                "value.constant",
                "the value is the same for every row: it is added as the column's default, without a backfill",
            )
        ]
    if read.volatile:
        names = [name for (name,) in await look.fetch(_VOLATILE, list(read.calls), "v")]
        named = f" ({listed(names)})" if names else ""
        return [
            warning(
                "value.volatile",
                f"the value is volatile{named}: each time it is computed it may differ, so verify is left out",
                "Take a value that the row determines, to have it verified",
            )
        ]
    out: list[Finding] = []
    if read.volatility == "stable":
        names = [name for (name,) in await look.fetch(_VOLATILE, list(read.calls), "s")]
        zone, style = await look.one("SELECT current_setting('TimeZone'), current_setting('DateStyle')")
        out.append(
            warning(
                "value.settings",
                f"the value may depend on the session's settings{f' ({listed(names)})' if names else ''}: "
                f"here TimeZone is {zone} and DateStyle {style}, and the application's sessions may have others",
                "Say them in the value, e.g. (placed_at AT TIME ZONE 'UTC')::date",
            )
        )
    generated = [c.name for c in look.facts.columns if c.name in read.columns and c.generated]
    if generated and backfill.sync == "trigger":
        out.append(
            blocker(
                "value.generated",
                f"the value reads generated columns ({listed(generated)}), which a BEFORE trigger does not see yet",
                "Say in the value what they are generated from, or choose another sync",
            )
        )
    nullable = [c.name for c in look.facts.columns if c.name in read.columns and c.nullable]
    if nullable and not look.change.nullable:
        out.append(note("value.nullable", f"the value reads columns that may be NULL: {listed(nullable)}"))
    return out


async def default(look: Look) -> Findings:
    """A default that differs from row to row is fine where it is set last; that it is, is said."""
    if look.change.default is None:
        return ()
    read = await Lab(look.connection, UNNAMED, ()).value(look.change.default, None, "default")
    if not read.volatile:
        return ()
    return [
        note(
            "default.volatile",
            f"the default {look.change.default} is volatile: it is set last, for rows written after the change, "
            "since with ADD COLUMN it would rewrite the table",
        )
    ]


async def sample(look: Look) -> Findings:
    """Computes the value for a few rows of each end of the key, to see it fail or be NULL before it matters."""
    backfill, key = look.change.backfill, look.facts.key
    if backfill is None or key is None or not look.facts.type or not look.backfills:
        return ()
    alias = UNNAMED if look.facts.kind == "partitioned" else look.relation.name
    order = ", ".join(quote(name) for name in key.columns)
    reverse = ", ".join(f"{quote(name)} DESC" for name in key.columns)
    row = (
        f"((SELECT * FROM {look.facts.name} ORDER BY {order} LIMIT {SAMPLE})"
        f" UNION ALL (SELECT * FROM {look.facts.name} ORDER BY {reverse} LIMIT {SAMPLE}))"
    )
    try:
        probed = await probe(
            look.connection,
            f"SELECT count(*), count(*) FILTER (WHERE CAST(({backfill.value}) AS {look.facts.type}) IS NULL)"
            f" FROM {row} AS {quote(alias)}",
        )
    except psycopg.Error as error:
        if not (error.sqlstate or "").startswith(("21", "22", "23", "38", "39", "P0")):
            raise
        return [
            warning(
                "value.fails",
                f"the value fails on a row among the first or last {count(SAMPLE)}: {sentence(error)}",
                "Make the value bear such rows; the backfill would park there and name the key",
            )
        ]
    rows, empty = probed.rows[0]
    if empty and not look.change.nullable:
        return [
            warning(
                "value.null",
                f"the value is NULL in {count(empty)} of {plural(rows, 'row')} tried, and nullable = false",
                "Wrap it in coalesce(), or set nullable = true",
            )
        ]
    if empty:
        return [note("value.null", f"the value is NULL in {count(empty)} of {plural(rows, 'row')} tried")]
    return ()
