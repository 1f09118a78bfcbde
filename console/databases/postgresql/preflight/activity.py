"""What goes on right now: who holds the table, old transactions, prepared ones, autovacuum, wraparound."""

from __future__ import annotations

from console.databases.postgresql import catalog
from console.databases.postgresql.preflight.look import Findings, Look, blocker, listed, note, warning
from console.facts import Finding
from console.words import count, duration

OLD = 60.0
"""Seconds after which a transaction counts as old: an index build waits for it, and VACUUM can't pass it."""

# Waits of ours would queue behind these; strong locks are told of however young they are.
_HOLDERS = """
SELECT l.pid, a.usename, a.application_name, a.state,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8,
       array_agg(DISTINCT l.mode ORDER BY l.mode), min(l.relation::regclass::text)
  FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'relation' AND l.granted AND l.relation = ANY (%s::oid[]) AND l.pid <> pg_backend_pid()
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
 GROUP BY l.pid, a.usename, a.application_name, a.state, a.xact_start
HAVING a.xact_start IS NULL OR clock_timestamp() - a.xact_start > make_interval(secs => %s)
    OR bool_or(l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
                          'AccessExclusiveLock'))
 ORDER BY a.xact_start LIMIT 5
"""


async def holders(look: Look) -> Findings:
    """Sessions that hold a lock on the table (or on the referenced one) in a transaction older than a DDL try."""
    tables = look.tables
    if look.change.reference is not None:
        parent = await catalog.relation_or_none(look.connection, look.change.reference.table)
        tables = [*tables, *([parent.oid] if parent else [])]
    rows = await look.fetch(_HOLDERS, tables, look.file.limits.lock_timeout)
    return [
        warning(
            "transaction.on-table",
            f"{session(pid, user, application, state)} holds {', '.join(modes)} on {table} "
            + (
                f"in a transaction {duration(age)} old"
                if age is not None
                else "for a time that is not permitted to see"
            ),
            "Wait for it, or end it: DDL on the table can't pass",
        )
        for pid, user, application, state, age, modes, table in rows
    ]


def session(pid: int, user: str | None, application: str | None, state: str | None) -> str:
    """A session in a few words.

    >>> session(7, "ana", "psql", None)
    'pid 7 (ana, psql)'
    """
    known = ", ".join(word for word in (user, application, state) if word)
    return f"pid {pid}" + (f" ({known})" if known else "")


_OLD = """
SELECT pid, usename, application_name, state, extract(epoch FROM clock_timestamp() - xact_start)::float8,
       datname = current_database(), age(backend_xmin)
  FROM pg_stat_activity
 WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'
   AND xact_start < clock_timestamp() - make_interval(secs => %s)
 ORDER BY xact_start LIMIT 3
"""


async def transactions(look: Look) -> Findings:
    """The oldest transactions, anywhere on the server."""
    if not look.sees_others:
        return [
            note(
                "transaction.unread",
                "how old the transactions of other roles are is not permitted to see",
                "GRANT pg_monitor to this role",
            )
        ]
    out = []
    for pid, user, application, state, age, here, held in await look.fetch(_OLD, OLD):
        effect = (
            "VACUUM can't clear what it still sees" if held is not None else "it holds no snapshot just now"
        )
        if here and look.change.indexes:
            effect += ", and an index build waits for its end"
        out.append(
            warning(
                "transaction.old",
                f"{session(pid, user, application, state)} has a transaction {duration(age)} old: {effect}",
                "Wait for it, or ask its owner to end it",
            )
        )
    return out


_PREPARED = """
SELECT p.gid, p.owner::text, extract(epoch FROM clock_timestamp() - p.prepared)::float8,
       EXISTS (SELECT FROM pg_locks own JOIN pg_locks l USING (virtualtransaction)
                WHERE own.locktype = 'transactionid' AND own.transactionid = p.transaction AND own.pid IS NULL
                  AND l.pid IS NULL AND l.relation = ANY (%s::oid[]))
  FROM pg_prepared_xacts p WHERE p.database = current_database() ORDER BY p.prepared LIMIT 10
"""


