"""The plan's statements on MySQL and MariaDB, each with its lock, its proof and its undo. Pure text.

Some choices that look odd and are not:

- No statement says IF NOT EXISTS: MySQL has none, and MariaDB's accepts a column of another type.
- ALGORITHM=INSTANT stands alone: with LOCK= MySQL refuses it (1221).
- ADD COLUMN and ADD INDEX are two statements: in one, the whole table is rebuilt.
- A column without a default would make inserts that do not know it fail (1364; on MariaDB in INSERT ... SELECT even
  while the trigger fills it), so where none is wanted it is dropped last of all.
- The trigger's handler keeps the application's statement alive where the value can't be computed: the row then lacks
  its value, and backfill, verify and constraints find it and name it.
"""

from __future__ import annotations

import hashlib

from console.databases.batching import AGAIN, repairs
from console.databases.mysql.constraints import Constraints
from console.databases.mysql.identifiers import literal
from console.databases.mysql.indexes import Indexes
from console.databases.mysql.routes import choose
from console.databases.mysql.scribe import EXCLUSIVE, READ, ROWS, TAG, Scribe
from console.databases.mysql.settings import ISOLATION, session_settings
from console.databases.mysql.walk import Walk
from console.databases.mysql.walk_script import check, script
from console.plan import CREATE_PROGRESS, DROP_PROGRESS, PhaseName, Shape, Statement


