"""One PostgreSQL server of a throwaway cluster: made, started, stopped; reached by unix socket only.

Settings stand in `postgresql.conf` and never on the command line, which would beat ALTER SYSTEM.
"""

import shutil
import signal
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

import psycopg

from console.demo.place import Account, Place
from console.demo.postgresql.binaries import Binaries
from console.demo.server import Server

SUPERUSER = "postgres"
SOCKETS = "run"
"""The folder in the place that all sockets lie in."""


class Node(Server):
    """One server: its data folder, its port, and its process once launched."""

    # Without a checkpoint, because an orderly shutdown waits for a standby that may be stopped, and nobody wants the
    # data; not killed outright, because its sessions are processes of their own.
    death = signal.SIGQUIT
    orderly = signal.SIGINT
    at_once = (signal.SIGQUIT, signal.SIGKILL)

    def __init__(
        self, name: str, *, place: Place, port: int, binaries: Binaries, account: Account | None
    ) -> None:
        self.data = place.room(name, account)
        super().__init__(name, home=self.data, log=place.directory / f"{name}.log", account=account)
        self.port = port
        self.binaries = binaries
        self.sockets = place.room(SOCKETS, account)

    def url(self, role: str, database: str, **options: str) -> str:
        """The `postgresql://` address of a database here, for a role; further libpq options by name."""
        query = urllib.parse.urlencode(
            {"host": str(self.sockets), "port": str(self.port), **options},
            quote_via=urllib.parse.quote,
            safe="/",
        )
        return f"postgresql://{urllib.parse.quote(role)}@/{urllib.parse.quote(database)}?{query}"

    def connect(self, role: str = SUPERUSER, database: str = "postgres") -> psycopg.Connection:
        """A connection in autocommit."""
        return psycopg.connect(self.url(role, database, connect_timeout="10"), autocommit=True)

    def initialise(self, *, segment_mb: int = 16) -> None:
        """Make an empty database cluster, with WAL segments of `segment_mb` MiB. Takes 1-2 seconds."""
        self._program(
            *("initdb", "-D", str(self.data), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C"),
            *("--no-sync", "--no-instructions", f"--wal-segsize={segment_mb}"),
        )

    def clear(self) -> None:
        """Throw away all data of this node, which must not be running."""
        for entry in self.data.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def copy_from(self, primary: "Node") -> None:
        """Make this node a streaming standby of a running one, with a slot of this node's name."""
        source = f"host={primary.sockets} port={primary.port} user={SUPERUSER} application_name={self.name}"
        self._program(
            *("pg_basebackup", "-D", str(self.data), "-d", source, "-R", "-X", "stream", "-c", "fast"),
            *("--no-sync", "-C", "-S", self.name),
        )

    def configure(self, settings: Mapping[str, str]) -> None:
        """Append settings to `postgresql.conf`; the last one of a name holds."""
        own = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "port": str(self.port),
            "cluster_name": self.name,
        }
        lines = [f"{name} = '{_quoted(value)}'\n" for name, value in {**settings, **own}.items()]
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.writelines(lines)

    def command(self) -> list[str | Path]:
        """The server itself, which is our child: no `pg_ctl` in between."""
        return [self.binaries.program("postgres"), "-D", str(self.data)]

    def refusal(self) -> str:
        """Why it does not answer; "" when it does."""
        try:
            self.connect().close()
        except psycopg.OperationalError as error:
            return str(error)
        return ""

    def path(self) -> str:
        """The installation's programs first."""
        return f"{self.binaries.directory}:/usr/bin:/bin"

    def _program(self, name: str, *arguments: str) -> None:
        self.run(self.binaries.program(name), *arguments)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")
