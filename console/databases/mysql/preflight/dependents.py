"""What hangs on the table in the catalog: triggers, foreign keys, views, routines, events."""

from __future__ import annotations

import re

from console.databases.mysql.catalog import SYSTEM, text_of
from console.databases.mysql.preflight.look import Findings, Look, listed, note, warning
from console.facts import Finding

OURS = "column_console_"

_TRIGGERS = """
SELECT TRIGGER_NAME, ACTION_TIMING, EVENT_MANIPULATION, ACTION_STATEMENT FROM information_schema.TRIGGERS
 WHERE EVENT_OBJECT_SCHEMA = %s AND EVENT_OBJECT_TABLE = %s ORDER BY EVENT_MANIPULATION, ACTION_TIMING, ACTION_ORDER
"""


async def triggers(look: Look) -> Findings:
    """Each trigger that the backfill's updates fire, by name, and the order in which ours joins them."""
    rows = await look.rows(_TRIGGERS, look.table)
    out: list[Finding] = []
    for name, timing, event, body in rows:
        if name.startswith(OURS):
            continue
        if event == "UPDATE" and look.backfills:
            out.append(
                warning(
                    "trigger.fires",
                    f"trigger {name} on {look.facts.name} ({timing} UPDATE, for each row) fires for what the backfill "
                    "updates",
                    "See that it bears this: timestamps it sets, audit rows it writes",
                )
            )
            if not look.family.update_nowait and writes(text_of(body)):
                out.append(_waits(look, name))
        if name.startswith("pt_osc_"):
            out.append(
                warning(
                    "trigger.other-tool",
                    f"trigger {name} belongs to a run of pt-online-schema-change",
                    "Wait for its end, or drop its triggers and its copy if it is dead",
                )
            )
    if look.uses_trigger and look.facts.before_triggers:
        out.append(
            note(
                "trigger.before",
                f"other BEFORE triggers may change the value's columns ({listed(look.facts.before_triggers)}): "
                "the sync trigger fires after them (FOLLOWS)",
            )
        )
    stamped = look.facts.stamped_columns
    if stamped and look.backfills:
        out.append(
            note(
                "trigger.on-update",
                f"{listed(stamped)} {'is' if len(stamped) == 1 else 'are'} set to the time of each update "
                "(ON UPDATE CURRENT_TIMESTAMP); the backfill sets each to itself, so that it stays as it is",
            )
        )
    return out


_QUIET = re.compile(
    r"@[\w$.]*|/\*.*?\*/|--\s[^\n]*|#[^\n]*|'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\"|`(?:[^`]|``)*`",
    re.DOTALL,
)
"""Comments, texts, quoted names and variables."""
_WRITES = re.compile(r"\b(?:(?:insert|replace)\b(?!\s*\()|update\b|delete\b|call\b)", re.IGNORECASE)


def writes(body: str) -> bool:
    """Whether a trigger's body writes tables, or may by a procedure, and so takes locks of rows there.

    >>> writes("INSERT INTO audit VALUES (NEW.id)"), writes("SET NEW.name = REPLACE(NEW.name, 'update', '')")
    (True, False)
    """
    return _WRITES.search(_QUIET.sub(" ", body)) is not None


def _waits(look: Look, name: str) -> Finding:
    return warning(
        "trigger.waits",
        f"trigger {name} writes other rows at each update: while somebody holds those, a batch waits up to 1 s with "
        f"its own rows of {look.facts.name} locked (MySQL can't wait for less), and where the holder then asks for one "
        "of these, that is a deadlock, of which the application's transaction may be the victim",
        "See that the application tries again after error 1213, lower batch_time, so that a batch holds fewer rows, or "
        "have the trigger leave alone updates of the new column",
    )


_FOREIGN_KEYS = """
SELECT k.CONSTRAINT_NAME, k.TABLE_SCHEMA, k.TABLE_NAME, k.REFERENCED_TABLE_NAME,
       GROUP_CONCAT(k.COLUMN_NAME), r.UPDATE_RULE, r.DELETE_RULE
  FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r
    ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME
   AND r.TABLE_NAME = k.TABLE_NAME
 WHERE (k.TABLE_SCHEMA = %s AND k.TABLE_NAME = %s) OR (k.REFERENCED_TABLE_SCHEMA = %s AND k.REFERENCED_TABLE_NAME = %s)
 GROUP BY 1, 2, 3, 4, 6, 7 ORDER BY 1
"""


