"""The phase that runs, or that is next: what it is for, what it does now, how far it is, and what holds it back."""

from __future__ import annotations

from console.events import OperatorThrottle
from console.session import PhaseView
from console.tui import eta
from console.tui.clock import clock
from console.tui.draw import gate, statement
from console.tui.draw.header import trouble, window_closes
from console.tui.lines import Line, Part, fit, left, line, paragraph
from console.tui.view import View
from console.words import age, count, duration, plural

BANNERS = {
    "starting": ("STARTING", "on-dim"),
    "paused": ("PAUSED", "on-warn"),
    "parked": ("PARKED", "on-err"),
}
OUTCOMES = {
    "completed": ("COMPLETED", "on-ok"),
    "parked": ("PARKED", "on-err"),
    "rolled-back": ("ROLLED BACK", "on-warn"),
    "failed": ("FAILED", "on-err"),
}


def title(view: View) -> str:
    """The title of the panel: the phase's own."""
    current = view.current
    return current.title if current else "Phase"


def draw(view: View, width: int, height: int) -> list[Line]:
    """What a person must know first stands first; the rest can be scrolled to."""
    session, current = view.session, view.current
    if current is None:
        return [*_lost(view, width), line(("waiting for the plan", "dim"))]
    phase = view.phase
    if session.ended is not None:
        return [
            fit(row, width, view.glyphs.ellipsis)
            for row in _spaced([banner(view, width), _totals(view)], height)
        ]
    sections = [
        _lost(view, width) or banner(view, width),
        paragraph(phase.purpose, width, "label") if phase else [],
        [*_progress(view, current, width), *throttle(view, width)],
        statement.draw(view, phase, width),
        [*gate.draw(view, phase, current, width), *_keys(view, width)],
    ]
    if current.text and current.state not in ("ahead", "running"):
        sections.append(paragraph(current.text, width, "warn"))
    if sum(map(len, sections)) > height:
        # What the phase is for is what a person knows already.
        del sections[1]
    return [fit(row, width, view.glyphs.ellipsis) for row in _spaced(sections, height)]


def _spaced(sections: list[list[Line]], height: int) -> list[Line]:
    """The sections one below another, with an empty line between them where there is room."""
    full = [section for section in sections if section]
    room = height >= sum(map(len, full)) + len(full) - 1
    lines: list[Line] = []
    for section in full:
        lines += [Line(), *section] if lines and room else section
    return lines


def _lost(view: View, width: int) -> list[Line]:
    """That the link is lost, what to type, and of when all this is; none of it is cut."""
    if not view.link or view.session.ended is not None:
        return []
    of = f"What stands here is of {clock(view.session.header, view.now)}."
    return [
        *_said("NO LINK", "on-err", view.way_back or view.link, width),
        *paragraph(f"{view.link.rstrip('.')}. {of}", width, "label"),
    ]


def banner(view: View, width: int) -> list[Line]:
    """What state it is in, why, and what takes it on. Nothing while it simply runs."""
    session = view.session
    if session.ended is not None:
        word, style = OUTCOMES[session.ended.outcome]
        return _said(word, style, session.ended.text, width)
    if session.state == "waiting":
        return _waiting(view, width)
    if session.state == "running" and session.reason:
        word, style = trouble(session.reason) or ("RUNNING", "on-warn")
        return _said(word, style, session.reason, width, "warn")
    if session.state not in BANNERS:
        return []
    word, style = BANNERS[session.state]
    lines = _said(word, style, session.reason, width)
    if session.state == "paused":
        lines.append(_hint(view, ("space", "resumes")))
    if session.state == "parked":
        also = (("S", "leave that row out"),) if _skippable(view) else ()
        lines.append(_hint(view, ("r", "try again"), *also, ("b", "roll back"), ("x", "stop here")))
    return lines


def _skippable(view: View) -> bool:
    return any(keys.what == "failing" for keys in view.session.keys)


