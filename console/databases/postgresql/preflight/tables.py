"""The table: its kind, its family of partitions and heirs, and the key that the backfill walks."""

from __future__ import annotations

from console.databases.postgresql.preflight.look import Findings, Look, blocker, listed, note, warning
from console.facts import Finding
from console.words import count

_ONLY_TABLES = "Name an ordinary or a partitioned table in [change] table"


async def kind(look: Look) -> Findings:
    """What can take the column, and what cannot."""
    name = look.facts.name
    persistence, typed, system = await look.one(
        "SELECT relpersistence::text, CASE WHEN reloftype <> 0 THEN reloftype::regtype::text END,"
        " relnamespace::regnamespace::text IN ('pg_catalog', 'information_schema', 'pg_toast')"
        " FROM pg_class WHERE oid = %s",
        look.relation.oid,
    )
    out: list[Finding] = []
    match look.facts.kind:
        case "view":
            out.append(blocker("table.kind", f"{name} is a view", "Name the table beneath it"))
        case "foreign":
            out.append(
                blocker(
                    "table.kind",
                    f"{name} is a foreign table: its rows are on another server",
                    "Make the change there, then add the column here",
                )
            )
        case "temporary":
            out.append(
                blocker("table.kind", f"{name} is temporary: one session's own", "Name a permanent table")
            )
        case "other":
            out.append(blocker("table.kind", f"{name} is no ordinary table", _ONLY_TABLES))
        case "partition":
            rows = await look.fetch(
                "SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = %s", look.relation.oid
            )
            parent = rows[0][0] if rows else "its parent"
            out.append(
                blocker(
                    "table.kind",
                    f"{name} is a partition of {parent}, and takes a column only with it",
                    f"Name {parent} in [change] table",
                )
            )
    if system:
        out.append(blocker("table.system", f"{name} belongs to the server's own schema", _ONLY_TABLES))
    if typed:
        out.append(
            blocker("table.typed", f"{name} is a table of type {typed}", f"ALTER TYPE {typed} ADD ATTRIBUTE")
        )
    if persistence == "u":
        out.append(
            warning(
                "table.unlogged",
                f"{name} is unlogged: standbys never have its rows, and a crash empties it",
                "Expect nothing of it on the replicas",
            )
        )
    return out


_PARENTS = """
SELECT i.inhparent::regclass::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid AND NOT c.relispartition
 WHERE i.inhrelid = %s ORDER BY 1
"""
_CHILDREN = """
SELECT i.inhrelid::regclass::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent AND c.relkind = 'r'
 WHERE i.inhparent = %s ORDER BY 1
"""


async def family(look: Look) -> Findings:
    """Partitions, which are all locked at once; inheritance; other columns of the table's row type."""
    out = [*_partitions(look), *await _nested(look), *await _row_types(look)]
    children = [name for (name,) in await look.fetch(_CHILDREN, look.relation.oid)]
    if children:
        out.append(
            blocker(
                "table.inherited",
                f"{look.facts.name} has heirs ({listed(children)}), whose rows it shows beyond its own key",
                "Make the change on each of them by itself, or turn the inheritance into partitions",
            )
        )
    parents = [name for (name,) in await look.fetch(_PARENTS, look.relation.oid)]
    if parents:
        out.append(
            note(
                "table.inherits",
                f"{look.facts.name} inherits from {listed(parents)}, which will lack the column",
            )
        )
    return out


def _partitions(look: Look) -> list[Finding]:
    if look.facts.kind != "partitioned":
        return []
    foreign = [leaf.sql for leaf in look.leaves if leaf.kind == "f"]
    if foreign:
        return [
            blocker(
                "table.foreign-partition",
                f"partitions on another server: {listed(foreign)}",
                "Detach them, or make the change there first",
            )
        ]
    if look.uses_trigger and look.facts.server.number < 130000:
        return [
            blocker(
                "table.partitions",
                "before version 13 a partitioned table takes no BEFORE row trigger",
                "Set [backfill] sync to application",
            )
        ]
    return [
        note(
            "table.partitions",
            f"{count(len(look.leaves))} partitions: adding the column locks all of them at once, "
            "so one busy partition holds up the whole",
        )
    ]