async def foreign_keys(look: Look) -> Findings:
    """Foreign keys both ways; cascades fire no trigger; metadata locks reach the tables on their other end."""
    schema, table = look.table
    rows = await look.rows(_FOREIGN_KEYS, (schema, table, schema, table))
    outward, inward = [], []
    out: list[Finding] = []
    for name, where, child, parent, columns, on_update, on_delete in rows:
        if (where, child) != (schema, table):
            inward.append(f"{name} from {child}")
            continue
        outward.append(f"{name} to {parent}")
        changed = set(columns.split(",")) & set(look.facts.value_columns)
        rules = [
            r
            for r in (f"ON UPDATE {on_update}", f"ON DELETE {on_delete}")
            if r.endswith(("CASCADE", "SET NULL"))
        ]
        rules = [rule for rule in rules if rule != "ON DELETE CASCADE"]
        if changed and rules and look.uses_trigger:
            out.append(
                warning(
                    "foreign-key.cascade",
                    f"foreign key {name} changes {listed(sorted(changed))} by {' and '.join(rules)}, which fires no "
                    "trigger: the sync trigger does not see it, and the value goes stale",
                    "See that the parent's keys do not change meanwhile; verify finds such rows",
                )
            )
    if outward:
        out.append(
            note(
                "foreign-key.out",
                f"the table refers to others: {listed(outward)}; the backfill does not check them",
            )
        )
    if inward:
        out.append(
            note(
                "foreign-key.in",
                f"others refer to the table: {listed(inward)}; DDL on the table locks them for a moment too",
            )
        )
    return out


async def views(look: Look) -> Findings:
    """Views keep the columns that they had when they were made, `SELECT *` or not."""
    schema, table = look.table
    # The server writes definitions out in full, names quoted.
    rows = await look.rows(
        "SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) FROM information_schema.VIEWS"
        " WHERE LOCATE(%s, VIEW_DEFINITION) > 0 ORDER BY 1",
        (f"`{schema}`.`{table}`",),
    )
    if not rows:
        return ()
    return [
        warning(
            "view.dependent",
            "views over the table keep the columns they have, also where they say SELECT *: "
            f"{listed([name for (name,) in rows])}",
            "Make those anew that should show the column: CREATE OR REPLACE VIEW",
        )
    ]


_BODIES = """
SELECT CONCAT(LOWER(ROUTINE_TYPE), ' ', ROUTINE_SCHEMA, '.', ROUTINE_NAME), ROUTINE_DEFINITION
  FROM information_schema.ROUTINES WHERE LOCATE(%(table)s, ROUTINE_DEFINITION) > 0 AND ROUTINE_SCHEMA NOT IN %(not)s
UNION ALL SELECT CONCAT('event ', EVENT_SCHEMA, '.', EVENT_NAME), EVENT_DEFINITION
  FROM information_schema.EVENTS WHERE LOCATE(%(table)s, EVENT_DEFINITION) > 0
UNION ALL SELECT CONCAT('trigger ', TRIGGER_SCHEMA, '.', TRIGGER_NAME), ACTION_STATEMENT
  FROM information_schema.TRIGGERS WHERE LOCATE(%(table)s, ACTION_STATEMENT) > 0 AND TRIGGER_SCHEMA NOT IN %(not)s
"""


async def routines(look: Look) -> Findings:
    """Procedures, functions and events that write the table without naming its columns, or copy all of them."""
    schema, table = look.table
    word = re.compile(rf"(?<![\w$]){re.escape(table)}(?![\w$])", re.IGNORECASE)
    rows = [
        (name, text_of(body))
        for name, body in await look.lane.rows(_BODIES, {"table": table, "not": SYSTEM}, what="routines")
        if f".{OURS}" not in name and word.search(text_of(body))
    ]
    careless = [name for name, body in rows if names_no_columns(body, schema, table)]
    others = [name for name, _ in rows if name not in careless]
    out: list[Finding] = []
    if careless:
        out.append(
            warning(
                "routine.insert",
                f"{listed(careless)} insert into the table without naming its columns, or all of its columns into "
                "another: they fail as soon as it has one more",
                "Name the columns in them before the column is added",
            )
        )
    if others:
        out.append(note("routine.names", f"routines name the table: {listed(others)}"))
    return out


def names_no_columns(text: str, schema: str, table: str) -> bool:
    """Whether the text inserts into the table without a list of columns, or all of its columns elsewhere.

    >>> names_no_columns("INSERT INTO `orders` VALUES (?)", "shop", "orders")
    True
    >>> names_no_columns("INSERT INTO orders (id) VALUES (?)", "shop", "orders")
    False
    >>> names_no_columns("INSERT INTO archive SELECT * FROM shop.orders WHERE id = ?", "shop", "orders")
    True
    """
    return any(
        re.search(pattern, text, re.IGNORECASE | re.DOTALL) for pattern in careless_patterns(schema, table)
    )


def careless_patterns(schema: str, table: str) -> tuple[str, str]:
    """Regular expressions of the two kinds of statement that one more column breaks (error 1136)."""
    name = rf"(?:`?{re.escape(schema)}`?\s*\.\s*)?`?{re.escape(table)}`?"
    into = r"(?:insert|replace)\s+(?:low_priority\s+|delayed\s+|high_priority\s+|ignore\s+)*(?:into\s+)?"
    return (
        rf"\b{into}{name}(?![\w`$.])\s+(?:partition\s*\([^)]*\)\s*)?(?:values?\b|select\b|table\b|\(\s*select\b)",
        rf"\b{into}[^;]*?\bselect\s+(?:`?\w+`?\s*\.\s*)?\*\s+from\s+{name}(?![\w`$.])",
    )
