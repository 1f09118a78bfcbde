"""What of a script is psql's own. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from console.plan import Plan, Statement
from console.plan_text.paper import ended


class Psql:
    """Each statement stands behind the question whether the catalog shows it done."""

    usage = 'psql --no-psqlrc --file=THIS_FILE "postgresql://..."'

    def begin(self, plan: Plan) -> Iterator[str]:
        """Sets the client."""
        yield r"\set ON_ERROR_STOP on"
        yield r"\set AUTOCOMMIT on"
        for statement in plan.session:
            yield ended(statement)

    def tell(self, name: str) -> str:
        """Prints a phase's name."""
        return rf"\echo {name}"

    def timeout(self, seconds: float) -> str:
        """How long the statements that follow may wait for a lock; 0: as long as it takes."""
        return f"SET lock_timeout = {round(seconds * 1000)};"

    def statement(self, statement: Statement) -> Iterator[str]:
        """The statement, where it is not done."""
        body = statement.script or ended(statement.sql)
        if statement.clear:
            yield from _where(f"({statement.clear_when})", ended(statement.clear))
        if statement.done_when:
            yield from _where(f"NOT ({statement.done_when})", body)
        else:
            yield body


def _where(question: str, body: str) -> Iterator[str]:
    """The body, where the question is answered with true."""
    yield rf"SELECT {question} AS todo \gset"
    yield r"\if :todo"
    yield body
    yield r"\endif"
