"""What of a script is that of the clients of MySQL and MariaDB. Pure.

These clients have no conditions of their own: a statement is prepared from a text that is chosen by what the catalog
shows. What can't be prepared (triggers, a loop of batches) has a form that may run again as it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from console.plan import Plan, Statement
from console.plan_text.paper import ended

BUILD_WAIT = 30.0


class MySqlClient:
    """Each statement is prepared as itself, or as nothing where the catalog shows it done."""

    usage = "mysql --user=... --host=... DATABASE < THIS_FILE   (or mariadb)"

    def begin(self, plan: Plan) -> Iterator[str]:
        """Sets the session as ours are set."""
        yield "SET NAMES utf8mb4;"
        for statement in plan.session:
            yield ended(statement)

    def tell(self, name: str) -> str:
        """Prints a phase's name."""
        return f"SELECT '{name}' AS phase;"

    def timeout(self, seconds: float) -> str:
        """How long the statements that follow may wait for a lock, in whole seconds; 0: as long as a build waits."""
        return f"SET SESSION lock_wait_timeout = {math.ceil(seconds or BUILD_WAIT)};"

    def statement(self, statement: Statement) -> Iterator[str]:
        """The statement, where it is not done."""
        if statement.script:
            yield statement.script
            return
        for name, value in statement.settings:
            yield f"SET SESSION {name} = {value};"
        if statement.done_when:
            yield f"SET @column_console = IF(({statement.done_when}), 'DO 0', {_literal(statement.sql)});"
            yield "PREPARE column_console FROM @column_console;"
            yield "EXECUTE column_console;"
            yield "DEALLOCATE PREPARE column_console;"
        else:
            yield ended(statement.sql)
        for name, _ in statement.settings:
            if (
                name != "lock_wait_timeout"
            ):  # whose default is a year; `timeout` sets it where another is wanted
                yield f"SET SESSION {name} = DEFAULT;"


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
