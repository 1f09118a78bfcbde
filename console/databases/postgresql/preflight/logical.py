"""Logical replication: subscribers see the table's columns by name, and do not get the new one by themselves."""

from __future__ import annotations

from console.databases.postgresql.preflight.look import Findings, Look, blocker, listed, note, warning
from console.facts import Finding

_PUBLICATIONS = """
SELECT p.pubname, p.pubupdate FROM pg_publication p
 WHERE EXISTS (SELECT FROM pg_publication_tables t JOIN pg_class c ON c.oid = ANY (%s::oid[])
                 JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE t.pubname = p.pubname AND t.schemaname = n.nspname AND t.tablename = c.relname)
 ORDER BY 1
"""

# Column lists are there since version 15.
_LISTS = """
SELECT p.pubname FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid
 WHERE r.prrelid = ANY (%s::oid[]) AND r.prattrs IS NOT NULL ORDER BY 1
"""

_NO_IDENTITY = """
SELECT c.oid::regclass::text FROM pg_class c
 WHERE c.oid = ANY (%s::oid[]) AND c.relkind = 'r' AND (c.relreplident = 'n' OR c.relreplident = 'd'
   AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary))
 ORDER BY 1
"""


async def publications(look: Look) -> Findings:
    """Publications that carry the table, those with column lists, and updates that could not be published."""
    rows = await look.fetch(_PUBLICATIONS, look.tables)
    if not rows:
        return ()
    names = [name for name, _ in rows]
    limited: list[str] = []
    if look.facts.server.number >= 150000:
        limited = [name for (name,) in await look.fetch(_LISTS, look.tables)]
    out: list[Finding] = []
    whole = [name for name in names if name not in limited]
    if whole:
        out.append(
            warning(
                "publication.table",
                f"the table is published ({listed(whole)}): a subscriber without the column stops at the next write",
                "Add the column on each subscriber first, nullable",
            )
        )
    if limited:
        out.append(
            warning(
                "publication.columns",
                f"published with a list of columns ({listed(limited)}): subscribers will not get the new one",
                "ALTER PUBLICATION ... SET TABLE with the column, once the subscribers have it",
            )
        )
    if look.backfills and any(updates for _, updates in rows):
        bare = [name for (name,) in await look.fetch(_NO_IDENTITY, look.tables)]
        if bare:
            out.append(
                blocker(
                    "publication.identity",
                    f"updates of {listed(bare)} are published, and it has no replica identity: each update fails",
                    "ALTER TABLE ... REPLICA IDENTITY USING INDEX a unique index over NOT NULL columns",
                )
            )
    return out


async def slots(look: Look) -> Findings:
    """Logical slots of this database decode every batch; replica identity FULL doubles what is written."""
    out: list[Finding] = []
    rows = await look.fetch(
        "SELECT slot_name, active FROM pg_replication_slots WHERE slot_type = 'logical'"
        " AND database = current_database() ORDER BY 1"
    )
    if rows:
        shown = [f"{name} ({'active' if active else 'inactive'})" for name, active in rows]
        out.append(
            warning(
                "logical.slot",
                f"logical slots decode what is written here, each row of the backfill too: {listed(shown)}",
                "See that their readers keep up, and know what to do with one more column",
            )
        )
    (full,) = await look.one(
        "SELECT bool_or(relreplident = 'f') FROM pg_class WHERE oid = ANY (%s::oid[])", look.tables
    )
    if full and look.backfills:
        out.append(
            note(
                "logical.identity-full",
                "replica identity is FULL: each update writes the old row to the WAL as well",
            )
        )
    return out
