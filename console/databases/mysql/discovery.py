"""The replicas that the primary sends its log to, as far as it tells who they are.

By rights: those that registered (`SHOW REPLICAS`), by server id; and the sessions that the log is sent on. MySQL tells
the UUID of the server at their other end, and has none for what only copies the log (mysqlbinlog, change data
capture), which is no replica. MariaDB tells neither: there only more such sessions than known replicas give a stranger
away, once that has been so for a while, because the session of a connection that broke stays for some time.
"""

from __future__ import annotations

from console.change import Frozen
from console.databases.mysql.connect import DirectConnection
from console.databases.mysql.sight import NOTHING, Missing, Sight, ask
from console.words import plain

_SENDING = "SELECT ID, HOST FROM {sessions} WHERE COMMAND LIKE 'Binlog Dump%'"
_UUIDS = """SELECT t.PROCESSLIST_ID, v.VARIABLE_VALUE
  FROM performance_schema.user_variables_by_thread v JOIN performance_schema.threads t USING (THREAD_ID)
 WHERE v.VARIABLE_NAME IN ('replica_uuid', 'slave_uuid') AND t.PROCESSLIST_COMMAND LIKE 'Binlog Dump%'"""


class Registered(Frozen, frozen=True):
    """A replica that told its id."""

    server_id: int
    name: str
    """Its host and port, where it told them."""


class Sending(Frozen, frozen=True):
    """A session that the log is sent on."""

    host: str
    identity: str
    """The UUID at the other end; empty where that is not told."""


class Replicas(Frozen, frozen=True):
    """What the primary tells of its replicas; None where this user may not see it."""

    registered: tuple[Registered, ...] | None
    sending: tuple[Sending, ...] | None
    missing: Missing = NOTHING


def discover(connection: DirectConnection, sight: Sight) -> Replicas:
    """Look. Blocks."""
    registered = ask(connection, sight.family.replicas) if sight.registered else None
    sending = None
    if sight.process:
        rows = ask(connection, _SENDING.format(sessions=sight.sessions))
        uuids = ask(connection, _UUIDS) if sight.replica_ids else None
        by_pid = {pid: _text(uuid) for pid, uuid in uuids or ()}
        sending = tuple(
            Sending(
                host=plain(str(host or "").rpartition(":")[0] or str(host or "")),
                identity=by_pid.get(pid, ""),
            )
            for pid, host in rows
            if uuids is None or pid in by_pid
        )
    missing = NOTHING
    if sending is None and registered is None:
        missing = Missing(
            why="whether there are replicas that the change file does not name can't be seen",
            remedy=sight.hidden.remedy,
        )
    return Replicas(
        registered=None if registered is None else tuple(_registered(row) for row in registered),
        sending=sending,
        missing=missing,
    )


def _registered(row: tuple[object, ...]) -> Registered:
    number, host, port = int(str(row[0])), plain(str(row[1] or "")), str(row[2])
    return Registered(server_id=number, name=f"{host}:{port}" if host else f"server {number}")


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")
