"""A copy of a recording, in memory, whose texts were gone through: literals taken out once more, names replaced.

The copy plays and reports as the recording does, and keeps its word on the chain: what was read is what is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from console import events
from console.recording.names import Names
from console.recording.packing import pack, pack_snapshot
from console.recording.problems import RecordingError
from console.recording.reader import Recording
from console.recording.scan import scan
from console.redact import Dialect, redact_sql
from console.session import Session, snapshot

Change = Callable[[str, str], str]
"""Takes the name of a field and the text in it; the text that is to stand there."""


def checked(recording: Recording) -> Recording:
    """The recording with the literals of other people's queries taken out, whether they were before or not."""
    dialect = _dialect(recording)
    return rewritten(recording, lambda name, text: redact_sql(text, dialect) if name == "query" else text)


def without_names(recording: Recording, names: Names | None = None) -> Recording:
    """The same, and without the names of people and hosts, each of which has one word that stands for it.

    `names`: those of all recordings that are shown together; without it, those of this one.
    """
    known, dialect = names or Names.of(recording), _dialect(recording)
    return rewritten(
        recording,
        lambda name, text: known.field(name, redact_sql(text, dialect) if name == "query" else text),
    )


def _dialect(recording: Recording) -> Dialect:
    """That of the recording's server; where its header is damaged, the one that takes more for a literal."""
    header = recording.header
    return "postgresql" if header is not None and header.server.kind == "postgresql" else "mysql"


def rewritten(recording: Recording, change: Change) -> Recording:
    """A copy whose every text is what `change` makes of it. Numbers, and the order of events, stay.

    Raises `RecordingError` where that makes an event of another kind of it.
    """
    data = b"\n".join(_lines(recording, change)) + b"\n"
    return recording.copy(scan(data, recording.path))


def _lines(recording: Recording, change: Change) -> Iterator[bytes]:
    for held in recording.held():
        try:
            if isinstance(held, events.Snapshot):
                yield _snapshot(_changed(msgspec.json.decode(held.session), change))
            else:
                plain = msgspec.json.decode(events.encode(_present(held)))
                yield pack(events.decode(msgspec.json.encode(_changed(plain, change))))
        except msgspec.ValidationError as error:
            raise RecordingError(
                f"{recording.path} can't be rewritten: event {held.s} would say something else ({error})."
            ) from None


def _present(event: events.Event) -> events.Event:
    """An older recording was converted when it was read, and is packed as a present one: its header must say so."""
    return replace(event, format=events.FORMAT) if isinstance(event, events.Header) else event


def _snapshot(changed: Any) -> bytes:
    session = msgspec.convert(changed, Session)
    whole = session.header is not None
    if session.header is not None:
        session = replace(session, header=replace(session.header, format=events.FORMAT))
    return pack_snapshot(snapshot(replace(session, lock_waits=()), whole=whole), session.lock_waits)


def _changed(value: Any, change: Change, name: str = "") -> Any:
    """What JSON gave, with each text changed. A text in a list belongs to the list's field."""
    match value:
        case str():
            return change(name, value)
        case list():
            return [_changed(one, change, name) for one in value]
        case dict() if name == _BY_REPLICA:
            return {change(name, replica): lag for replica, lag in value.items()}
        case dict():
            return {field: _changed(one, change, field) for field, one in value.items()}
        case _:
            return value


_BY_REPLICA = "max_replication_lag_s"
"""The one field whose keys are names."""
