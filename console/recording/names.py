"""Takes the names of people and of hosts out of a session's texts, each for the same word wherever it stands. Pure.

Who is meant is gathered from the recording's own fields; in texts, whole words are replaced, and addresses. Names that
are the table's, its schema's, the column's or the database's too stay: they say what was changed. So does a name that
is a word of ours, like `backfill`.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from functools import partial
from typing import get_args

from console import events
from console.plan import PhaseName
from console.recording.reader import Recording

WHO = (
    events.Header,
    events.ActionChanged,
    events.Attached,
    events.Detached,
    events.Note,
    events.OperatorThrottle,
    events.Throttled,
    events.LockWaitsChanged,
    events.TableHeld,
    events.StatementEnded,
    events.ControlChanged,
)
"""The events that name somebody."""
REMARKS = (events.Note, events.ActionChanged, events.ControlChanged)
"""The events in which people write what they like: the addresses in it tell who and where."""
SAID = (
    events.PreflightDone,
    events.PhaseEvidence,
    events.PhaseEnded,
    events.ReadingFailed,
    events.Throttled,
    events.StatementEnded,
    events.ActionChanged,
    events.Log,
)
"""The events whose texts name servers, sessions and accounts that no field has."""
_OURS = (
    "starting waiting running paused parked ended passed failed completed streaming active idle operator observer info"
    " warning error local localhost rows column-console manual auto advance postgresql mysql mariadb activity locks"
    " holders replication application"
)
WORDS = frozenset((*events.KINDS, *get_args(PhaseName), *_OURS.split()))
"""What is no name, whoever is called so."""
_ADDRESS = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{0,4}|(?:[0-9a-fA-F]{1,4}:)+:[\w:]*)"
    r"(?![\w.]*\w)"
)
_KEPT = (
    "kind state outcome level phase what role does severity code unit id client action advance waits_for"
    " change_key key session started table column title"
)
KEPT = frozenset(_KEPT.split())
"""Fields that hold a word of ours, or what was changed."""


_URL = re.compile(r"\w+://(?:([\w.-]+)(?::[^@/\s\"]*)?@)?(\[[0-9a-fA-F:]+\]|[\w.-]+)")
"""Its user and its host."""
_SESSION = re.compile(r"\bpid \d+ \(([^,()]+)[,)]")
"""The user of a database session, as `console.narrate.holder` writes it."""
_ACCOUNT = re.compile(r"""['`]([^'`@\s]+)['`]@['`]([^'`\s]+)['`]""")
"""User and host of an account of MySQL or MariaDB."""
_GRANT = re.compile(r"\bGRANT (.+?) (?:ON .+? )?TO ([\w$-]+)")
"""What is granted, and to whom."""
_ROLE = re.compile(r"(?!pg_)[a-z_][a-z0-9_$-]*")
"""A role of somebody's; a right is written in capitals."""
_PORT = re.compile(r"(?<![\w./:@-])([A-Za-z][\w-]*(?:\.[\w-]+)+):\d{2,5}(?![\w:])")
"""The host before a port, where it has a domain."""
_MAIL = re.compile(r"(?<![\w.@+-])[\w.+-]+@[A-Za-z][\w-]*(?:\.[\w-]+)*\.[A-Za-z]{2,}(?![\w-])")
_CLAIMED = re.compile(r"\b(ssh from|sudo by) ([^\s,]+)")
"""Host and login name in what a peer claims of itself (`console.link.protocol.claims`)."""


def _server(database: str) -> re.Pattern[str]:
    """Finds the host in front of the database's name, with or without a port."""
    return re.compile(
        rf"(?:(?<=//)|(?<![\w./:-]))([A-Za-z0-9][\w.-]*)(?=(?::\d+)?/{re.escape(database)}(?![\w-]))"
    )


def _domains(names: Iterable[str]) -> re.Pattern[str] | None:
    """Finds further hosts of the domains that known ones belong to."""
    known = {name.partition(".")[2] for name in names if not _ADDRESS.fullmatch(name)}
    if not any(known):
        return None
    either = "|".join(re.escape(domain) for domain in sorted(known) if domain)
    return re.compile(rf"(?<![\w.@-])((?:[A-Za-z0-9][\w-]*\.)+(?:{either}))(?![\w-]|\.\w)", re.IGNORECASE)


def _text(event: events.Event) -> str:
    return events.encode(event).decode()


