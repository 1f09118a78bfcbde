"""What hangs on the table in the catalog: triggers, rules, foreign keys, views, functions, policies."""

from __future__ import annotations

from console.databases.postgresql.preflight.look import Findings, Look, blocker, listed, note, warning
from console.facts import Finding

# tgtype bits (catalog/pg_trigger.h): 1 row, 2 before, 16 update, 64 instead. A trigger with a column list fires
# only for those columns, and the new one is in none of them yet.
_TRIGGERS = """
SELECT tgname, tgfoid::regprocedure::text, tgtype & 2 <> 0, tgtype & 1 <> 0,
       array_agg(DISTINCT tgrelid::regclass::text ORDER BY tgrelid::regclass::text)
  FROM pg_trigger
 WHERE tgrelid = ANY (%s::oid[]) AND NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgtype & 16 <> 0
   AND (tgattr::text = '' OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = tgrelid
         AND a.attnum = ANY (tgattr::int2[]) AND a.attname = %s))
   AND tgname NOT LIKE 'zz\\_column\\_console\\_%%'
 GROUP BY 1, 2, 3, 4 ORDER BY 1
"""


async def triggers(look: Look) -> Findings:
    """Each trigger that the backfill's updates fire, by name."""
    if not look.backfills:
        return ()
    out: list[Finding] = []
    for name, function, before, each_row, tables in await look.fetch(
        _TRIGGERS, look.tables, look.change.column
    ):
        moment = (
            f"{'BEFORE' if before else 'AFTER'} UPDATE, {'for each row' if each_row else 'for each batch'}"
        )
        where = look.facts.name if len(tables) > 1 else tables[0]
        out.append(
            warning(
                "trigger.fires",
                f"trigger {name} on {where} ({moment}, {function}) fires for what the backfill updates",
                "See that it bears this: timestamps it sets, audit rows it writes, messages it sends",
            )
        )
    if look.uses_trigger and look.facts.before_triggers:
        out.append(
            note(
                "trigger.before",
                f"other BEFORE triggers may change the value's columns ({listed(look.facts.before_triggers)}): "
                "the sync trigger fires last, and on every update",
            )
        )
    return out


_EVENTS = {"1": "SELECT", "2": "UPDATE", "3": "INSERT", "4": "DELETE"}


async def rules(look: Look) -> Findings:
    """Rules rewrite statements: one on UPDATE would rewrite the backfill's."""
    rows = await look.fetch(
        "SELECT rulename, ev_type::text, is_instead FROM pg_rewrite WHERE ev_class = ANY (%s::oid[])"
        " AND rulename <> '_RETURN' AND ev_enabled IN ('O', 'A') ORDER BY 1",
        look.tables,
    )
    out = []
    for name, event, instead in rows:
        seen = f"rule {name} on {look.facts.name} (ON {_EVENTS[event]}{', INSTEAD' if instead else ''})"
        if event == "2" and look.backfills:
            out.append(
                blocker(
                    "rule.update",
                    f"{seen} would rewrite what the backfill does",
                    f"ALTER TABLE {look.facts.name} DISABLE RULE, or make it a trigger",
                )
            )
        else:
            out.append(note("rule.other", f"{seen} does not know the new column"))
    return out


_FOREIGN_KEYS = """
SELECT conname, conrelid::regclass::text, confrelid::regclass::text, conrelid = ANY (%s::oid[])
  FROM pg_constraint
 WHERE contype = 'f' AND (conrelid = ANY (%s::oid[]) OR confrelid = ANY (%s::oid[])) AND conparentid = 0
 ORDER BY 1
"""


