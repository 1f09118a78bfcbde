"""What earlier runs left: the shape of an unfinished walk, and whether a finished one made the column. Looks only.

The catalog changes under a walk (a constant's default goes again, instant operations are used up), so the shape is
kept beside the change and taken up as it was. See `docs/decisions`, 0014.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from console.change import Change
from console.databases.mysql.catalog import IndexFacts
from console.databases.mysql.identifiers import literal
from console.databases.mysql.lane import Lane
from console.databases.mysql.names import SHAPE, Names
from console.facts import TableFacts


async def with_earlier_runs(
    lane: Lane, change: Change, facts: TableFacts, indexes: Sequence[IndexFacts]
) -> TableFacts:
    """The facts with `begun` and `complete`. Raises Refused where the progress table can't be read."""
    names = Names(change, facts)
    what = "looking for an earlier run"
    if (await lane.rows(f"SELECT {names.has_progress}", what=what))[0][0]:
        stored = await lane.rows(
            f"SELECT value FROM {names.progress} WHERE item = {literal(SHAPE)}", what=what
        )
        return replace(facts, begun=str(stored[0][0]) if stored else "")
    return replace(facts, complete=_is_complete(change, facts, indexes) and not await _triggers(lane, names))


def _is_complete(change: Change, facts: TableFacts, indexes: Sequence[IndexFacts]) -> bool:
    """Whether the column has all that the change leaves. Of a constant, the column alone is enough.

    A column without a default, an index or NOT NULL may as well be one that somebody added to have it filled.
    """
    existing = facts.existing
    if existing is None:
        return False
    there = {index.name: (index.columns, index.unique) for index in indexes}
    traces = [there.get(wanted.name) == (wanted.columns, wanted.unique) for wanted in change.indexes]
    traces += [existing.default is not None] if change.default is not None else []
    traces += [not existing.nullable] if not change.nullable and change.not_null != "nullable" else []
    return all(traces) and (bool(traces) or bool(facts.value_literal))


async def _triggers(lane: Lane, names: Names) -> bool:
    """Whether a sync trigger of ours is there."""
    rows = await lane.rows(
        f"SELECT 1 FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = {literal(names.schema)} AND TRIGGER_NAME"
        f" IN ({literal(names.insert_trigger)}, {literal(names.update_trigger)})",
        what="looking for an earlier run",
    )
    return bool(rows)
