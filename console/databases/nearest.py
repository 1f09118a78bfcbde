"""Which of the names that are there was meant by one that is not. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def near_misses(wanted: str, known: Sequence[str], limit: int = 2) -> list[str]:
    """The known names that come nearest, best first.

    >>> near_misses("placed_att", ["id", "placed_at", "note"]), near_misses("zzz", ["id"])
    (['placed_at'], [])
    >>> near_misses("orders", ["Orders", "order_lines"])[0]
    'Orders'
    """
    by_fold: dict[str, list[str]] = {}
    for name in known:
        by_fold.setdefault(name.lower(), []).append(name)
    close = difflib.get_close_matches(wanted.lower(), list(by_fold), n=limit, cutoff=0.7)
    return [name for fold in close for name in by_fold[fold]][:limit]
