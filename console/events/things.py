"""What events speak of: owners, evidence, database sessions, replicas, lock waits, reasons. Pure data."""

from __future__ import annotations

from console.change import Frozen
from console.facts import ReplicaState


class Evidence(Frozen, frozen=True):
    """One number or fact that the database gave for a gate or a phase, and whether it satisfies."""

    name: str
    seen: str
    holds: bool


class Owner(Frozen, frozen=True):
    """Who asked: the login name that the socket's peer credentials proved, and what the peer claims."""

    name: str
    uid: int = -1
    claims: str = ""
    """What cannot be proved: host, terminal, `SSH_CONNECTION`."""


class ServerSession(Frozen, frozen=True, omit_defaults=True):
    """A database session that holds or waits: known by its id *and* its start."""

    pid: int
    started: float = 0.0
    """Unix time at which it connected, as the server says; where it does not (MySQL), at which the server started."""
    user: str = ""
    application: str = ""
    state: str = ""
    query: str = ""
    """Literals replaced, unless the change file says `record_literals = true`."""
    transaction_began: float | None = None
    """On the session's clock `t`."""
    ours: bool = False


class Reason(Frozen, frozen=True, omit_defaults=True):
    """One reason that holds the backfill back."""

    name: str
    """`replication lag`, `stale reading`, `replica gone`, `load`, `batch time`, `operator`, `lock waits`, ..."""
    reading: str
    limit: str
    since: float = 0.0
    """On the session's clock `t`."""
    owner: str = ""
    stops: bool = True
    """True where it stops the work, false where it slows it down."""


class Replica(Frozen, frozen=True, omit_defaults=True):
    """One replica, as read now. `lag` is None where it could not be told."""

    name: str
    state: ReplicaState
    lag: float | None
    bytes: int | None = None
    replied: float | None = None
    """When it last answered, on the session's clock `t`."""
    server_lag: float | None = None
    """The server's own figure, shown beside ours."""
    why: str = ""
    """Who or what holds it up."""
    slot: str = ""
    """What is wrong with its replication slot (`inactive`, `extended`, `unreserved`, `lost`); empty: nothing."""


class LockWait(Frozen, frozen=True, omit_defaults=True):
    """A session that waits for a lock, or (mode empty) a root that only holds one."""

    session: ServerSession
    blocked_by: tuple[int, ...]
    mode: str = ""
    on: str = ""
    began: float = 0.0
    """When the wait began, on the session's clock `t`."""
