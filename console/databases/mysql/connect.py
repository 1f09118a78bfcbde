"""Connections to MySQL and MariaDB: named, guarded by keepalives and timeouts, with their session's settings made.

Everything here blocks, and runs on a lane's thread (`console.databases.mysql.lane`). A connection is never pinged
back to life: that loses the settings; it is thrown away, and a new one is made by the same function.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import Cursor

from console.change import Frozen
from console.databases.base import Unreachable
from console.databases.mysql.address import Address, TlsMode
from console.databases.mysql.errors import tidy
from console.databases.mysql.families import Family
from console.databases.mysql.settings import ISOLATION, session_settings
from console.databases.mysql.unreachable import explain

CONNECT_TIMEOUT = 5.0
"""Seconds until a server must have answered a log-in."""
IDLE = 7 * 86400
"""Seconds that the server shall bear a session of ours that waits for an operator."""
TLS_FAILED = 2026
NOT_IN_CLEAR = 2061
"""Of the client's errors, CR_AUTH_PLUGIN_ERR."""
CLEAR_TEXT = (b"mysql_clear_password", b"dialog")
"""Log-ins in which the password travels as it is: LDAP's and PAM's."""
# A peer that went without a word is noticed after 10 + 3 * 5 s, and unsent data gives up after 30 s.
_KEEPALIVES = (
    ("TCP_KEEPIDLE", 10),
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", 30000),
)


if TYPE_CHECKING:
    _Base = Connection[Cursor]
else:
    _Base = Connection  # takes no brackets when it runs


class Session(Frozen, frozen=True):
    """What a connection is for, and how its session is set."""

    purpose: str
    """The connection calls itself `column-console PURPOSE` in the server's connection attributes."""
    read_only: bool = True
    statement_limit: float = 0.0
    """Seconds after which the server ends a reading statement; 0: none."""
    lock_wait: float = 1.0
    """Seconds to wait for a metadata lock."""


class Opened:
    """A connection that stands, with what the server told of it."""

    def __init__(self, connection: DirectConnection, family: Family, pid: int, host: str, user: str) -> None:
        self.connection = connection
        self.family = family
        self.pid = pid
        """The server's id of the session."""
        self.host = host
        """The client's end as the server sees it, e.g. `10.0.0.7:51234`: with the id, it names the session."""
        self.user = user


class DirectConnection(_Base):
    """A connection over a socket of ours: every step of the log-in has a deadline, keepalives are on."""

    _sock: socket.socket | None

    def connect(self, sock: Any = None) -> None:
        """Connects and logs in. Raises what PyMySQL raises, or OSError."""
        if self.unix_socket:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.settimeout(CONNECT_TIMEOUT)
            try:
                sock.connect(self.unix_socket)
            except OSError:
                sock.close()
                raise
            self._secure = True  # what travels over a socket needs no encryption: the password may
        else:
            sock = socket.create_connection((self.host, self.port), CONNECT_TIMEOUT)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in _KEEPALIVES:
                if hasattr(socket, name):
                    sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        super().connect(sock)

    def _process_auth(self, plugin_name: bytes, auth_packet: Any, handler: Any = None) -> Any:
        """Refuses what would send the password as it is over a bare line, at the wish of whoever answers there.

        PyMySQL asks nobody. Raises OperationalError.
        """
        if plugin_name in CLEAR_TEXT and not self._secure:
            raise pymysql.OperationalError(
                NOT_IN_CLEAR,
                "the server wants the password in clear text, and this connection is not encrypted",
            )
        return super()._process_auth(plugin_name, auth_packet, handler)  # type: ignore[misc] # not in the stubs

    def trust(self) -> None:
        """From now on an answer may take as long as it takes: whoever waits has a deadline of its own."""
        self._read_timeout = None

    def cut(self) -> None:
        """Ends the connection under whoever waits on it, from another thread, without a word to the server."""
        ours = self._sock
        if ours is None:
            return
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(ours.fileno())) as ending:
            ending.shutdown(socket.SHUT_RDWR)


