"""The table: its kind, its engine, whether a column is added to it instantly, and the key that the backfill walks."""

from __future__ import annotations

from console.databases.mysql.catalog import SYSTEM, why_no_key
from console.databases.mysql.instant import SPARE
from console.databases.mysql.preflight.forecast import rebuild_seconds
from console.databases.mysql.preflight.look import Findings, Look, blocker, listed, note, warning
from console.facts import Finding
from console.words import count, duration

_ONLY_TABLES = "Name an ordinary table of InnoDB in [change] table"


async def kind(look: Look) -> Findings:
    """What can take the column, and what cannot."""
    name, table = look.facts.name, look.seen.relation
    out: list[Finding] = []
    if table.schema.lower() in SYSTEM:
        out.append(blocker("table.system", f"{name} belongs to the server's own schema", _ONLY_TABLES))
    if table.kind == "view":
        return [*out, blocker("table.kind", f"{name} is a view", "Name the table beneath it")]
    if table.kind == "temporary":
        return [*out, blocker("table.kind", f"{name} is temporary: one session's own", _ONLY_TABLES)]
    if table.kind == "other":
        return [*out, blocker("table.kind", f"{name} is a {table.table_type.lower()}", _ONLY_TABLES)]
    if table.engine.lower() != "innodb":
        out.append(
            blocker(
                "table.engine",
                f"{name} is a table of {table.engine or 'no engine'}: each change of it copies it while writers stand "
                "still, and no batch of it can be taken back",
                f"ALTER TABLE {name} ENGINE = InnoDB, in a maintenance window of its own",
            )
        )
    if table.table_type == "SYSTEM VERSIONED":
        out.append(
            blocker(
                "table.versioned",
                f"{name} is system-versioned: it takes no new column while it keeps its history, "
                "and the backfill would write a version of every row",
                f"ALTER TABLE {name} DROP SYSTEM VERSIONING first, if the history may go",
            )
        )
    if look.facts.partitions:
        out.append(
            note(
                "table.partitions",
                f"{count(len(look.facts.partitions))} partitions: adding the column locks all of them at once, "
                "and the backfill walks the table as one piece, by its key",
            )
        )
    generated = [f"{column.name}" for column in look.seen.columns if column.column.generated]
    if generated:
        out.append(
            note("table.generated", f"generated columns: {listed(generated)}; a rebuild computes them anew")
        )
    return out


async def instant(look: Look) -> Findings:
    """Whether the column is added as metadata alone, and if not why, what happens instead, and what it costs."""
    facts, table = look.facts, look.seen.relation
    if not table.is_table or table.engine.lower() != "innodb" or facts.existing is not None:
        return ()
    at_once, name = facts.instant, facts.name
    used, limit = at_once.row_versions, at_once.row_versions_limit
    if not at_once.possible:
        seen = f"the column can't be added to {name} instantly: {at_once.why_not}"
        if at_once.blocks_writes:
            return [
                blocker(
                    "instant.blocks-writes",
                    f"{seen}; with ALGORITHM={at_once.algorithm} writers would stand still for about "
                    f"{duration(rebuild_seconds(look))}",
                    "Drop that index first (a FULLTEXT one leaves a hidden column, which costs a rebuild), or copy the "
                    "table with gh-ost or pt-online-schema-change",
                )
            ]
        return [
            warning(
                "instant.rebuild",
                f"{seen}; instead the table is rebuilt online (ALGORITHM=INPLACE, LOCK=NONE), for about "
                f"{duration(rebuild_seconds(look))}, and each replica then lags for as long",
                _mend(look),
            )
        ]
    if limit and used is None:
        return [
            note(
                "instant.unread",
                "how many row versions the table has used may not be seen: at its limit, the column would be refused",
                f"GRANT PROCESS ON *.* TO {look.user}",
            )
        ]
    if limit and used is not None and used >= limit - SPARE:
        return [
            warning(
                "instant.row-versions",
                f"{name} has used {used} of {limit} row versions: this change takes one, its undo another",
                f"ALTER TABLE {name} FORCE gives them back, by a rebuild",
            )
        ]
    seen = "the column is added as metadata alone (ALGORITHM=INSTANT)"
    return [note("instant.possible", seen + (f"; {used} of {limit} row versions are used" if limit else ""))]


def _mend(look: Look) -> str:
    why = look.facts.instant.why_not
    if "innodb_instant" in why:
        return "SET GLOBAL innodb_instant_alter_column_allowed = add_drop_reorder"
    if "row versions" in why:
        return f"Choose the hour for it; or ALTER TABLE {look.facts.name} FORCE in a window of its own, then begin"
    if "COMPRESSED" in why:
        return "Choose the hour for it; or take ROW_FORMAT=DYNAMIC, in a window of its own"
    return "Choose the hour for it"


async def key(look: Look) -> Findings:
    """The key to walk, or why there is none."""
    if not look.backfills or not look.seen.relation.is_table:
        return ()
    walked = look.facts.key
    if walked is None:
        by_name = {column.name: column for column in look.seen.columns}
        no = "; ".join(
            f"{index.name}: {why_no_key(index, by_name, look.seen.zone)}"
            for index in look.seen.indexes
            if index.unique
        )
        return [
            blocker(
                "key.none",
                f"{look.facts.name} has no key to walk: no primary key, and no unique index over whole NOT NULL columns"
                + (f" ({no})" if no else ""),
                "Add one: ALTER TABLE ... ADD UNIQUE KEY over NOT NULL columns, ALGORITHM=INPLACE, LOCK=NONE",
            )
        ]
    kind_ = "primary key" if walked.primary else "unique index"
    seen = f"the backfill walks the {kind_} {walked.name} ({', '.join(walked.columns)}: {', '.join(walked.types)})"
    if not walked.primary and any(index.name == "PRIMARY" for index in look.seen.indexes):
        return [
            note(
                "key.random",
                f"{seen}, whose order is not that of the rows on disk: on a table larger than memory "
                "expect random reads",
            )
        ]
    return [note("key.found", seen)]
