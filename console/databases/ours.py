"""What is ours in a target database and goes again at the end: `column_console_<key>_...`, the key being `Change.key`.

So a DBA sees whose it is, and a later run finds what an earlier one left. Pure.
"""

from __future__ import annotations

OURS = "column_console_"


def ours(key: str, what: str) -> str:
    """The name of an object of ours that belongs to the change with this `Change.key`.

    >>> ours("11a24bef2d", "sync")
    'column_console_11a24bef2d_sync'
    """
    return f"{OURS}{key}_{what}"
