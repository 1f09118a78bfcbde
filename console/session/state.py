"""What a session is made of. Frozen; times stand on the session's own clock `t`, in seconds."""

from __future__ import annotations

from typing import Literal

import msgspec

from console import events
from console.change import Frozen
from console.facts import Preflight
from console.plan import Plan

PhaseState = Literal[
    "ahead", "running", "passed", "already-done", "left-out", "skipped", "parked", "failed", "undone"
]


class PhaseView(Frozen, frozen=True, omit_defaults=True):
    """A phase as far as it has come."""

    name: str
    title: str
    state: PhaseState = "ahead"
    began: float | None = None
    seconds: float | None = None
    evidence: tuple[events.Evidence, ...] = ()
    text: str = ""
    done: float = 0.0
    total: float = 0.0
    unit: str = ""
    doing: str = ""


class StatementView(Frozen, frozen=True, omit_defaults=True):
    """A statement that runs or ran; `outcome` is None while it runs."""

    phase: str
    name: str
    sql: str
    lock: str
    began: float
    attempt: int = 1
    pid: int = 0
    outcome: events.StatementOutcome | None = None
    seconds: float = 0.0
    text: str = ""
    holders: tuple[events.ServerSession, ...] = ()
    queued: int = 0
    next_try_at: float | None = None


class Point(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One second of the charts. `lags` has an entry for each of `Session.replica_names`."""

    t: float
    rows_per_second: float
    lags: tuple[float | None, ...]
    tps: float | None = None
    p99_ms: float | None = None
    waiting: int = 0


class LogLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A line of the log: when (session's clock), level and text."""

    t: float
    level: str
    text: str


class Client(Frozen, frozen=True, omit_defaults=True):
    """A screen that is attached."""

    client: str
    name: str
    role: str
    since: float
    uid: int = -1
    claims: str = ""


class InControl(Frozen, frozen=True):
    """Who may act. It stays theirs while they are away, until somebody takes it."""

    name: str
    uid: int
    client: str = ""
    """The screen that has it; empty where they have none."""
    since: float = 0.0
    claims: str = ""


class Looking(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a client has before them. Times stand on the session's clock."""

    client: str
    dialog: str = ""
    """The title of the dialog that is open; empty: none."""
    since: float = 0.0
    """When it was opened, or the last one closed."""
    pressed: str = ""
    """What was pressed last, in words."""
    pressed_at: float | None = None


class Totals(Frozen, frozen=True, omit_defaults=True):
    """What the whole session added up to."""

    rows_backfilled: int = 0
    batches: int = 0
    retries: int = 0
    batch_retries: int = 0
    """Those of `retries` that were batches, not DDL."""
    max_replication_lag_s: dict[str, float] = {}
    max_lock_queue: int = 0
    max_lock_queue_s: float = 0.0
    """The longest that a session stood behind a statement of ours, in seconds."""
    verified_rows: int = 0
    differences: int = 0
    throttled_s: float = 0.0
    throttles: int = 0
    """How often the backfill was stopped by what it reads."""


class Session(Frozen, frozen=True, omit_defaults=True):
    """One run of a plan, as far as its events go."""

    t: float = 0.0
    s: int = 0
    header: events.Header | None = None
    plan: Plan | None = None
    advance: str = "manual"
    preflight: Preflight | None = None
    state: events.RunnerState = "starting"
    reason: str = ""
    waits_for: str = ""
    phase: str = ""
    """The phase that runs, or that is next."""
    phases: tuple[PhaseView, ...] = ()
    statement: StatementView | None = None
    statements: tuple[StatementView, ...] = ()
    batches: events.Batches | None = None
    throttle: tuple[events.Reason, ...] = ()
    throttle_since: float | None = None
    operator_throttle: events.OperatorThrottle | None = None
    sample: events.Sample | None = None
    replica_names: tuple[str, ...] = ()
    history: tuple[Point, ...] = ()
    lock_waits: tuple[events.LockWait, ...] = ()
    """In the order in which they began; roots that only hold (no mode) among them."""
    held: events.TableHeld | None = None
    """Who holds the tables that the next phase locks; None: nobody looks."""
    failures: dict[str, events.ReadingFailed] = {}
    keys: tuple[events.KeysListed, ...] = ()
    log: tuple[LogLine, ...] = ()
    actions: tuple[events.ActionChanged, ...] = ()
    clients: tuple[Client, ...] = ()
    control: InControl | None = None
    """Who has control; None: nobody."""
    totals: Totals = Totals()
    ended: events.Ended | None = None
    looking: tuple[Looking, ...] = ()
    """What those who are attached have before them, as far as their screens tell it."""

    def view(self, phase: str) -> PhaseView | None:
        """The phase called `phase`, or None."""
        return next((view for view in self.phases if view.name == phase), None)

    @property
    def current(self) -> PhaseView | None:
        """The phase that runs, or that is next."""
        return self.view(self.phase)

    @property
    def open_actions(self) -> tuple[events.ActionChanged, ...]:
        """The actions that have not come to their result, the oldest first."""
        return tuple(action for action in self.actions if action.state in events.OPEN_STATES)

    @property
    def in_control(self) -> Client | None:
        """The screen of who has control; None where nobody has it, or its holder is away."""
        held = self.control.client if self.control is not None else ""
        return next((client for client in self.clients if held and client.client == held), None)
