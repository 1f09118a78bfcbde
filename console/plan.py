"""Change + TableFacts -> Plan: which phases, which statements, what each locks, proves and undoes.

Pure. The words of SQL come from a `Writer`, which `console.databases` supplies; what is decided here is which
phases a change needs, in which order, and why one is left out. The runner carries out exactly what stands in
a plan, and `column-console plan` prints it.
"""

from __future__ import annotations

import hashlib
from typing import Literal, Protocol

import msgspec

from console.change import Change, Frozen, SessionRules
from console.facts import Column, Server, TableFacts

PhaseName = Literal[
    "preflight",
    "add-column",
    "replicas",
    "dual-writes",
    "backfill",
    "backfill-again",
    "verify",
    "constraints",
    "indexes",
    "reads",
    "finish",
]
Cost = Literal["metadata", "scan", "build", "batches", "reading"]
Does = Literal["reads", "statements", "gate", "backfill", "verify"]
NotNullRoute = Literal["later", "from-start", "rebuild", "nullable"]
"""`later`: set and validated after the backfill; `rebuild`: set in one rebuild of the table with the indexes."""

WRITES_FIRST: tuple[PhaseName, ...] = (
    "preflight",
    "add-column",
    "replicas",
    "dual-writes",
    "backfill",
    "verify",
    "constraints",
    "indexes",
    "reads",
    "finish",
)
BACKFILL_FIRST: tuple[PhaseName, ...] = (
    *WRITES_FIRST[:3],
    "backfill",
    "dual-writes",
    "backfill-again",
    *WRITES_FIRST[5:],
)


class Statement(Frozen, frozen=True):
    """One statement of the plan, exactly as it will run."""

    name: str
    """Names the statement within the plan, e.g. `validate-not-null`."""
    sql: str
    lock: str
    """The strongest lock it takes and on what: `ACCESS EXCLUSIVE on public.orders`."""
    conflicts: str
    """What that lock holds up, in words."""
    cost: Cost
    """`metadata`: an instant; `scan`: reads the table; `build`: reads and writes; `batches`: repeated."""
    done_when: str = ""
    """A read-only query of one boolean: true where the catalog shows the statement's effect."""
    guarded: bool = True
    """Runs under the lock timeout and the queue guard; false where a timeout would do harm."""
    clear: str = ""
    """A statement that removes what an earlier failed try left; runs where `clear_when` is true."""
    clear_when: str = ""
    script: str = ""
    """For the server's own client: the form in which it runs the statement, where that is another one."""
    on: str = ""
    """The table that is locked, quoted as SQL, where it is not the change's own (a partition, a parent)."""
    also_on: str = ""
    """A second table that is locked as strongly, quoted as SQL: the parent of a foreign key."""
    settings: tuple[tuple[str, str], ...] = ()
    """Session settings, name and value as SQL, that hold while the statement runs, and no longer."""
    otherwise: str = ""
    """What it means where the statement ran and `done_when` is still not true."""


class Phase(Frozen, frozen=True):
    """One step of the plan, which the operator starts with *Advance*."""

    name: PhaseName
    title: str
    does: Does
    purpose: str
    statements: tuple[Statement, ...] = ()
    evidence: tuple[str, ...] = ()
    """What must be shown before the phase counts as passed."""
    undo: tuple[Statement, ...] = ()
    undo_text: str = "nothing to undo"
    irreversible: bool = False
    """Asks for the table's name before it runs."""
    left_out: str = ""
    """Why the change does not need this phase; empty where it does."""


class Plan(Frozen, frozen=True):
    """The phases of a change on one database, in order."""

    key: str
    """`Change.key`."""
    title: str
    server: Server
    table: str
    phases: tuple[Phase, ...]
    proposals: tuple[str, ...] = ()
    """What the plan chose where there was a choice, and why."""
    session: tuple[str, ...] = ()
    """The statements that set a session of ours, before any of the plan's."""

    def phase(self, name: str) -> Phase:
        """The phase called `name`; KeyError where the plan has none."""
        for phase in self.phases:
            if phase.name == name:
                return phase
        raise KeyError(name)

    @property
    def digest(self) -> str:
        """Sixteen characters; two plans with one digest do the same."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:16]


class Shape(Frozen, frozen=True):
    """What the plan decided, and the writer of statements needs to know."""

    instant_value: bool = False
    """The constant value is added as the column's default, as metadata alone: no backfill."""
    trigger: bool = False
    backfill: bool = False
    not_null: NotNullRoute = "later"
    """How NOT NULL is reached, where it is wanted."""
    placeholder: str = ""
    """A literal that unfilled rows read, where the column is NOT NULL from the start."""
    complete: bool = False
    """The column has all that the change leaves, from a walk that was finished: no row is written."""


