"""What is said of a recording that does not hold its session's end: never how it ended, but what was known by then.

A runner at work, a runner that died and an incomplete copy of a good recording look alike from within; only a last
line that was cut off tells the first of them from the others.
"""

from __future__ import annotations

from console.session import Session
from console.words import count, plain

_THROUGH = ("passed", "already-done", "skipped")


def headline(*, torn: bool) -> str:
    """What stands in the place of the outcome.

    >>> headline(torn=True), headline(torn=False)
    ('its end is missing', 'no end so far')
    """
    return "its end is missing" if torn else "no end so far"


def why(*, torn: bool) -> str:
    """Where the end may be, in a sentence."""
    if torn:
        return (
            "The end of the recording is missing, its last line is cut off: this is an incomplete copy, or the runner "
            "died while it wrote. How the session ended can't be told from it."
        )
    return "The recording has no end: its runner is still at work, or died, or this is not the whole file."


def known(final: Session, at: str) -> str:
    """How the session stood at its last event, which was at `at` on the wall clock.

    >>> known(Session(t=12.0), "2026-11-28T02:15:12+00:00")
    'By 2026-11-28 02:15:12, the last that it holds: starting, no phase passed.'
    """
    when = f"{at[:10]} {at[11:19]}" if at else f"+{final.t:.0f} s"
    passed = [view.name for view in final.phases if view.state in _THROUGH]
    view = final.current
    doing = str(final.state)
    if view is not None and view.state == "running":
        so_far = f" ({count(view.done)} of {count(view.total)} {view.unit})" if view.total else ""
        doing += f" in {view.name}{so_far}"
    elif view is not None and view.state == "ahead" and passed:
        doing += f", {view.name} was next"
    done = f"passed were {', '.join(passed)}" if passed else "no phase passed"
    reason = f" ({plain(final.reason)})" if final.reason else ""
    return f"By {when}, the last that it holds: {doing}{reason}, {done}."