async def _nested(look: Look) -> Findings:
    if look.facts.kind != "partitioned" or not look.change.indexes:
        return ()
    rows = await look.fetch(
        "SELECT i.inhrelid::regclass::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = %s AND c.relkind = 'p' ORDER BY 1",
        look.relation.oid,
    )
    if not rows:
        return ()
    return [
        blocker(
            "index.nested-partitions",
            f"partitions of {look.facts.name} are partitioned themselves ({listed([name for (name,) in rows])}):"
            " an index over them is built level by level, which is not done here",
            "Leave [[indexes]] out, and build it by hand: ON ONLY each parent, CONCURRENTLY on each leaf, then"
            " attach them from the leaves up",
        )
    ]


async def _row_types(look: Look) -> Findings:
    rows = await look.fetch(
        "SELECT a.attrelid::regclass::text || '.' || quote_ident(a.attname)"
        " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'm')"
        " JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type e ON e.oid = t.typelem"
        " WHERE NOT a.attisdropped AND (t.typrelid = %s OR (t.typcategory = 'A' AND e.typrelid = %s)) ORDER BY 1",
        look.relation.oid,
        look.relation.oid,
    )
    if not rows:
        return ()
    return [
        warning(
            "table.row-type",
            f"columns of other tables have {look.facts.name}'s row type: {listed([name for (name,) in rows])}",
            "What reads them finds one more field",
        )
    ]


# Every unique index, and why it is no key to walk; empty: it is one.
_CANDIDATES = """
SELECT i.indexrelid::regclass::text,
       concat_ws(', ',
           CASE WHEN NOT i.indisvalid THEN 'invalid' END, CASE WHEN NOT i.indimmediate THEN 'deferrable' END,
           CASE WHEN i.indpred IS NOT NULL THEN 'partial' END,
           CASE WHEN i.indexprs IS NOT NULL THEN 'over an expression' END,
           (SELECT 'nullable ' || string_agg(quote_ident(a.attname), ', ') FROM pg_attribute a
             WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int2[]) AND NOT a.attnotnull))
  FROM pg_index i WHERE i.indrelid = %s AND i.indisunique ORDER BY 1
"""

_RANDOM = 0.2  # correlation of key order and place on disk below which a walk jumps about


async def key(look: Look) -> Findings:
    """The key to walk; why there is none; and whether walking it means jumping about."""
    if not look.backfills:
        return ()
    found = look.facts.key
    if found is None:
        rows = await look.fetch(_CANDIDATES, look.relation.oid)
        no = "; ".join(f"{name} is {why or 'no plain btree'}" for name, why in rows)
        return [
            blocker(
                "key.none",
                f"{look.facts.name} has no key to walk: no primary key, and no unique index over NOT NULL columns"
                + (f" ({no})" if no else ""),
                "Add one: CREATE UNIQUE INDEX CONCURRENTLY over NOT NULL columns",
            )
        ]
    kind_ = "primary key" if found.primary else "unique index"
    seen = (
        f"the backfill walks the {kind_} {found.name} ({', '.join(found.columns)}: {', '.join(found.types)})"
    )
    correlation = await _correlation(look, found.columns[0])
    if correlation is not None and abs(correlation) < _RANDOM and look.facts.rows > 1000:
        return [
            note(
                "key.random",
                f"{seen}, whose order is not that of the rows on disk (correlation {correlation:.2f}): "
                "on a table larger than memory expect random reads and more WAL",
            )
        ]
    return [note("key.found", seen)]


async def _correlation(look: Look, column: str) -> float | None:
    rows = await look.fetch(
        "SELECT correlation FROM pg_stats WHERE schemaname = %s AND tablename = %s AND attname = %s AND NOT inherited",
        look.facts.schema,
        look.relation.name,
        column,
    )
    return rows[0][0] if rows else None
