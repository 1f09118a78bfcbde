"""Which way a column becomes NOT NULL, and why: from the start, by one rebuild, or not at all. Pure.

There is no NOT VALID here. `MODIFY ... NOT NULL` rebuilds the whole table, also for a column added a second ago, and
every replica then lags for as long as the rebuild took (measured: 25 to 40 s for 2 million rows on the primary, and
as long behind it). A column that is NOT NULL from the start, with a placeholder as its default, needs no rebuild at
all: its rows read the placeholder until the backfill is through.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from console.change import Change
from console.databases.mysql.defaults import default_sql, is_literal
from console.databases.mysql.families import Family
from console.facts import TableFacts
from console.plan import Shape, first_shape
from console.words import count, duration, size

_REBUILD_RATE = 60_000
"""Rows a second that a rebuild does (measured: 2 million rows in 15 to 40 s on two cores)."""


def family_of(facts: TableFacts) -> Family:
    """The family of the server that the facts are of."""
    server = facts.server
    return Family(
        name="mariadb" if server.kind == "mariadb" else "mysql", version=server.version, number=server.number
    )


def choose(change: Change, facts: TableFacts, shape: Shape) -> tuple[Shape, tuple[str, ...]]:
    """The shape with its route to NOT NULL, and what to tell the operator of it.

    A walk that is under way keeps its shape. Where one was finished, nothing is written over the application's rows.
    """
    if facts.begun:
        return msgspec.json.decode(facts.begun, type=Shape), ()
    shape, said = _route(change, facts, shape)
    if not facts.complete or not shape.backfill:
        return shape, said
    text = (
        f"{change.column} is there as planned, and no walk of it is under way: no row is written. Rows that lack the"
        " value may be the application's own, and are shown by verify; to have them filled, drop the column first."
    )
    return replace(shape, trigger=False, backfill=False, complete=True), (text,)


def _route(change: Change, facts: TableFacts, shape: Shape) -> tuple[Shape, tuple[str, ...]]:
    if change.nullable or shape.instant_value:
        return shape, ()
    against = against_from_start(change, facts)
    wanted = change.not_null
    if wanted == "nullable":
        text = f"{change.column} stays nullable, as not_null asks: no rebuild, and no row is kept from being NULL."
        return replace(shape, not_null="nullable"), (text,)
    if wanted == "from-start" and placeholder_of(change, facts) and not _exists_nullable(facts):
        said = f" Mind that {against}." if against else ""
        return _from_start(change, facts, shape, said)
    if wanted == "auto" and not against:
        return _from_start(change, facts, shape, "")
    why = f"not from the start, because {against}" if against and wanted != "rebuild" else "as not_null asks"
    return replace(shape, not_null="rebuild"), (
        f"NOT NULL comes by one rebuild, {why}. {_rebuild_text(facts)}",
    )


def against_from_start(change: Change, facts: TableFacts) -> str:
    """What speaks against NOT NULL from the start, as part of a sentence; empty: nothing."""
    if not placeholder_of(change, facts):
        return f"{change.type} takes no literal default here, which the rows would read until they are filled"
    if _exists_nullable(facts):
        return f"{change.column} is there already, and nullable"
    if not facts.instant.possible:
        return f"the column can't be added instantly: {facts.instant.why_not}"
    backfill = change.backfill
    if backfill is None:
        return ""
    if backfill.sync != "trigger":
        return (
            f"sync = {backfill.sync}: a row in which the application wrote the placeholder's value by itself"
            " could not be told from an unfilled one"
        )
    if facts.value_volatile:
        return f"the value is another one each time it is computed ({', '.join(facts.value_volatile_names)})"
    return ""


def _exists_nullable(facts: TableFacts) -> bool:
    return facts.existing is not None and facts.existing.nullable


def placeholder_of(change: Change, facts: TableFacts) -> str:
    """What unfilled rows read: the change's own default where that is a literal, so that none need be set later."""
    default = default_sql(change, facts)
    return default if default and is_literal(default) else facts.placeholder


def _from_start(change: Change, facts: TableFacts, shape: Shape, more: str) -> tuple[Shape, tuple[str, ...]]:
    placeholder = placeholder_of(change, facts)
    text = (
        f"{change.column} is NOT NULL from the start, with {placeholder} as placeholder, instantly: setting it"
        f" later would rebuild the table. Rows that are not filled yet read {placeholder} until the backfill is"
        f" through. {_rebuild_text(facts)} (not_null = rebuild or nullable choose otherwise.){more}"
    )
    return replace(shape, not_null="from-start", placeholder=placeholder), (text,)


def _rebuild_text(facts: TableFacts) -> str:
    seconds = max(1.0, facts.rows / _REBUILD_RATE)
    text = (
        f"A rebuild writes {count(facts.rows)} rows ({size(facts.bytes + facts.index_bytes)}) anew while reads and"
        f" writes go on, roughly {duration(seconds)}, and every replica lags as long as it took"
    )
    if family_of(facts).alter_two_phase:
        return text + (
            ", unless it applies in parallel (slave_parallel_threads above 0): then it runs there at the same time."
        )
    return text + "."


def shape_of(change: Change, facts: TableFacts) -> Shape:
    """The shape that the plan of this change has: what worker and evidence take for an unfilled row follows from it."""
    return choose(change, facts, first_shape(change, facts))[0]
