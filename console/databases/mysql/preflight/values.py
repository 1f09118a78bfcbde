"""The value and the default: what they are, what they depend on, and what a sample of the rows gives."""

from __future__ import annotations

from console.databases.base import BadExpression, BadRow, Refused
from console.databases.mysql import tokens
from console.databases.mysql.expressions import NOTHING, Expression
from console.databases.mysql.identifiers import quote
from console.databases.mysql.preflight import zones
from console.databases.mysql.preflight.look import Findings, Look, blocker, listed, note, warning
from console.databases.mysql.types import Type, cast_as
from console.facts import Finding
from console.words import count, plural

SAMPLE = 1000
"""Rows tried from each end of the key."""


async def value(look: Look) -> Findings:
    """What makes it differ, by name; whether a trigger can compute it; dependence on the session's settings."""
    backfill = look.change.backfill
    if backfill is None or not look.seen.relation.is_table:
        return ()
    try:
        read = await look.seen.lab.value(backfill.value)
    except BadExpression as error:
        return [blocker("value.wrong", error.text, error.remedy or "Correct [backfill] value")]
    if look.facts.value_constant:
        how = "but the column is there already" if look.facts.existing is not None else ""
        return [
            note(
                "value.constant",
                "the value is the same for every row"
                + (
                    f", {how}"
                    if how
                    else ": it is added as the column's default, instantly, without a backfill"
                ),
            ),
            *await zones.one_moment(look, backfill.value, "value"),
        ]
    out = [*_in_trigger(look), *_constant(look, read)]
    if read.volatile:
        out.append(
            warning(
                "value.volatile",
                f"the value is volatile ({listed(read.volatile)}): each time it is computed it may differ, "
                "so verify will find differences in rows that are right",
                "Take a value that the row determines, or expect to skip verify",
            )
        )
        return out
    out += _settings(read)
    out += await zones.in_time_zones(look, read, backfill.value)
    out += await _named_zones(look, backfill.value)
    nullable = [c.name for c in look.facts.columns if c.name in read.columns and c.nullable]
    if nullable and not look.change.nullable:
        out.append(note("value.nullable", f"the value reads columns that may be NULL: {listed(nullable)}"))
    return out


def _in_trigger(look: Look) -> list[Finding]:
    if not look.uses_trigger or look.facts.value_over_new:
        return []
    return [
        blocker(
            "value.trigger",
            f"a trigger can't compute the value: {look.facts.value_over_new_why_not}",
            "Set [backfill] sync to application, or compute the value from other columns",
        )
    ]


def _constant(look: Look, read: Expression) -> list[Finding]:
    """Why a value that is the same for every row is filled in all the same."""
    if not read.constant or look.facts.existing is not None or not look.facts.type:
        return []
    if look.facts.value_literal:
        why = f"the column can't be added instantly ({look.facts.instant.why_not})"
    else:
        why = f"it is no literal that a column of type {look.facts.type} takes as its default"
    return [
        note("value.not-default", f"the value is the same for every row, and filled in row by row: {why}")
    ]


def _settings(read: Expression) -> list[Finding]:
    """What else of the session the value depends on than its time zone, of which `zones` tells."""
    depends = [name for name in read.settings if name.lower() not in (*zones.ZONED, *zones.VARIABLES)]
    if not depends:
        return []
    return [
        warning(
            "value.settings",
            f"the value may depend on the session's settings ({listed(depends)}), "
            "and the application's sessions may have others than ours",
            "Take a value that the row alone determines",
        )
    ]


async def _named_zones(look: Look, value: str) -> list[Finding]:
    if "convert_tz" not in tokens.calls(value):
        return []
    ((known,),) = await look.rows("SELECT CONVERT_TZ('2000-01-01', 'UTC', 'Europe/Berlin') IS NOT NULL")
    if known:
        return []
    return [
        warning(
            "settings.time-zones",
            "the server knows no time zones by name: CONVERT_TZ with one gives NULL",
            "Write offsets ('+00:00'), or load them: mysql_tzinfo_to_sql /usr/share/zoneinfo | mysql mysql",
        )
    ]


