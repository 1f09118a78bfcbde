"""One fresh database on a pair of servers, as a test holds it."""

import dataclasses
from typing import Any

import psycopg
from psycopg import sql

from console.demo.postgresql.cluster import Cluster


@dataclasses.dataclass(frozen=True)
class Database:
    """A database on both servers of a pair. See the head of `tests.servers` for its roles."""

    name: str
    cluster: Cluster

    def url(self, role: str = "deploy", **options: str) -> str:
        """Its address on the primary; further libpq options by name."""
        return self.cluster.primary.url(role, self.name, **options)

    def standby_url(self, role: str = "deploy", **options: str) -> str:
        """Its address on the standby."""
        return self.cluster.standby.url(role, self.name, **options)

    def connect(self, role: str = "deploy") -> psycopg.Connection:
        """A connection to the primary, in autocommit."""
        return self.cluster.primary.connect(role, self.name)

    def connect_standby(self, role: str = "deploy") -> psycopg.Connection:
        """A connection to the standby, in autocommit."""
        return self.cluster.standby.connect(role, self.name)

    def run(self, statements: str, role: str = "deploy") -> None:
        """Run statements on the primary, several if separated by semicolons."""
        with self.connect(role) as connection:
            connection.execute(statements.encode())

    def rows(self, query: str, role: str = "deploy", *, standby: bool = False) -> list[tuple[Any, ...]]:
        """The rows of one query."""
        with self.connect_standby(role) if standby else self.connect(role) as connection:
            return connection.execute(query.encode()).fetchall()

    def wait_until_replayed(self) -> None:
        """Wait until the standby has what the primary wrote until now."""
        self.cluster.wait_until_replayed()

    def create(self) -> None:
        """Make it, owned by `deploy`, and wait until the standby has it."""
        with self.cluster.primary.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER deploy").format(sql.Identifier(self.name)))
        self.wait_until_replayed()

    def drop(self) -> None:
        """Remove it, and what would hold it: prepared transactions and logical slots."""
        with self.connect("postgres") as connection:
            for (gid,) in connection.execute(
                "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"
            ).fetchall():
                connection.execute(sql.SQL("ROLLBACK PREPARED {}").format(sql.Literal(gid)))
            connection.execute(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                " WHERE database = current_database() AND NOT active"
            )
        with self.cluster.primary.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self.name)))
