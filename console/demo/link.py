"""One connection of the demo's application, whatever database it leads to; imports no driver.

Each database's `link` implements it. It is in autocommit, and used by one task at a time.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

Values = Sequence[object] | Mapping[str, object] | None


class Refused(Exception):
    """The database refused a statement, or can't be reached. One line says why."""

    def __init__(self, reason: str, *, unknown_column: bool = False) -> None:
        super().__init__(reason)
        self.unknown_column = unknown_column
        """Whether a column was named that is not there."""


class Link(Protocol):
    """A connection. Every method raises `Refused`, apart from `closed` and `close`."""

    @property
    def closed(self) -> bool:
        """Whether it is of no use any more."""

    async def rows(self, query: str, values: Values = None) -> list[tuple[Any, ...]]:
        """What a query finds. `%s` and `%(name)s` stand for values."""

    async def run(self, statement: str, values: Values = None) -> None:
        """Run a statement and leave what it returns."""

    async def insert(self, statement: str, values: Values = None) -> int:
        """Insert one row and return its number."""

    async def wait_until_gone(self, seconds: float) -> None:
        """Do nothing on it for some seconds, or until somebody ends the session: `Refused` then."""

    async def close(self) -> None:
        """Close it, and end the statement that runs on it, if one does. Harmless when it is closed."""


Connect = Callable[[str], Awaitable[Link]]
"""Opens a connection under an application's name. Raises `Refused`."""


@contextlib.asynccontextmanager
async def transaction(link: Link) -> AsyncIterator[None]:
    """A transaction: committed at the end, rolled back where something is raised."""
    await link.run("BEGIN")
    try:
        yield
    except BaseException:
        with contextlib.suppress(Refused):
            await link.run("ROLLBACK")
        raise
    await link.run("COMMIT")


def first_line(error: Exception) -> str:
    """The first line of what an error says.

    >>> first_line(ValueError("column missing\\nLINE 1: ...")), first_line(ValueError())
    ('column missing', 'ValueError')
    """
    words = str(error).strip().splitlines()
    return words[0] if words else type(error).__name__
