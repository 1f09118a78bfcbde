"""What gates and phases are shown before they pass: numbers that the database gave.

The standbys: `attached`. The rows written lately: `dual_writes`. The statements that read the column: `traces`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg

from console.change import Change, ChangeFile
from console.databases.base import ConnectionLost, DatabaseError, KeyValue, Unreachable, Worker
from console.databases.lately import Lately
from console.databases.postgresql import errors, traces
from console.databases.postgresql.attached import Attached
from console.databases.postgresql.connect import connect
from console.databases.postgresql.dual_writes import DualWrites
from console.databases.postgresql.identifiers import literal
from console.databases.postgresql.names import Names
from console.databases.postgresql.scribe import TAG
from console.databases.postgresql.statements import PostgresWriter
from console.databases.postgresql.walk import Walk
from console.events import Evidence
from console.facts import TableFacts
from console.plan import make_plan
from console.words import plain, plural

SKIPPED = "skipped"
"""Where the progress table keeps the keys that the operator left out."""

Connection = psycopg.AsyncConnection[Any]


class PostgresEvidences:
    """Fulfils `base.Evidences`."""

    def __init__(self, file: ChangeFile, facts: TableFacts, worker: Worker, password: str | None) -> None:
        self._file = file
        self._facts = facts
        self._worker = worker
        self._password = password
        self._names = Names(file.change, facts)
        self._primary: Connection | None = None
        self._replicas: dict[str, Connection] = {}
        self._attached = Attached(self._all, number=facts.server.number)
        self._dual_writes = DualWrites(file.change, facts, self._all)
        self._readers = Lately()
        self._since_replicas: str | None = None

    @property
    def _change(self) -> Change:
        return self._file.change

    async def close(self) -> None:
        """Closes its connections."""
        for connection in (self._primary, *self._replicas.values()):
            if connection is not None:
                await connection.close()
        self._primary, self._replicas = None, {}

    # -- replicas

    async def replicas(self) -> tuple[Evidence, ...]:
        """The column visible, and replay advancing, on every replica."""
        if self._since_replicas is None:
            self._since_replicas = str((await self._one("SELECT pg_current_wal_lsn()"))[0])
        out = list(await self._attached.look(self._since_replicas))
        for number, url in enumerate(self._file.target.replicas, 1):
            out.append(await self._catalog_on(f"replica {number}: catalog", url, self._since_replicas))
        if not out:
            out.append(
                Evidence(
                    name="replicas", seen="none is attached, and none is named in the change file", holds=True
                )
            )
        return tuple(out)

    async def _catalog_on(self, name: str, url: str, mark: str) -> Evidence:
        """The catalog of a replica of the change file, which must be one still, and not have stopped."""
        try:
            row = await self._first_on(
                url,
                f"SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn() >= {literal(mark)}::pg_lsn, c.kind"
                f" FROM (SELECT 1) one LEFT JOIN ({self._column_query()}) c ON true",
            )
        except DatabaseError as error:
            gone = "gone: " if isinstance(error, Unreachable | ConnectionLost) else ""
            return Evidence(name=name, seen=gone + error.text, holds=False)
        standby, past, kind = row or (False, False, None)
        if not standby:
            return Evidence(name=name, seen="gone: it is no standby", holds=False)
        if kind is None:
            return Evidence(name=name, seen=f"{self._change.column} is not there yet", holds=False)
        seen = f"{self._change.column} {kind} is there"
        return Evidence(
            name=name, seen=seen if past else f"{seen}, replay is short of the change", holds=bool(past)
        )

    def _column_query(self) -> str:
        return (
            "SELECT format_type(atttypid, atttypmod) AS kind, attnotnull, atthasdef FROM pg_attribute"
            f" WHERE attrelid = to_regclass({literal(self._facts.name)}) AND NOT attisdropped"
            f" AND attname = {literal(self._change.column)}"
        )

    # -- dual-writes

    async def dual_writes(self) -> tuple[Evidence, ...]:
        """Of the rows written lately, how many carry the value."""
        return await self._dual_writes.look()

    # -- reads

    async def reads(self) -> tuple[Evidence, ...]:
        """Old and new value on the newest rows, where rows were filled; statements seen that use the column."""
        agree = await self._agree() if self._comparable() else ()
        return (*agree, await self._reader())

    def _comparable(self) -> bool:
        """Whether old and new value must agree: not where it is volatile, nor where no row was ever filled.

        A constant that came as the column's default is no promise: the application may write what it likes.
        """
        if self._facts.value_volatile:
            return False
        plan = make_plan(self._change, self._facts, PostgresWriter(self._change, self._facts))
        return bool(plan.phase("backfill").statements)

    async def _agree(self) -> tuple[Evidence, ...]:
        walk = Walk(self._change, self._facts)
        leave_out = await self._left_out()
        rows = differences = 0
        for piece in traces.pieces(self._facts):
            newest = traces.newest(self._change, walk, piece)
            row = await self._one(walk.compare(newest, None, None, leave_out))
            rows, differences = rows + int(row[0]), differences + int(row[1])
        seen = f"{plural(differences, 'difference')} in the newest {plural(rows, 'row')}"
        seen += (
            f", not counting {plural(len(leave_out), 'row')} left out of the backfill" if leave_out else ""
        )
        return (Evidence(name="old and new value agree", seen=seen, holds=differences == 0),)

    async def _left_out(self) -> tuple[KeyValue, ...]:
        """The rows that the operator left out of the backfill, read on our own connection: the worker's may be lost."""
        progress = self._names.progress
        if not (await self._one(f"SELECT to_regclass({literal(progress)}) IS NOT NULL"))[0]:
            return ()
        stored = await self._first(f"SELECT value FROM {progress} WHERE item = {literal(SKIPPED)}")
        return msgspec.json.decode(stored[0], type=tuple[KeyValue, ...]) if stored else ()

    async def _reader(self) -> Evidence:
        name = f"statements read {self._change.column}"
        by_hand = reader = ""
        for pid, who, program, query in await self._all(traces.statements(self._change)):
            if not traces.reads(self._change, query):
                continue
            seen = f"session {pid} ({plain(who)})"
            if not traces.interactive(program):
                reader = seen
                break
            by_hand = by_hand or f"; {seen} read it by hand, which does not count"
        if reader := self._readers.see(reader, time.monotonic()):
            return Evidence(name=name, seen=f"seen: {reader}", holds=True)
        return Evidence(name=name, seen=f"no statement that reads it has been seen yet{by_hand}", holds=False)

    # -- finish

    async def finished(self) -> tuple[Evidence, ...]:
        """Nothing of ours left; primary and replicas as planned."""
        left = await self._all(self._leftovers())
        names = ", ".join(str(row[0]) for row in left)
        out = [
            Evidence(name="nothing of ours left", seen=names or "no object of ours is there", holds=not left),
            self._schema("primary", await self._first(self._column_query())),
            *await self._attached.gone(),
        ]
        out += [
            evidence
            for number, url in enumerate(self._file.target.replicas, 1)
            for evidence in await self._finished_on(f"replica {number}", url)
        ]
        return tuple(out)

    def _leftovers(self) -> str:
        mine = literal(f"%column\\_console\\_{self._change.key}%")
        relation = f"to_regclass({literal(self._facts.name)})"
        return (
            f"SELECT relname::text FROM pg_class WHERE relname LIKE {mine} AND relkind IN ('r', 'i')"
            f" UNION SELECT proname::text FROM pg_proc WHERE proname LIKE {mine}"
            f" UNION SELECT tgname::text FROM pg_trigger WHERE tgrelid = {relation} AND tgname LIKE {mine}"
            f" UNION SELECT conname::text FROM pg_constraint WHERE conrelid = {relation} AND conname LIKE {mine}"
        )

    async def _finished_on(self, name: str, url: str) -> tuple[Evidence, ...]:
        try:
            column = await self._first_on(url, self._column_query())
            left = await self._first_on(url, f"SELECT count(*) FROM ({self._leftovers()}) l")
        except DatabaseError as error:
            return (Evidence(name=name, seen=error.text, holds=False),)
        evidence = self._schema(name, column)
        if left and left[0]:
            seen = f"{evidence.seen}; {plural(int(left[0]), 'object')} of ours not gone yet"
            return (msgspec.structs.replace(evidence, seen=seen, holds=False),)
        return (evidence,)

    def _schema(self, name: str, row: Sequence[Any] | None) -> Evidence:
        if row is None:
            return Evidence(name=f"{name}: schema", seen=f"{self._change.column} is not there", holds=False)
        kind, not_null, default = row
        words = [
            str(kind),
            "NOT NULL" if not_null else "nullable",
            "with default" if default else "no default",
        ]
        planned = (
            kind == (self._facts.type or kind)
            and (bool(not_null) or self._change.nullable)
            and (bool(default) or self._change.default is None)
        )
        return Evidence(name=f"{name}: schema", seen=", ".join(words), holds=planned)

    # -- connections

    async def _all(self, query: str) -> list[tuple[Any, ...]]:
        if self._primary is None or self._primary.closed:
            self._primary = await connect(
                self._file.target.url, purpose="evidence", read_only=True, password=self._password
            )
        return await self._fetch(self._primary, query)

    async def _first(self, query: str) -> tuple[Any, ...] | None:
        rows = await self._all(query)
        return rows[0] if rows else None

    async def _one(self, query: str) -> tuple[Any, ...]:
        return (await self._all(query))[0]

    async def _first_on(self, url: str, query: str) -> tuple[Any, ...] | None:
        connection = self._replicas.get(url)
        if connection is None or connection.closed:
            connection = await connect(url, purpose="evidence", read_only=True, password=self._password)
            self._replicas[url] = connection
        rows = await self._fetch(connection, query)
        return rows[0] if rows else None

    @staticmethod
    async def _fetch(connection: Connection, query: str) -> list[tuple[Any, ...]]:
        try:
            return await (await connection.execute(TAG + query)).fetchall()
        except psycopg.Error as error:
            raise errors.translate(error, "looking for evidence") from error
