"""The application's own statements, as the server's digests keep them: which of them a new column breaks.

An INSERT without a list of columns fails at once when the table has one more (error 1136), other than on PostgreSQL.
An invisible column would not be seen by it, nor by SELECT *.
"""

from __future__ import annotations

import re

from console.databases.mysql.preflight.dependents import careless_patterns
from console.databases.mysql.preflight.look import Findings, Look, note, warning
from console.databases.mysql.traces import DIGESTS, FORGET, LOST
from console.facts import Finding
from console.words import count

_SHOWN = 100  # characters of a statement
_MOST = 5000  # digests looked through

_DIGESTS = f"""
SELECT DIGEST_TEXT, SUM(COUNT_STAR) FROM {DIGESTS}
 WHERE (SCHEMA_NAME = %s OR SCHEMA_NAME IS NULL OR LOCATE(%s, DIGEST_TEXT) > 0) AND LOCATE(%s, DIGEST_TEXT) > 0
 GROUP BY DIGEST_TEXT ORDER BY 2 DESC LIMIT {_MOST}
"""

_KEPT = (
    "SELECT 1 FROM performance_schema.setup_consumers WHERE NAME = 'statements_digest' AND ENABLED = 'YES'"
)
_LOAD = r"^\s*load\s+data\b.*\binto\s+table\s+(?:`?\w+`?\s*\.\s*)?`?{table}`?(?![\w`$])(?!.*\()"


async def statements(look: Look) -> Findings:
    """Statements that name no columns."""
    schema, table = look.table
    if not look.reads_schema:
        return [
            note(
                "statements.unread",
                "statement digests can't be read: whether the application inserts without naming columns was not seen",
                "Search the application's source for INSERT INTO and LOAD DATA on this table",
            )
        ]
    rows = await look.rows(_DIGESTS, (schema, schema, table))
    ((lost,),) = await look.rows(LOST)
    insert, copy = careless_patterns(schema, table)
    load = _LOAD.replace("{table}", re.escape(table))
    out: list[Finding] = []
    for code, pattern, seen in (
        (
            "statements.insert",
            insert,
            "inserts without a list of columns: fails as soon as there is one more",
        ),
        (
            "statements.insert-select",
            copy,
            "inserts all columns of this table into another: fails for one too many",
        ),
        ("statements.copy", load, "loads without a list of columns: warns or fails for want of one"),
    ):
        for text, calls in [
            row for row in rows if re.search(pattern, row[0] or "", re.IGNORECASE | re.DOTALL)
        ][:3]:
            short = " ".join(text.split())[:_SHOWN]
            out.append(
                warning(
                    code,
                    f"{short} ({count(calls)} calls) {seen}",
                    "Name the columns in the statement before the column is added",
                )
            )
    if lost:
        out.append(
            note(
                "statements.full",
                f"the server's table of statement digests is full: {count(lost)} calls of statements that came later "
                "are not kept apart, and were not looked at",
                f"{FORGET} (whatever else reads it begins anew too), let the application show all it does, and check "
                "again; or search its source for INSERT INTO and LOAD DATA on this table",
            )
        )
    if not rows and not await look.rows(_KEPT):
        out.append(
            note(
                "statements.unread",
                "the server keeps no statement digests (consumer statements_digest is off)",
                "Search the application's source for INSERT INTO and LOAD DATA on this table",
            )
        )
    return out
