"""The plan's statements on PostgreSQL, each with its lock, its proof and its undo. Pure text.

Sources: the manual's "Explicit Locking", "ALTER TABLE" and "CREATE INDEX" pages; lock levels, scans and
rewrites were checked on 15 and 18. Some choices that look odd and are not:

- SET NOT NULL and the drop of its helper CHECK are two statements: in one, the drop comes first, and the scan
  under ACCESS EXCLUSIVE with it.
- The NOT NULL constraint comes after the backfill: NOT VALID skips the scan, not the check of new row versions,
  so before it the application's updates of unfilled rows would fail.
- CREATE INDEX CONCURRENTLY runs without a lock timeout: a timeout leaves an INVALID index behind.
- Nothing says IF NOT EXISTS: that takes the lock all the same, and accepts an INVALID index.
"""

from __future__ import annotations

import hashlib

from console.databases.batching import AGAIN, repairs
from console.databases.postgresql.constraints import Constraints
from console.databases.postgresql.identifiers import literal, quote
from console.databases.postgresql.indexes import Indexes
from console.databases.postgresql.scribe import (
    ACCESS_EXCLUSIVE,
    ACCESS_SHARE,
    ROW_EXCLUSIVE,
    SHARE_ROW_EXCLUSIVE,
    SHARE_UPDATE_EXCLUSIVE,
    Scribe,
)
from console.databases.postgresql.walk import Walk
from console.plan import CREATE_PROGRESS, DROP_PROGRESS, PhaseName, Shape, Statement