async def prepared(look: Look) -> Findings:
    """Prepared transactions outlive their sessions, and hold their locks until somebody ends them."""
    out: list[Finding] = []
    for gid, owner, age, on_table in await look.fetch(_PREPARED, look.tables):
        seen = f"prepared transaction {gid} of {owner}, {duration(age)} old"
        mend = "COMMIT PREPARED or ROLLBACK PREPARED it, if its coordinator has forgotten it"
        if on_table and age > OLD:
            out.append(blocker("prepared.on-table", f"{seen}, holds a lock on {look.facts.name}", mend))
        elif on_table:
            out.append(warning("prepared.on-table", f"{seen}, holds a lock on {look.facts.name}", mend))
        elif age > OLD:
            out.append(warning("prepared.old", f"{seen}, keeps VACUUM and index builds from passing", mend))
    return out


_AUTOVACUUM = """
SELECT l.pid, l.relation::regclass::text, a.query
  FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'relation' AND l.granted AND l.mode = 'ShareUpdateExclusiveLock'
   AND l.relation = ANY (%s::oid[]) AND a.backend_type = 'autovacuum worker'
"""


async def autovacuum(look: Look) -> Findings:
    """An autovacuum at work on the table; one against wraparound does not give way."""
    out: list[Finding] = []
    for pid, table, query in await look.fetch(_AUTOVACUUM, look.tables):
        if "wraparound" in (query or ""):
            out.append(
                warning(
                    "autovacuum.wraparound",
                    f"autovacuum (pid {pid}) works on {table} against wraparound: DDL waits until it is done",
                    "Wait for its end before you add the column",
                )
            )
        else:
            out.append(
                note(
                    "autovacuum.running",
                    f"autovacuum (pid {pid}) works on {table}: DDL evicts it after deadlock_timeout",
                )
            )
    rows = await look.fetch(
        "SELECT c.oid::regclass::text FROM pg_class c WHERE c.oid = ANY (%s::oid[])"
        " AND EXISTS (SELECT FROM pg_options_to_table(c.reloptions)"
        " WHERE option_name = 'autovacuum_enabled' AND NOT option_value::boolean) ORDER BY 1",
        look.tables,
    )
    if rows and look.backfills:
        out.append(
            warning(
                "autovacuum.off",
                f"autovacuum is switched off for {listed([name for (name,) in rows])}",
                "ALTER TABLE ... RESET (autovacuum_enabled), or keep [backfill] vacuum on",
            )
        )
    return out


# A table's own setting counts where it is lower.
_AGE = """
SELECT max(age(c.relfrozenxid)), max(mxid_age(c.relminmxid)),
       least(current_setting('autovacuum_freeze_max_age')::int8,
             min(o.option_value::int8) FILTER (WHERE o.option_name = 'autovacuum_freeze_max_age')),
       least(current_setting('autovacuum_multixact_freeze_max_age')::int8,
             min(o.option_value::int8) FILTER (WHERE o.option_name = 'autovacuum_multixact_freeze_max_age')),
       (SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database())
  FROM pg_class c LEFT JOIN LATERAL pg_options_to_table(c.reloptions) o
       ON o.option_name IN ('autovacuum_freeze_max_age', 'autovacuum_multixact_freeze_max_age')
 WHERE c.relkind IN ('r', 't') AND c.relfrozenxid <> '0'::xid
   AND (c.oid = ANY (%s::oid[]) OR c.oid IN (SELECT reltoastrelid FROM pg_class WHERE oid = ANY (%s::oid[])))
"""

NEAR = 0.9  # of autovacuum_freeze_max_age
DATABASE_OLD = 1_200_000_000  # transactions; the server stops taking writes at about 2,100 million


async def wraparound(look: Look) -> Findings:
    """How near the table is to the vacuum that does not give way."""
    age, members, most, most_members, database = await look.one(_AGE, look.tables, look.tables)
    out: list[Finding] = []
    for what, seen, limit in (("transactions", age, most), ("multixacts", members, most_members)):
        if seen is not None and seen > limit * NEAR:
            out.append(
                warning(
                    "wraparound.near",
                    f"{look.facts.name} is {count(seen)} {what} old, and at {count(limit)} a vacuum begins "
                    "that does not give way to DDL",
                    f"VACUUM (FREEZE) {look.facts.name} first",
                )
            )
    if database > DATABASE_OLD:
        out.append(
            warning(
                "wraparound.database",
                f"the database is {count(database)} transactions old: it stops taking writes at about 2,100,000,000",
                "Find what holds VACUUM back before anything else",
            )
        )
    return out
