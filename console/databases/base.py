"""What a database fulfils, and the facts and errors it gives back.

A `Database` is opened for one change file. It hands out three kinds of work, each on connections of its own, so
that none waits for another:

- `Inspector` looks, read-only, before anything is touched;
- `Worker` holds the runner's advisory lock and does the work, on one connection;
- `Watcher` takes the readings, each second, and cancels or ends sessions.

Times are seconds. Server times are Unix seconds. Errors are the classes below, each with one sentence for people.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from console.change import Change, ChangeFile, Frozen
from console.events import Evidence, LockWait, ReadingName, Replica, ServerSession
from console.facts import Preflight, TableFacts
from console.plan import Statement, Writer

# -- Errors


class DatabaseError(Exception):
    """What went wrong, in one sentence; `remedy` is what mends it, where that is known."""

    def __init__(self, text: str, remedy: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.text}. {self.remedy}".strip() if self.remedy else self.text


class Unreachable(DatabaseError):
    """No connection can be made: host, port, password, database, certificate."""


class NotFound(DatabaseError):
    """The table, or a column that the change names, is not there."""


class BadExpression(DatabaseError):
    """The value or default does not parse, names a missing column, or has the wrong type."""


class LockTimeout(DatabaseError):
    """The lock was not had within the lock timeout."""


class Retry(DatabaseError):
    """Deadlock, serialization failure: harmless, do it again."""


class StatementTimeout(DatabaseError):
    """The statement ran into its time limit."""


class Cancelled(DatabaseError):
    """The statement was cancelled from outside, by us or by someone else."""


class ConnectionLost(DatabaseError):
    """The connection went away; whether the statement took effect, the database must tell."""


class BadRow(DatabaseError):
    """The value could not be computed for a row: division by zero, a bad cast, a failed check."""


class Refused(DatabaseError):
    """The server refused for any other reason: privileges, a constraint, a full disk."""


class RunnerLockHeld(DatabaseError):
    """Another session holds the advisory lock of this change."""

    def __init__(self, text: str, holder: ServerSession | None, remedy: str = "") -> None:
        super().__init__(text, remedy)
        self.holder = holder


# -- The walk over the key


class Piece(Frozen, frozen=True):
    """A relation to walk: the table itself, or one partition of it. `name` is quoted as SQL."""

    name: str
    rows: int


KeyValue = tuple[str, ...]
"""The key's columns as text, in the server's own spelling; casting each back gives the key."""


class Cursor(Frozen, frozen=True):
    """How far the walk has come: in `piece`, all keys up to `after`; the pieces before it are kept beside it."""

    piece: str = ""
    """The piece's name; empty: none is begun."""
    after: KeyValue | None = None
    """None: before the first key."""
    upto: KeyValue | None = None
    """The piece's last key when its walk began, so that the walk ends however fast rows are added."""
    rows: int = 0
    """Rows filled so far."""
    scanned: int = 0
    """Rows passed so far."""
    batches: int = 0
    finished: bool = False


class Filled(Frozen, frozen=True):
    """What a committed batch did."""

    rows: int
    """Rows filled."""
    scanned: int
    """Rows in the range."""
    cursor: Cursor
    """The cursor as it was committed with the batch."""
    skipped_locked: bool = False
    """The fallback that skips locked rows was needed."""


class Compared(Frozen, frozen=True):
    """What comparing a range of keys told."""

    rows: int
    different: tuple[KeyValue, ...]
    """The first few keys that differ."""
    upto: KeyValue | None
    """The last key compared; None where the piece has no key after the start."""
    differences: int = 0


# -- What a database hands out


class Inspector(Protocol):
    """Looks, read-only: every connection is in read-only mode."""

    async def inspect(self, change: Change) -> TableFacts:
        """The table as it is. Raises NotFound, BadExpression."""
        ...

    async def preflight(self, file: ChangeFile, facts: TableFacts) -> Preflight:
        """All findings, worst first, and what the change will cost."""
        ...

    async def close(self) -> None: ...