class Writer(Protocol):
    """Writes a database's statements. Pure: made from a change and its facts."""

    session: tuple[str, ...]
    """The statements that set a session of ours."""

    def choose(self, shape: Shape) -> tuple[Shape, tuple[str, ...]]:
        """The shape, with what is left to choose on this database; and proposals that say what was chosen and why."""
        ...

    def statements(self, phase: PhaseName, shape: Shape) -> tuple[Statement, ...]:
        """The statements that carry the phase out, in order."""
        ...

    def undo(self, phase: PhaseName, shape: Shape) -> tuple[Statement, ...]:
        """The statements that undo the phase, in order."""
        ...


TITLES: dict[PhaseName, str] = {
    "preflight": "Preflight",
    "add-column": "Add column",
    "replicas": "Replicas",
    "dual-writes": "Dual writes",
    "backfill": "Backfill",
    "backfill-again": "Backfill again",
    "verify": "Verify",
    "constraints": "Constraints",
    "indexes": "Indexes",
    "reads": "Reads",
    "finish": "Finish",
}


def make_plan(change: Change, facts: TableFacts, writer: Writer, rules: SessionRules | None = None) -> Plan:
    """The plan for `change` on the table that `facts` describes.

    A constant value becomes the column's default at once, where that is metadata alone and nobody has to
    keep rows in step meanwhile: the fastest backfill is none.
    """
    change = change.in_schema(facts.schema)
    shape, chosen = writer.choose(first_shape(change, facts))
    proposals = []
    if shape.instant_value and change.backfill:
        proposals.append(
            f"The value {change.backfill.value} is the same for every row, so it is added as the column's default, "
            "as metadata alone: no row is rewritten, and there is nothing to backfill or to keep in step."
        )
    if change.backfill and change.backfill.sync == "none" and not shape.instant_value:
        proposals.append(
            "sync = none: rows written between the backfill and the default stay NULL until they are swept up "
            "before the constraints."
        )
    order = WRITES_FIRST
    if change.backfill and change.backfill.order == "backfill-first" and not shape.instant_value:
        order = BACKFILL_FIRST
    phases = tuple(_phase(name, change, shape, writer, volatile=facts.value_volatile) for name in order)
    return Plan(
        key=change.key,
        title=change.title,
        server=facts.server,
        table=facts.name,
        phases=phases,
        proposals=(*proposals, *chosen),
        session=writer.session,
    )


def first_shape(change: Change, facts: TableFacts) -> Shape:
    """What is decided on every database alike."""
    if change.backfill is None:
        return Shape()
    if facts.value_constant and (facts.existing is None or _came_with_its_value(change, facts.existing)):
        return Shape(instant_value=True)
    return Shape(backfill=True, trigger=change.backfill.sync == "trigger")


def _came_with_its_value(change: Change, existing: Column) -> bool:
    """Whether the column that is there already is one that an earlier run added with its constant value."""
    says_something = not existing.nullable or existing.default is not None
    return (
        says_something
        and existing.nullable == change.nullable
        and (existing.default is not None or change.default is None)
    )


def _phase(name: PhaseName, change: Change, shape: Shape, writer: Writer, *, volatile: bool) -> Phase:
    left_out = _left_out(name, change, shape, volatile=volatile)
    statements = () if left_out else writer.statements(name, shape)
    if name == "constraints" and not statements:
        left_out = left_out or "default and NOT NULL came with the column, or come with the indexes"
    if left_out:
        return Phase(
            name=name,
            title=TITLES[name],
            does="reads",
            purpose=_purpose(name, change, shape),
            left_out=left_out,
        )
    return Phase(
        name=name,
        title=TITLES[name],
        does=_does(name, shape),
        purpose=_purpose(name, change, shape),
        statements=statements,
        evidence=_evidence(name, change, shape),
        undo=writer.undo(name, shape),
        undo_text=_undo_text(name, shape),
        irreversible=name == "finish",
    )


