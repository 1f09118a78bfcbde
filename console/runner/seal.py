"""Seals a recording when a run ends: its hash goes into the target database's log, where it can."""

from __future__ import annotations

import asyncio
import sys

from console import events
from console.databases.base import Database, DatabaseError
from console.databases.server_log import ServerLog
from console.recording import Recorder
from console.words import plain, plural

PATIENCE = 5.0
"""Seconds that the end of a run waits for the server's log."""


async def seal(recorder: Recorder, database: Database, session: str, ended: events.Ended) -> None:
    """Writes the hash of the recording to the server's log.

    Never raises: a run that has come to its end has.
    """
    said = (
        f"column-console: session {plain(session)} ended, {ended.outcome}; "
        f"SHA-256 of the {plural(recorder.lines, 'line')} of its recording: {recorder.sha256}"
    )
    if not isinstance(database, ServerLog):
        return
    try:
        async with asyncio.timeout(PATIENCE):
            await database.write_log(said)
    except (DatabaseError, TimeoutError) as error:
        why = str(error) or f"no answer in {PATIENCE:.0f} s"
        sys.stderr.write(f"the hash of the recording is not in the server's log: {plain(why)}\n")
