"""The maintenance window against the clock and the estimate."""

from __future__ import annotations

from console.databases.postgresql.preflight.look import Findings, Look
from console.databases.postgresql.preflight.space import estimate
from console.databases.window import window_findings


async def window(look: Look) -> Findings:
    """Whether it is open now, and long enough."""
    return window_findings(look.file.limits.window, estimate(look.change, look.file.limits, look.facts))