def _left_out(name: PhaseName, change: Change, shape: Shape, *, volatile: bool) -> str:
    backfill = change.backfill
    if name == "verify" and volatile and not shape.instant_value:
        return "the value is volatile: computed again it differs, and so would every row"
    if shape.instant_value and name == "verify":
        return "the constant came with the column, and what the application writes is its own"
    if shape.instant_value and name in ("dual-writes", "backfill", "backfill-again"):
        return "the constant value is the column's default from the start"
    if shape.complete and name in ("dual-writes", "backfill", "backfill-again"):
        return (
            "the column is there as planned, and no walk of it is under way: its rows are the application's"
        )
    if name == "dual-writes":
        if backfill is None:
            return "no backfill: nobody has to keep rows in step"
        if backfill.sync == "none":
            return "sync = none"
    if backfill is None and name in ("backfill", "backfill-again", "verify"):
        return "no [backfill] in the change file: existing rows stay NULL"
    if name == "indexes" and not change.indexes:
        return "no [[indexes]] in the change file"
    if name == "indexes" and shape.not_null == "rebuild":
        return "built together with NOT NULL, in one rebuild of the table"
    if name == "constraints" and change.reference is None:
        if shape.instant_value:
            return "default and NOT NULL came with the column, in one statement"
        if change.nullable and change.default is None:
            return "no default, NOT NULL or [references] in the change file"
    return ""


def _does(name: PhaseName, shape: Shape) -> Does:
    match name:
        case "preflight" | "replicas":
            return "reads"
        case "dual-writes":
            return "statements" if shape.trigger else "gate"
        case "backfill" | "backfill-again":
            return "backfill"
        case "verify":
            return "verify"
        case "reads":
            return "gate"
        case _:
            return "statements"


def _purpose(name: PhaseName, change: Change, shape: Shape) -> str:
    column = change.column
    match name:
        case "preflight":
            return "Look before anything is touched: reads only."
        case "add-column":
            if shape.instant_value:
                return f"Add {column} with its constant value as default: metadata only."
            if shape.not_null == "from-start":
                return f"Add {column}, NOT NULL, with the placeholder {shape.placeholder} as default: metadata only."
            return f"Add {column}, nullable and without default: metadata only."
        case "replicas":
            return f"See that {column} has arrived on every replica, and that each is advancing."
        case "dual-writes":
            if shape.trigger:
                return f"Install the sync trigger, so that every row written from now on carries {column}."
            return f"Wait until the application that writes {column} is deployed."
        case "backfill":
            if shape.not_null == "from-start":
                return f"Put the value over the placeholder in {column}, batch by batch, in key order, throttled."
            return f"Fill {column} in the existing rows, batch by batch, in key order, throttled."
        case "backfill-again":
            return "Fill what was written between the backfill and the dual writes."
        case "verify":
            return f"Compare {column} with its expression, range by range, read-only."
        case "constraints":
            if shape.not_null == "rebuild":
                return (
                    "NOT NULL, default and indexes in one online rebuild of the table; then the foreign key."
                )
            return "Default, NOT NULL and foreign key, each in the form that does not block."
        case "indexes":
            return "Build the indexes online."
        case "reads":
            return f"Wait until the application that reads {column} is deployed."
        case "finish":
            return "Remove what is ours, and see that primary, replicas and plan agree."


def _evidence(name: PhaseName, change: Change, shape: Shape) -> tuple[str, ...]:
    column = change.column
    match name:
        case "preflight":
            return ("no blocker",)
        case "add-column":
            return (f"the catalog shows {column} {change.type}, as planned",)
        case "replicas":
            return (f"{column} visible on every replica", "every replica is advancing")
        case "dual-writes":
            if shape.trigger:
                return (
                    "the trigger is in place and enabled",
                    f"of the rows written since, 100 % carry {column}",
                )
            return (f"of the rows written since, 100 % carry {column}",)
        case "backfill" | "backfill-again":
            if shape.not_null == "from-start":
                lacking = f"no row that reads the placeholder (where that is not its value) in {column}"
            else:
                lacking = f"no row without {column} (where its value is not NULL)"
            return ("the upper bound of the key is reached", lacking)
        case "verify":
            return ("0 differences, with the number of rows compared",)
        case "constraints":
            return ("the catalog shows each as validated",)
        case "indexes":
            return ("the catalog shows each as valid",)
        case "reads":
            return ("old and new value agree on the newest rows", f"statements that use {column} seen")
        case "finish":
            return ("nothing of ours left", "primary, replicas and plan agree")


def _undo_text(name: PhaseName, shape: Shape) -> str:
    match name:
        case "add-column":
            return "drop the column: metadata only, its values are lost"
        case "dual-writes":
            return "drop the trigger" if shape.trigger else "deploy the previous application"
        case "backfill" | "backfill-again":
            return "drop the column (or set it back to NULL, by batches)"
        case "constraints":
            return "drop each"
        case "indexes":
            return "drop each, online"
        case "finish":
            return "none: the trigger and the progress table are gone"
        case _:
            return "nothing to undo"
