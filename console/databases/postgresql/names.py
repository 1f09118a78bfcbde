"""What is ours in the target database, and what it is called.

Everything that goes again at the end is called `column_console_<key>_...`, where the key is `Change.key`, so that
a DBA sees whose it is and a later run finds what an earlier one left. What stays (the NOT NULL constraint of
version 18, the foreign key) is named as PostgreSQL itself would name it. Pure.
"""

from __future__ import annotations

from console.change import Change
from console.databases.ours import ours
from console.databases.postgresql.identifiers import LONGEST, quote
from console.facts import TableFacts


class Names:
    """The names for one change on one table."""

    def __init__(self, change: Change, facts: TableFacts) -> None:
        self.schema = quote(facts.schema)
        self.progress = f"{self.schema}.{quote(ours(change.key, 'progress'))}"
        self.function = f"{self.schema}.{quote(ours(change.key, 'sync'))}"
        # BEFORE triggers fire in the order of their names: ours last, after any that changes a source column.
        self.trigger = f"zz_{ours(change.key, 'sync')}"
        self.check = ours(change.key, "not_null")
        self.not_null = cut(f"{change.table.name}_{change.column}", "_not_null")
        self.foreign_key = cut(f"{change.table.name}_{change.column}", "_fkey")

    @property
    def create_progress(self) -> str:
        """What makes the progress table: one row is written with each batch, so it leaves room on its page."""
        return (
            f"CREATE TABLE {self.progress} (item text PRIMARY KEY, value text NOT NULL,"
            " written timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 50)"
        )

    def index(self, name: str) -> str:
        """An index's qualified name: it lives in its table's schema."""
        return f"{self.schema}.{quote(name)}"

    def child_index(self, name: str, number: int) -> str:
        """The index of the partition `number` (from 1) that belongs to the parent's index `name`."""
        return cut(name, f"_{number}")


def cut(name: str, suffix: str) -> str:
    """`name` + `suffix`, the name cut so that the whole fits in an identifier, never inside a character.

    >>> cut("orders_placed_on", "_fkey")
    'orders_placed_on_fkey'
    >>> len(cut("ä" * 60, "_fkey").encode()) <= LONGEST
    True
    """
    room = LONGEST - len(suffix.encode())
    return name.encode()[:room].decode(errors="ignore") + suffix
