"""What is ours in the target database, and what it is called. Pure.

What stays (the foreign key) is named after the table and the column, as an operator would name it; the names of
foreign keys are one space for the whole database.
"""

from __future__ import annotations

from console.change import Change
from console.databases.mysql.identifiers import LONGEST, literal, qualified
from console.databases.ours import ours
from console.facts import TableFacts

SHAPE = "shape"
"""The item of the progress table that keeps the shape of the plan, as it was when the walk began."""


class Names:
    """The names for one change on one table; triggers live in their table's database."""

    def __init__(self, change: Change, facts: TableFacts) -> None:
        self.schema = facts.schema
        self.progress_name = ours(change.key, "progress")
        self.progress = qualified(facts.schema, self.progress_name)
        self.insert_trigger = ours(change.key, "insert")
        self.update_trigger = ours(change.key, "update")
        self.foreign_key = cut(f"{change.table.name}_{change.column}", "_fk")

    @property
    def create_progress(self) -> str:
        """What makes the progress table."""
        return (
            f"CREATE TABLE {self.progress} (item VARCHAR(100) NOT NULL PRIMARY KEY, value LONGTEXT NOT NULL,"
            " written DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6))"
            " ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        )

    @property
    def has_progress(self) -> str:
        """The condition that the progress table is there."""
        return (
            "EXISTS (SELECT 1 FROM information_schema.TABLES WHERE"
            f" TABLE_SCHEMA = {literal(self.schema)} AND TABLE_NAME = {literal(self.progress_name)})"
        )

    def trigger(self, name: str) -> str:
        """A trigger's qualified name."""
        return qualified(self.schema, name)


def cut(name: str, suffix: str) -> str:
    """`name` + `suffix`, the name cut so that the whole fits in an identifier.

    >>> cut("orders_placed_on", "_fk"), len(cut("ä" * 80, "_fk")) == LONGEST
    ('orders_placed_on_fk', True)
    """
    return name[: LONGEST - len(suffix)].rstrip(" ") + suffix