class PostgresWriter(Scribe):
    """Writes the statements of a change on one table."""

    session: tuple[str, ...] = ()

    def choose(self, shape: Shape) -> tuple[Shape, tuple[str, ...]]:
        """Nothing is left to choose: NOT NULL comes later, and blocks nobody."""
        return shape, ()

    def statements(self, phase: PhaseName, shape: Shape) -> tuple[Statement, ...]:
        """The statements that carry the phase out, in order."""
        indexes = Indexes(self.change, self.facts)
        match phase:
            case "add-column":
                return (self._create_progress(), *self._add_column(shape), *self._comment())
            case "dual-writes":
                return self._sync() if shape.trigger else ()
            case "backfill" | "backfill-again":
                again = phase == AGAIN and repairs(self.change, self.facts)
                return self._batches(again=again)
            case "verify":
                return self._verify()
            case "constraints":
                return (
                    ()
                    if shape.instant_value and not self.change.reference
                    else Constraints(self.change, self.facts).carry_out(shape)
                )
            case "indexes":
                return tuple(step for index in self.change.indexes for step in indexes.build(index))
            case "finish":
                return (*self._drop_help(shape), self._drop_progress())
            case _:
                return ()

    def undo(self, phase: PhaseName, shape: Shape) -> tuple[Statement, ...]:
        """The statements that undo the phase, in order."""
        indexes = Indexes(self.change, self.facts)
        match phase:
            case "add-column":
                return (self._drop_column(), self._drop_progress())
            case "dual-writes":
                return self._drop_sync() if shape.trigger else ()
            case "constraints":
                return Constraints(self.change, self.facts).undo(shape)
            case "indexes":
                return tuple(indexes.drop(index) for index in self.change.indexes)
            case _:
                return ()

    # -- add-column

    def _add_column(self, shape: Shape) -> tuple[Statement, ...]:
        definition = f"{self.column} {self.type}"
        extra = ""
        if shape.instant_value and self.change.backfill:
            # One statement, so that the column's being there proves all of it.
            definition += f" DEFAULT ({self.change.backfill.value})"
            definition += "" if self.change.nullable else " NOT NULL"
            if self.change.default is not None:
                extra = f", ALTER COLUMN {self.column} SET DEFAULT {self.change.default}"
        return (
            self.statement(
                "add-column",
                f"ALTER TABLE {self.table} ADD COLUMN {definition}{extra}",
                ACCESS_EXCLUSIVE,
                done_when=self._column_is(),
            ),
        )

    def _column_is(self) -> str:
        return (
            f"SELECT EXISTS (SELECT FROM pg_attribute WHERE {self.attribute()}"
            f" AND format_type(atttypid, atttypmod) = {literal(self.type)})"
        )

    def _comment(self) -> tuple[Statement, ...]:
        if self.change.comment is None:
            return ()
        return (
            self.statement(
                "comment",
                f"COMMENT ON COLUMN {self.table}.{self.column} IS {literal(self.change.comment)}",
                SHARE_UPDATE_EXCLUSIVE,
                done_when=(
                    f"SELECT EXISTS (SELECT FROM pg_attribute WHERE {self.attribute()}"
                    f" AND col_description(attrelid, attnum) = {literal(self.change.comment)})"
                ),
            ),
        )

    def _drop_column(self) -> Statement:
        return self.statement(
            "drop-column",
            f"ALTER TABLE {self.table} DROP COLUMN {self.column}",
            ACCESS_EXCLUSIVE,
            done_when=f"SELECT NOT EXISTS (SELECT FROM pg_attribute WHERE {self.attribute()})",
        )

    # -- dual-writes

    def _sync_body(self) -> str:
        """The row's value from its own columns, whoever writes it: the column's default, once set, must not win.

        Where the value can't be computed, the row is written without it: the application must not fail for our
        sake. The backfill and the constraints find such a row, and name it.
        """
        assert self.change.backfill is not None
        row = quote(self.change.table.name)
        return (
            "\n#variable_conflict use_column\n"
            "BEGIN\n"
            f"  NEW.{self.column} := (SELECT ({self.change.backfill.value}) FROM (SELECT NEW.*) AS {row});\n"
            "  RETURN NEW;\n"
            "EXCEPTION WHEN OTHERS THEN\n"
            f"  NEW.{self.column} := NULL;\n"
            "  RETURN NEW;\n"
            "END\n"
        )

    def _sync(self) -> tuple[Statement, ...]:
        body = self._sync_body()
        digest = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
        # `UPDATE OF` looks at the statement's SET list only: with another BEFORE trigger, which may change a
        # source column behind its back, the trigger must fire on every update.
        columns = ", ".join(quote(name) for name in self.facts.value_columns)
        update = " OR UPDATE" if self.facts.before_triggers else f" OR UPDATE OF {columns}"
        # A value that reads no column of the row does not change with it.
        events = f"INSERT{update if columns else ''}"
        return (
            self.statement(
                "sync-function",
                f"CREATE OR REPLACE FUNCTION {self.names.function}() RETURNS trigger LANGUAGE plpgsql"
                " SET search_path FROM CURRENT"
                f" AS $sync${body}$sync$",
                "",
                done_when=(
                    f"SELECT EXISTS (SELECT FROM pg_proc WHERE oid = to_regproc({literal(self.names.function)})"
                    f" AND md5(prosrc) = '{digest}')"
                ),
            ),
            self.statement(
                "sync-trigger",
                f"CREATE TRIGGER {quote(self.names.trigger)} BEFORE {events} ON {self.table}"
                f" FOR EACH ROW EXECUTE FUNCTION {self.names.function}()",
                SHARE_ROW_EXCLUSIVE,
                done_when=f"SELECT EXISTS ({self._trigger()} AND tgenabled IN ('O', 'A'))",
            ),
        )

    def _trigger(self) -> str:
        return (
            f"SELECT FROM pg_trigger WHERE tgrelid = {literal(self.table)}::regclass"
            f" AND tgname = {literal(self.names.trigger)}"
        )

    def _drop_help(self, shape: Shape) -> tuple[Statement, ...]:
        """What kept rows in step until the application writes the column by itself: the trigger, or the default
        that a constant value came with, where the change file wants none.
        """
        if shape.trigger:
            return self._drop_sync()
        if shape.instant_value and self.change.default is None:
            return (
                self.statement(
                    "drop-default",
                    f"ALTER TABLE {self.table} ALTER COLUMN {self.column} DROP DEFAULT",
                    ACCESS_EXCLUSIVE,
                    done_when=f"SELECT NOT EXISTS (SELECT FROM pg_attribute WHERE {self.attribute()} AND atthasdef)",
                ),
            )
        return ()

    def _drop_sync(self) -> tuple[Statement, ...]:
        # The trigger before anything it needs: left behind, it would make every write of the application fail.
        return (
            self.statement(
                "drop-sync-trigger",
                f"DROP TRIGGER {quote(self.names.trigger)} ON {self.table}",
                ACCESS_EXCLUSIVE,
                done_when=f"SELECT NOT EXISTS ({self._trigger()})",
            ),
            self.statement(
                "drop-sync-function",
                f"DROP FUNCTION {self.names.function}()",
                "",
                done_when=f"SELECT to_regproc({literal(self.names.function)}) IS NULL",
            ),
        )

    def _create_progress(self) -> Statement:
        """First of all, so that an interrupted walk is known for one; gone again when the column is all there is."""
        there = f"to_regclass({literal(self.names.progress)}) IS NOT NULL"
        column = f"EXISTS (SELECT FROM pg_attribute WHERE {self.attribute()})"
        return self.statement(
            CREATE_PROGRESS,
            self.names.create_progress,
            "",
            on=self.names.progress,
            done_when=f"SELECT {there} OR {column}",
        )

    def _drop_progress(self) -> Statement:
        return self.statement(
            DROP_PROGRESS,
            f"DROP TABLE {self.names.progress}",
            ACCESS_EXCLUSIVE,
            on=self.names.progress,
            conflicts="nobody: the table is ours alone",
            done_when=f"SELECT to_regclass({literal(self.names.progress)}) IS NULL",
        )

    # -- backfill and verify, as templates: $1 and $2 are the ends of the range. Without a key there are none, and
    # preflight has a blocker.

    def _batches(self, *, again: bool) -> tuple[Statement, ...]:
        if self.facts.key is None:
            return ()
        walk = Walk(self.change, self.facts, repairs=again)
        pieces = [part.name for part in self.facts.partitions] if self.partitioned else [self.table]
        return (
            self.statement(
                "batch",
                walk.fill("<partition>" if self.partitioned else self.table, "$1", "$2"),
                ROW_EXCLUSIVE,
                cost="batches",
                guarded=False,
                script="\n".join(walk.script(piece) for piece in pieces),
            ),
        )

    def _verify(self) -> tuple[Statement, ...]:
        if self.facts.key is None:
            return ()
        walk = Walk(self.change, self.facts)
        return (
            self.statement(
                "compare",
                walk.compare("<partition>" if self.partitioned else self.table, "$1", "$2"),
                ACCESS_SHARE,
                cost="scan",
                guarded=False,
                script=walk.check(self.table),
            ),
        )
