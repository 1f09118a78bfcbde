"""Readings that failed or are old, in the same words in each panel; and the panel of the replicas."""

from __future__ import annotations

from console.events import Replica
from console.tui.lines import Line, Part, fit, left, line, paragraph
from console.tui.view import View
from console.words import age, size

OLD_TRANSACTION = 5.0
"""Seconds; an older transaction may hold a lock that DDL would wait for."""

STATES = {
    "streaming": ("STREAMING", "ok"),
    "stalled": ("STALLED", "err"),
    "conflict": ("CONFLICT", "err"),
    "gone": ("GONE", "err"),
    "unread": ("UNREAD", "warn"),
}


def failure(view: View, reading: str, width: int) -> list[Line]:
    """Why a reading can't be had, since when, and what mends it; nothing where it can."""
    failed = view.session.failures.get(reading)
    if failed is None:
        return []
    since = age(view.now - failed.t)
    lines = [line(("CAN'T READ ", "err"), (f"for {since}", "warn"))]
    lines += paragraph(failed.why, width, "warn", "  ")
    if failed.remedy:
        lines += paragraph(f"to mend it: {failed.remedy}", width, "strong", "  ")
    return lines


def replicas(view: View, width: int, height: int) -> list[Line]:
    """The replicas: state in a word, lag, bytes, last reply, the server's own figure, and what holds it up."""
    session = view.session
    lines = failure(view, "replication", width)
    sample = session.sample
    if sample is None or (not sample.replicas and not lines):
        lines.append(line(("no replica" if sample else "no reading yet", "dim")))
        return lines
    read = sample.replication_at
    old = not view.stands(read, "replication") and session.ended is None
    if old and not lines:
        said = "never read" if read is None else f"OLD: read {age(view.now - read)} ago"
        lines.append(line((said, "warn")))
    limit = session.header.limits.get("replication_lag") if session.header else None
    for replica in sample.replicas:
        lines += _replica(view, replica, limit, width, old=old)
    return [fit(row, width, view.glyphs.ellipsis) for row in lines]


def _replica(view: View, replica: Replica, limit: float | None, width: int, *, old: bool) -> list[Line]:
    word, style = STATES[replica.state]
    if old:
        style = "dim"
    lag = replica.lag
    over = lag is not None and limit is not None and lag > limit
    shown = f"{lag:6.1f} s" if lag is not None else "  lag ?"
    lag_style = "dim" if old else "err" if over or lag is None else "strong"
    name = left(replica.name, max(6, min(24, width - 26)), view.glyphs.ellipsis)
    parts: list[Part] = [(name, "dim" if old else ""), " ", (left(word, 9), style), " ", (shown, lag_style)]
    if over:
        parts.append((" OVER", "err" if not old else "dim"))
    details: list[str] = []
    if replica.bytes is not None:
        details.append(f"{size(replica.bytes)} behind")
    if replica.replied is not None:
        details.append(f"replied {age(view.now - replica.replied)} ago")
    if replica.server_lag is not None:
        details.append(f"server says {replica.server_lag:.1f} s")
    lines = [line(*parts, key=f"replica {replica.name}")]
    if replica.why:
        lines += paragraph(replica.why, width, "warn", "  ")
    if replica.slot:
        lines += paragraph(f"its slot is {replica.slot}", width, "warn", "  ")
    lines += [line((f"  {row}", "label")) for row in _packed(details, width - 2, f" {view.glyphs.dot} ")]
    return lines


def _packed(items: list[str], width: int, between: str) -> list[str]:
    """Items on as few lines as they fit on.

    >>> _packed(["24 kB behind", "replied 1s ago", "server says 0.4 s"], 32, " - ")
    ['24 kB behind - replied 1s ago', 'server says 0.4 s']
    """
    rows: list[str] = []
    for item in items:
        if rows and len(rows[-1]) + len(between) + len(item) <= width:
            rows[-1] += between + item
        else:
            rows.append(item)
    return rows
