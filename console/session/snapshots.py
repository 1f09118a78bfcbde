"""The whole session as one event, and back: for a client that attaches, and each minute in the recording."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from console import events
from console.session.state import Session

_decoder = msgspec.json.Decoder(Session)
SNAPSHOT_HISTORY = 240
SNAPSHOT_LOG = 30


def snapshot(session: Session, *, whole: bool) -> events.Snapshot:
    """The session as an event, at the session's own time and place.

    A whole one is for a client that attaches. The one in the recording, each minute, leaves out what was
    recorded once and does not change (header, plan, preflight), and keeps less history.
    """
    if not whole:
        session = replace(
            session,
            header=None,
            plan=None,
            preflight=None,
            history=session.history[-SNAPSHOT_HISTORY:],
            log=session.log[-SNAPSHOT_LOG:],
        )
    raw = msgspec.Raw(msgspec.json.encode(session))
    return events.Snapshot(t=session.t, s=session.s, session=raw, whole=whole)


def restore(session: Session, event: events.Snapshot) -> Session:
    """The session that a snapshot holds; what it leaves out is taken from `session`."""
    restored = _decoder.decode(event.session)
    if restored.header is None:
        restored = replace(restored, header=session.header, plan=session.plan, preflight=session.preflight)
    return restored