class Worker(Protocol):
    """Does the work, on one connection, which also holds the advisory lock of the change.

    Any method may raise ConnectionLost; then `connect` again (which takes the lock again), look, and go on.
    """

    pid: int
    """The server's id of the working session; 0 while there is none."""
    needs_vacuum: bool
    """Whether a table grows under batches unless it is vacuumed on the way."""
    unwatched: bool
    """Set from outside while nobody can see who queues behind our statement: none then waits at others' cost."""

    @property
    def busy(self) -> bool:
        """Whether a statement is under way just now."""
        ...

    async def connect(self, waiting: Callable[[str], None] | None = None) -> None:
        """Connects and takes the lock. Raises Unreachable, RunnerLockHeld.

        A lock that a dead runner's session still holds is waited for a little; `waiting` is told.
        """
        ...

    async def close(self) -> None: ...

    async def run(self, statement: Statement, lock_timeout: float) -> None:
        """Runs a statement of the plan, under the lock timeout where it is guarded.

        Others may wait longer where nobody waits behind them, or, while watched, where much work would be lost.
        Raises LockTimeout, Retry, Cancelled, BadRow, Refused, ConnectionLost.
        """
        ...

    async def holds(self, query: str) -> bool:
        """The truth of a `done_when` query."""
        ...

    async def execute(self, sql: str, lock_timeout: float) -> None:
        """Runs a `clear` statement, waiting at most `lock_timeout` seconds for its lock (0: as long as it takes)."""
        ...

    async def prepare_progress(self) -> None:
        """Makes the progress table where it is missing. Harmless when it is there."""
        ...

    async def load(self, item: str) -> bytes | None:
        """What was stored under `item`, or None (also where there is no progress table)."""
        ...

    async def store(self, item: str, value: bytes) -> None:
        """Stores `value` under `item`, committed on return."""
        ...

    async def forget(self, but: Sequence[str], instead: str) -> None:
        """Forgets everything stored but those items, and stores `instead`, in one transaction."""
        ...

    async def make_way(self, table: str) -> None:
        """Has autovacuum give way on a table, without holding up readers and writers. Raises LockTimeout."""
        ...

    async def pieces(self) -> tuple[Piece, ...]:
        """The relations to walk, in a fixed order."""
        ...

    async def fill(
        self,
        item: str,
        cursor: Cursor,
        size: int,
        *,
        skip_locked: bool = False,
        leave_out: Sequence[KeyValue] = (),
    ) -> Filled:
        """Fills up to `size` rows after the cursor, and stores the new cursor under `item` in the same transaction.

        `skip_locked` goes round rows that others hold and comes back for them: slower, but never waits.

        Raises LockTimeout, StatementTimeout, Retry, BadRow, Cancelled, ConnectionLost; then nothing was changed.
        """
        ...

    async def failing_keys(
        self, item: str, cursor: Cursor, size: int, limit: int, leave_out: Sequence[KeyValue] = ()
    ) -> tuple[tuple[KeyValue, str], ...]:
        """The keys among the next `size` after the cursor whose value fails, each with the error."""
        ...

    async def gaps(
        self,
        piece: Piece,
        after: KeyValue | None,
        size: int,
        leave_out: Sequence[KeyValue] = (),
        *,
        null_valued: bool = False,
    ) -> Compared:
        """The rows among the next `size` keys of a piece that lack their value, read-only; as `differences`.

        With `null_valued`, those too whose expression gives NULL. Raises BadRow where an expression fails.
        """
        ...

    async def compare(
        self, piece: Piece, after: KeyValue | None, size: int, leave_out: Sequence[KeyValue] = ()
    ) -> Compared:
        """Compares value and expression over the next `size` keys of a piece, read-only."""
        ...

    async def vacuum(self, piece: Piece) -> str:
        """Vacuums a piece; what it removed, in words, or raises Refused with why it would be useless now."""
        ...


