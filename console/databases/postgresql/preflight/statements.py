"""The application's own statements, as pg_stat_statements keeps them: which of them a new column hurts.

What PostgreSQL does, as tried: INSERT without a column list goes on and leaves the last column to its default;
COPY FROM without one fails for want of a column; INSERT INTO another SELECT * from this fails for one too many; a
prepared SELECT * fails once with "cached plan must not change result type".
"""

from __future__ import annotations

from console.databases.postgresql.identifiers import quote
from console.databases.postgresql.preflight.dependents import escaped
from console.databases.postgresql.preflight.look import Findings, Look, note, warning
from console.facts import Finding
from console.words import count

_SHOWN = 100  # characters of a statement

_STATEMENTS = """
SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), %s), sum(calls)::int8 FROM {view}
 WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query ~* %s
 GROUP BY 1 ORDER BY 2 DESC LIMIT 3
"""


async def statements(look: Look) -> Findings:
    """Statements that name no columns."""
    rows = await look.fetch(
        "SELECT quote_ident(n.nspname) || '.pg_stat_statements' FROM pg_extension e"
        " JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'"
    )
    if not rows:
        return [
            note(
                "statements.unread",
                "pg_stat_statements is not installed here: whether the application inserts or copies without naming "
                "columns was not seen",
                "Search the application's source for INSERT INTO, COPY and SELECT * on this table",
            )
        ]
    query = _STATEMENTS.replace("{view}", rows[0][0])
    table = f'("?{escaped(look.facts.schema)}"?\\s*\\.\\s*)?"?{escaped(look.relation.name)}"?'
    out: list[Finding] = []
    for code, pattern, seen, remedy in (
        (
            "statements.insert",
            rf"^\s*insert\s+into\s+{table}\s+(overriding\s+\w+\s+value\s+)?(values|select|table)\M",
            "inserts without a list of columns: the new one gets its default, and a later column changes the meaning",
            "Name the columns in the statement",
        ),
        (
            "statements.copy",
            rf"^\s*copy\s+{table}\s+from\M",
            "copies in without a list of columns: fails for want of one",
            "Name the columns in the statement before the column is added",
        ),
        (
            "statements.insert-select",
            rf"^\s*insert\s+into\s+.*\mselect\s+([a-z_]+\.)?\*\s+from\s+{table}(\s|;|$)",
            "inserts all columns of this table into another: fails for one too many",
            "Name the columns in the statement before the column is added",
        ),
        (
            "statements.select-star",
            rf"^\s*select\s+\*\s+from\s+{table}(\s|;|$)",
            "selects all columns: prepared in a session, it fails once (cached plan must not change result type)",
            "See that the application prepares it anew, or name the columns",
        ),
    ):
        for text, calls in await look.fetch(query, _SHOWN, pattern):
            out.append(warning(code, f"{text} ({count(calls)} calls) {seen}", remedy))
    if not look.sees_others:
        out.append(
            note(
                "statements.part",
                "only this role's own statements could be looked through: those of others are not permitted",
                f"GRANT pg_read_all_stats TO {quote((await look.one('SELECT current_user::text'))[0])}",
            )
        )
    return out