def open_connection(address: Address, session: Session) -> Opened:
    """A connection in autocommit with its session set. Blocks, for at most some `CONNECT_TIMEOUT`.

    Raises Unreachable, with the mend.
    """
    connection = None
    try:
        connection = _logged_in(address, session)
        family, pid, host, user = _introduced(connection)
        _configure(connection, family, address, session)
        connection.trust()
    except (pymysql.Error, OSError, RuntimeError, ValueError, AssertionError, IndexError) as error:
        # PyMySQL raises RuntimeError for a missing package, and trips over what is no server of this kind.
        if connection is not None:
            connection.cut()
            connection.close()
        raise explain(error, address) from None
    return Opened(connection, family, pid, host, user)


def _logged_in(address: Address, session: Session) -> DirectConnection:
    try:
        context = tls_context(address.tls, address.ca, address.certificate, address.key)
    except OSError as error:
        raise Unreachable(
            f"can't connect to {address.name}: ssl-ca, ssl-cert or ssl-key can't be used ({tidy(str(error))})",
            "Correct the files in [database] url",
        ) from None
    try:
        return _connection(address, session, context)
    except pymysql.OperationalError as error:
        if address.tls == "preferred" and error.args[0] == TLS_FAILED:
            return _connection(address, session, None)  # the server has no TLS, and it was not demanded
        raise


def _connection(address: Address, session: Session, context: ssl.SSLContext | None) -> DirectConnection:
    connection = DirectConnection(
        user=address.user,
        password=(address.password or "").encode(errors="surrogateescape"),
        host=address.host or "localhost",
        port=address.port,
        unix_socket=address.socket or None,
        database=address.database,
        charset="utf8mb4",
        autocommit=True,
        program_name=f"column-console {session.purpose}",
        read_timeout=CONNECT_TIMEOUT,
        connect_timeout=CONNECT_TIMEOUT,
        ssl=context,
        ssl_disabled=context is None,
        defer_connect=True,
    )
    connection.connect()
    return connection


@functools.lru_cache(maxsize=8)
def tls_context(
    mode: TlsMode, ca: str | None, certificate: str | None, key: str | None
) -> ssl.SSLContext | None:
    """The one context of this process for these settings; None: no TLS.

    Making one that loads the system's authorities costs 100 ms of CPU (measured), so only those that verify do.
    Raises OSError where a file can't be read.
    """
    if mode == "disabled":
        return None
    if mode in ("verify-ca", "verify-identity"):
        context = ssl.create_default_context(cafile=ca)
        # Certificates that MySQL makes for itself do not pass the strict test of Python 3.13.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.check_hostname = mode == "verify-identity"
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate:
        context.load_cert_chain(certificate, keyfile=key)
    return context


def _introduced(connection: DirectConnection) -> tuple[Family, int, str, str]:
    """The server's family, and who we are to it."""
    with connection.cursor() as cursor:
        cursor.execute("/* column-console */ SELECT VERSION(), CONNECTION_ID(), USER()")
        version, pid, user = cursor.fetchone() or ("", 0, "")
        cursor.execute(
            f"/* column-console */ SELECT HOST FROM information_schema.PROCESSLIST WHERE ID = {int(pid)}"
        )
        row = cursor.fetchone()
    return Family.of(str(version)), int(pid), str(row[0]) if row else "", str(user).rpartition("@")[0]


def _settings(family: Family, session: Session) -> tuple[str, ...]:
    return (
        *session_settings(session.lock_wait),
        f"wait_timeout = {IDLE}",
        family.statement_limit(session.statement_limit),
    )


def _configure(connection: DirectConnection, family: Family, address: Address, session: Session) -> None:
    wanted = []
    if not session.read_only:
        if address.minimal_row_image:
            wanted.append("binlog_row_image = MINIMAL")
        if family.alter_two_phase:
            wanted.append("binlog_alter_two_phase = 1")
    with connection.cursor() as cursor:
        cursor.execute("/* column-console */ SET SESSION " + ", ".join(_settings(family, session)))
        cursor.execute(f"/* column-console */ {ISOLATION}")
        access = "READ ONLY" if session.read_only else "READ WRITE"
        cursor.execute(f"/* column-console */ SET SESSION TRANSACTION {access}")
        for setting in wanted:
            try:
                cursor.execute(f"/* column-console */ SET SESSION {setting}")
            except pymysql.OperationalError as error:
                if error.args[0] not in (1227, 1193):
                    raise  # 1227: not permitted, 1193: not known: then as the server is set
