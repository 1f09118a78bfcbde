"""What an earlier run left, valid or not, and names that are taken already."""

from __future__ import annotations

from console.change import Index
from console.databases.base import BadExpression
from console.databases.postgresql.identifiers import quote
from console.databases.postgresql.names import Names
from console.databases.postgresql.preflight.look import Findings, Look, blocker, listed, note, warning
from console.facts import Finding
from console.words import size

_TRIGGER = "SELECT tgenabled::text FROM pg_trigger WHERE tgrelid = %s AND tgname = %s"

_OTHERS = """
SELECT DISTINCT name FROM (
    SELECT c.relname AS name, c.relnamespace AS schema FROM pg_class c WHERE c.relkind IN ('r', 'p')
    UNION ALL SELECT p.proname, p.pronamespace FROM pg_proc p
    UNION ALL SELECT t.tgname, c.relnamespace FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    UNION ALL SELECT k.conname, k.connamespace FROM pg_constraint k WHERE k.contype = 'c') all_names
 WHERE schema = (SELECT oid FROM pg_namespace WHERE nspname = %s)
   AND name LIKE '%%column\\_console\\_%%' AND name NOT LIKE %s
 ORDER BY 1
"""


async def leftovers(look: Look) -> Findings:
    """Progress table, sync trigger and function, constraints; and those of other changes."""
    names = Names(look.change, look.facts)
    out: list[Finding] = []
    progress, function = await look.one(
        "SELECT to_regclass(%s) IS NOT NULL, to_regproc(%s) IS NOT NULL", names.progress, names.function
    )
    trigger = [state for (state,) in await look.fetch(_TRIGGER, look.relation.oid, names.trigger)]
    if progress:
        out.append(
            note(
                "leftover.progress",
                f"an earlier run left its progress ({names.progress}): this one goes on from there",
            )
        )
    if trigger:
        out.append(_trigger(look, names, trigger[0]))
    elif function:
        out.append(
            note(
                "leftover.function",
                f"an earlier run left the function {names.function}, which no trigger calls",
            )
        )
    out += await _constraints(look, names)
    others = [name for (name,) in await look.fetch(_OTHERS, look.facts.schema, f"%{look.change.key}%")]
    if others:
        out.append(
            note(
                "leftover.other",
                f"objects of other changes are in schema {quote(look.facts.schema)}: {listed(others)}",
                "If none is under way, roll those changes back, or drop what they left",
            )
        )
    return out


def _trigger(look: Look, names: Names, state: str) -> Finding:
    if look.facts.existing is None:
        return blocker(
            "leftover.trigger",
            f"trigger {names.trigger} is there without the column it fills: every write of the application fails",
            f"DROP TRIGGER {quote(names.trigger)} ON {look.facts.name}",
        )
    if state == "D":
        return warning(
            "leftover.trigger",
            f"trigger {names.trigger} of an earlier run is disabled: rows written meanwhile lack the value",
            f"ALTER TABLE {look.facts.name} ENABLE TRIGGER {quote(names.trigger)}",
        )
    return note("leftover.trigger", f"an earlier run left its trigger {names.trigger}, which is at work")


_CONSTRAINTS = """
SELECT conname, contype::text, convalidated, pg_get_constraintdef(oid) FROM pg_constraint
 WHERE conrelid = %s AND conname = ANY (%s) ORDER BY 1
"""


async def _constraints(look: Look, names: Names) -> Findings:
    wanted = [names.check, names.not_null]
    if look.change.reference is not None:
        wanted.append(names.foreign_key)
    out: list[Finding] = []
    for name, kind, valid, definition in await look.fetch(_CONSTRAINTS, look.relation.oid, wanted):
        ours = kind == {names.check: "c", names.not_null: "n", names.foreign_key: "f"}[name]
        if not ours or look.facts.existing is None:
            out.append(
                blocker(
                    "constraint.name-taken",
                    f"{look.facts.name} has a constraint {quote(name)} already: {definition}",
                    f"ALTER TABLE {look.facts.name} RENAME CONSTRAINT {quote(name)} TO ...",
                )
            )
        else:
            out.append(
                note(
                    "leftover.constraint",
                    f"constraint {quote(name)} is there{'' if valid else ', NOT VALID'}: {definition}",
                )
            )
    return out


_INDEX = """
SELECT c.relkind::text, i.indrelid::int8, i.indrelid::regclass::text, i.indisvalid, i.indisready, i.indisunique,
       (SELECT array_agg(a.attname ORDER BY k.place) FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
          LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum),
       i.indpred IS NOT NULL, pg_relation_size(c.oid)
  FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
 WHERE c.relname = %s AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s)
"""

_INVALID = """
SELECT i.indexrelid::regclass::text, i.indisready, c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
 WHERE i.indrelid = ANY (%s::oid[]) AND NOT i.indisvalid AND c.relkind = 'i' ORDER BY 1
"""


async def indexes(look: Look) -> Findings:
    """Indexes of the change that are there already, whose names are taken, or whose condition is wrong."""
    out: list[Finding] = []
    for index in look.change.indexes:
        if index.where is not None:
            out += await _condition(look, index)
        for row in await look.fetch(_INDEX, index.name, look.facts.schema):
            out.append(_index(look, index, row))
    ours = {index.name for index in look.change.indexes}
    for name, ready, bare in await look.fetch(_INVALID, look.tables):
        if bare not in ours:
            out.append(
                warning(
                    "index.invalid",
                    f"index {name} is INVALID"
                    + (
                        ": every write keeps it up, and no query uses it"
                        if ready
                        else ", and kept up by nobody"
                    ),
                    f"DROP INDEX CONCURRENTLY {name}, or REINDEX INDEX CONCURRENTLY {name}",
                )
            )
    return out


async def _condition(look: Look, index: Index) -> Findings:
    lab = look.lab
    if look.facts.type:
        lab = lab.with_column(look.change.column, look.facts.type)
    assert index.where is not None
    try:
        read = await lab.condition(index.where, f"where of index {index.name}")
    except BadExpression as error:
        return [blocker("index.where", error.text, error.remedy or "Correct [[indexes]] where")]
    if read.volatility == "immutable":
        return ()
    return [
        blocker(
            "index.where",
            f"the where of index {index.name} is not immutable, which an index needs",
            "Say it without the clock and the session's settings",
        )
    ]


def _index(look: Look, index: Index, row: tuple[object, ...]) -> Finding:
    relkind, table_oid, table, valid, ready, unique, columns, partial, bytes_ = row
    name = quote(index.name)
    if relkind not in ("i", "I"):
        return blocker(
            "index.name-taken",
            f"{name} is the name of another relation in the schema",
            "Take another name for the index",
        )
    if table_oid != look.relation.oid:
        return blocker(
            "index.name-taken", f"{name} is an index of {table} already", "Take another name for the index"
        )
    same = columns == list(index.columns) and unique == index.unique and partial == (index.where is not None)
    if not same:
        return blocker(
            "index.name-taken",
            f"{name} is there already and is another index: {'unique ' if unique else ''}over {columns}"
            + (", partial" if partial else ""),
            "Take another name, or drop it first",
        )
    if not valid and relkind == "i":
        assert isinstance(bytes_, int)
        return warning(
            "leftover.index",
            f"{name} is there, INVALID ({size(bytes_)}): an earlier build failed"
            + (", and every write keeps it up for nothing" if ready else ""),
            "The walk drops it and builds it anew; or DROP INDEX CONCURRENTLY " + name,
        )
    return note(
        "index.exists", f"{name} is there already" + ("" if valid else ", waiting for its partitions")
    )
