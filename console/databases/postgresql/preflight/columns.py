"""The column: its name, whether it is there already, its type, and the way to NOT NULL."""

from __future__ import annotations

from console.databases.base import BadExpression
from console.databases.findings import unfilled, unwritten
from console.databases.postgresql import tokens
from console.databases.postgresql.identifiers import LONGEST, quote, too_long
from console.databases.postgresql.names import Names
from console.databases.postgresql.preflight.look import Findings, Look, blocker, note, warning
from console.facts import Column, Finding
from console.words import count

_SYSTEM = ("ctid", "xmin", "cmin", "xmax", "cmax", "tableoid")
_MOST = 1600
"""Columns of a table, dropped ones included (MaxHeapAttributeNumber)."""


async def column(look: Look) -> Findings:
    """The name, the place for it, and the column of that name where there is one."""
    change, facts = look.change, look.facts
    out = [
        blocker(
            "name.long",
            f"{name} has {len(name.encode())} bytes; the server cuts names to {LONGEST}",
            "Take a shorter name",
        )
        for name in (change.column, *(index.name for index in change.indexes))
        if too_long(name)
    ]
    if change.column in _SYSTEM:
        out.append(
            blocker(
                "column.system", f"{change.column} is the name of a system column", "Take another name for it"
            )
        )
    if facts.existing is not None:
        out.append(_existing(look, facts.existing))
    else:
        out += await _place(look)
        fold = change.column.lower()
        alike = [other.name for other in facts.columns if other.name.lower() == fold]
        if alike:
            out.append(
                warning(
                    "column.alike",
                    f"{facts.name} has a column {quote(alike[0])}, which differs from {quote(change.column)} "
                    "in its capitals only",
                    "Correct [change] column, if it is that one you mean",
                )
            )
    return out


def _existing(look: Look, existing: Column) -> Finding:
    name = quote(existing.name)
    if existing.generated:
        return blocker(
            "column.exists",
            f"{look.facts.name} has {name} already, as a generated column",
            "Take another name, or drop it first",
        )
    if look.facts.type and existing.type != look.facts.type:
        return blocker(
            "column.exists",
            f"{look.facts.name} has {name} already, as {existing.type} where the change says {look.facts.type}",
            f"Set [change] type to {existing.type} to go on with it, or take another name",
        )
    known = [existing.type, "nullable" if existing.nullable else "NOT NULL"]
    if existing.default is not None:
        known.append(f"default {existing.default}")
    return note(
        "column.resume",
        f"{look.facts.name} has {name} already ({', '.join(known)}): the walk goes on where the database shows it",
    )


async def _place(look: Look) -> Findings:
    used, dropped = await look.one(
        "SELECT max(attnum), count(*) FILTER (WHERE attisdropped) FROM pg_attribute WHERE attrelid = %s AND attnum > 0",
        look.relation.oid,
    )
    seen = f"{look.facts.name} has used {count(used or 0)} of {count(_MOST)} column numbers ({count(dropped)} dropped)"
    mend = "Only a new table gives dropped numbers back"
    if used is not None and used >= _MOST:
        return [blocker("column.numbers", f"{seen}: no further column fits", mend)]
    if used is not None and used >= _MOST - 100:
        return [warning("column.numbers", seen, mend)]
    return ()


_SERIAL = ("serial", "serial2", "serial4", "serial8", "smallserial", "bigserial")
_CLAUSES = {
    "generated": "a generated or identity column rewrites the table",
    "identity": "an identity column rewrites the table",
    "default": "the default is a key of its own, and set last",
    "not": "NOT NULL is a key of its own (nullable), and set after the backfill",
    "null": "nullability is a key of its own",
    "check": "a check here scans the table under ACCESS EXCLUSIVE",
    "references": "a foreign key is a section of its own",
    "primary": "a primary key is no part of this change",
    "unique": "a unique index is built under ACCESS EXCLUSIVE here, and online by [[indexes]]",
    "collate": "a collation is no part of the type; a domain can carry one",
    "constraint": "constraints are keys of their own",
}


async def type_(look: Look) -> Findings:
    """What the type is, where it is more than a type, and where it would rewrite the table."""
    text = look.change.type
    try:
        read = await look.lab.type(text)
    except BadExpression as error:
        return [_unread(text, error)]
    if read.kind == "p":
        return [blocker("type.pseudo", f"{read.name} is a pseudo-type: no column can have it", "Name a type")]
    if read.kind == "d":
        return await _domain(look, read.oid, read.name)
    return ()


def _unread(text: str, error: BadExpression) -> Finding:
    words = [token.text.lower() for token in tokens.tokens(text) if token.kind == "word"]
    if words and words[0] in _SERIAL:
        return blocker(
            "type.serial",
            f"{text} is no type: it makes a sequence as default, which rewrites the table",
            "Take integer or bigint, with [backfill] value and default = \"nextval('...')\"",
        )
    for word in words[1:]:
        if word in _CLAUSES:
            return blocker(
                "type.more", f"type says more than a type: {_CLAUSES[word]}", "Leave only the type itself"
            )
    return blocker("type.unknown", error.text, error.remedy or "Correct [change] type")


_DOMAIN = """
WITH RECURSIVE chain AS (
    SELECT oid, typname, typbasetype, typtype, typdefault, typnotnull FROM pg_type WHERE oid = %s
    UNION ALL
    SELECT t.oid, t.typname, t.typbasetype, t.typtype, t.typdefault, t.typnotnull
      FROM chain JOIN pg_type t ON t.oid = chain.typbasetype WHERE chain.typtype = 'd'
)
SELECT bool_or(typnotnull), max(typdefault),
       (SELECT string_agg(pg_get_constraintdef(k.oid), ', ') FROM pg_constraint k
         WHERE k.contypid IN (SELECT oid FROM chain) AND k.contype = 'c')
  FROM chain WHERE typtype = 'd'
"""


async def _domain(look: Look, oid: int, name: str) -> Findings:
    not_null, default, checks = await look.one(_DOMAIN, oid)
    has = [part for part in ("NOT NULL" if not_null else "", checks or "") if part]
    if default is not None:
        has.append(f"default {default}")
    if not has:
        return ()
    return [
        blocker(
            "type.domain",
            f"the domain {name} has rules of its own ({', '.join(has)}): adding such a column rewrites the table "
            "under ACCESS EXCLUSIVE",
            "Take the type beneath it, and set default, NOT NULL and checks by themselves",
        )
    ]


async def not_null(look: Look) -> Findings:
    """Whether the rows can ever be NOT NULL, and what would already refuse the application's writes."""
    change, facts = look.change, look.facts
    out = [*unfilled(change, facts, "stay NULL"), *unwritten(change, backfills=look.backfills)]
    if look.backfills and facts.existing is not None:
        out += await _refusing(look)
    return out


async def _refusing(look: Look) -> Findings:
    names = Names(look.change, look.facts)
    rows = await look.fetch(
        "SELECT conname FROM pg_constraint k WHERE conrelid = %s AND NOT convalidated AND contype IN ('c', 'n')"
        " AND (conname IN (%s, %s) OR contype = 'n' AND conkey = ARRAY[(SELECT attnum FROM pg_attribute"
        " WHERE attrelid = conrelid AND attname = %s)])",
        look.relation.oid,
        names.check,
        names.not_null,
        look.change.column,
    )
    return [
        warning(
            "null.not-valid",
            f"constraint {quote(name)} is there, NOT VALID: it refuses every update of a row that is still NULL",
            f"If rows are unfilled: ALTER TABLE {look.facts.name} DROP CONSTRAINT {quote(name)}",
        )
        for (name,) in rows
    ]
