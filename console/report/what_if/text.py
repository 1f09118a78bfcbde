"""A model of a backfill, told to people: the answer, the curves beside each other, and what it does not know."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from console.change import Limits
from console.report.what_if.model import Course, Step, WhatIf
from console.throttle import OUTSIDE
from console.words import count, duration, plain, plural

ROWS = 24
"""Lines of the curves."""
BAR = 16
WIDTH = 100


def as_text(model: WhatIf, title: str, name: str) -> str:
    """The whole of it, ending in a newline. `title` is the session's change, `name` the file with the limits."""
    said = [
        f"WHAT IF: the backfill of {plain(title)} with the limits of {plain(name)}",
        "",
        *_wrapped(
            "This is a model and did not happen. It runs the throttle's own controller over the recorded readings. "
            "The column in the middle is the model with the recorded limits: trust the last one as far as the "
            "middle one agrees with the first."
        ),
        "",
        *_limits(model.recorded_limits, model.limits),
        "",
        *_columns(model),
        *_window(model),
        *_footnotes(model),
        "",
        *_curves(model.steps),
        "",
        "What the model takes for granted:",
        *(line for text in model.assumptions for line in _wrapped(text, "- ", "  ")),
    ]
    return "\n".join(line.rstrip() for line in said) + "\n"


def _footnotes(model: WhatIf) -> list[str]:
    courses = (("same limits", model.control), ("other limits", model.modelled))
    return [
        row
        for name, course in courses
        if course.beyond_rows
        for row in _wrapped(f"{footnote(course)} ({name})", "", "  ")
    ]


def _limits(recorded: Limits, other: Limits) -> list[str]:
    lines = []
    for name in (
        "replication_lag",
        "rows_per_second",
        "running_queries",
        "window",
        "batch_time",
        "lock_timeout",
    ):
        before, after = getattr(recorded, name), getattr(other, name)
        if before != after:
            lines.append(f"  {name}: {_limit(name, before)} -> {_limit(name, after)}")
    return ["Limits that differ:", *lines] if lines else ["Both have the same limits for the throttle."]


def _limit(name: str, value: object) -> str:
    if name in ("replication_lag", "batch_time", "lock_timeout") and isinstance(value, (int, float)):
        return duration(value)
    if value in (0, None):
        return {"running_queries": "learnt", "window": "any time"}.get(name, "none")
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def _window(model: WhatIf) -> list[str]:
    """That the other window was closed, and for how long, since it is the time of day that decides it."""
    held = model.modelled.reasons.get(OUTSIDE, 0.0)
    if not held:
        return []
    return ["", f"The window {model.limits.window} is closed for {duration(held)} of the model's time."]


def _columns(model: WhatIf) -> list[str]:
    courses = (model.recorded, model.control, model.modelled)
    names = dict.fromkeys(name for course in courses for name in course.max_lag_s)
    rows = [
        ["", "as recorded", "model, same limits", "model, other limits"],
        ["took", *(_took(course) for course in courses)],
        ["rows filled", *(count(course.rows) for course in courses)],
        ["stops by the throttle", *(count(course.stops) for course in courses)],
        ["stopped for", *(duration(course.stopped_s) if course.stopped_s else "-" for course in courses)],
        *(
            [f"{plain(name)} at most behind", *(_lag(course.max_lag_s.get(name)) for course in courses)]
            for name in names
        ),
    ]
    for name in dict.fromkeys(name for course in courses for name in course.reasons):
        held = [course.reasons.get(name) for course in courses]
        rows.append([f"held back by {plain(name)}", *(duration(value) if value else "-" for value in held)])
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def _took(course: Course) -> str:
    return duration(course.seconds) + ("*" if course.beyond_rows else "")


def _lag(value: float | None) -> str:
    return "not read" if value is None else duration(value)


def _curves(steps: Sequence[Step]) -> list[str]:
    if not steps:
        return []
    each = -(-len(steps) // ROWS)
    groups = [steps[n : n + each] for n in range(0, len(steps), each)]
    rates = [(_mean(group, "recorded_rows_per_second"), _mean(group, "rows_per_second")) for group in groups]
    most = max(max(pair) for pair in rates) or 1.0
    recorded, modelled = (f"rows/s {word}".ljust(BAR + 8) for word in ("recorded", "modelled"))
    lines = [f"{'at':>11}  {recorded}  {modelled}  {'lag recorded, modelled':<22}  held back by"]
    begins = steps[0].t - steps[0].seconds
    for group, (before, after) in zip(groups, rates, strict=True):
        lags = [
            max((value for step in group if (value := getattr(step, name)) is not None), default=None)
            for name in ("recorded_lag_s", "lag_s")
        ]
        reasons = sorted({reason for step in group for reason in step.reasons})
        stopped = "STOP: " if any(step.stopped for step in group) else ""
        said = f"{stopped}{', '.join(plain(reason) for reason in reasons)}"
        lag = ", ".join(_lag(value) for value in lags)
        at = f"+{duration(max(0.0, group[0].t - group[0].seconds - begins))}"
        lines.append(f"{at:>11}  {_bar(before, most)}  {_bar(after, most)}  {lag:<22}  {said}")
    return lines


def _mean(group: Sequence[Step], name: str) -> float:
    seconds = sum(step.seconds for step in group) or 1.0
    total: float = sum(getattr(step, name) * step.seconds for step in group)
    return total / seconds


def _bar(value: float, most: float) -> str:
    return f"{'#' * round(BAR * value / most):<{BAR}}{count(value):>8}"


def _wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest)


def footnote(course: Course) -> str:
    """What a star means.

    >>> footnote(Course(seconds=9, rows=9, stops=0, stopped_s=0, max_lag_s={}, reasons={}, beyond_s=4, beyond_rows=3))
    '* of which 4.0 s lie beyond the recorded readings: 3 rows at the usual speed, without a stop.'
    """
    rows = plural(course.beyond_rows, "row")
    stops = (
        f"with {duration(course.beyond_closed_s)} for which the maintenance window is closed, and no other stop."
        if course.beyond_closed_s
        else "without a stop."
    )
    beyond = f"* of which {duration(course.beyond_s)} lie beyond the recorded readings"
    return f"{beyond}: {rows} at the usual speed, {stops}"
