"""What was meant, where something was misspelt. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question to end a message with, or nothing where no known word is near.

    >>> did_you_mean("nulable", ["nullable", "default"]), did_you_mean("eclipse", ["nullable"])
    ("; did you mean 'nullable'?", '')
    """
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.7)
    return f"; did you mean '{by_lower[near[0]]}'?" if near else ""
