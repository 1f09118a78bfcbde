"""The sessions that can be replayed, for the picker: what, when, for how long, by whom, and how each ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from console.damaged import damaged_sessions
from console.directories import Listed, list_sessions
from console.glance import glance


class Past(NamedTuple):
    """A session as the picker lists it."""

    id: str
    recording: str
    title: str
    began: datetime | None
    seconds: float | None
    """From its begin to the last line that was written; None where its recording can't be read."""
    outcome: str
    """How it ended; `live` while it runs, `runner gone` where its runner was killed, `damaged` where its folder is."""
    operator: str

    @property
    def words(self) -> str:
        """What a search looks at."""
        day = f"{self.began:%Y-%m-%d %H:%M}" if self.began else ""
        return f"{self.id} {self.title} {day} {self.outcome} {self.operator}".casefold()


def past_sessions() -> list[Past]:
    """All of this user on this machine, newest first; then those whose folder is damaged and whose recording is there,
    with what is wrong in the place of the change. Raises `DirectoryError`."""
    damaged = [
        Past(one.id, one.recording, one.why, None, glance(one.recording).seconds, "damaged", "")
        for one in damaged_sessions()
        if one.recording
    ]
    return [*(_past(listed) for listed in list_sessions()), *damaged]


def _past(listed: Listed) -> Past:
    session = listed.session
    try:
        began = datetime.fromisoformat(session.started)
    except ValueError:
        began = None
    return Past(
        id=session.id,
        recording=session.recording,
        title=session.title,
        began=began,
        seconds=listed.seconds,
        outcome=listed.outcome or {"dead": "runner gone"}.get(listed.state, listed.state),
        operator=listed.operator,
    )


def matching(known: Sequence[Past], text: str) -> list[Past]:
    """Those that have every word: of the table, the day, the outcome, the operator.

    >>> one = Past("orders-x-1", "", "public.orders.x", datetime(2026, 11, 28, 2, 15), 9.0, "completed", "ana")
    >>> len(matching([one], "ORDERS 2026-11-28 completed")), len(matching([one], "parked"))
    (1, 0)
    """
    words = text.casefold().split()
    return [past for past in known if all(word in past.words for word in words)]
