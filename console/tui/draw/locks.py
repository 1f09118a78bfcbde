"""The lock waits, as a tree of who blocks whom: our own statement marked, whoever holds it up above it, whoever
queues behind it below. The order is the one in which they began, so rows do not jump about."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len

from console.events import LockWait
from console.tui.draw.readings import OLD_TRANSACTION, failure
from console.tui.lines import Line, Part, cut, fit, left, line, right
from console.tui.view import View
from console.tui.waits import NOT_SENT, WAITS, last_try, waits
from console.words import age, plural


@dataclass(frozen=True)
class Node:
    """A session in the tree."""

    wait: LockWait
    prefix: str
    also: tuple[int, ...]
    """Further sessions that block it, which stand elsewhere in the tree."""


def tree(known_waits: tuple[LockWait, ...], glyphs_of: View) -> list[Node]:
    """The sessions, blockers above those they block; each stands once.

    A session that several block stands under the first of them. A ring (a deadlock, until the server breaks it)
    begins with the session that waited first.
    """
    known = {wait.session.pid: wait for wait in known_waits}
    parent: dict[int, int | None] = {}
    for wait in known_waits:
        blockers = [pid for pid in wait.blocked_by if pid in known and pid != wait.session.pid]
        parent[wait.session.pid] = next((pid for pid in blockers if not _above(parent, pid, wait)), None)
    children: dict[int | None, list[LockWait]] = {}
    for wait in known_waits:
        children.setdefault(parent[wait.session.pid], []).append(wait)
    glyphs = glyphs_of.glyphs
    out: list[Node] = []

    def add(wait: LockWait, trunk: str, branch: str) -> None:
        up = parent[wait.session.pid]
        also = tuple(pid for pid in wait.blocked_by if pid != up)
        out.append(Node(wait, trunk + branch, also))
        below = children.get(wait.session.pid, [])
        deeper = trunk + ("" if not branch else "  " if branch == glyphs.last_branch else glyphs.trunk)
        for number, child in enumerate(below, 1):
            add(child, deeper, glyphs.last_branch if number == len(below) else glyphs.branch)

    for root in children.get(None, []):
        add(root, "", "")
    return out


def _above(parent: dict[int, int | None], pid: int | None, wait: LockWait) -> bool:
    """Whether `wait` is already above `pid`: to hang it under that would close a ring."""
    while pid is not None:
        if pid == wait.session.pid:
            return True
        pid = parent.get(pid)
    return False


def summary(view: View) -> Line:
    """How many wait, how long the longest, and how many of them behind us."""
    session = view.session
    waiting = [wait for wait in session.lock_waits if wait.mode]
    parts: list[Part] = []
    tried = last_try(session)
    if tried is not None and not waiting:
        seen = age(view.now - tried.began - tried.seconds)
        verb = "holds" if len(tried.holders) == 1 else "hold"
        parts.append(
            (f"{plural(len(tried.holders), 'session')} {verb} what ours needs, seen {seen} ago", "warn")
        )
    elif not waiting:
        parts.append(_nobody(view))
    else:
        longest = max(view.now - wait.began for wait in waiting)
        parts.append((f"{plural(len(waiting), 'session')} waiting, the longest {age(longest)}", "strong"))
        ours = {wait.session.pid for wait in session.lock_waits if wait.session.ours}
        behind = sum(1 for wait in waiting if ours.intersection(wait.blocked_by))
        if ours:
            limit = session.header.limits.get("lock_queue") if session.header else None
            bound = f" of at most {limit:g}" if limit else ""
            parts += ["   ", (f"{behind} behind us{bound}", "warn" if behind else "label")]
    read = session.sample.locks_at if session.sample else None
    if session.sample is not None and view.is_old(read) and session.ended is None:
        old = "never read" if read is None else f"OLD: read {age(view.now - read)} ago"
        parts += ["   ", (old, "warn")]
    return line(*parts)


def _nobody(view: View) -> Part:
    held = view.session.held
    if held is None or not held.holders or view.session.ended is not None:
        return "nobody waits for a lock", "ok"
    count = len(held.holders) + held.others
    verb = "holds" if count == 1 else "hold"
    return f"nobody waits, but {plural(count, 'old transaction')} {verb} {' or '.join(held.tables)}", "warn"


def draw(view: View, width: int, height: int) -> list[Line]:
    """The summary, the tree, and why it can't be read where it can't."""
    ellipsis = view.glyphs.ellipsis
    broken = failure(view, "locks", width)
    nodes = tree(waits(view.session), view)
    lines = [] if broken else [summary(view)]
    lines += broken
    room = height - len(lines) - len(nodes)
    if room >= 1:
        lines += _activity(view)
    if nodes and room >= 2:
        lines.append(line((_headings(width), "dim")))
    lines += [_row(view, node, width) for node in nodes]
    return [fit(row, width, ellipsis) for row in lines]


def _activity(view: View) -> list[Line]:
    """How busy the server is, and its oldest transaction: what a lock would wait for."""
    sample = view.session.sample
    if sample is None or sample.activity_at is None:
        return []
    parts: list[Part] = []
    if sample.connections is not None and sample.active is not None:
        parts.append((f"{plural(sample.connections, 'session')}, {sample.active:>3} at work", "label"))
    if sample.oldest_transaction is not None:
        open_for = view.now - sample.oldest_transaction
        said = f"   oldest transaction open for {age(open_for):>3}"
        parts.append((said, "warn" if open_for > OLD_TRANSACTION else "label"))
    if sample.transactions_per_second is not None:
        parts.append((f"   {sample.transactions_per_second:>5.0f} transactions/s", "label"))
    if sample.p99_ms is not None:
        version = f" ({sample.application_version})" if sample.application_version else ""
        parts.append((f"   application{version} p99 {sample.p99_ms:>5.1f} ms", "label"))
    if view.is_old(sample.activity_at) and view.session.ended is None:
        parts.append((f"   OLD: read {age(view.now - sample.activity_at)} ago", "warn"))
    return [line(*parts)]


def _widths(width: int) -> tuple[int, int, int]:
    """Cells for the session, for what it wants, and for its application; the query takes the rest."""
    if width >= 150:
        return 36, 44, 22
    if width >= 100:
        return 24, 24, 18
    return (20, 22, 0) if width >= 64 else (20, max(12, width - 28), 0)


def _headings(width: int) -> str:
    who, wants, application = _widths(width)
    names = left("session", who) + " " + left("waits for", wants)
    if application:
        names += " " + left("application", application)
    return f"{'age':>5} {names} query"


def _wants(view: View, wait: LockWait) -> str:
    """What it waits for; the table of the change itself goes without saying. A root says what it does instead."""
    header = view.session.header
    own_table = header is not None and wait.on in (header.table, "")
    where = "" if own_table else f" on {wait.on}"
    if wait.mode in (NOT_SENT, WAITS):
        running = view.session.statement
        at = running.next_try_at if running is not None else None
        return f"{wait.mode}, next try in {age(at - view.now)}" if at is not None else wait.mode
    if wait.mode:
        return f"{wait.mode}{where}"
    return f"{wait.session.state or 'holds'}{where}"


def _row(view: View, node: Node, width: int) -> Line:
    wait, session, ellipsis = node.wait, node.wait.session, view.glyphs.ellipsis
    who_width, wants_width, application_width = _widths(width)
    since = wait.began if wait.mode else session.transaction_began
    waited = "" if since is None else age(view.now - since)
    mark = f"{view.glyphs.root} " if not node.prefix else f"{node.prefix} "
    style = "ours" if session.ours else "warn" if not wait.mode else ""
    also = f"(also behind {', '.join(map(str, node.also))}) " if node.also else ""
    # A statement that was not sent has no process of its own yet.
    who = f"{mark}{session.pid} " if session.pid else mark
    room_for_name = max(0, who_width - cell_len(who))
    name: list[Part] = [(left(session.user, room_for_name, ellipsis), style)]
    if session.ours:
        name = [(" OURS ", "on-ok"), " " * max(0, room_for_name - 6)]
    parts: list[Part] = [
        (right(waited, 5), "label" if wait.mode else "warn"),
        " ",
        (cut(who, who_width, ellipsis), style),
        *name,
        " ",
        (left(_wants(view, wait), wants_width, ellipsis), style),
    ]
    room = width - 8 - who_width - wants_width
    if application_width:
        parts += [" ", (left(session.application, application_width, ellipsis), "label")]
        room -= application_width + 1
    query = cut(also + " ".join(session.query.split()), max(0, room), ellipsis)
    parts += [" ", (query, "sql")]
    return line(*parts, key=f"pid {session.pid}")