class MySqlWriter(Scribe):
    """Writes the statements of a change on one table."""

    session: tuple[str, ...] = (f"SET SESSION {', '.join(session_settings(1.0))}", ISOLATION)

    def choose(self, shape: Shape) -> tuple[Shape, tuple[str, ...]]:
        """The shape with its route to NOT NULL, and what to tell the operator of it."""
        return choose(self.change, self.facts, shape)

    def statements(self, phase: PhaseName, shape: Shape) -> tuple[Statement, ...]:
        """The statements that carry the phase out, in order."""
        match phase:
            case "add-column":
                return (self._create_progress(), *self._add_column(shape))
            case "dual-writes":
                return self._sync(shape) if shape.trigger else ()
            case "backfill" | "backfill-again":
                again = phase == AGAIN and repairs(self.change, self.facts)
                return self._batches(shape, again=again)
            case "verify":
                return self._verify(shape)
            case "constraints":
                return Constraints(self.change, self.facts).carry_out(shape)
            case "indexes":
                return Indexes(self.change, self.facts).carry_out()
            case "finish":
                return self._finish(shape)
            case _:
                return ()

    def undo(self, phase: PhaseName, shape: Shape) -> tuple[Statement, ...]:
        """The statements that undo the phase, in order."""
        match phase:
            case "add-column":
                return (self._drop_column(), self._drop_progress())
            case "dual-writes":
                return self._drop_sync() if shape.trigger else ()
            case "constraints":
                return Constraints(self.change, self.facts).undo(shape)
            case "indexes":
                return Indexes(self.change, self.facts).undo()
            case _:
                return ()

    # -- add-column

    def _add_column(self, shape: Shape) -> tuple[Statement, ...]:
        if shape.instant_value and self.change.backfill:
            value = self.facts.value_literal or self.change.backfill.value
            add = self._add(nullable=self.change.nullable, default=value)
            return (add, *(() if self.default == value else self._default_after_value()))
        if shape.not_null == "from-start":
            return (self._add(nullable=False, default=shape.placeholder),)
        return (self._add(nullable=True, default=""),)

    def _add(self, *, nullable: bool, default: str) -> Statement:
        action = f"ADD COLUMN {self.column} {self.definition(nullable=nullable, default=default)}"
        more = f" AND COLUMN_TYPE = {literal(self.type)}"
        more += "" if nullable else " AND IS_NULLABLE = 'NO'"
        done_when = f"SELECT {self.column_is(more)}"
        if self.instantly:
            return self.alter("add-column", action, done_when=done_when)
        return self.build("add-column", action, "ALGORITHM=INPLACE, LOCK=NONE", done_when=done_when)

    def _default_after_value(self) -> tuple[Statement, ...]:
        """What rows written from now on get, where it is not the constant that the old ones read."""
        if self.default:
            kind = self.has_default(expression=not self._literal_default())
            if self._literal_default():
                kind += f" AND {self._default_is(self.default)}"
            return (self._set_default("default", self.default, kind),)
        if self.change.nullable:
            return (self._set_default("default", "NULL", f"NOT ({self.has_default()})"),)
        return ()

    def _literal_default(self) -> bool:
        return not self.default.startswith("(")

    def _default_is(self, default: str) -> str:
        """Whether the catalog's text of a literal default is this one; MariaDB's own is a literal already."""
        text = "CAST(COLUMN_DEFAULT AS CHAR CHARACTER SET utf8mb4)"
        if self.family.mariadb:
            text = f"TRIM(BOTH '''' FROM {text})"
        return f"{text} <=> CAST({default} AS CHAR CHARACTER SET utf8mb4)"

    def _set_default(self, name: str, default: str, shown: str) -> Statement:
        return self.alter(
            name,
            f"ALTER COLUMN {self.column} SET DEFAULT {default}",
            done_when=f"SELECT {self.column_is(f' AND {shown}')}",
        )

    def _drop_column(self) -> Statement:
        done_when = f"SELECT NOT {self.column_is()}"
        action = f"DROP COLUMN {self.column}"
        instant = self.facts.instant
        room = not instant.row_versions_limit or (instant.row_versions or 0) + 2 < instant.row_versions_limit
        if self.family.instant_drop and self.instantly and room:
            return self.alter("drop-column", action, done_when=done_when)
        return self.build("drop-column", action, "ALGORITHM=INPLACE, LOCK=NONE", done_when=done_when)

    # -- dual-writes

    def _sync_body(self, shape: Shape) -> str:
        """The row's value from its own columns, whoever writes it; the application must not fail for our sake."""
        assert self.change.backfill is not None
        value = f"({self.facts.value_over_new or self.change.backfill.value})"
        lacking = shape.placeholder if shape.not_null == "from-start" else "NULL"
        lines = (
            f"  DECLARE CONTINUE HANDLER FOR SQLEXCEPTION SET NEW.{self.column} = {lacking};\n"
            f"  SET NEW.{self.column} = {value};\n"
        )
        if shape.not_null == "from-start":
            # Not COALESCE, which makes a text of the value where one of the two is a text.
            lines += f"  IF NEW.{self.column} IS NULL THEN SET NEW.{self.column} = {lacking}; END IF;\n"
        return f"{lines}END"

    def _sync(self, shape: Shape) -> tuple[Statement, ...]:
        lines = self._sync_body(shape)
        mark = f"column_console_{hashlib.sha256(lines.encode()).hexdigest()[:32]}"
        body = f"BEGIN\n  DECLARE {mark} INT;\n{lines}"
        return tuple(
            self._trigger(f"sync-{event.lower()}", name, event, body, mark)
            for event, name in (("INSERT", self.names.insert_trigger), ("UPDATE", self.names.update_trigger))
        )

    def _trigger(self, step: str, name: str, event: str, body: str, mark: str) -> Statement:
        """The trigger, known again by a mark in it: the catalog keeps its text converted, in another spelling."""
        marked = f"LOCATE('{mark}', ACTION_STATEMENT)"
        there = self._trigger_there(name)
        create = (
            f"CREATE TRIGGER {self.names.trigger(name)} BEFORE {event} ON {self.table} FOR EACH ROW\n{body}"
        )
        return self.statement(
            step,
            create,
            EXCLUSIVE,
            script=f"{self._drop_if_there(name)}\nDELIMITER //\n{TAG}{create}//\nDELIMITER ;",
            done_when=f"SELECT EXISTS ({there} AND {marked} > 0)",
            clear=f"{TAG}DROP TRIGGER {self.names.trigger(name)}",
            clear_when=f"SELECT EXISTS ({there} AND {marked} = 0)",
        )

    def _drop_if_there(self, name: str) -> str:
        return f"{TAG}DROP TRIGGER IF EXISTS {self.names.trigger(name)};"

    def _trigger_there(self, name: str) -> str:
        return (
            f"SELECT 1 FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = {literal(self.facts.schema)}"
            f" AND TRIGGER_NAME = {literal(name)}"
        )

    def _drop_sync(self) -> tuple[Statement, ...]:
        # The triggers before the column: left behind, they would make every write of the application fail.
        return tuple(
            self.statement(
                f"drop-{step}",
                f"DROP TRIGGER {self.names.trigger(name)}",
                EXCLUSIVE,
                done_when=f"SELECT NOT EXISTS ({self._trigger_there(name)})",
                script=self._drop_if_there(name),
            )
            for step, name in (
                ("sync-update", self.names.update_trigger),
                ("sync-insert", self.names.insert_trigger),
            )
        )

    # -- finish

    def _finish(self, shape: Shape) -> tuple[Statement, ...]:
        out = list(self._drop_sync() if shape.trigger else ())
        if not self.default and not self.change.nullable and self._has_default_of_ours(shape):
            out.append(
                self.alter(
                    "drop-default",
                    f"ALTER COLUMN {self.column} DROP DEFAULT",
                    done_when=f"SELECT {self.column_is(f' AND NOT ({self.has_default()})')}",
                )
            )
        return (*out, self._drop_progress())

    @staticmethod
    def _has_default_of_ours(shape: Shape) -> bool:
        return shape.instant_value or shape.not_null == "from-start"

    def _create_progress(self) -> Statement:
        """First of all, so that an interrupted walk is known for one; gone again when the column is all there is."""
        return self.statement(
            CREATE_PROGRESS,
            self.names.create_progress,
            "",
            on=self.names.progress,
            done_when=f"SELECT {self.names.has_progress} OR {self.column_is()}",
        )

    def _drop_progress(self) -> Statement:
        return self.statement(
            DROP_PROGRESS,
            f"DROP TABLE {self.names.progress}",
            EXCLUSIVE,
            on=self.names.progress,
            conflicts="nobody: the table is ours alone",
            done_when=f"SELECT NOT {self.names.has_progress}",
        )

    # -- backfill and verify, as templates: <after> and <upto> are the ends of the range. Without a key there are
    # none, and preflight has a blocker.

    def _batches(self, shape: Shape, *, again: bool) -> tuple[Statement, ...]:
        if self.facts.key is None:
            return ()
        walk = Walk(self.change, self.facts, shape, repairs=again)
        return (
            self.statement(
                "batch",
                walk.fill(self.table, "<after>", "<upto>"),
                ROWS,
                cost="batches",
                guarded=False,
                script=script(walk, self.names.trigger(f"{self.names.insert_trigger}_fill")),
            ),
        )

    def _verify(self, shape: Shape) -> tuple[Statement, ...]:
        if self.facts.key is None:
            return ()
        walk = Walk(self.change, self.facts, shape)
        return (
            self.statement(
                "compare",
                walk.compare(self.table, "<after>", "<upto>"),
                READ,
                cost="scan",
                guarded=False,
                script=check(walk, self.names.trigger(f"{self.names.insert_trigger}_check")),
            ),
        )
