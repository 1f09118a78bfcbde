"""Who waits for whom by the rules of metadata locks: the server lists the locks and not the blockers. Pure.

`sys.schema_table_lock_waits` is no help: it has an ALTER wait for itself, and those behind the ALTER wait for a reader
that is not in their way. The tables below are those of the servers' `sql/mdl.cc` (its comments "Compatibility (or
rather "incompatibility") matrices"): what a request can't stand beside when it is granted, and what may overtake it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from console.change import Frozen

_READS = frozenset({"SHARED_READ"})
_WRITES = frozenset({"SHARED_WRITE", "SHARED_WRITE_LOW_PRIO"})
_EXCLUSIVE = frozenset({"EXCLUSIVE"})
_LOCKS = frozenset({"SHARED_NO_READ_WRITE", "EXCLUSIVE"})
_ALL = frozenset(
    {
        "SHARED",
        "SHARED_HIGH_PRIO",
        *_READS,
        *_WRITES,
        "SHARED_UPGRADABLE",
        "SHARED_READ_ONLY",
        "SHARED_NO_WRITE",
        *_LOCKS,
    }
)

# Request -> the granted locks of others that it waits for.
_GRANTED: dict[str, frozenset[str]] = {
    "SHARED": _EXCLUSIVE,
    "SHARED_HIGH_PRIO": _EXCLUSIVE,
    "SHARED_READ": _LOCKS,
    "SHARED_WRITE": _LOCKS | {"SHARED_READ_ONLY", "SHARED_NO_WRITE"},
    "SHARED_WRITE_LOW_PRIO": _LOCKS | {"SHARED_READ_ONLY", "SHARED_NO_WRITE"},
    "SHARED_UPGRADABLE": _LOCKS | {"SHARED_UPGRADABLE", "SHARED_NO_WRITE"},
    "SHARED_READ_ONLY": _LOCKS | _WRITES,
    "SHARED_NO_WRITE": _LOCKS | _WRITES | {"SHARED_UPGRADABLE", "SHARED_NO_WRITE"},
    "SHARED_NO_READ_WRITE": _ALL - {"SHARED", "SHARED_HIGH_PRIO"},
    "EXCLUSIVE": _ALL,
}
# Request -> the waiting requests of others that it may not overtake.
_PENDING: dict[str, frozenset[str]] = {
    "SHARED": _EXCLUSIVE,
    "SHARED_READ": _LOCKS,
    "SHARED_WRITE": _LOCKS | {"SHARED_NO_WRITE"},
    "SHARED_WRITE_LOW_PRIO": _LOCKS | {"SHARED_NO_WRITE", "SHARED_READ_ONLY"},
    "SHARED_UPGRADABLE": _EXCLUSIVE,
    "SHARED_READ_ONLY": _LOCKS | {"SHARED_WRITE"},
    "SHARED_NO_WRITE": _EXCLUSIVE,
    "SHARED_NO_READ_WRITE": _EXCLUSIVE,
}
# MariaDB's backup lock: what statements take, which stand beside each other; the rest keep them out.
_BACKUP_BY_STATEMENTS = frozenset(
    {
        "BACKUP_DML",
        "BACKUP_TRANS_DML",
        "BACKUP_SYS_DML",
        "BACKUP_DDL",
        "BACKUP_ALTER_COPY",
        "BACKUP_COMMIT",
        "BACKUP_BLOCK_DDL",
    }
)


class Lock(Frozen, frozen=True):
    """A metadata lock, granted or waited for."""

    pid: int
    """The session's connection id; 0 where the owner has none, negative for an applier without one."""
    kind: str
    """What it is on: `TABLE`, `SCHEMA`, `GLOBAL`, `USER LEVEL LOCK`, ..."""
    schema: str
    name: str
    mode: str
    granted: bool


class Waiting(Frozen, frozen=True):
    """A lock that a session waits for, of whatever sort, and the sessions that keep it from it."""

    pid: int
    blocked_by: frozenset[int]
    mode: str
    on: str
    """In words."""
    schema: str = ""
    table: str = ""
    """The table that it is about, where it is about one."""
    of_all: bool = False
    """Whether it keeps from every table alike: the global read lock, a backup's."""


