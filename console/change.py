"""What is to be added: the change file as typed, frozen data.

Pure data. Nothing here reads a file or talks to a database: `console.config` makes these objects from a
change file, and everything else takes them as given.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

Kind = Literal["postgresql", "mysql", "mariadb"]
Sync = Literal["trigger", "application", "none"]
Order = Literal["writes-first", "backfill-first"]
OnDelete = Literal["no action", "restrict", "cascade", "set null", "set default"]
Advance = Literal["manual", "auto"]
NotNull = Literal["auto", "from-start", "rebuild", "nullable"]


class Frozen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """The base of our data objects: frozen, compared by value, built by keyword."""


class TableName(msgspec.Struct, frozen=True):
    """A table as the change file names it: optional schema (database on MySQL), and name, both unquoted.

    >>> str(TableName("public", "orders")), str(TableName(None, "orders"))
    ('public.orders', 'orders')
    """

    schema: str | None
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


class Backfill(Frozen, frozen=True):
    """How existing rows get their value; a change without one leaves them NULL."""

    value: str
    """SQL over the row's own columns."""
    sync: Sync = "trigger"
    """Who fills the rows that are written meanwhile."""
    order: Order = "writes-first"
    """Whether the writers are deployed before or after the backfill."""
    vacuum: bool = True
    """Vacuum on the way, each tenth of the table (PostgreSQL)."""


class Index(Frozen, frozen=True):
    """An index to build, online, once the column is filled."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    where: str | None = None


class Reference(Frozen, frozen=True):
    """A foreign key on the new column."""

    table: TableName
    column: str
    on_delete: OnDelete = "no action"


class Change(Frozen, frozen=True):
    """One column added to one table."""

    table: TableName
    column: str
    type: str
    nullable: bool = True
    not_null: NotNull = "auto"
    """How NOT NULL is reached on MySQL and MariaDB, which have no way to set it later without a rebuild."""
    default: str | None = None
    """An SQL expression for rows written after the change; set last."""
    comment: str | None = None
    backfill: Backfill | None = None
    indexes: tuple[Index, ...] = ()
    reference: Reference | None = None

    def in_schema(self, schema: str) -> Change:
        """The change with its table's schema named, as the server found it: `orders` and `public.orders` are one."""
        if self.table.schema is not None:
            return self
        return msgspec.structs.replace(self, table=TableName(schema, self.table.name))

    @property
    def key(self) -> str:
        """Ten characters that name this change in the database: the same table and column, the same key.

        >>> change = Change(table=TableName("public", "orders"), column="placed_on", type="date")
        >>> change.key, len(change.key)
        ('11a24bef2d', 10)
        """
        text = f"{self.table.schema or ''}\0{self.table.name}\0{self.column}"
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    @property
    def title(self) -> str:
        """`public.orders.placed_on`, for headers and file names' readers."""
        return f"{self.table}.{self.column}"


class Window(msgspec.Struct, frozen=True):
    """A daily maintenance window: minutes after midnight, in a named time zone; `start` may be after `end`."""

    start: int
    end: int
    zone: str = "UTC"

    def __str__(self) -> str:
        def clock(minutes: int) -> str:
            return f"{minutes // 60:02}:{minutes % 60:02}"

        return f"{clock(self.start)}-{clock(self.end)} {self.zone}"


class Limits(Frozen, frozen=True):
    """What the work may cost the application. Times in seconds, sizes in rows or sessions."""

    replication_lag: float = 2.0
    lock_timeout: float = 1.0
    """How long a DDL statement may wait for its lock, and so the longest stall it can cause."""
    lock_queue: int = 10
    """Sessions that may queue behind a waiting DDL statement before it is cancelled."""
    lock_retries: int = 30
    batch_time: float = 0.1
    rows_per_second: float = 0
    """0: as fast as the other limits allow."""
    running_queries: int = 0
    """Active sessions above which the backfill slows; 0: learnt in preflight."""
    workers: int = 1
    window: Window | None = None


class SessionRules(Frozen, frozen=True):
    """Who may do what, and what the runner does when nobody watches."""

    advance: Advance = "manual"
    on_disconnect: str = "continue"
    """`continue`, `pause`, or `pause after DURATION`."""
    controllers: tuple[str, ...] = ()
    """Login names; empty: the owner of the process."""
    observers: tuple[str, ...] = ("*",)
    observers_may_pause: bool = False
    group: str = ""
    """The system's group whose members may come in, as far as the two lists name them; empty: nobody else."""
    two_person: bool = False
    approval_time: float = 600.0
    """Seconds within which a second person must approve."""
    record_literals: bool = False


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where the change is made. The repr hides what may hold a password."""

    kind: Kind
    url: str
    replicas: tuple[str, ...] = ()
    password_command: str | None = None

    def __repr__(self) -> str:
        return f"Target(kind={self.kind!r}, url=<hidden>, replicas={len(self.replicas)})"


class ChangeFile(msgspec.Struct, frozen=True, kw_only=True):
    """A whole change file, parsed and checked."""

    path: str
    target: Target
    change: Change
    limits: Limits
    session: SessionRules

    def in_schema(self, schema: str) -> ChangeFile:
        """The change file with its table's schema named; see `Change.in_schema`."""
        return msgspec.structs.replace(self, change=self.change.in_schema(schema))
