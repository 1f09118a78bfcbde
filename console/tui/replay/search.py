"""Looks for words in a recording: in its statements, its log, its notes, and the bookmarks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from console.events import StatementBegan
from console.tui.replay.moments import WORDS, Moment
from console.tui.replay.tape import Tape


class Entry(NamedTuple):
    """Something that can be found: when, after how many events, what it is, and what it says."""

    t: float
    position: int
    what: str
    text: str


def entries(tape: Tape, marked: Sequence[Moment]) -> list[Entry]:
    """All that can be found, in order. A line of the log that is marked on the time line bears the mark's word."""
    kinds = {moment.position: moment.kind for moment in marked if moment.kind not in ("bookmark", "lock")}
    found = [
        Entry(line.t, position, WORDS[kind][1] if (kind := kinds.get(position)) else "log", line.text)
        for line, position in zip(tape.log, tape.log_positions, strict=True)
    ]
    found += [
        Entry(event.t, position, "statement", f"{event.name}: {' '.join(event.sql.split())}")
        for position, event in tape.of(StatementBegan)
        if isinstance(event, StatementBegan)
    ]
    told = frozenset(tape.log_positions)
    found += [
        Entry(moment.t, moment.position, WORDS[moment.kind][1], moment.text)
        for moment in marked
        if moment.kind in ("bookmark", "lock") or moment.position not in told
    ]
    return sorted(found, key=lambda entry: entry.position)


def search(known: Sequence[Entry], text: str) -> list[Entry]:
    """The entries that hold every word, whatever its case; all of them where there is no word.

    >>> known = [Entry(1.0, 3, "note", "by ana: the Deploy is out"), Entry(2.0, 9, "log", "backfill: begins")]
    >>> [entry.position for entry in search(known, "deploy note")]
    [3]
    >>> len(search(known, " ")), search(known, "deploy backfill")
    (2, [])
    """
    words = text.casefold().split()
    return [
        entry for entry in known if all(word in f"{entry.what} {entry.text}".casefold() for word in words)
    ]
