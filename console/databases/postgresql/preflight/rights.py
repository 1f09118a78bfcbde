"""What the role may do: on the table, in its schema, with other sessions; and what the application may."""

from __future__ import annotations

from console.databases.postgresql import catalog
from console.databases.postgresql.identifiers import quote
from console.databases.postgresql.preflight.look import Findings, Look, blocker, listed, note, warning
from console.facts import Finding

_OWNERS = """
SELECT current_user::text, c.oid::regclass::text, r.rolname, pg_has_role(c.relowner, 'USAGE'), r.rolsuper
  FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE c.oid = ANY (%s::oid[]) ORDER BY 2
"""


async def on_table(look: Look) -> Findings:
    """Owner of the table and of each partition, CREATE in the schema, the table's own rights, PL/pgSQL."""
    out: list[Finding] = []
    rows = await look.fetch(_OWNERS, look.tables)
    role = rows[0][0]
    foreign = [(table, owner, great) for _, table, owner, member, great in rows if not member]
    if foreign:
        _, owner, great = foreign[0]
        other = "give the table another owner" if great else f"GRANT {quote(owner)} TO {quote(role)}"
        out.append(
            blocker(
                "right.owner",
                f"{role} does not own {listed([name for name, _, _ in foreign])}: the owner is {owner}",
                f"Connect as {owner}, or {other}",
            )
        )
    schema = quote(look.facts.schema)
    for right, code, what in (
        ("USAGE", "right.schema-usage", "use"),
        ("CREATE", "right.schema-create", "create the progress table and indexes in"),
    ):
        (allowed,) = await look.one(
            "SELECT has_schema_privilege((SELECT oid FROM pg_namespace WHERE nspname = %s), %s)",
            look.facts.schema,
            right,
        )
        if not allowed:
            out.append(
                blocker(
                    code,
                    f"{role} may not {what} schema {schema}",
                    f"GRANT {right} ON SCHEMA {schema} TO {quote(role)}",
                )
            )
    needed = ["SELECT"]
    if look.backfills:
        needed.append("UPDATE")
    if look.uses_trigger:
        needed.append("TRIGGER")
    rows = await look.fetch(
        "SELECT right_ FROM unnest(%s::text[]) right_ WHERE NOT has_table_privilege(%s::oid, right_)",
        needed,
        look.relation.oid,
    )
    missing = ", ".join(name for (name,) in rows)
    if missing:
        out.append(
            blocker(
                "right.table",
                f"{role} lacks {missing} on {look.facts.name}",
                f"GRANT {missing} ON {look.facts.name} TO {quote(role)}",
            )
        )
    if look.uses_trigger:
        out += await _language(look, role)
    return out


async def _language(look: Look, role: str) -> Findings:
    rows = await look.fetch(
        "SELECT has_language_privilege(oid, 'USAGE') FROM pg_language WHERE lanname = 'plpgsql'"
    )
    if not rows:
        return [
            blocker(
                "right.language",
                "the sync trigger is written in PL/pgSQL, which this database does not have",
                "CREATE EXTENSION plpgsql, or set [backfill] sync to application",
            )
        ]
    if not rows[0][0]:
        return [
            blocker(
                "right.language",
                f"the sync trigger is written in PL/pgSQL, which {role} may not use",
                f"GRANT USAGE ON LANGUAGE plpgsql TO {quote(role)}, or set [backfill] sync to application",
            )
        ]
    return ()


async def over_others(look: Look) -> Findings:
    """Seeing what other sessions do, and cancelling them."""
    role, signal, monitor = await look.one(
        "SELECT current_user::text, pg_has_role('pg_signal_backend', 'USAGE'), pg_has_role('pg_monitor', 'USAGE')"
    )
    out: list[Finding] = []
    if not look.sees_others:
        out.append(
            warning(
                "right.stats",
                f"{role} may not see what other sessions do, nor the lag of standbys: long transactions go unseen",
                f"GRANT pg_monitor TO {quote(role)}",
            )
        )
    elif not monitor:
        out.append(
            note(
                "right.monitor",
                f"{role} may see sessions, but neither the WAL folder nor the replicas' settings",
                f"GRANT pg_monitor TO {quote(role)}",
            )
        )
    if not signal:
        out.append(
            note(
                "right.signal",
                f"{role} may cancel no session of another role",
                f"GRANT pg_signal_backend TO {quote(role)}",
            )
        )
    return out


async def on_parent(look: Look) -> Findings:
    """REFERENCES on the referenced column."""
    reference = look.change.reference
    if reference is None:
        return ()
    parent = await catalog.relation_or_none(look.connection, reference.table)
    if parent is None:
        return ()  # the referenced table has a finding of its own
    rows = await look.fetch(
        "SELECT current_user::text, has_column_privilege(attrelid, attnum, 'REFERENCES') FROM pg_attribute"
        " WHERE attrelid = %s AND attname = %s AND NOT attisdropped",
        parent.oid,
        reference.column,
    )
    if not rows or rows[0][1]:
        return ()
    role = rows[0][0]
    return [
        blocker(
            "right.references",
            f"{role} may not let a foreign key refer to {parent.sql} ({reference.column})",
            f"GRANT REFERENCES ({quote(reference.column)}) ON {parent.sql} TO {quote(role)}",
        )
    ]


# Who may write the table, by name, and which of the value's own functions each may not execute.
_NOT_EXECUTABLE = """
SELECT DISTINCT CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE r.rolname END, p.oid::regprocedure::text
  FROM pg_class c
  CROSS JOIN LATERAL aclexplode(c.relacl) acl
  LEFT JOIN pg_roles r ON r.oid = acl.grantee
  CROSS JOIN pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname <> 'pg_catalog'
 WHERE c.oid = %s AND acl.privilege_type IN ('INSERT', 'UPDATE')
   AND p.proname = ANY (%s) AND pg_function_is_visible(p.oid)
   AND NOT CASE WHEN acl.grantee = 0 THEN has_function_privilege('public', p.oid, 'EXECUTE')
                ELSE has_function_privilege(acl.grantee, p.oid, 'EXECUTE') END
 ORDER BY 1, 2
"""


async def of_application(look: Look) -> Findings:
    """The sync trigger computes the value with the rights of whoever writes the row."""
    backfill = look.change.backfill
    if backfill is None or not look.uses_trigger:
        return ()
    expression = await look.lab.value(backfill.value, None)
    rows = await look.fetch(_NOT_EXECUTABLE, look.relation.oid, list(expression.calls))
    return [
        blocker(
            "right.application",
            f"{role} writes {look.facts.name} but may not execute {function}, which the sync trigger calls: "
            "its writes would fail",
            f"GRANT EXECUTE ON FUNCTION {function} TO {role if role == 'PUBLIC' else quote(role)}",
        )
        for role, function in rows
    ]
