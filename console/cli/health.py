"""`doctor`: prints what `console.doctor` sees."""

from __future__ import annotations

from console.cli.errors import DONE, UNFINISHED
from console.cli.say import data
from console.doctor import checks
from console.words import plain


def doctor() -> int:
    """One line for each check, with what mends it below; 1 where something is wrong."""
    wrong = False
    for check in checks():
        data(f"{check.verdict:<4}  {check.name:<10}  {plain(check.seen)}")
        if check.remedy:
            data(f"      {'':<10}  -> {plain(check.remedy)}")
        wrong = wrong or check.verdict == "NOT"
    return UNFINISHED if wrong else DONE