async def foreign_keys(look: Look) -> Findings:
    """Foreign keys both ways, and what a unique index would do to them."""
    rows = await look.fetch(_FOREIGN_KEYS, look.tables, look.tables, look.tables)
    out: list[Finding] = []
    outward = [f"{name} to {parent}" for name, _, parent, ours in rows if ours]
    inward = [f"{name} from {child}" for name, child, _, ours in rows if not ours]
    if outward:
        out.append(
            note(
                "foreign-key.out",
                f"the table refers to others: {listed(outward)}; the backfill does not check them",
            )
        )
    if inward:
        unique = [index.name for index in look.change.indexes if index.unique]
        out.append(
            note(
                "foreign-key.in",
                f"others refer to the table: {listed(inward)}; their inserts pass beside a batch"
                + (
                    f", and would wait behind it if {listed(unique)} were built before the backfill"
                    if unique
                    else ""
                ),
            )
        )
    return out


# Views depend on a table through their rule.
_VIEWS = """
SELECT DISTINCT v.oid::regclass::text, v.relkind::text
  FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
 WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
   AND d.refobjid = ANY (%s::oid[]) AND v.relkind IN ('v', 'm')
 ORDER BY 1
"""


async def views(look: Look) -> Findings:
    """Views keep the columns that they had when they were made, `SELECT *` or not."""
    rows = await look.fetch(_VIEWS, look.tables)
    if not rows:
        return ()
    names = [f"{name} (materialized)" if kind == "m" else name for name, kind in rows]
    return [
        warning(
            "view.dependent",
            f"views over the table keep the columns they have, also where they say SELECT *: {listed(names)}",
            "Make those anew that should show the column: CREATE OR REPLACE VIEW takes it as the last one",
        )
    ]


_FUNCTIONS = """
SELECT p.oid::regprocedure::text, l.lanname, p.prorettype = t.oid OR p.prorettype = t.typarray,
       t.oid = ANY (p.proargtypes::oid[])
  FROM pg_type t, pg_proc p JOIN pg_language l ON l.oid = p.prolang
 WHERE t.typrelid = %s AND (t.oid IN (SELECT unnest(p.proargtypes::oid[])) OR p.prorettype IN (t.oid, t.typarray))
 ORDER BY 1
"""

_ROW_VARIABLES = """
SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND p.prosrc ~* %s ORDER BY 1
"""


async def functions(look: Look) -> Findings:
    """Functions that know the table's row as it is now."""
    out: list[Finding] = []
    rows = await look.fetch(_FUNCTIONS, look.relation.oid)
    returning = [name for name, language, returns, _ in rows if returns and language in ("sql", "plpgsql")]
    taking = [name for name, _, returns, _ in rows if not returns]
    if returning:
        out.append(
            warning(
                "function.returns-row",
                f"functions return rows of the table: {listed(returning)}; one that lists the columns fails once there "
                "is one more",
                "See that each says SELECT *, or is made anew together with the column",
            )
        )
    if taking:
        out.append(note("function.takes-row", f"functions take a row of the table: {listed(taking)}"))
    pattern = rf'\m"?{escaped(look.relation.name)}"?\s*%\s*rowtype'
    named = [name for (name,) in await look.fetch(_ROW_VARIABLES, pattern)]
    if named:
        out.append(
            note(
                "function.row-variable",
                f"functions hold a row of the table in a variable (%ROWTYPE): {listed(named)}; "
                "INTO one from a list of columns leaves the new field NULL",
            )
        )
    return out


def escaped(name: str) -> str:
    r"""A name inside the server's regular expressions.

    >>> escaped("a.b")
    'a\\.b'
    """
    return "".join(c if c.isalnum() or c == "_" else f"\\{c}" for c in name)


async def policies(look: Look) -> Findings:
    """Row level security that hides rows from us makes a backfill miss them."""
    rows = await look.fetch(
        "SELECT oid::regclass::text, row_security_active(oid), current_user::text FROM pg_class"
        " WHERE oid = ANY (%s::oid[]) AND relrowsecurity ORDER BY 1",
        look.tables,
    )
    out = []
    for table, active, role in rows:
        if active:
            out.append(
                blocker(
                    "policy.active",
                    f"row level security on {table} hides rows from {role}: the backfill would miss them",
                    "Connect as the owner without FORCE ROW LEVEL SECURITY, or as a role with BYPASSRLS",
                )
            )
        else:
            out.append(
                note("policy.other", f"row level security is on for {table}, and does not bind {role}")
            )
    return out