async def default(look: Look) -> Findings:
    """A default that the type does not take would be refused only at the end."""
    text, type_ = look.change.default, look.seen.type
    if text is None or type_ is None:
        return ()
    lost = await _lost(look, text, type_, NOTHING)
    if lost:
        return [
            blocker(
                "default.wrong",
                f"a column of type {type_.spelled} does not take the default {text}: {lost}",
                "Correct [change] default",
            )
        ]
    return await zones.one_moment(look, text, "default")


async def sample(look: Look) -> Findings:
    """Computes the value for a few rows of each end of the key, to see it fail or be NULL before it matters."""
    backfill, key, type_ = look.change.backfill, look.facts.key, look.seen.type
    if backfill is None or type_ is None or not look.seen.relation.is_table:
        return ()
    if not look.backfills:
        lost = await _lost(look, backfill.value, type_, NOTHING)
        return [_fails(look, lost, "the value")] if lost else ()
    if key is None:
        return ()
    names = ", ".join(quote(c.name) for c in look.seen.columns if c.column != look.facts.existing)
    rows = empty = 0
    for direction in ("", " DESC") if look.facts.rows > SAMPLE else ("",):
        order = ", ".join(f"{quote(name)}{direction}" for name in key.columns)
        row = f"(SELECT {names} FROM {look.facts.name} ORDER BY {order} LIMIT {SAMPLE}) AS {quote(look.table[1])}"
        try:
            lost = await _lost(look, backfill.value, type_, row)
            ((tried, lacking),) = await look.rows(
                f"SELECT COUNT(*), COALESCE(SUM(({backfill.value}) IS NULL), 0) FROM {row}"
            )
        except (BadRow, BadExpression, Refused) as error:
            lost = error.text.removeprefix("preflight: ")
            tried = lacking = 0
        if lost:
            return [_fails(look, lost, f"the value fails on a row among the first or last {count(SAMPLE)}")]
        rows, empty = rows + int(tried), empty + int(lacking)
    return _empty(look, rows, empty)


def _fails(look: Look, lost: str, what: str) -> Finding:
    seen = (
        f"{what}: {lost}"
        if look.backfills
        else f"a column of type {look.facts.type} does not take {what}: {lost}"
    )
    if not look.backfills:
        return blocker("value.fails", seen, "Correct [backfill] value")
    return warning(
        "value.fails",
        seen,
        "Make the value bear such rows; the backfill would park there and name the key",
    )


def _empty(look: Look, rows: int, empty: int) -> Findings:
    if empty and not look.change.nullable:
        yield warning(
            "value.null",
            f"the value is NULL in {count(empty)} of {plural(rows, 'row')} tried, and nullable = false",
            "Wrap it in COALESCE(), or set nullable = true",
        )
    elif empty:
        yield note("value.null", f"the value is NULL in {count(empty)} of {plural(rows, 'row')} tried")


async def _lost(look: Look, text: str, type_: Type, row: str) -> str:
    """What storing the value in the type would lose, in the server's words; empty: nothing."""
    conditions = ["0"]
    if type_.bounds:
        least, greatest = type_.bounds
        conditions.append(f"ROUND({text}) NOT BETWEEN {least} AND {greatest}")
    if type_.is_text and type_.numbers:
        conditions.append(f"CHAR_LENGTH(TRIM(TRAILING FROM {text})) > {type_.numbers[0]}")
    if type_.name in ("binary", "varbinary") and type_.numbers:
        conditions.append(f"LENGTH({text}) > {type_.numbers[0]}")
    if type_.members and type_.name == "enum":
        members = ", ".join(f"'{member}'" for member in map(_escaped, type_.members))
        conditions.append(f"({text}) NOT IN ({members})")
    cast = cast_as(type_)
    computed = f"COUNT(CAST(({text}) AS {cast}))" if cast and cast != "CHAR" else "0"
    query = f"SELECT SUM({' OR '.join(conditions)}), {computed} FROM {row}"
    lost, warnings = await look.seen.lab.computed(query)
    if warnings:
        return warnings[0]
    return f"{count(int(float(lost)))} out of range or too long" if lost and float(lost) else ""


def _escaped(member: str) -> str:
    return member.replace("\\", "\\\\").replace("'", "''")
