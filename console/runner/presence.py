"""What the work does when no operator's screen is attached any more: `session.on_disconnect` in the change file.

It counts from the moment at which the last operator left, and only once one has been there: a headless run is
nobody's absence.
"""

from __future__ import annotations

import asyncio

from console.change import SessionRules
from console.config.values import duration
from console.runner.control import Control
from console.runner.stream import Stream

OWNER = "on_disconnect"


def patience(rule: str) -> float | None:
    """Seconds without an operator until the work pauses; None: it goes on.

    >>> patience("continue"), patience("pause"), patience("pause after 10m")
    (None, 0.0, 600.0)
    """
    if rule == "continue":
        return None
    if rule == "pause":
        return 0.0
    return duration(rule.removeprefix("pause after").strip())


async def watch(stream: Stream, control: Control, rules: SessionRules) -> None:
    """Pauses the work when the operators have been away for longer than the change file allows."""
    allowed = patience(rules.on_disconnect)
    if allowed is None:
        return
    left_at: float | None = None
    seen = False
    while True:
        await asyncio.sleep(0.5)
        if any(client.role == "operator" for client in stream.session.clients):
            seen, left_at = True, None
            continue
        if not seen:
            continue
        left_at = stream.now() if left_at is None else left_at
        if stream.now() - left_at >= allowed and not control.paused_by:
            control.pause(OWNER, "no operator is attached")
