"""What is wrong with an expression of the change file: the server's words, a near miss, another dialect. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pymysql

from console.databases.base import BadExpression, DatabaseError
from console.databases.mysql.errors import number_of, sentence
from console.databases.mysql.identifiers import quote
from console.databases.nearest import near_misses

_NEAR = re.compile(r"near '(.*)' at line \d+$", re.DOTALL)
_OURS = re.compile(r"\)\s*(?:AS v|IS NULL|STORED)\b.*| LIMIT 0$", re.DOTALL)
"""What stands behind the text in a statement of ours."""
_SHOWN = 24  # characters of the expression from the place on
_UNKNOWN = re.compile(r"Unknown column '(.+?)' in ")

# What people write on PostgreSQL, and how to say it here.
_FOREIGN = (
    (r"::\s*date\b", "Cast with CAST(... AS DATE), or DATE(...)"),
    (r"::\s*(timestamp|timestamptz)", "Cast with CAST(... AS DATETIME)"),
    (r"::\s*(int|bigint|smallint)", "Cast with CAST(... AS SIGNED)"),
    (r"::\s*(text|varchar|char)", "Cast with CAST(... AS CHAR)"),
    (r"::\s*(numeric|decimal)", "Cast with CAST(... AS DECIMAL(10, 2))"),
    (r"::", "That is PostgreSQL's cast: write CAST(... AS ...)"),
    (r"\bat\s+time\s+zone\b", "Convert with CONVERT_TZ(..., @@session.time_zone, '+00:00')"),
    (r"\bilike\b", "LIKE pays no regard to capitals here, by the column's collation"),
    (r"\binterval\s+'", "Write INTERVAL 1 DAY"),
    (r"\bdate_trunc\s*\(", "Write DATE(...) or DATE_FORMAT(..., '%Y-%m-01')"),
    (r"\bto_char\s*\(", "Write DATE_FORMAT(...)"),
    (r"\bextract\s*\(\s*epoch\b", "Write UNIX_TIMESTAMP(...)"),
    (r"\bgen_random_uuid\s*\(", "Write UUID()"),
    (r"\bnextval\s*\(\s*'", "A sequence of PostgreSQL's has no counterpart here"),
    (r"~\*?\s*'", "Write ... REGEXP '...'"),
    (r"\bstring_agg\s*\(", "Write GROUP_CONCAT(...)"),
    (r"\barray\s*\[", "There are no arrays here: JSON_ARRAY(...) comes nearest"),
    (r"\bis\s+(not\s+)?distinct\s+from\b", "Write NOT (a <=> b)"),
)


def explain(error: DatabaseError, what: str, text: str, columns: Sequence[str] = ()) -> DatabaseError:
    """The error as BadExpression, if the server says it of the text; else as it is.

    `columns`: the names that the text may use.
    """
    cause = error.__cause__
    if not isinstance(cause, pymysql.Error):
        return error
    number = number_of(cause)
    if not _about_the_text(cause, number):
        return error
    where, said = "", sentence(cause, show_values=True)
    near = _NEAR.search(str(cause.args[1])) if number == 1064 else None
    if near is not None:
        said = "the server does not understand it"
        rest = _OURS.sub("", near[1]).strip()
        where = f" near {rest[:_SHOWN]}" if rest else " at its end"
    return BadExpression(f"the {what} is wrong{where}: {said}", _mend(text, said, columns))


def _about_the_text(error: pymysql.Error, number: int) -> bool:
    """Whether the error lies in the expression: in its syntax, its names, its types, a value that it computes."""
    if isinstance(error, pymysql.ProgrammingError | pymysql.DataError | pymysql.NotSupportedError):
        return number not in (1146, 1142, 1143, 1044)
    return number in _OF_THE_TEXT


_OF_THE_TEXT = {
    *(
        1052,
        1054,
        1063,
        1067,
        1074,
        1101,
        1109,
        1111,
        1115,
        1128,
        1210,
        1235,
        1241,
        1242,
        1247,
        1253,
        1267,
        1270,
    ),
    *(
        1271,
        1273,
        1292,
        1305,
        1318,
        1364,
        1365,
        1411,
        1425,
        1426,
        1427,
        1439,
        1525,
        1582,
        1583,
        1584,
        1630,
        1690,
        1901,
    ),
    *(1818, 3102, 3141, 3143, 3593, 3763, 3770, 3772, 4015, 4078, 4079, 4100, 4161),
}


def _mend(text: str, said: str, columns: Sequence[str]) -> str:
    for pattern, mend in _FOREIGN:
        if re.search(pattern, text, re.IGNORECASE):
            return mend
    unknown = _UNKNOWN.search(said)
    if unknown:
        meant = near_misses(unknown[1].rsplit(".", 1)[-1], columns)
        return f"Did you mean {' or '.join(quote(name) for name in meant)}?" if meant else ""
    return ""