def metadata_waits(locks: Iterable[Lock]) -> list[Waiting]:
    """Everyone that waits, with those in the way. All locks of an object that is waited for must be given.

    >>> def lock(pid, mode, granted):
    ...     return Lock(pid=pid, kind="TABLE", schema="shop", name="orders", mode=mode, granted=granted)
    >>> found = metadata_waits([
    ...     lock(1, "SHARED_READ", True),
    ...     lock(2, "SHARED_UPGRADABLE", True),
    ...     lock(2, "EXCLUSIVE", False),
    ...     lock(3, "SHARED_WRITE", False),
    ... ])
    >>> [(one.pid, one.mode, sorted(one.blocked_by), one.on) for one in found]
    [(2, 'EXCLUSIVE', [1], 'shop.orders'), (3, 'SHARED_WRITE', [2], 'shop.orders')]
    """
    objects: dict[tuple[str, str, str], list[Lock]] = {}
    for lock in locks:
        objects.setdefault((lock.kind, lock.schema, lock.name), []).append(lock)
    return [
        Waiting(
            pid=lock.pid,
            blocked_by=frozenset(other.pid for other in others if in_the_way(lock, other)),
            mode=lock.mode,
            on=place(lock),
            schema=lock.schema if lock.kind == "TABLE" else "",
            table=lock.name if lock.kind == "TABLE" else "",
            of_all=lock.kind in ("GLOBAL", "BACKUP", "COMMIT"),
        )
        for others in objects.values()
        for lock in others
        if not lock.granted
    ]


def in_the_way(request: Lock, other: Lock) -> bool:
    """Whether a request waits for the other's lock, or may not overtake the other's request, on the same object."""
    if other.pid == request.pid:
        return False
    if request.kind == "BACKUP":
        return other.granted and not {request.mode, other.mode} <= _BACKUP_BY_STATEMENTS
    if request.kind not in ("TABLE", "FUNCTION", "PROCEDURE", "TRIGGER", "EVENT", "USER LEVEL LOCK"):
        return other.granted and _scoped(request.mode, other.mode)
    if request.kind == "USER LEVEL LOCK":
        return other.granted
    rules = _GRANTED if other.granted else _PENDING
    return other.mode in rules.get(request.mode, _EXCLUSIVE if other.granted else frozenset())


def _scoped(request: str, granted: str) -> bool:
    """Whether two locks of a whole schema or server can't stand beside each other: of those, only like ones can."""
    return request != granted or request == "EXCLUSIVE"


def place(lock: Lock) -> str:
    """What is waited for, in words.

    >>> def on(kind, schema="", name=""):
    ...     return place(Lock(pid=1, kind=kind, schema=schema, name=name, mode="EXCLUSIVE", granted=False))
    >>> on("TABLE", "shop", "orders"), on("GLOBAL"), on("SCHEMA", "shop"), on("USER LEVEL LOCK", name="x")
    ('shop.orders', 'the global read lock', 'the database shop', 'an advisory lock')
    """
    match lock.kind:
        case "TABLE":
            return named(lock.schema, lock.name)
        case "SCHEMA":
            return f"the database {lock.schema}"
        case "USER LEVEL LOCK":
            return "an advisory lock"
        case "GLOBAL":
            return "the global read lock"
        case "BACKUP" | "BACKUP LOCK":
            return "the backup lock"
        case "COMMIT":
            return "the lock on commits"
    return f"{lock.kind.lower()} {named(lock.schema, lock.name)}".strip()


def named(schema: str, name: str) -> str:
    """A table for people.

    >>> named("shop", "orders"), named("", "orders")
    ('shop.orders', 'orders')
    """
    return ".".join(part for part in (schema, name) if part)


def holders_first(waits: Sequence[Waiting], ours: frozenset[int]) -> dict[int, tuple[int, ...]]:
    """For each session that waits those in its way: holders alone, and ours; others only where no one else holds.

    InnoDB has each wait for all that asked for the row before it: a queue of a hundred would name five thousand.

    >>> queue = [Waiting(pid=2, blocked_by=frozenset({1}), mode="X", on=""),
    ...          Waiting(pid=3, blocked_by=frozenset({1, 2}), mode="X", on="")]
    >>> holders_first(queue, frozenset()), holders_first(queue, frozenset({2}))
    ({2: (1,), 3: (1,)}, {2: (1,), 3: (1, 2)})
    """
    waiting = {wait.pid for wait in waits}
    found: dict[int, set[int]] = {}
    for wait in waits:
        found.setdefault(wait.pid, set()).update(wait.blocked_by - {wait.pid})
    kept = {}
    for pid, blockers in found.items():
        holders = {blocker for blocker in blockers if blocker not in waiting or blocker in ours}
        kept[pid] = tuple(sorted(holders or blockers, key=lambda blocker: (blocker in waiting, blocker)))
    return kept
