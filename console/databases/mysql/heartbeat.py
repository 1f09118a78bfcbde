"""A row of the primary that says each half second which beat it is, so that replicas can be heard.

It stands in the change's progress table, which the work makes and `finish` drops: until there is one, nothing is
written (preflight writes nothing), and the lag is told by GTIDs alone. It beats for as long as the table is there, in
pauses too, and the table's absence is looked at and never run into.

The lag is reckoned on the runner's clock on both ends: since when the primary has had a beat that the replica lacks.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable

import pymysql

from console.databases.base import DatabaseError
from console.databases.mysql.connect import DirectConnection
from console.databases.mysql.errors import number_of
from console.databases.mysql.lane import TAG, Lane
from console.databases.mysql.sight import ask
from console.databases.positions import Positions

EVERY = 0.5
"""Seconds between two beats; the lag is known to within that."""
LOOK = 2.0
"""Seconds between two looks for the table, while it is not there, and after a beat that failed."""
SILENT = 3.0
"""Seconds without a beat after which the heartbeat says nothing any more."""
ITEM = "heartbeat"
NO_TABLE = 1146

_BEAT = "value = %s, written = CURRENT_TIMESTAMP(6)"
_FIND = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"


class Heartbeat:
    """Beats from `start` to `close`. `clock` is any steady clock, in seconds."""

    def __init__(
        self,
        lane: Lane,
        *,
        schema: str,
        name: str,
        table: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.table = table
        """The progress table as SQL."""
        self.failure = ""
        """Why the last beat could not be written; empty where it could, or there is no table."""
        self._lane = lane
        self._place = (schema, name)
        self._clock = clock
        self._run = secrets.token_hex(4)  # an earlier run's row must not be taken for ours
        self._number = 0
        self._beats = Positions()
        self._last = float("-inf")
        self._there = False
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """The server's id of its session; 0 while there is none."""
        return self._lane.pid

    def start(self) -> None:
        """Begin. Needs a running event loop."""
        self._task = asyncio.create_task(self._beat(), name="heartbeat")

    async def close(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._lane.close()

    def lag(self, seen: str, now: float) -> float | None:
        """Seconds that a server is behind, which shows `seen` in the row (empty: no row); None without a heartbeat."""
        if not self._number or now - self._last > SILENT:
            return None
        run, _, number = seen.partition(":")
        return self._beats.lag(int(number) if run == self._run and number.isdecimal() else 0, now)

    async def _beat(self) -> None:
        while True:
            pause = EVERY
            try:
                written = await self._lane.call(self._write, what="writing the heartbeat")
            except DatabaseError as error:
                self.failure, pause = str(error), LOOK
            else:
                self.failure = ""
                if written:
                    self._last = self._clock()
                    self._beats.note(self._number, self._last)
                else:
                    pause = LOOK
            await asyncio.sleep(pause)

    def _write(self, connection: DirectConnection) -> bool:
        """One beat, if the table is there; whether it was. Blocks."""
        if not self._there:
            self._there = bool(ask(connection, _FIND, self._place))
        if not self._there:
            return False
        self._number += 1
        value = (f"{self._run}:{self._number}",)
        try:
            with connection.cursor() as cursor:
                if not cursor.execute(f"{TAG}UPDATE {self.table} SET {_BEAT} WHERE item = '{ITEM}'", value):
                    cursor.execute(f"{TAG}INSERT INTO {self.table} SET {_BEAT}, item = '{ITEM}'", value)
        except pymysql.Error as error:
            if number_of(error) != NO_TABLE:
                raise
            self._there = False
        return self._there
