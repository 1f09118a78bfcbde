"""One MySQL or MariaDB server of a throwaway cluster: made, started, stopped, frozen.

Sessions reach it by its unix socket; it listens on the loopback address, too, because replication needs TCP.
"""

import os
import random
import shutil
import signal
import socket
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import pymysql
import pymysql.cursors
from pymysql.constants import CR

from console.demo.errors import DemoError
from console.demo.mysql.binaries import Installation
from console.demo.place import Account, Place
from console.demo.server import Server

SUPERUSER = "root"
SOCKETS = "run"
"""The folder in the place that all sockets lie in."""

Connection: TypeAlias = "pymysql.Connection[pymysql.cursors.Cursor]"

_DUMPS = "SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'"
_PORTS = range(20_000, 32_000)
"""Below the ports that systems hand out for outgoing connections, so that a stopped server finds its own free."""


class MySqlNode(Server):
    """One server: its folder with its settings and data, its socket and port, and its process once launched."""

    # Killed outright when we end: it is one process, nobody wants its data, and an orderly shutdown takes its time.
    death = signal.SIGKILL
    orderly = signal.SIGTERM
    at_once = (signal.SIGKILL,)

    def __init__(
        self, name: str, *, number: int, place: Place, installation: Installation, account: Account | None
    ) -> None:
        home = place.room(name, account)
        super().__init__(name, home=home, log=place.directory / f"{name}.log", account=account)
        self.installation = installation
        self.number = number
        """The server's id in replication."""
        self.port = free_port()
        self.socket = place.room(SOCKETS, account) / f"{name}.sock"
        self.data = home / "data"
        self.temporary = place.room("tmp", account)
        self.settings_file = home / "my.cnf"
        self._frozen = False

    # ------------------------------------------------------------------------------------------- reaching it

    def url(self, role: str, database: str = "", **options: str) -> str:
        """The `mysql://` or `mariadb://` address of a database here, for a role; further options by name."""
        query = urllib.parse.urlencode(
            {"socket": str(self.socket), **options}, quote_via=urllib.parse.quote, safe="/"
        )
        name = urllib.parse.quote(database, safe="")
        return f"{self.installation.family.name}://{urllib.parse.quote(role)}@localhost/{name}?{query}"

    def connect(self, role: str = SUPERUSER, database: str = "", **options: Any) -> Connection:
        """A connection in autocommit; further arguments of PyMySQL by name. Seconds to connect: at most 10."""
        return connect(self.socket, role, database, **options)

    def rows(self, query: str, values: object = None) -> list[tuple[Any, ...]]:
        """What the superuser sees."""
        with self.connect() as link, link.cursor() as cursor:
            cursor.execute(query, values)
            return list(cursor.fetchall())

    def run_all(self, *statements: str) -> None:
        """Run statements as the superuser, out of the binary log: they are no part of what is replicated."""
        with self.connect() as link, link.cursor() as cursor:
            cursor.execute("SET SESSION sql_log_bin = 0")
            for statement in statements:
                cursor.execute(statement)

    def refusal(self) -> str:
        """Why it does not answer; "" when it does."""
        try:
            self.connect().close()
        except pymysql.OperationalError as error:
            return str(error)
        return ""

    # ------------------------------------------------------------------------------------------- life

    def configure(self, settings: Mapping[str, str]) -> None:
        """Write the settings file: ours on top of `settings`."""
        own = {
            "datadir": self.data,
            "socket": self.socket,
            "pid_file": self.home / "mysqld.pid",
            "tmpdir": self.temporary,
            "port": self.port,
            "bind_address": "127.0.0.1",
            "report_host": "127.0.0.1",
            "report_port": self.port,
            "server_id": self.number,
        }
        if os.geteuid() == 0 and self._account is None:
            own["user"] = "root"
        lines = ["[mysqld]\n", *(f"{name} = {value}\n" for name, value in {**settings, **own}.items())]
        self.settings_file.write_text("".join(lines), encoding="utf-8")

    def initialise(self) -> None:
        """Make an empty database system in the configured folder. Takes 1 (MariaDB) to 5 seconds (MySQL)."""
        if not self.installation.family.mariadb:
            self.run(self.installation.server, self._file, "--initialize-insecure")
            return
        tables = self.installation.tables()
        if not tables:
            raise DemoError(
                f"the SQL files of MariaDB's system tables are not beside {self.installation.server}"
            )
        (self.data / "mysql").mkdir(parents=True)
        self._give(self.data, self.data / "mysql")
        with tempfile.TemporaryFile() as script:
            # What mariadb-install-db does, which has its paths fixed. One statement a line.
            script.write(b"create database if not exists mysql;\nuse mysql;\nSET @auth_root_socket=NULL;\n")
            script.writelines(file.read_bytes() for file in tables)
            script.seek(0)
            self.run(
                *(self.installation.server, self._file, "--bootstrap", "--skip-log-bin"),
                *("--enforce-storage-engine=", "--max-allowed-packet=32M"),
                reads=script,
            )

    def copy_from(self, primary: "MySqlNode") -> None:
        """Take over the data of a stopped server, without its identity and its logs."""
        shutil.rmtree(self.data, ignore_errors=True)
        unwanted = shutil.ignore_patterns("auto.cnf", "binlog.*", "relay*", "*.pid", "*.pem")
        shutil.copytree(primary.data, self.data, ignore=unwanted)
        self._give(self.data, *self.data.rglob("*"))

    def command(self) -> list[str | Path]:
        """The server itself: no `mysqld_safe` in between."""
        return [self.installation.server, self._file]

    def path(self) -> str:
        """The system's."""
        return "/usr/bin:/bin"

    def stop(self, *, at_once: bool = False, patience_s: float = 30.0) -> None:
        """As for any server; a frozen one goes on first, or it could not stop."""
        if not at_once:
            self.thaw()
            self._end_dumps()
        super().stop(at_once=at_once, patience_s=patience_s)
        self._frozen = False

    def _end_dumps(self) -> None:
        """End what sends the binary log to replicas: MySQL would wait 10 s for it when a replica is gone."""
        if not self.running or self.installation.family.mariadb:
            return
        with suppress(pymysql.Error):
            for (session,) in self.rows(_DUMPS):
                self.rows("KILL %s", [session])

    def freeze(self) -> None:
        """Stop the whole server as a hung host does: connected, but no answer."""
        if self.pid is None:
            raise DemoError(f"the {self.name} does not run, so there is nothing to freeze")
        os.kill(self.pid, signal.SIGSTOP)
        self._frozen = True

    def thaw(self) -> None:
        """Let a frozen server go on."""
        if self._frozen and self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGCONT)
        self._frozen = False

    @property
    def frozen(self) -> bool:
        """Whether it was frozen and not yet thawed."""
        return self._frozen

    # ------------------------------------------------------------------------------------------- helpers

    @property
    def _file(self) -> str:
        return f"--defaults-file={self.settings_file}"

    def _give(self, *paths: Path) -> None:
        """Hand files to whom the server runs as."""
        if self._account is not None:
            for path in paths:
                os.chown(path, self._account.uid, self._account.gid)


def connect(path: Path, role: str, database: str, **options: Any) -> Connection:
    """A connection to a server's unix socket, in autocommit and without a password."""
    # A socket of ours, because PyMySQL leaves its own open when nobody listens.
    link = socket.socket(socket.AF_UNIX)
    try:
        return connect_by(link, path, role, database, **options)
    except BaseException:
        link.close()
        raise


def connect_by(link: socket.socket, path: Path, role: str, database: str, **options: Any) -> Connection:
    """As `connect`, by a unix socket of the caller's."""
    connection: Connection = pymysql.connect(
        user=role,
        database=database or None,
        defer_connect=True,
        **{"autocommit": True, "ssl_disabled": True, **options},
    )
    link.settimeout(10.0)
    try:
        link.connect(str(path))
        connection.connect(link)
    except OSError as error:
        raise pymysql.OperationalError(CR.CR_CONNECTION_ERROR, f"{path}: {error.strerror or error}") from None
    return connection


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on."""
    for port in _shuffled():
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise DemoError(f"no TCP port from {_PORTS.start} to {_PORTS.stop} is free")


def _shuffled() -> Iterator[int]:
    yield from random.sample(_PORTS, len(_PORTS))
