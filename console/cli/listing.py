"""`sessions`: those of this machine, newest first, all or the ones that are looked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from console import directories
from console.cli.errors import DONE, UNFINISHED, USAGE, CommandError
from console.cli.say import data, tell
from console.damaged import damaged_sessions
from console.directories import DirectoryError, Listed
from console.words import duration, plain, plural

_DAYS = re.compile(r"(\d{1,6})d")


class Wanted(msgspec.Struct, frozen=True):
    """Which sessions; an empty value: any."""

    table: str = ""
    """Part of the name of the table, or of `table.column`; case does not matter."""
    outcome: str = ""
    """How it ended; or `live`, or `dead`: its runner is gone."""
    since: date | None = None
    until: date | None = None
    """The last day that counts, by the clock of this machine."""

    def fits(self, listed: Listed) -> bool:
        """Whether the session is one of them."""
        if self.outcome and self.outcome != (listed.outcome or listed.state):
            return False
        if self.table.casefold() not in f"{listed.table or listed.session.title}.{listed.column}".casefold():
            return False
        if self.since is None and self.until is None:
            return True
        began = _day(listed.session.started)
        return began is not None and (self.since or began) <= began <= (self.until or began)


def _day(started: str) -> date | None:
    try:
        return datetime.fromisoformat(started).astimezone().date()
    except ValueError:
        return None


def day(text: str, option: str, today: date) -> date | None:
    """A day as an option says it: `2026-11-28`, `today`, `yesterday`, or `7d` ago. Raises CommandError.

    >>> day("7d", "--since", date(2026, 11, 28)), day("yesterday", "--since", date(2026, 12, 1)), day("", "", date.max)
    (datetime.date(2026, 11, 21), datetime.date(2026, 11, 30), None)
    """
    ago = {"today": 0, "yesterday": 1}.get(text)
    if found := _DAYS.fullmatch(text):
        ago = int(found[1])
    try:
        if ago is not None:
            return today - timedelta(days=ago)
        return date.fromisoformat(text) if text else None
    except (ValueError, OverflowError):
        raise CommandError(
            f"{option} {plain(text)!r} is no day: write 2026-11-28, today, yesterday or 7d (days ago)", USAGE
        ) from None


def wanted(*, table: str, outcome: str, since: str, until: str) -> Wanted:
    """What the options ask for. Raises CommandError."""
    today = datetime.now().astimezone().date()
    return Wanted(
        table=table,
        outcome=outcome,
        since=day(since, "--since", today),
        until=day(until, "--until", today),
    )


def sessions(*, table: str, outcome: str, since: str, until: str, as_json: bool) -> int:
    """Prints the sessions of this user on this machine that are wanted."""
    asked = wanted(table=table, outcome=outcome, since=since, until=until)
    try:
        there = directories.list_sessions()
        for damaged in damaged_sessions():
            tell(plain(str(damaged)), "warning")
    except DirectoryError as error:
        raise CommandError(str(error), UNFINISHED) from None
    return show_wanted(there, asked, where=f"in {directories.home() / 'sessions'}", as_json=as_json)


def show_wanted(there: Sequence[Listed], asked: Wanted, *, where: str, as_json: bool) -> int:
    """Prints those of a list that are wanted."""
    found = [listed for listed in there if asked.fits(listed)]
    if there and not found and not as_json:
        tell(f"none of {plural(len(there), 'session')} is like that")
        return DONE
    return show_sessions(found, where=where, as_json=as_json)


def show_sessions(found: Sequence[Listed], *, where: str, as_json: bool) -> int:
    """Prints a list of sessions."""
    if as_json:
        data(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    elif found:
        data(text(found))
    else:
        tell(f"there are no sessions {where}; `column-console run` begins one")
    return DONE


def text(found: Sequence[Listed]) -> str:
    """A line for each session, under a line of titles."""
    rows = [("SESSION", "STATE", "BEGAN", "TOOK", "OPERATOR", "CHANGE")]
    rows += [
        (
            listed.session.id,
            listed.outcome or {"dead": "runner gone"}.get(listed.state, listed.state),
            listed.session.started[:19].replace("T", " "),
            "" if listed.seconds is None else duration(listed.seconds),
            plain(listed.operator),
            plain(listed.session.title),
        )
        for listed in found
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    )