class Activity(Frozen, frozen=True):
    """The server's activity as of now; `transactions` is a counter, of the target database alone.

    What the role may not see is None, never 0; then `why` says so and `remedy` is what mends it.
    """

    transactions: int
    active: int | None
    """Sessions at work on the whole server, other than ours."""
    connections: int
    oldest: ServerSession | None
    """The oldest transaction that is not ours."""
    oldest_began: float | None
    """Unix time."""
    history: int | None = None
    """Undo records that no purge could remove yet, where the server counts them (MySQL and MariaDB)."""
    why: str = ""
    remedy: str = ""


class BuildProgress(Frozen, frozen=True):
    """What a long statement of ours is at, as the server tells."""

    doing: str
    done: float
    total: float
    unit: str
    waits_for: ServerSession | None = None


class Watcher(Protocol):
    """Takes the readings. Each call has a deadline of its own and raises DatabaseError where it can't be met.

    `to_session` turns Unix seconds of the server into the session's clock `t`.
    """

    async def lock_waits(self, ours: frozenset[int]) -> tuple[LockWait, ...]:
        """Who waits for a lock, and the roots they wait for; those of `ours` marked."""
        ...

    async def activity(self) -> Activity: ...

    async def replicas(self) -> tuple[Replica, ...]:
        """Each replica seen at the start, or discovered since, by the position clock; vanished ones too."""
        ...

    async def blockers(self, pid: int) -> tuple[ServerSession, ...]:
        """The sessions that hold up the session `pid`, roots first."""
        ...

    async def queued_behind(self, pid: int) -> int:
        """How many sessions stand behind the session `pid`, directly or not; cheap enough for ten times a second.

        Raises Refused where this user may not see them.
        """
        ...

    async def progress(self, pid: int) -> BuildProgress | None:
        """What the server says of the long statement that session `pid` runs."""
        ...

    async def holders(self, table: str) -> tuple[ServerSession, ...]:
        """The sessions that hold a lock on the table in a transaction, oldest first."""
        ...

    async def cancel(self, session: ServerSession) -> bool:
        """Cancels the session's statement, if it is still the one meant (id and start time); whether it was."""
        ...

    async def cancel_ours(self, pid: int) -> bool:
        """Cancels the statement of a session of this process."""
        ...

    async def terminate(self, session: ServerSession) -> bool:
        """Ends the session, if it is still the one meant (id and start time); whether it was."""
        ...

    def lacking(self, reading: ReadingName) -> tuple[str, str]:
        """What the last of these readings had to leave out and why, and what mends it; empty where it was whole."""
        ...

    async def close(self) -> None: ...


class Evidences(Protocol):
    """The proofs that gates and phases ask for, each as numbers from the database."""

    async def replicas(self) -> tuple[Evidence, ...]:
        """The column visible, and replay advancing, on every replica."""
        ...

    async def dual_writes(self) -> tuple[Evidence, ...]:
        """Of the rows written since the phase began, how many carry the value."""
        ...

    async def reads(self) -> tuple[Evidence, ...]:
        """Old and new value on the newest rows; statements seen that use the column."""
        ...

    async def finished(self) -> tuple[Evidence, ...]:
        """Nothing of ours left; primary and replicas as planned."""
        ...

    async def close(self) -> None: ...


class Database(Protocol):
    """One target and its replicas, for one change file."""

    name: str
    """Host and database, for a header; no user, no password."""

    def writer(self, facts: TableFacts) -> Writer: ...

    async def inspector(self) -> Inspector:
        """Raises Unreachable."""
        ...

    def worker(self, facts: TableFacts) -> Worker: ...

    async def watcher(self, facts: TableFacts, to_session: Callable[[float], float]) -> Watcher: ...

    async def evidences(self, facts: TableFacts, worker: Worker) -> Evidences: ...
