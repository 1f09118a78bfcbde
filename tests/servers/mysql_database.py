"""One fresh database on a pair of MySQL or MariaDB servers, as a test holds it."""

import dataclasses
from typing import Any, Literal

from pymysql.constants import CLIENT

from console.demo.mysql.cluster import MySqlCluster
from console.demo.mysql.node import Connection, MySqlNode

_RIGHTS = {"deploy": "ALL PRIVILEGES", "app": "SELECT, INSERT, UPDATE, DELETE"}


@dataclasses.dataclass(frozen=True)
class MySqlDatabase:
    """A database on both servers of a pair. See the head of `tests.servers` for its roles."""

    name: str
    cluster: MySqlCluster

    @property
    def family(self) -> Literal["mysql", "mariadb"]:
        """The family of the servers."""
        return self.cluster.family.name

    def url(self, role: str = "deploy", **options: str) -> str:
        """Its address on the primary; further options by name."""
        return self.cluster.primary.url(role, self.name, **options)

    def replica_url(self, role: str = "deploy", **options: str) -> str:
        """Its address on the replica."""
        return self.cluster.replica.url(role, self.name, **options)

    def connect(self, role: str = "deploy", **options: Any) -> Connection:
        """A connection to the primary, in autocommit; further arguments of PyMySQL by name."""
        return self.cluster.primary.connect(role, self.name, **options)

    def connect_replica(self, role: str = "deploy", **options: Any) -> Connection:
        """A connection to the replica, in autocommit."""
        return self.cluster.replica.connect(role, self.name, **options)

    def run(self, statements: str, role: str = "deploy") -> None:
        """Run statements on the primary, several if separated by semicolons."""
        with (
            self.connect(role, client_flag=CLIENT.MULTI_STATEMENTS) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statements)
            while cursor.nextset():
                pass

    def rows(self, query: str, role: str = "deploy", *, replica: bool = False) -> list[tuple[Any, ...]]:
        """The rows of one query."""
        link = self.connect_replica(role) if replica else self.connect(role)
        with link, link.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def wait_until_replayed(self) -> None:
        """Wait until the replica has what the primary wrote until now."""
        self.cluster.wait_until_replayed()

    def create(self) -> None:
        """Make it on both servers, with the roles' rights in it, and wait until the replica has it."""
        with self.cluster.primary.connect() as link, link.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {_quoted(self.name)}")
            # The server keeps a few thousand kinds of statement, and those of many tests are more.
            cursor.execute("TRUNCATE TABLE performance_schema.events_statements_summary_by_digest")
            for role, rights in _RIGHTS.items():
                cursor.execute(f"GRANT {rights} ON {_quoted(self.name)}.* TO {role}@localhost")
        self.wait_until_replayed()

    def drop(self) -> None:
        """Remove it from both servers, wherever a test has left it."""
        with self.cluster.primary.connect() as link, link.cursor() as cursor:
            for role, rights in _RIGHTS.items():
                cursor.execute(f"REVOKE {rights} ON {_quoted(self.name)}.* FROM {role}@localhost")
            for name in self._left(self.cluster.primary):
                cursor.execute(f"DROP DATABASE {_quoted(name)}")
        self.wait_until_replayed()

    def _left(self, node: MySqlNode) -> list[str]:
        """This database and others that the test made."""
        everything = (name for (name,) in node.rows("SHOW DATABASES"))
        return [
            n for n in everything if n not in {"information_schema", "mysql", "performance_schema", "sys"}
        ]


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"