def _waiting(view: View, width: int) -> list[Line]:
    session = view.session
    if session.waits_for == "evidence":
        lines = _said("WAITS FOR EVIDENCE", "on-warn", session.reason, width)
        return [*lines, _hint(view, ("n", "looks at it and goes on"), ("s", "skips the gate, with a reason"))]
    reason = session.reason or f"{title(view)} is next"
    lines = _said("WAITS FOR YOU", "on-warn", reason, width)
    return [*lines, _hint(view, ("n", f"shows what {title(view)} will do, and asks"))]


def _said(word: str, style: str, text: str, width: int, ink: str = "") -> list[Line]:
    rows = paragraph(text, max(10, width - len(word) - 4), ink)
    first = rows[0].spans if text else ()
    return [Line((*line((f" {word} ", style), "  ").spans, *first)), *_indented(rows[1:], len(word) + 4)]


def _indented(rows: list[Line], cells: int) -> list[Line]:
    return [line(" " * cells, *row.spans) for row in rows]


def _hint(view: View, *keys: tuple[str, str]) -> Line:
    """What a key does; greyed in a replay, which shows what the operator read."""
    live = view.mode == "live"
    parts: list[Part] = []
    for key, does in keys:
        parts += [(f" {key} ", "key" if live else "dim"), (f" {does}   ", "" if live else "dim")]
    return line(*parts)


# -- Progress


def bar(view: View, share: float, width: int) -> tuple[Part, Part]:
    """A bar of progress: the part that is done, and the rest."""
    glyphs = view.glyphs
    parts = len(glyphs.bar_part) + 1
    eighths = int(max(0.0, min(1.0, share)) * width * parts)
    full, rest = divmod(eighths, parts)
    partial = glyphs.bar_part[rest - 1] if rest else ""
    done = glyphs.bar_full * full + partial
    return (done, "fill"), (glyphs.bar_rest * (width - len(done)), "rest")


def _progress(view: View, current: PhaseView, width: int) -> list[Line]:
    if current.state == "ahead":
        return []
    lines: list[Line] = []
    if current.total > 0:
        share = current.done / current.total
        figures = (
            f"{count(current.done):>{len(count(current.total))}} of {count(current.total)} {current.unit}"
        )
        bar_width = max(10, width - len(figures) - 12)
        done, rest = bar(view, share, bar_width)
        percent = min(100.0, share * 100)
        lines.append(line(done, rest, (f" {percent:5.1f} %", "strong"), f"  {figures}"))
    if current.doing:
        lines.append(line(("now ", "label"), current.doing))
    rates, ends = _rates(view, current), _ends(view)
    both = line(*rates, *ends)
    lines += [both] if both.width <= width else [line(*rates), line(*ends)]
    return [row for row in lines if row.spans]


def _rates(view: View, current: PhaseView) -> list[Part]:
    session, batches = view.session, view.session.batches
    if not current.name.startswith("backfill") or current.state != "running" or batches is None:
        return []
    sample = session.sample
    rate = count(sample.rows_per_second) if sample and view.stands(sample.t) else "?"
    parts: list[Part] = [(f"{rate:>7} rows/s", "strong" if rate != "?" else "err"), "   "]
    if batches.milliseconds:
        took = duration(batches.milliseconds[-1] / 1000)
        parts += [("batch ", "label"), f"{count(batches.size)} rows, last {took:>6}", "   "]
    if session.totals.batch_retries:
        parts += [(plural(session.totals.batch_retries, "retry"), "warn"), "   "]
    return parts


def _ends(view: View) -> list[Part]:
    """When it will be through: a range, against the end of the window."""
    found = eta.eta(view.session, view.now)
    if found is None or view.session.state != "running":
        return []
    if any(reason.stops for reason in view.session.throttle):
        # It stands still: nobody knows for how long.
        found = found[0], float("inf")
    parts: list[Part] = [("ETA ", "label"), (eta.words(found), "strong")]
    closes = window_closes(view.session, view.now)
    if closes is not None:
        soonest, latest = view.now + found[0], view.now + found[1]
        if soonest > closes:
            parts += ["  ", ("past the end of the window", "err")]
        elif latest != float("inf"):
            late = latest > closes
            parts += ["  ", ("may run past the window", "warn") if late else ("inside the window", "label")]
    return parts


