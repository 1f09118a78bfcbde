"""Default, NOT NULL and foreign key, each in the form that does not block. Pure text."""

from __future__ import annotations

from console.databases.mysql.foreign_key import ForeignKey
from console.databases.mysql.indexes import Indexes
from console.databases.mysql.scribe import Scribe
from console.plan import Shape, Statement


class Constraints(Scribe):
    """Writes the `constraints` phase and its undo."""

    def carry_out(self, shape: Shape) -> tuple[Statement, ...]:
        """Default and NOT NULL, then the foreign key, where it does not wait for its index."""
        out: list[Statement] = []
        if not shape.instant_value:
            out.extend(self._default_and_not_null(shape))
        if self._reference_here(shape):
            out.extend(ForeignKey(self.change, self.facts).add())
        return tuple(out)

    def _reference_here(self, shape: Shape) -> bool:
        """Whether the foreign key is added here, and not after the index that serves it."""
        if self.change.reference is None:
            return False
        return shape.not_null == "rebuild" or not Indexes(self.change, self.facts).serve_reference

    def _default_and_not_null(self, shape: Shape) -> tuple[Statement, ...]:
        if shape.not_null == "rebuild":
            return (self._rebuild(),)
        if not self.default or self.default == shape.placeholder:
            return ()
        # After a placeholder, which is a default too, only the kind of it tells that ours is set.
        later = shape.not_null == "from-start"
        return (
            self.alter(
                "not-null-default" if later else "default",
                f"ALTER COLUMN {self.column} SET DEFAULT {self.default}",
                done_when=f"SELECT {self.column_is(f' AND {self.has_default(expression=later)}')}",
            ),
        )

    def _rebuild(self) -> Statement:
        indexes = Indexes(self.change, self.facts)
        wanted = self.change.indexes
        actions = [f"MODIFY COLUMN {self.column} {self.definition(nullable=False, default=self.default)}"]
        actions += [indexes.added(index) for index in wanted]
        shown = f" AND IS_NULLABLE = 'NO'{f' AND {self.has_default()}' if self.default else ''}"
        there = [self.column_is(shown), *(indexes.is_there(index) for index in wanted)]
        return self.build(
            "not-null",
            ", ".join(actions),
            "ALGORITHM=INPLACE, LOCK=NONE",
            done_when=f"SELECT {' AND '.join(there)}",
        )

    def undo(self, shape: Shape) -> tuple[Statement, ...]:
        """What does not go with the column by itself, and what would hinder the application until then."""
        out: list[Statement] = []
        if self._reference_here(shape):
            out.extend(ForeignKey(self.change, self.facts).drop())
        if shape.not_null == "rebuild":
            out.extend(Indexes(self.change, self.facts).drops())
            if not self.default and self.facts.placeholder:
                out.append(
                    self.alter(
                        "default-until-dropped",
                        f"ALTER COLUMN {self.column} SET DEFAULT {self.facts.placeholder}",
                        done_when=f"SELECT {self.column_is(f' AND {self.has_default()}')}",
                    )
                )
        return tuple(out)
