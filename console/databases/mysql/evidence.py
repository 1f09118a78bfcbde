"""What gates and phases are shown before they pass: numbers that the database gave.

The replicas: `followed`. The rows written lately: `dual_writes`. The statements that read the column: `digests`.
"""

from __future__ import annotations

import time
from typing import Any

from console.change import Change, ChangeFile
from console.databases.base import DatabaseError, Worker
from console.databases.lately import Lately
from console.databases.mysql import traces
from console.databases.mysql.address import read_address
from console.databases.mysql.connect import Session
from console.databases.mysql.digests import FULL, Digests
from console.databases.mysql.dual_writes import DualWrites
from console.databases.mysql.followed import Followed
from console.databases.mysql.identifiers import literal, quote
from console.databases.mysql.lane import Lane
from console.databases.mysql.routes import shape_of
from console.databases.mysql.statements import MySqlWriter
from console.databases.mysql.walk import Walk
from console.events import Evidence
from console.facts import TableFacts
from console.plan import make_plan
from console.words import plural

STAYING = ("add-column", "constraints", "indexes", "finish")
"""Phases whose statements leave what every server must show in the end."""
PATIENCE = 30.0
"""Seconds that a look may take."""


class MySqlEvidences:
    """Fulfils `base.Evidences`."""

    def __init__(self, file: ChangeFile, facts: TableFacts, worker: Worker, password: str | None) -> None:
        self._file = file
        self._facts = facts
        self._worker = worker
        self._shape = shape_of(file.change, facts)
        self._primary = _lane(file.target.url, password)
        self._replicas = [_lane(url, password) for url in file.target.replicas]
        self._followed = Followed(self._primary)
        self._digests = Digests(self._primary, file.change, facts.schema)
        self._dual_writes = DualWrites(
            file.change,
            facts,
            self._shape,
            primary=self._primary,
            walk=self._walk,
            digests=self._digests,
        )
        self._readers = Lately()

    @property
    def _change(self) -> Change:
        return self._file.change

    @property
    def _walk(self) -> Walk | None:
        if self._facts.key is None or self._change.backfill is None:
            return None
        return Walk(self._change, self._facts, self._shape)

    async def close(self) -> None:
        """Closes its connections."""
        for lane in (self._primary, *self._replicas):
            await lane.close()

    # -- replicas

    async def replicas(self) -> tuple[Evidence, ...]:
        """The column visible, and replay advancing, on every replica."""
        await self._followed.mark()
        out = []
        for number, lane in enumerate(self._replicas, 1):
            name = f"replica {number}"
            try:
                out.append(await self._followed.evidence(f"{name}: replay", lane))
                row = await self._column_on(lane)
            except DatabaseError as error:
                out.append(Evidence(name=name, seen=error.text, holds=False))
                continue
            seen = f"{row[0]}" if row else f"{self._change.column} is not there yet"
            out.append(Evidence(name=f"{name}: catalog", seen=seen, holds=row is not None))
        attached = await self._followed.attached()
        unread = max(0, (attached or 0) - len(self._replicas))
        if attached is None:
            seen = "this user may not see whether any is attached (PROCESS)"
            some = bool(self._replicas)
            out.append(Evidence(name="other replicas" if some else "replicas", seen=seen, holds=some))
        elif unread:
            seen = f"{unread} more attached, and not named in [database] replicas: not looked at"
            out.append(Evidence(name="other replicas", seen=seen, holds=True))
        if not out:
            seen = "none is attached, and none is named in the change file"
            out.append(Evidence(name="replicas", seen=seen, holds=True))
        return tuple(out)

    async def _column_on(self, lane: Lane) -> tuple[Any, ...] | None:
        rows = await lane.rows(
            "SELECT COLUMN_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA FROM information_schema.COLUMNS"
            " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND COLUMN_NAME = %s",
            (self._facts.schema, self._change.table.name, self._change.column),
            what="looking for evidence",
        )
        return rows[0] if rows else None

    # -- dual-writes

    async def dual_writes(self) -> tuple[Evidence, ...]:
        """Of the rows written lately, how many carry the value."""
        return await self._dual_writes.seen()

    # -- reads

    async def reads(self) -> tuple[Evidence, ...]:
        """Old and new value on the newest rows; statements seen that use the column."""
        out = []
        walk = self._walk
        if walk is not None:
            query = traces.newest(walk, self._facts.name, quote(self._change.table.name))
            found = (await self._primary.rows(query, what="comparing the newest rows"))[0]
            rows, differences = int(found[0]), int(found[1])
            seen = f"{plural(differences, 'difference')} in the newest {plural(rows, 'row')}"
            out.append(Evidence(name="old and new value agree", seen=seen, holds=differences == 0))
        reader = self._readers.see(await self._digests.reader(), time.monotonic())
        seen = f"seen: {reader}" if reader else "no statement that reads it has been seen yet"
        if not reader and await self._digests.overflow():
            seen += f"; {FULL}"
        out.append(Evidence(name=f"statements read {self._change.column}", seen=seen, holds=bool(reader)))
        return tuple(out)

    # -- finish

    async def finished(self) -> tuple[Evidence, ...]:
        """Nothing of ours left; primary and replicas as planned."""
        left = await self._left_on(self._primary)
        out = [
            Evidence(
                name="nothing of ours left",
                seen=", ".join(left) or "no object of ours is there",
                holds=not left,
            ),
            self._schema(
                "primary", await self._column_on(self._primary), await self._missing_on(self._primary)
            ),
        ]
        for number, lane in enumerate(self._replicas, 1):
            out.append(await self._finished_on(f"replica {number}", lane))
        return tuple(out)

    async def _left_on(self, lane: Lane) -> list[str]:
        mine = literal(f"column\\_console\\_{self._change.key}\\_%").replace("%", "%%")
        rows = await lane.rows(
            f"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME LIKE {mine}"
            " UNION SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s"
            f" AND TRIGGER_NAME LIKE {mine}",
            (self._facts.schema, self._facts.schema),
            what="looking for evidence",
        )
        return [str(row[0]) for row in rows]

    async def _finished_on(self, name: str, lane: Lane) -> Evidence:
        try:
            evidence = self._schema(name, await self._column_on(lane), await self._missing_on(lane))
            left = await self._left_on(lane)
        except DatabaseError as error:
            return Evidence(name=name, seen=error.text, holds=False)
        if not left:
            return evidence
        seen = f"{evidence.seen}; {plural(len(left), 'object')} of ours not gone yet"
        return Evidence(name=evidence.name, seen=seen, holds=False)

    async def _missing_on(self, lane: Lane) -> list[str]:
        """The statements of the plan whose effect the server's catalog does not show."""
        plan = make_plan(self._change, self._facts, MySqlWriter(self._change, self._facts))
        missing = []
        for phase in plan.phases:
            for statement in phase.statements if phase.name in STAYING else ():
                if not statement.done_when or statement.cost == "scan":
                    continue
                shown = await lane.rows(statement.done_when, what="looking for evidence")
                if not shown[0][0]:
                    missing.append(statement.name)
        return missing

    def _schema(self, name: str, row: tuple[Any, ...] | None, missing: list[str]) -> Evidence:
        if row is None:
            return Evidence(name=f"{name}: schema", seen=f"{self._change.column} is not there", holds=False)
        kind, nullable, default, extra = row
        family = self._primary.family
        has_default = family.default_text(default) is not None or "DEFAULT_GENERATED" in str(extra)
        not_null = nullable == "NO"
        words = [
            str(kind),
            "NOT NULL" if not_null else "nullable",
            "with default" if has_default else "no default",
        ]
        planned = (
            family.type_text(str(kind)) == family.type_text(self._facts.type or str(kind))
            and (not_null or self._change.nullable or self._shape.not_null == "nullable")
            and (has_default or self._change.default is None)
        )
        seen = ", ".join(words) + (f"; not there yet: {', '.join(missing)}" if missing else "")
        return Evidence(name=f"{name}: schema", seen=seen, holds=planned and not missing)


def _lane(url: str, password: str | None) -> Lane:
    return Lane(
        read_address(url, password), Session(purpose="evidence", statement_limit=PATIENCE), deadline=PATIENCE
    )
