"""What a check comes to."""

from __future__ import annotations

from typing import Literal

import msgspec

Verdict = Literal["OK", "NOTE", "NOT"]


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at. `NOT` keeps the console from working; `NOTE` costs something."""

    name: str
    verdict: Verdict
    seen: str
    remedy: str = ""
