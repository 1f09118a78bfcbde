"""What a plan is made of: statements, phases, the plan itself, the shape of its walk, and who writes its statements.

Pure data. The words of SQL come from a `Writer`, which `console.databases` supplies.
"""

from __future__ import annotations

import hashlib
from typing import Literal, Protocol

import msgspec

from console.change import Frozen
from console.facts import Server

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


CREATE_PROGRESS, DROP_PROGRESS = "create-progress", "drop-progress"
"""The statements on the progress table, which is ours: the first of a plan, and the last."""


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
