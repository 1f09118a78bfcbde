"""The report as Markdown, to be pasted into a ticket: the answer first, then what it rests on.

Names, messages and queries are text from outside: whatever would be markup in them is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from console.report.statements import StatementDone
from console.report.summary import Report
from console.words import count, duration, plain, plural, size

# An underscore within a word is just that.
_MARKUP = re.compile(r"([\\`*{}\[\]#|~!@$^]|(?<!\w)_|_(?!\w))")


def markdown(report: Report) -> str:
    """The whole report, ending in a newline."""
    parts = [
        _head(report),
        section("Left to do", bullets(report.remaining)),
        section("Where it left the plan", bullets(report.deviations)),
        section("Missing from the recording", bullets(report.problems)),
        section("What it cost", bullets(_costs(report))),
        section("When the throttle stopped the backfill", _stops(report)),
        section("Phases", _phases(report)),
        section("Actions", _actions(report)),
        section("Rows that stand out", _keys(report)),
        section("Preflight", _findings(report)),
        section("Statements", _statements(report)),
        section("Is it what was written?", bullets(_written(report))),
        section("SQL", _sql(report.statements)),
    ]
    return "\n".join(part for part in parts if part).rstrip("\n") + "\n"


def safe(text: str) -> str:
    r"""Text from outside as Markdown that shows just that text, on one line.

    >>> safe("a|b *c* <img>\n# d")
    'a\\|b \\*c\\* &lt;img&gt; \\# d'
    """
    escaped = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub(r"\\\1", escaped)


def fenced(sql: str) -> str:
    """A query in a fence that it can't break.

    >>> fenced("SELECT '```'").splitlines()
    ['````sql', "SELECT '```'", '````']
    """
    lines = [plain(line) for line in sql.strip("\n").splitlines()]
    longest = max((len(run) for run in re.findall(r"`+", sql)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}sql", *lines, fence])


def _head(report: Report) -> str:
    lines = [f"# {safe(report.title or 'A session')}: {report.headline}", ""]
    if report.end_missing:
        lines += [f"**{report.end_missing}**", ""]
    if report.chain.state == "broken":
        lines += [f"**{safe(report.chain.verdict)}**", ""]
    if report.text:
        lines += [f"{safe(report.text)}", ""]
    took = (
        f"{report.started} to {report.ended}, {duration(report.seconds)}"
        if report.started
        else "time unknown"
    )
    again = f", in {report.runs} runs" if report.runs > 1 else ""
    facts = [
        ("Session", report.session),
        ("Server", report.server),
        ("Change file", report.change_file),
        ("By", f"{report.owner} on {report.host}" if report.owner else ""),
    ]
    rows = (
        f"{count(report.rows_backfilled)} backfilled in {plural(report.batches, 'batch')}, "
        f"{count(report.verified_rows)} verified, **{plural(report.differences, 'difference')}**"
    )
    lines += [f"- {name}: {safe(value)}" for name, value in facts if value]
    lines += [
        f"- When: {took}{again}",
        f"- Rows: {rows}",
        f"- Exit status: {report.exit_status}",
        "",
    ]
    return "\n".join(lines)


def _clock(iso: str) -> str:
    """A time as people write it, with its offset.

    >>> _clock("2026-11-28T02:15:00+00:00")
    '2026-11-28 02:15:00 +00:00'
    """
    return f"{iso[:10]} {iso[11:19]} {iso[19:]}"


def _written(report: Report) -> list[str]:
    chain = report.chain
    return [chain.verdict, *chain.breaks, *([f"SHA-256 of its lines: {chain.sha256}"] if chain.lines else [])]


def _costs(report: Report) -> list[str]:
    lags = [f"{name}: at most {duration(lag)} behind" for name, lag in report.max_replication_lag_s.items()]
    queue = "no session was seen to queue behind a statement of ours"
    if report.max_lock_queue:
        queue = f"at most {plural(report.max_lock_queue, 'session')} queued behind a statement of ours"
        queue += f", for at most {duration(report.max_lock_queue_s)}" if report.max_lock_queue_s else ""
    stopped = f"the throttle stopped the backfill for {duration(report.throttled_s)}"
    return [
        *lags,
        queue,
        f"{plural(report.retries, 'retry')}; {stopped if report.throttled_s else 'the throttle never stopped it'}",
    ]


def _stops(report: Report) -> str:
    rows = [
        [_clock(stop.at) if stop.at else f"{stop.t:.0f} s", duration(stop.seconds), stop.why]
        for stop in report.stops
    ]
    return table(["At", "For", "Why"], rows)


def _phases(report: Report) -> str:
    rows = []
    for phase in report.phases:
        evidence = "; ".join(
            f"{e.name}: {e.seen}{'' if e.holds else ' (does not hold)'}" for e in phase.evidence
        )
        took = duration(phase.seconds) if phase.seconds else ""
        name = f"{phase.name} (gate)" if phase.gate else phase.name
        rows.append([name, phase.outcome, took, "; ".join(part for part in (phase.text, evidence) if part)])
    return table(["Phase", "Outcome", "Took", "Evidence"], rows)


def _actions(report: Report) -> str:
    rows = [
        [
            turn.when[:19].replace("T", " ") or f"{turn.t:.0f} s",
            turn.who + (f" ({turn.claims})" if turn.claims else ""),
            turn.what,
            turn.reason,
            turn.result + (f": {turn.text}" if turn.text else ""),
        ]
        for turn in report.actions
    ]
    return table(["When", "Who", "What", "Why", "Result"], rows)


def _keys(report: Report) -> str:
    lines = []
    for listed in report.keys:
        shown = ", ".join(listed.keys[:100]) + (", ..." if listed.total > min(100, len(listed.keys)) else "")
        why = f" ({listed.text})" if listed.text else ""
        lines.append(f"{listed.what}, {count(listed.total)}{why}: {shown}")
    return bullets(lines)


def _findings(report: Report) -> str:
    rows = [[f.severity, f.code, f.seen, f.remedy] for f in report.findings]
    listed = table(["", "Code", "Seen", "Mend"], rows)
    if report.estimate is None:
        return listed
    guess = report.estimate
    text = (
        f"Estimated: {count(guess.rows)} rows, {size(guess.wal_bytes)} of log, {size(guess.disk_bytes)} of disk, "
        f"{duration(guess.seconds_low)} to {duration(guess.seconds_high)}."
    )
    return f"{listed}\n{text}\n" if listed else f"{text}\n"


def _statements(report: Report) -> str:
    rows = [
        [
            one.at[11:19] + (f", decided {one.each_try[-1].at[11:19]}" if len(one.each_try) > 1 else ""),
            one.phase,
            one.name,
            one.outcome + (f": {one.text}" if one.text else ""),
            duration(one.seconds),
            str(one.tries),
            one.lock,
            f"{plural(one.queue, 'session')}, {duration(one.waiting_s)} at most" if one.queue else "",
        ]
        for one in report.statements
    ]
    return table(
        ["At", "Phase", "Statement", "Outcome", "Took", "Tries", "Lock held", "Waiting caused"], rows
    )


def _sql(statements: Sequence[StatementDone]) -> str:
    shown: dict[tuple[str, str], str] = {}
    for one in statements:
        if one.sql:
            shown.setdefault((one.name, one.sql), f"{safe(one.name)}:\n\n{fenced(one.sql)}\n")
    return "\n".join(shown.values())


def section(title: str, body: str) -> str:
    """A heading and what stands under it; nothing where that is empty."""
    return f"## {title}\n\n{body}" if body else ""


def bullets(lines: Iterable[str]) -> str:
    """A list."""
    return "".join(f"- {safe(line)}\n" for line in lines)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table; nothing where it has no row."""
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *([safe(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
