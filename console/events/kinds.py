"""The events themselves, each one JSON object: see `console.events`."""

from __future__ import annotations

from typing import Literal

import msgspec

from console.events.things import Evidence, LockWait, Owner, Reason, Replica, ServerSession
from console.facts import Preflight, Server
from console.plan import Plan

FORMAT = 2

RunnerState = Literal["starting", "waiting", "running", "paused", "parked", "ended"]
PhaseOutcome = Literal["passed", "already-done", "left-out", "skipped", "parked", "failed", "undone"]
Outcome = Literal["completed", "parked", "rolled-back", "failed"]
ActionState = Literal["armed", "running", "done", "refused", "cancelled", "expired"]
OPEN_STATES: tuple[ActionState, ...] = ("armed", "running")
"""The states of an action whose result is still to come."""
ControlWay = Literal["attached", "back", "requested", "handed-over", "taken-over", "released"]
"""How control came: to who attached while nobody had it, to a screen that is back, on request, ..."""
StatementOutcome = Literal[
    "done", "already-done", "lock-timeout", "queue-guard", "cancelled", "error", "lost"
]
ReadingName = Literal["locks", "holders", "activity", "replication", "application", "progress"]


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag=True):
    """The base of all events."""

    t: float = 0.0
    s: int = 0


# -- The session as a whole


class Header(Event, frozen=True, tag="header"):
    """The first line of a recording: what, where, when, by whom."""

    format: int
    product: str
    session: str
    started: str
    """Wall clock, ISO 8601 with offset."""
    started_unix: float
    change_key: str
    title: str
    table: str
    column: str
    change_file: str
    server: Server
    host: str
    owner: str
    pid: int
    resumed: bool = False
    limits: dict[str, float] = {}
    window: str = ""
    """The maintenance window, as the change file says it."""
    one_control: bool = False
    """At most one person has control at a time; false: written by a version in which every operator had."""
    observers_may_pause: bool = False


class Planned(Event, frozen=True, tag="plan"):
    """The plan as made, whole."""

    plan: Plan
    advance: str = "manual"


class StateChanged(Event, frozen=True, tag="state"):
    """The runner starts, waits for a person, works, is paused, parks or ends, and why."""

    state: RunnerState
    reason: str = ""
    waits_for: str = ""
    """What would take it on: `advance`, `evidence`, `retry`, `resume`; empty while it works."""


class Ended(Event, frozen=True, tag="ended"):
    """The last event of a session."""

    outcome: Outcome
    exit_status: int
    text: str


class Snapshot(Event, frozen=True, tag="snapshot"):
    """The whole session so far (`console.session`), as JSON: each minute, and for a client that attaches."""

    session: msgspec.Raw
    whole: bool = False
    """Nothing is left out, so it stands for all that came before it, its own number included."""


class Log(Event, frozen=True, tag="log"):
    """A line of narration."""

    level: Literal["info", "warning", "error"]
    text: str


class Note(Event, frozen=True, tag="note"):
    """A person's remark."""

    text: str
    by: str


# -- Phases and statements


class PreflightDone(Event, frozen=True, tag="preflight"):
    """What preflight found."""

    preflight: Preflight


class PhaseBegan(Event, frozen=True, tag="phase-began"):
    """A phase is being carried out."""

    phase: str


class PhaseEvidence(Event, frozen=True, tag="evidence"):
    """The evidence of a gate or phase, as it stands now."""

    phase: str
    evidence: tuple[Evidence, ...]


class PhaseEnded(Event, frozen=True, tag="phase-ended"):
    """A phase is through, or stopped."""

    phase: str
    outcome: PhaseOutcome
    seconds: float = 0.0
    evidence: tuple[Evidence, ...] = ()
    text: str = ""


class StatementBegan(Event, frozen=True, tag="statement-began"):
    """A statement of the plan was sent."""

    phase: str
    name: str
    sql: str
    lock: str = ""
    attempt: int = 1
    pid: int = 0
    """The server's id of our own session that runs it."""


class StatementEnded(Event, frozen=True, tag="statement-ended"):
    """A statement came back. A failed try for a lock says who held it and when the next try is."""

    phase: str
    name: str
    outcome: StatementOutcome
    seconds: float = 0.0
    attempt: int = 1
    attempts: int = 1
    text: str = ""
    holders: tuple[ServerSession, ...] = ()
    queued: int = 0
    """The most sessions that stood behind it."""
    next_try: float | None = None
    """Seconds until the next try."""


class Progressed(Event, frozen=True, tag="progress"):
    """How far a phase is: `done` of `total` units, and what it does just now."""

    phase: str
    done: float
    total: float
    unit: str = "rows"
    doing: str = ""


# -- Backfill and verification


class Batches(Event, frozen=True, tag="batches"):
    """The batches committed since the last such event, at most a second ago; each took its cursor along."""

    rows: tuple[int, ...]
    """Rows filled, by batch."""
    milliseconds: tuple[float, ...]
    """Time taken, by batch."""
    size: int
    """Rows that the next batch aims at."""
    done: int
    """Rows filled so far, over all runs of this change."""
    scanned: int
    """Rows of the key's range passed so far, of `total`."""
    total: int
    cursor: str
    """The key up to which all is done, as text."""
    retries: int = 0


