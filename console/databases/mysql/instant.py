"""Whether a column can be added to a table as metadata alone, and what the server does where it can't. Pure.

The rules are those of the manuals ("Online DDL Operations", "Instant ADD COLUMN for InnoDB") as tried on MySQL 9.7 and
MariaDB 10.11 and 11.8.
"""

from __future__ import annotations

from collections.abc import Sequence

from console.databases.mysql.catalog import IndexFacts, Relation, Stored, TableColumn
from console.databases.mysql.families import Family
from console.facts import Instant

SPARE = 4
"""Row versions that must be left: this change takes one, its undo another."""


def instant(
    table: Relation,
    columns: Sequence[TableColumn],
    indexes: Sequence[IndexFacts],
    *,
    family: Family,
    stored: Stored | None,
    allowed: str = "",
) -> Instant:
    """Whether ADD COLUMN is instant on this table.

    `stored`: what InnoDB's dictionary says, None where it may not be read. `allowed`: MariaDB's
    innodb_instant_alter_column_allowed.
    """
    versions = stored.row_versions if stored else None
    rebuild_blocks = _rebuild_blocks(family, indexes)
    not_null_blocks = rebuild_blocks or _stored(family, columns)
    limit = family.row_versions or 0

    def cannot(why: str, algorithm: str, *, blocks: bool) -> Instant:
        return Instant(
            possible=False,
            why_not=why,
            algorithm="COPY" if algorithm == "COPY" else "INPLACE",
            blocks_writes=blocks or bool(rebuild_blocks),
            not_null_blocks=not_null_blocks,
            row_versions=versions,
            row_versions_limit=limit,
        )

    if table.engine.lower() != "innodb":
        return cannot(f"its engine is {table.engine or 'none'}", "COPY", blocks=True)
    fulltext = [index.name for index in indexes if index.kind == "FULLTEXT"]
    if fulltext:
        algorithm = "INPLACE" if family.mariadb else "COPY"
        return cannot(f"it has a FULLTEXT index ({fulltext[0]})", algorithm, blocks=True)
    if family.mariadb and rebuild_blocks and "virtual" in rebuild_blocks:
        return cannot(rebuild_blocks, "INPLACE", blocks=True)
    if not family.instant:
        return cannot(f"{family} can't", "INPLACE", blocks=False)
    if allowed == "never":
        return cannot("innodb_instant_alter_column_allowed is never", "INPLACE", blocks=False)
    if table.row_format.lower() == "compressed":
        return cannot("its row format is COMPRESSED", "INPLACE", blocks=False)
    if stored and stored.once_fulltext:
        return cannot("it once had a FULLTEXT index, whose hidden column stays", "INPLACE", blocks=False)
    if limit and versions is not None and versions >= limit:
        return cannot(f"it has used all of its {limit} row versions", "INPLACE", blocks=False)
    return Instant(
        possible=True, not_null_blocks=not_null_blocks, row_versions=versions, row_versions_limit=limit
    )


def _rebuild_blocks(family: Family, indexes: Sequence[IndexFacts]) -> str:
    """Why a rebuild can't be online (errors 1846, tried on both), as part of a sentence; empty: it can."""
    for index in indexes:
        if index.kind in ("FULLTEXT", "SPATIAL"):
            return f"it has a {index.kind} index ({index.name})"
        if family.mariadb and index.virtual:
            return f"it has an index over a virtual column ({index.name})"
    return ""


def _stored(family: Family, columns: Sequence[TableColumn]) -> str:
    """MariaDB modifies no column in place beside a stored generated one (error 1845)."""
    generated = [column.name for column in columns if "STORED" in column.extra.upper()]
    return f"it has a stored generated column ({generated[0]})" if family.mariadb and generated else ""
