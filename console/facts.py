"""What a database told us about itself: the facts that the plan is made from, and the findings of preflight.

Pure data, filled in by `console.databases` and read by everything else. Sizes are bytes, times are seconds,
counts are rows unless a name says otherwise.
"""

from __future__ import annotations

from typing import Literal

from console.change import Frozen, Kind

Severity = Literal["blocker", "warning", "note"]
TableKind = Literal["ordinary", "partitioned", "partition", "foreign", "temporary", "view", "other"]
ReplicaState = Literal["streaming", "stalled", "conflict", "gone", "unread"]


class Server(Frozen, frozen=True):
    """The server: its family, version and name for people."""

    kind: Kind
    version: str
    """As the server prints it, e.g. `18.6`."""
    number: int
    """Comparable: 180006 on PostgreSQL, 80036 on MySQL 8.0.36."""
    name: str
    """Host and database for a header, without user or password: `db1.internal/shop`."""


class Column(Frozen, frozen=True):
    """A column as the catalog shows it; `type` in the catalog's spelling."""

    name: str
    type: str
    nullable: bool
    default: str | None = None
    generated: bool = False


class Key(Frozen, frozen=True):
    """The key that the backfill walks: a primary key or a unique index over NOT NULL columns."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    primary: bool
    collations: tuple[str, ...] = ()
    """For each column the collation that orders it, empty for one that is no text (MySQL and MariaDB)."""


class Instant(Frozen, frozen=True):
    """Whether the server can add the column to the table as metadata alone, and what it does where it can't."""

    possible: bool
    why_not: str = ""
    """What stands in the way, as part of a sentence: `the table has a FULLTEXT index`."""
    algorithm: Literal["INSTANT", "INPLACE", "COPY"] = "INSTANT"
    """What the plan asks for: the best that the server takes."""
    blocks_writes: bool = False
    """Whether writes to the table stand still as long as that takes."""
    not_null_blocks: str = ""
    """Why writes stand still while NOT NULL is set by a rebuild, as part of a sentence; empty: they do not."""
    row_versions: int | None = None
    """Instant operations that the table holds already; None where there is nothing to count or it can't be seen."""
    row_versions_limit: int = 0
    """How many it can hold until it is rebuilt; 0: no limit."""


class Partition(Frozen, frozen=True):
    """A leaf of a partitioned table, with its own name, quoted as SQL."""

    name: str
    rows: int = 0


class TableFacts(Frozen, frozen=True):
    """The table as it is now. `name` is quoted as SQL, ready to stand in a statement."""

    server: Server
    name: str
    schema: str
    kind: TableKind
    key: Key | None
    columns: tuple[Column, ...]
    rows: int
    bytes: int
    index_bytes: int = 0
    index_count: int = 0
    partitions: tuple[Partition, ...] = ()
    existing: Column | None = None
    """The column to add, where the table has it already."""
    type: str = ""
    """The change's type in the catalog's spelling (`int` -> `integer`), empty if it could not be read."""
    value_constant: bool = False
    """The backfill's value needs no column of the row and no volatile function."""
    value_volatile: bool = False
    """The value may differ each time it is computed (a random number, a new uuid)."""
    value_columns: tuple[str, ...] = ()
    """The columns of the row that the backfill's value reads."""
    value_literal: str = ""
    """The constant value as a literal, where a default must be one (MySQL, MariaDB); empty: not constant."""
    value_volatile_names: tuple[str, ...] = ()
    """What makes it so, where it can be named: `rand`, `now`."""
    value_over_new: str = ""
    """The value over the columns of NEW, for a trigger that can't take it as it is (MySQL, MariaDB)."""
    value_over_new_why_not: str = ""
    """Why it can't be written over NEW, as part of a sentence."""
    default_sql: str = ""
    """The change's default as it stands after DEFAULT: in brackets, where the server wants them."""
    instant: Instant = Instant(possible=True)
    placeholder: str = ""
    """A literal of the change's type that rows can read until they are filled; empty: the type takes none."""
    before_triggers: tuple[str, ...] = ()
    """Other BEFORE row triggers, which may change a source column behind an `UPDATE OF` trigger's back."""
    stamped_columns: tuple[str, ...] = ()
    """Columns that every update sets to its own time (ON UPDATE CURRENT_TIMESTAMP), unless it sets them itself."""
    reference_table: str = ""
    """The referenced table, quoted as SQL."""
    begun: str = ""
    """The shape of an unfinished walk, as it was stored (MySQL, MariaDB); empty: none is known."""
    complete: bool = False
    """The column has all that the change leaves, and no walk is under way (MySQL, MariaDB)."""


class Finding(Frozen, frozen=True):
    """One thing that preflight saw. A blocker stops the walk; a warning wants a look; a note informs."""

    code: str
    """Stable and greppable, e.g. `key.none`."""
    severity: Severity
    seen: str
    """What was seen, in one sentence, with the database's own numbers."""
    remedy: str = ""
    """What to do about it, empty where there is nothing to do."""


class Estimate(Frozen, frozen=True):
    """What the change will cost, as far as it can be told beforehand."""

    rows: int
    wal_bytes: int
    disk_bytes: int
    seconds_low: float
    seconds_high: float


class Preflight(Frozen, frozen=True):
    """All that preflight found, worst first."""

    findings: tuple[Finding, ...]
    estimate: Estimate | None = None

    @property
    def blockers(self) -> tuple[Finding, ...]:
        """The findings that forbid to go on."""
        return tuple(finding for finding in self.findings if finding.severity == "blocker")