class Throttled(Event, frozen=True, tag="throttle"):
    """The reasons that hold the backfill back changed; none: it runs freely."""

    reasons: tuple[Reason, ...]
    again: bool = False
    """The reasons are those of before; only their readings are new."""


class OperatorThrottle(Event, frozen=True, tag="operator-throttle"):
    """The operator's own throttle: percent of the free pace, rows per second (0: no bound)."""

    percent: float
    rows_per_second: float
    by: str
    expires: float | None = None
    """On the session's clock `t`."""


class KeysListed(Event, frozen=True, tag="keys"):
    """Keys that differ from the expression (`verify`), fail in it (`failing`), or were left out (`skipped`)."""

    what: Literal["different", "failing", "skipped"]
    keys: tuple[str, ...]
    total: int
    text: str = ""


class Verified(Event, frozen=True, tag="verified"):
    """How many rows `verify` compared so far, and how many differ."""

    rows: int
    differences: int


# -- Readings


class Sample(Event, frozen=True, tag="sample"):
    """The readings of one second. None: not read. Each group of figures carries the time at which it was read."""

    rows_per_second: float = 0.0
    activity_at: float | None = None
    transactions_per_second: float | None = None
    active: int | None = None
    connections: int | None = None
    oldest_transaction: float | None = None
    """When the oldest transaction began, on the session's clock `t`."""
    history: int | None = None
    """Undo records that no purge could remove yet (MySQL and MariaDB)."""
    locks_at: float | None = None
    waiting: int = 0
    """Sessions waiting for a lock on the table or on what its waiters touch."""
    queued_behind_us: int = 0
    replication_at: float | None = None
    replicas: tuple[Replica, ...] = ()
    application_at: float | None = None
    application_version: str = ""
    application_tps: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


class LockWaitsChanged(Event, frozen=True, tag="lock-waits"):
    """Lock waits that began or changed, and the ids of those that ended. A root has no mode."""

    began: tuple[LockWait, ...] = ()
    ended: tuple[int, ...] = ()


class TableHeld(Event, frozen=True, tag="table-held"):
    """The old transactions that hold a table which the phase that is next locks: told while it waits for a person."""

    tables: tuple[str, ...] = ()
    """Those looked at, as SQL; empty: none is looked at any more."""
    holders: tuple[ServerSession, ...] = ()
    """The oldest transaction first, at most a few."""
    others: int = 0
    """More holders, which are not listed."""


class ReadingFailed(Event, frozen=True, tag="reading-failed"):
    """A reading can't be had; why, and the statement or deed that mends it."""

    reading: str
    why: str
    remedy: str = ""


class ReadingMended(Event, frozen=True, tag="reading-mended"):
    """A reading is back."""

    reading: str


# -- People


class Attached(Event, frozen=True, tag="attached"):
    """A screen attached."""

    client: str
    owner: Owner
    role: Literal["operator", "observer"]
    instead_of: str = ""
    """The client that this screen was before its link broke; empty: a new one."""


class Detached(Event, frozen=True, tag="detached"):
    """A screen left."""

    client: str
    name: str
    why: str = ""


class ScreenChanged(Event, frozen=True, tag="screen"):
    """What a person has before them, as their screen tells it: what it shows over the session, and what they pressed.
    What they type is not told."""

    client: str
    dialog: str = ""
    """The title of the dialog that is open; empty: none."""
    pressed: str = ""
    """What was pressed just now, in words; empty: nothing, the dialog alone changed."""


class ActionChanged(Event, frozen=True, tag="action"):
    """An action was asked for, or came to its result."""

    id: str
    action: str
    state: ActionState
    owner: Owner
    arguments: tuple[str, ...] = ()
    reason: str = ""
    text: str = ""
    """What it did, what it waits for, or why it was refused."""
    asked: float | None = None
    """When it was asked for, on the session's clock `t`; None: with this event."""
    due: float | None = None
    """Of an armed one: when it commits, or expires, on the session's clock `t`."""


class ControlChanged(Event, frozen=True, tag="control"):
    """Who may act is another: at most one person at a time has control."""

    how: ControlWay
    owner: Owner | None = None
    """Who has it now; None: nobody."""
    client: str = ""
    """The screen that has it; empty where its owner has none."""
    by: str = ""
    """Who brought it about."""
    reason: str = ""


AnyEvent = (
    Header
    | Planned
    | StateChanged
    | Ended
    | Snapshot
    | Log
    | Note
    | PreflightDone
    | PhaseBegan
    | PhaseEvidence
    | PhaseEnded
    | StatementBegan
    | StatementEnded
    | Progressed
    | Batches
    | Throttled
    | OperatorThrottle
    | KeysListed
    | Verified
    | Sample
    | LockWaitsChanged
    | TableHeld
    | ReadingFailed
    | ReadingMended
    | Attached
    | Detached
    | ScreenChanged
    | ActionChanged
    | ControlChanged
)
