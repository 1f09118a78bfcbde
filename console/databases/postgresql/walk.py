"""The SQL of walking a table in key order: find the end of a range, fill it, compare it. Pure text.

Ranges are `key > a AND key <= b`, and the test for an unfilled row stands on the target row itself, so that a row
that the application fills while the batch waits for it keeps the application's value, and one whose source it
changes is computed from the new source (READ COMMITTED re-checks the row's newest version). A LIMIT in a
subselect does neither.

Keys travel as text and are cast back, and stand in the statement as literals: the user's own expression may hold
any character, percent signs included.
"""

from __future__ import annotations

from collections.abc import Sequence

from console.change import Change
from console.databases.base import KeyValue
from console.databases.postgresql.identifiers import literal, quote
from console.facts import TableFacts

NO_EQUALITY = ("json", "xml", "point", "box", "path", "polygon", "line", "circle", "lseg")
"""Types that IS DISTINCT FROM can't compare; their text can."""


class Walk:
    """Writes the walk's statements for one change on one table. Raises ValueError where the table has no key.

    A walk that `repairs` also sets right the rows whose value is not what the expression gives: they were filled
    before there were dual writes, and their sources have changed since.
    """

    def __init__(self, change: Change, facts: TableFacts, *, repairs: bool = False) -> None:
        if facts.key is None or change.backfill is None:
            raise ValueError(f"{facts.name} can't be walked: it has no key, or the change no backfill")
        self.repairs = repairs
        self.sweeps_later = change.backfill.sync == "none"
        self.table = facts.name
        self.column = quote(change.column)
        self.value = f"({change.backfill.value})"
        self.type = facts.type or change.type
        self.columns = tuple(quote(name) for name in facts.key.columns)
        self.types = facts.key.types
        self.key = self._row(self.columns)
        self.order = ", ".join(self.columns)

    @staticmethod
    def _row(parts: Sequence[str]) -> str:
        return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"

    def bound(self, key: KeyValue) -> str:
        """A key as SQL."""
        return self._row([f"{literal(text)}::{kind}" for text, kind in zip(key, self.types, strict=True)])

    def within(self, after: str | None, upto: str | None) -> str:
        """The condition of a range; ends are SQL, None for an open one."""
        parts = [f"{self.key} > {after}"] if after else []
        parts += [f"{self.key} <= {upto}"] if upto else []
        return " AND ".join(parts) or "true"

    def key_texts(self) -> str:
        """The key's columns as text, for a select list.

        Each has a name of its own: `id::text` alone is called `id`, and ORDER BY id would sort by the text.
        """
        return ", ".join(f"{column}::text AS column_console_{n}" for n, column in enumerate(self.columns))

    def _left_in(self, leave_out: Sequence[KeyValue]) -> str:
        if not leave_out:
            return ""
        return f" AND {self.key} NOT IN ({', '.join(self.bound(key) for key in leave_out)})"

    def end_of_range(self, table: str, after: str | None, upto: str | None, size: int) -> str:
        """The key that ends a range of `size` rows; no row where fewer are left."""
        return (
            f"SELECT {self.key_texts()} FROM {table} WHERE {self.within(after, upto)}"
            f" ORDER BY {self.order} OFFSET {size - 1} LIMIT 1"
        )

    def last_key(self, table: str) -> str:
        """The last key of a table; no row where it is empty."""
        descending = ", ".join(f"{column} DESC" for column in self.columns)
        return f"SELECT {self.key_texts()} FROM {table} ORDER BY {descending} LIMIT 1"

    def count(self, table: str, after: str | None, upto: str | None) -> str:
        """How many rows a range has."""
        return f"SELECT count(*) FROM {table} WHERE {self.within(after, upto)}"

    def keys(self, table: str, after: str | None, upto: str | None) -> str:
        """The keys of a range, in order."""
        return (
            f"SELECT {self.key_texts()} FROM {table} WHERE {self.within(after, upto)} ORDER BY {self.order}"
        )

    def fill(
        self, table: str, after: str | None, upto: str | None, leave_out: Sequence[KeyValue] = ()
    ) -> str:
        """Fills the unfilled rows of a range; a repairing walk, those that differ from the expression too."""
        return (
            f"UPDATE {table} SET {self.column} = {self.value}"
            f" WHERE {self.within(after, upto)} AND {self._to_do(leave_out)}{self._left_in(leave_out)}"
        )

    def _to_do(self, leave_out: Sequence[KeyValue]) -> str:
        return self._differs(leave_out) if self.repairs else f"{self.column} IS NULL"

    def fill_unlocked(
        self, table: str, after: str | None, upto: str | None, leave_out: Sequence[KeyValue] = ()
    ) -> str:
        """Fills the unfilled rows of a range that nobody has locked.

        The range is repeated on the target, which keeps the join off a sequential scan of it.
        """
        return (
            f"WITH picked AS MATERIALIZED (SELECT {self.order} FROM {table}"
            f" WHERE {self.within(after, upto)} AND {self._to_do(leave_out)}{self._left_in(leave_out)}"
            f" ORDER BY {self.order} FOR NO KEY UPDATE SKIP LOCKED)"
            f" UPDATE {table} SET {self.column} = {self.value}"
            f" WHERE {self.within(after, upto)} AND {self.key} IN (SELECT {self.order} FROM picked)"
        )

    def lacking(self, leave_out: Sequence[KeyValue] = ()) -> str:
        """The condition of a row that lacks its value, though the expression gives one."""
        lacks = f"{self.column} IS NULL AND {self.value} IS NOT NULL"
        if not leave_out:
            return lacks
        # CASE, because AND promises no order, and the expression fails on the rows that are left out.
        out = ", ".join(self.bound(key) for key in leave_out)
        return f"{self.column} IS NULL AND CASE WHEN {self.key} IN ({out}) THEN false ELSE {self.value} IS NOT NULL END"

    def lacks_in_range(
        self, table: str, after: str | None, upto: str | None, leave_out: Sequence[KeyValue] = ()
    ) -> str:
        """Whether a range still has a row that lacks its value."""
        to_do = self._differs(leave_out) if self.repairs else self.lacking(leave_out)
        return f"SELECT EXISTS (SELECT FROM {table} WHERE {self.within(after, upto)} AND {to_do})"

    def gap(self, leave_out: Sequence[KeyValue], *, null_valued: bool) -> str:
        """The condition of a row without its value; with `null_valued`, also where the expression gives NULL."""
        return f"{self.column} IS NULL{self._left_in(leave_out)}" if null_valued else self.lacking(leave_out)

    def _differs(self, leave_out: Sequence[KeyValue]) -> str:
        kept, wanted = self.column, f"{self.value}::{self.type}"
        if self.type.partition("(")[0].strip() in NO_EQUALITY:
            kept, wanted = f"{kept}::text", f"({wanted})::text"
        test = f"{kept} IS DISTINCT FROM {wanted}"
        if leave_out:
            out = ", ".join(self.bound(key) for key in leave_out)
            return f"CASE WHEN {self.key} IN ({out}) THEN false ELSE {test} END"
        return test

    def wrong(self, leave_out: Sequence[KeyValue]) -> str:
        """What `verify` looks for. Where nobody fills rows written meanwhile, one without a value is not wrong yet."""
        return self._differs(leave_out) + (f" AND {self.column} IS NOT NULL" if self.sweeps_later else "")

    def compare(
        self, table: str, after: str | None, upto: str | None, leave_out: Sequence[KeyValue] = ()
    ) -> str:
        """How many rows a range has, and in how many the column differs from the expression."""
        return self.counted(table, after, upto, self.wrong(leave_out))

    def counted(self, table: str, after: str | None, upto: str | None, which: str) -> str:
        """How many rows a range has, and of how many the condition is true."""
        return (
            f"SELECT count(*), count(*) FILTER (WHERE {which}) FROM {table} WHERE {self.within(after, upto)}"
        )

    def listed(self, table: str, after: str | None, upto: str | None, which: str, limit: int) -> str:
        """The first keys of a range of which the condition is true."""
        return (
            f"SELECT {self.key_texts()} FROM {table} WHERE {self.within(after, upto)}"
            f" AND ({which}) ORDER BY {self.order} LIMIT {limit}"
        )

    def check(self, table: str) -> str:
        """The whole comparison as a script for psql, which fails where a row differs."""
        wrong = self.wrong(())
        counted = f"SELECT count(*) AS rows, count(*) FILTER (WHERE {wrong}) AS differences FROM {table};"
        return (
            f"{counted}\nDO $verify$ BEGIN\n  IF EXISTS (SELECT FROM {table} WHERE {wrong}) THEN\n"
            "    RAISE EXCEPTION 'rows differ from the expression';\n  END IF;\nEND $verify$;"
        )

    def script(self, table: str, size: int = 1000) -> str:
        """The whole walk over one table as a script for psql: batches, each committed by itself."""
        names = [f"after_{number}" for number in range(len(self.columns))]
        ends = [f"upto_{number}" for number in range(len(self.columns))]
        declared = "\n".join(
            f"  {after} {kind};\n  {upto} {kind};"
            for after, upto, kind in zip(names, ends, self.types, strict=True)
        )
        after, upto = self._row(names), self._row(ends)
        begun = f"({names[0]} IS NULL OR {self.key} > {after})"
        into = ", ".join(ends)
        descending = ", ".join(f"{column} DESC" for column in self.columns)
        moved = " ".join(f"{a} := {b};" for a, b in zip(names, ends, strict=True))
        return (
            f"DO $backfill$\nDECLARE\n{declared}\nBEGIN\n  LOOP\n"
            f"    SELECT {self.order} INTO {into} FROM {table} WHERE {begun}\n"
            f"      ORDER BY {self.order} OFFSET {size - 1} LIMIT 1;\n"
            f"    IF NOT FOUND THEN\n"
            f"      SELECT {self.order} INTO {into} FROM {table} WHERE {begun} ORDER BY {descending} LIMIT 1;\n"
            f"      EXIT WHEN NOT FOUND;\n"
            f"    END IF;\n"
            f"    UPDATE {table} SET {self.column} = {self.value}\n"
            f"      WHERE {begun} AND {self.key} <= {upto} AND {self._to_do(())};\n"
            f"    COMMIT;\n"
            f"    {moved}\n"
            f"  END LOOP;\nEND\n$backfill$;"
        )
