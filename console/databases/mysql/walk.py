"""The SQL of walking a table in key order: find the end of a range, fill it, compare it. Pure text.

Ranges are `key > a AND key <= b`; a key of several columns is compared column by column with OR, because a
comparison of rows does not use the index. The test for an unfilled row stands on the target row itself, so that a
row that the application filled meanwhile keeps the application's value.

An unfilled row is one that is NULL, or one that reads the placeholder where the column is NOT NULL from the start.
The key's index is forced: any other way would lock rows that the batch does not mean.
"""

from __future__ import annotations

from collections.abc import Sequence

from console.change import Change
from console.databases.base import KeyValue
from console.databases.mysql.identifiers import literal, quote
from console.databases.mysql.values import key_literal, key_text, same
from console.facts import TableFacts
from console.plan import Shape


class Walk:
    """Writes the walk's statements for one change on one table. Raises ValueError where the table has no key.

    A walk that `repairs` also sets right the rows whose value is not what the expression gives: they were filled
    before there were dual writes, and their sources have changed since.

    A `table` is the table or a partition of it, as it stands in a statement; ends of ranges are keys, or, in the
    templates of the plan, one word that stands for a key.
    """

    def __init__(self, change: Change, facts: TableFacts, shape: Shape, *, repairs: bool = False) -> None:
        if facts.key is None or change.backfill is None:
            raise ValueError(f"{facts.name} can't be walked: it has no key, or the change no backfill")
        self.repairs = repairs
        self.sweeps_later = change.backfill.sync == "none"
        self.table = facts.name
        self.column = quote(change.column)
        self.value = f"({change.backfill.value})"
        self.type = facts.type or change.type
        self.placeholder = shape.placeholder
        self.columns = tuple(quote(name) for name in facts.key.columns)
        self.read_columns = tuple(
            dict.fromkeys((*self.columns, *(quote(name) for name in facts.value_columns), self.column))
        )
        self.types = facts.key.types
        self.collations = facts.key.collations or ("",) * len(self.types)
        self.order = ", ".join(self.columns)
        self.index = quote(facts.key.name)
        stamped = (quote(name) for name in facts.stamped_columns if name != change.column)
        # Set to itself, such a column keeps the time of the application's last update.
        self.assigned = ", ".join(
            [f"{self.column} = {self.value}", *(f"{name} = {name}" for name in stamped)]
        )

    # -- Conditions

    def _literals(self, key: KeyValue | str) -> list[str]:
        if isinstance(key, str):  # a word of a template
            return [key if len(self.columns) == 1 else f"{key}.{column}" for column in self.columns]
        return [key_literal(text, kind) for text, kind in zip(key, self.types, strict=True)]

    def beyond(self, literals: Sequence[str], sign: str, *, last: str) -> str:
        """The key is on one side of a bound: `a > 1 OR (a = 1 AND b > 2)`."""
        column, bound = self.columns[-len(literals)], literals[0]
        if len(literals) == 1:
            return f"{column} {last} {bound}"
        rest = self.beyond(literals[1:], sign, last=last)
        return f"({column} {sign} {bound} OR ({column} = {bound} AND {rest}))"

    def within(self, after: KeyValue | str | None, upto: KeyValue | str | None) -> str:
        """The condition of a range; None for an open end."""
        parts = [self.beyond(self._literals(after), ">", last=">")] if after is not None else []
        parts += [self.beyond(self._literals(upto), "<", last="<=")] if upto is not None else []
        return " AND ".join(parts) or "TRUE"

    def one_of(self, keys: Sequence[KeyValue]) -> str:
        """The key is one of these."""
        if len(self.columns) == 1:
            return f"{self.columns[0]} IN ({', '.join(self._literals(key)[0] for key in keys)})"
        each = (
            " AND ".join(f"{c} = {bound}" for c, bound in zip(self.columns, self._literals(key), strict=True))
            for key in keys
        )
        return f"({' OR '.join(f'({one})' for one in each)})"

    def range(self, after: KeyValue | None, upto: KeyValue | None, leave_out: Sequence[KeyValue] = ()) -> str:
        """The condition of a range without some keys."""
        return f"{self.within(after, upto)}{self._left_in(leave_out)}"

    def _left_in(self, leave_out: Sequence[KeyValue]) -> str:
        return f" AND NOT {self.one_of(leave_out)}" if leave_out else ""

    @property
    def unfilled_row(self) -> str:
        """The condition of a row that nobody has filled."""
        if self.placeholder:
            return same(self.column, self.placeholder, self.type)
        return f"{self.column} IS NULL"

    def to_do(self, leave_out: Sequence[KeyValue] = ()) -> str:
        """The condition of a row that the walk fills."""
        if self.repairs:
            return self.differs(leave_out)
        return f"{self.unfilled_row}{self._left_in(leave_out)}"

    def lacking(self, leave_out: Sequence[KeyValue] = ()) -> str:
        """The condition of a row that lacks its value, though the expression gives one."""
        given = f"NOT ({self._same()})" if self.placeholder else f"{self.value} IS NOT NULL"
        if leave_out:
            given = f"CASE WHEN {self.one_of(leave_out)} THEN FALSE ELSE {given} END"
        return f"{self.unfilled_row} AND {given}"

    def _same(self) -> str:
        return same(self.column, self.value, self.type)

    # -- Keys

    def key_texts(self) -> str:
        """The key's columns as text, for a select list, each under a name that no column has."""
        texts = (key_text(column, kind) for column, kind in zip(self.columns, self.types, strict=True))
        return ", ".join(f"{text} AS column_console_{n}" for n, text in enumerate(texts))

    def by_key(self, table: str) -> str:
        """The table, read and locked by the key's index alone."""
        return f"{table} FORCE INDEX ({self.index})"

    def end_of_range(self, table: str, after: KeyValue | None, upto: KeyValue | None, size: int) -> str:
        """The key that ends a range of `size` rows; no row where fewer are left."""
        return f"{self.keys(table, after, upto)} LIMIT 1 OFFSET {size - 1}"

    def last_key(self, table: str) -> str:
        """The last key of a table; no row where it is empty."""
        descending = ", ".join(f"{column} DESC" for column in self.columns)
        return f"SELECT {self.key_texts()} FROM {self.by_key(table)} ORDER BY {descending} LIMIT 1"

    def count(self, table: str, after: KeyValue | None, upto: KeyValue | None) -> str:
        """How many rows a range has."""
        return f"SELECT COUNT(*) AS column_console_rows FROM {self.by_key(table)} WHERE {self.within(after, upto)}"

    def keys(self, table: str, after: KeyValue | None, upto: KeyValue | None) -> str:
        """The keys of a range, in order."""
        return (
            f"SELECT {self.key_texts()} FROM {self.by_key(table)} WHERE {self.within(after, upto)}"
            f" ORDER BY {self.order}"
        )

    # -- Filling

    def fill(
        self,
        table: str,
        after: KeyValue | str | None,
        upto: KeyValue | str | None,
        leave_out: Sequence[KeyValue] = (),
    ) -> str:
        """Fills the unfilled rows of a range; a repairing walk, those that differ from the expression too."""
        return self._fill(table, f"{self.within(after, upto)} AND {self.to_do(leave_out)}")

    def fill_keys(self, table: str, keys: Sequence[KeyValue]) -> str:
        """Fills those of the rows that are unfilled still."""
        return self._fill(table, f"{self.one_of(keys)} AND {self.to_do()}")

    def _fill(self, table: str, where: str) -> str:
        return f"UPDATE {self.by_key(table)} SET {self.assigned} WHERE {where}"

    def lock(
        self, table: str, after: KeyValue | None, upto: KeyValue | None, leave_out: Sequence[KeyValue] = ()
    ) -> str:
        """Locks the unfilled rows of a range, or fails at once where another holds one; how many they are."""
        return (
            f"SELECT COUNT(*) AS column_console_rows FROM {self.by_key(table)} WHERE {self.within(after, upto)}"
            f" AND {self.to_do(leave_out)} FOR UPDATE NOWAIT"
        )

    def lock_unlocked(
        self, table: str, after: KeyValue | None, upto: KeyValue | None, leave_out: Sequence[KeyValue] = ()
    ) -> str:
        """Locks the unfilled rows of a range that nobody holds; their keys."""
        return (
            f"SELECT {self.key_texts()} FROM {self.by_key(table)} WHERE {self.within(after, upto)}"
            f" AND {self.to_do(leave_out)} ORDER BY {self.order} FOR UPDATE SKIP LOCKED"
        )

    # -- What is left

    def valueless(self, table: str, where: str) -> str:
        """Rows that stay unfilled because their value is NULL, which a column that is NOT NULL can't hold.

        The sync trigger lets such a row through with the placeholder, so that an UPDATE does not fail by itself.
        """
        return (
            f"SELECT {self.key_texts()} FROM {self.by_key(table)} WHERE {where} AND {self.unfilled_row}"
            f" AND {self.value} IS NULL LIMIT 1"
        )

    def lacks_in_range(
        self, table: str, after: KeyValue | None, upto: KeyValue | None, leave_out: Sequence[KeyValue] = ()
    ) -> str:
        """Whether a range still has a row that lacks its value."""
        to_do = self.differs(leave_out) if self.repairs else self.lacking(leave_out)
        return (
            f"SELECT EXISTS (SELECT 1 FROM {self.by_key(table)} WHERE {self.within(after, upto)}"
            f" AND {to_do}) AS column_console_lacks"
        )

    def gap(self, leave_out: Sequence[KeyValue], *, null_valued: bool) -> str:
        """The condition of a row without its value; with `null_valued`, also where the expression gives NULL.

        Where the column is NOT NULL from the start, a row whose expression gives NULL lacks its value anyway.
        """
        if null_valued and not self.placeholder:
            return f"{self.unfilled_row}{self._left_in(leave_out)}"
        return self.lacking(leave_out)

    # -- Comparing

    def differs(self, leave_out: Sequence[KeyValue] = ()) -> str:
        """The condition of a row in which the column differs from the expression."""
        test = f"NOT ({self._same()})"
        return f"CASE WHEN {self.one_of(leave_out)} THEN FALSE ELSE {test} END" if leave_out else test

    def wrong(self, leave_out: Sequence[KeyValue] = ()) -> str:
        """What `verify` looks for. Where nobody fills rows written meanwhile, one without a value is not wrong yet."""
        return self.differs(leave_out) + (f" AND NOT ({self.unfilled_row})" if self.sweeps_later else "")

    def compare(self, table: str, after: KeyValue | str | None, upto: KeyValue | str | None) -> str:
        """How many rows a range has, and in how many the column differs from the expression."""
        return self.counted(table, after, upto, self.wrong())

    def counted(
        self, table: str, after: KeyValue | str | None, upto: KeyValue | str | None, which: str
    ) -> str:
        """How many rows a range has, and of how many the condition is true."""
        return (
            f"SELECT COUNT(*) AS column_console_rows, COALESCE(SUM({which}), 0) FROM {table}"
            f" WHERE {self.within(after, upto)}"
        )

    def listed(
        self, table: str, after: KeyValue | None, upto: KeyValue | None, which: str, limit: int
    ) -> str:
        """The first keys of a range of which the condition is true."""
        return (
            f"SELECT {self.key_texts()} FROM {self.by_key(table)} WHERE {self.within(after, upto)}"
            f" AND ({which}) ORDER BY {self.order} LIMIT {limit}"
        )


def storing(progress: str, item: str, value: bytes) -> str:
    """The statement that stores a value under an item of the progress table."""
    text = literal(value.decode())
    return (
        f"INSERT INTO {progress} (item, value) VALUES ({literal(item)}, {text})"
        f" ON DUPLICATE KEY UPDATE value = {text}, written = CURRENT_TIMESTAMP(6)"
    )
