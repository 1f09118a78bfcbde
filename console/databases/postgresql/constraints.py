"""Default, NOT NULL and foreign key, each in the form that does not block.

Where the forms differ by version: 18 has NOT NULL ... NOT VALID; older ones take a CHECK, validate it, SET NOT NULL
(which the valid check spares its scan) and drop the check, in four statements. Pure text.
"""

from __future__ import annotations

from console.databases.postgresql.identifiers import literal, quote
from console.databases.postgresql.scribe import (
    ACCESS_EXCLUSIVE,
    SHARE_ROW_EXCLUSIVE,
    SHARE_UPDATE_EXCLUSIVE,
    Scribe,
)
from console.plan import Shape, Statement


class Constraints(Scribe):
    """Writes the `constraints` phase and its undo."""

    def carry_out(self, shape: Shape) -> tuple[Statement, ...]:
        """Default, NOT NULL, foreign key, in that order."""
        out: list[Statement] = []
        if not shape.instant_value:
            if self.change.default is not None:
                out.append(
                    self.statement(
                        "default",
                        f"ALTER TABLE {self.table} ALTER COLUMN {self.column} SET DEFAULT {self.change.default}",
                        ACCESS_EXCLUSIVE,
                        done_when=f"SELECT EXISTS (SELECT FROM pg_attribute WHERE {self.attribute()} AND atthasdef)",
                    )
                )
            if not self.change.nullable:
                out.extend(self._not_null_modern() if self.modern else self._not_null_by_check())
        if self.change.reference is not None:
            out.extend(self._foreign_key())
        return tuple(out)

    def _not_null_constraint(self, table: str, more: str = "") -> str:
        """Version 18 keeps NOT NULL in pg_constraint; attnotnull is true while it is still NOT VALID."""
        return (
            "EXISTS (SELECT FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid"
            f" AND c.conkey = ARRAY[a.attnum] WHERE c.conrelid = {literal(table)}::regclass"
            f" AND c.contype = 'n' AND a.attname = {literal(self.change.column)}{more})"
        )

    def _not_null_modern(self) -> tuple[Statement, ...]:
        name = self.names.not_null
        add = self.statement(
            "not-null",
            f"ALTER TABLE {self.table} ADD CONSTRAINT {quote(name)} NOT NULL {self.column} NOT VALID",
            ACCESS_EXCLUSIVE,
            done_when=f"SELECT {self._not_null_constraint(self.table)}",
        )
        validates = [
            self.statement(
                f"validate-not-null{suffix}",
                f"ALTER TABLE {table} VALIDATE CONSTRAINT {quote(name)}",
                SHARE_UPDATE_EXCLUSIVE,
                cost="scan",
                on=table,
                done_when=f"SELECT {self._not_null_constraint(table, ' AND c.convalidated')}",
            )
            for suffix, table in self.pieces_then_parent()
        ]
        return (add, *validates)

    def _not_null_by_check(self) -> tuple[Statement, ...]:
        name = self.names.check
        done = self.attnotnull()
        add = self.statement(
            "not-null-check",
            f"ALTER TABLE {self.table} ADD CONSTRAINT {quote(name)} CHECK ({self.column} IS NOT NULL) NOT VALID",
            ACCESS_EXCLUSIVE,
            done_when=f"SELECT {done} OR {self.constraint(name)}",
        )
        validates = [
            self.statement(
                f"validate-not-null{suffix}",
                f"ALTER TABLE {table} VALIDATE CONSTRAINT {quote(name)}",
                SHARE_UPDATE_EXCLUSIVE,
                cost="scan",
                on=table,
                done_when=f"SELECT {done} OR {self.constraint(name, table, ' AND convalidated')}",
            )
            for suffix, table in self.pieces_then_parent()
        ]
        return (
            add,
            *validates,
            self.statement(
                "set-not-null",
                f"ALTER TABLE {self.table} ALTER COLUMN {self.column} SET NOT NULL",
                ACCESS_EXCLUSIVE,
                done_when=f"SELECT {done}",
            ),
            self._drop_check(),
        )

    def _drop_check(self) -> Statement:
        name = self.names.check
        return self.statement(
            "drop-not-null-check",
            f"ALTER TABLE {self.table} DROP CONSTRAINT {quote(name)}",
            ACCESS_EXCLUSIVE,
            done_when=f"SELECT NOT {self.constraint(name)}",
        )

    def _foreign_key(self) -> tuple[Statement, ...]:
        reference = self.change.reference
        assert reference is not None
        parent = self.facts.reference_table or str(reference.table)
        name = self.names.foreign_key
        body = (
            f"ADD CONSTRAINT {quote(name)} FOREIGN KEY ({self.column})"
            f" REFERENCES {parent} ({quote(reference.column)}) ON DELETE {reference.on_delete.upper()}"
        )

        def add(suffix: str, table: str, *, valid: bool) -> Statement:
            return self.statement(
                f"foreign-key{suffix}",
                f"ALTER TABLE {table} {body}{'' if valid else ' NOT VALID'}",
                SHARE_ROW_EXCLUSIVE,
                on=table,
                also=f"{SHARE_ROW_EXCLUSIVE} on {parent}",
                done_when=f"SELECT {self.constraint(name, table)}",
            )

        def validate(suffix: str, table: str) -> Statement:
            return self.statement(
                f"validate-foreign-key{suffix}",
                f"ALTER TABLE {table} VALIDATE CONSTRAINT {quote(name)}",
                SHARE_UPDATE_EXCLUSIVE,
                cost="scan",
                on=table,
                also=f"ROW SHARE on {parent}",
                done_when=f"SELECT {self.constraint(name, table, ' AND convalidated')}",
            )

        if self.partitioned and not self.modern:
            # Before 18 a partitioned table takes no NOT VALID foreign key; one on the parent adopts those of
            # its partitions, where each is valid already.
            pieces = self.pieces_then_parent()[:-1]
            each = [
                step
                for suffix, table in pieces
                for step in (add(suffix, table, valid=False), validate(suffix, table))
            ]
            return (*each, add("", self.table, valid=True))
        return (add("", self.table, valid=False), validate("", self.table))

    def undo(self, shape: Shape) -> tuple[Statement, ...]:
        """What does not go with the column by itself, and what would hinder the application until then."""
        out: list[Statement] = []
        if self.change.reference is not None:
            parent = self.facts.reference_table or str(self.change.reference.table)
            out.append(
                self.statement(
                    "drop-foreign-key",
                    f"ALTER TABLE {self.table} DROP CONSTRAINT {quote(self.names.foreign_key)}",
                    ACCESS_EXCLUSIVE,
                    also=f"{ACCESS_EXCLUSIVE} on {parent}",
                    done_when=f"SELECT NOT {self.constraint(self.names.foreign_key)}",
                )
            )
        if not self.change.nullable and not shape.instant_value:
            if not self.modern:
                out.append(self._drop_check())
            out.append(
                self.statement(
                    "drop-not-null",
                    f"ALTER TABLE {self.table} ALTER COLUMN {self.column} DROP NOT NULL",
                    ACCESS_EXCLUSIVE,
                    done_when=f"SELECT NOT {self.attnotnull()}",
                )
            )
        return tuple(out)