class Names:
    """What stands for each name."""

    def __init__(self) -> None:
        self._stands_for: dict[str, str] = {}
        self._counts = {"person": 0, "host": 0}
        self._pattern: re.Pattern[str] | None = None

    @classmethod
    def of(cls, *recordings: Recording) -> Names:
        """All that recordings name, in the order in which they appear: who is in several of them has one word."""
        names = cls()
        for recording in recordings:
            names.gather(recording)
        return names

    def gather(self, recording: Recording) -> None:
        """Take in all that a recording names; who has a word keeps it."""
        header = recording.header
        database = header.server.name.rpartition("/")[2] if header is not None else ""
        known = (
            {database, header.column, header.table, *header.table.split(".")} if header is not None else set()
        )
        for _, event in recording.of(*WHO):
            self._add_all("person", people(event), known)
            self._add_all("host", hosts(event))
        for _, event in recording.of(*REMARKS):
            for user, host in _URL.findall(_text(event)):
                self._add_all("person", [user], known)
                self.add("host", host)
        self._add_all("host", recording.final.replica_names)
        server = _server(database) if database else None
        domains = _domains(name for name, word in self._stands_for.items() if word.startswith("host"))
        for _, event in recording.of(*SAID):
            text = _text(event)
            for user, host in _ACCOUNT.findall(text):
                self._add_all("person", [user], known)
                self.add("host", host)
            for what, who in _GRANT.findall(text):
                self._add_all("person", [who, *([what] if _ROLE.fullmatch(what) else [])], known)
            self._add_all("person", _SESSION.findall(text), known)
            for pattern in (server, _PORT, domains):
                self._add_all("host", pattern.findall(text) if pattern is not None else (), known)

    def _add_all(self, what: str, names: Iterable[str], but: Container[str] = ()) -> None:
        for name in names:
            if name not in but:
                self.add(what, name)

    def add(self, what: str, name: str) -> None:
        """A person or a host, unless it is known."""
        name = name.casefold()
        if not name or name in self._stands_for or name in WORDS:
            return
        self._counts[what] += 1
        self._stands_for[name] = f"{what}-{self._counts[what]}"
        short = name.partition(".")[0]
        if what == "host" and len(short) > 2 and not short.isdigit() and short not in WORDS:
            self._stands_for.setdefault(short, self._stands_for[name])
        self._pattern = None

    def text(self, text: str) -> str:
        """The text without them, in capitals or not. A name of one letter is replaced where nothing else stands.

        >>> names = Names()
        >>> names.add("person", "ana"); names.add("host", "db1.internal")
        >>> names.text("ana, on db1 (10.0.0.7): banana, /home/ana/x.toml; db1.internal/shop at 02:15:00, ana.")
        'person-1, on host-1 (host-2): banana, /home/person-1/x.toml; host-1/shop at 02:15:00, person-1.'
        >>> names.text("Ana says that ANA is ill"), names.text("ana")
        ('person-1 says that person-1 is ill', 'person-1')
        """
        if self._stands_for:
            if self._pattern is None:
                longest_first = sorted(
                    (name for name in self._stands_for if len(name) > 1), key=len, reverse=True
                )
                either = "|".join(re.escape(name) for name in longest_first) or "(?!)"
                self._pattern = re.compile(rf"(?<![\w.-])(?:{either})(?![\w-])", re.IGNORECASE)
            whole = self._stands_for.get(text.casefold())
            if whole is not None:
                return whole
            text = self._pattern.sub(lambda found: self._stands_for.get(found[0].casefold(), "person"), text)
        text = _MAIL.sub(partial(self._found, "person"), text)
        return _ADDRESS.sub(partial(self._found, "host"), text)

    def _found(self, what: str, found: re.Match[str]) -> str:
        self.add(what, found[0])
        return self._stands_for[found[0].casefold()]

    def field(self, name: str, text: str) -> str:
        """What a field holds, without them; what a peer claims of itself goes as a whole."""
        if name == "claims":
            return ""
        return text if name in KEPT else self.text(text)


def people(event: events.Event) -> Iterable[str]:
    """The login names that an event bears, of operators and of the database's users."""
    match event:
        case events.Header(owner=owner) | events.Note(by=owner) | events.OperatorThrottle(by=owner):
            yield owner
        case events.Detached(name=name):
            yield name
        case events.ActionChanged(owner=who) | events.Attached(owner=who):
            yield who.name
            yield from _claimed("sudo by", who.claims)
            if isinstance(event, events.ActionChanged) and event.action == "hand-over":
                yield from event.arguments
        case events.ControlChanged(owner=had, by=by):
            yield by
            if had is not None:
                yield had.name
                yield from _claimed("sudo by", had.claims)
        case events.Throttled(reasons=reasons):
            yield from (reason.owner for reason in reasons)
        case events.LockWaitsChanged(began=waits):
            yield from (wait.session.user for wait in waits)
        case events.StatementEnded(holders=holders) | events.TableHeld(holders=holders):
            yield from (holder.user for holder in holders)
        case _:
            return


def hosts(event: events.Event) -> Iterable[str]:
    """The machines that an event bears."""
    if isinstance(event, events.Header):
        yield event.host
        yield event.server.name.partition("/")[0].partition(":")[0]
    elif isinstance(event, events.ActionChanged | events.Attached | events.ControlChanged) and event.owner:
        yield from _claimed("ssh from", event.owner.claims)


def _claimed(what: str, claims: str) -> Iterable[str]:
    return (name for said, name in _CLAIMED.findall(claims) if said == what)