# -- What holds it back


def throttle(view: View, width: int) -> list[Line]:
    """Each reason that holds the backfill back, and the operator's own throttle; all of them, always."""
    session = view.session
    if session.ended is not None:
        return []
    own = _own(view)
    lines = []
    for reason in session.throttle:
        word, style = ("STOPS", "err") if reason.stops else ("SLOWS", "warn")
        parts: list[Part] = [(f"{word} ", style), (f"{reason.name} {reason.reading}", style)]
        if reason.limit and reason.limit != reason.reading:
            parts.append((f"  limit {reason.limit}", "label"))
        if reason.owner:
            parts.append(f"  by {reason.owner}")
        parts.append((f" since {age(view.now - reason.since)}", "label"))
        if reason.name == "operator" and own is not None and own.expires is not None:
            parts.append((f"  ends in {age(own.expires - view.now)}", "label"))
        lines.append(line(*parts))
    told = any(reason.name == "operator" for reason in session.throttle)
    if own is not None and not told:
        lines.append(line(("SLOWS ", "warn"), (f"operator {own_throttle(view)}", "warn")))
    return lines


def _own(view: View) -> OperatorThrottle | None:
    """The operator's own throttle while it holds anything back."""
    own = view.session.operator_throttle
    if own is None or (own.expires is not None and own.expires <= view.now):
        return None
    return own if own.percent < 100 or own.rows_per_second else None


def own_throttle(view: View) -> str:
    """The operator's own throttle in words."""
    own = _own(view)
    if own is None:
        return "100 %, no bound"
    bound = f", at most {count(own.rows_per_second)} rows/s" if own.rows_per_second else ""
    ends = f", for another {age(own.expires - view.now)}" if own.expires is not None else ""
    return f"{own.percent:g} %{bound} by {own.by}{ends}"


# -- Keys that differ or fail, and the sum at the end


def _keys(view: View, width: int) -> list[Line]:
    lines = []
    for keys in view.session.keys:
        shown = ", ".join(keys.keys[:8]) + (", ..." if keys.total > 8 else "")
        why = f": {keys.text}" if keys.text else ""
        lines += paragraph(f"{keys.what.upper()} {plural(keys.total, 'key')}: {shown}{why}", width, "err")
    if view.session.phase == "verify" and view.session.totals.verified_rows:
        totals = view.session.totals
        lines.append(
            line(
                ("compared ", "label"),
                f"{count(totals.verified_rows)} rows, ",
                (f"{count(totals.differences)} differ", "err" if totals.differences else "ok"),
            )
        )
    return lines


def _totals(view: View) -> list[Line]:
    totals = view.session.totals
    lag = max(totals.max_replication_lag_s.values(), default=None)
    # A queue that was gone before the next reading was counted, but nobody saw how long it stood.
    waited = f", at most {duration(totals.max_lock_queue_s)}" if totals.max_lock_queue_s else ""
    rows: list[tuple[str, str]] = [
        ("took", duration(view.session.t)),
        ("rows backfilled", f"{count(totals.rows_backfilled)} in {plural(totals.batches, 'batch')}"),
        ("rows compared", f"{count(totals.verified_rows)}, {count(totals.differences)} differ"),
        ("tries repeated", count(totals.retries)),
        ("throttled for", duration(totals.throttled_s) if totals.throttled_s else "never"),
        ("worst lag", "not read" if lag is None else f"{lag:.1f} s"),
        (
            "worst queue behind us",
            f"{plural(totals.max_lock_queue, 'session')}{waited}" if totals.max_lock_queue else "nobody",
        ),
    ]
    return [line((left(name, 24), "label"), value) for name, value in rows]
