"""The demo's shop on each database, as the tests of the application look at it: one set of questions for all."""

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol

from console.demo.link import Link
from console.demo.mysql import ground as mysql_ground
from console.demo.mysql.link import MySqlLink
from console.demo.operations import Dialect
from console.demo.postgresql import ground as postgresql_ground
from console.demo.postgresql.link import PostgresqlLink
from tests.servers.database import Database
from tests.servers.mysql_database import MySqlDatabase


class Shop(Protocol):
    """A small shop on a pair of servers."""

    dialect: Dialect

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query finds on the primary."""

    def run(self, statement: str) -> None:
        """Run a statement as the role that changes schemas."""

    async def connect(self, name: str) -> Link:
        """Connect as the application."""

    def names(self) -> set[str]:
        """What the application's sessions call themselves."""

    def end_sessions(self) -> int:
        """End all sessions of the application, and say how many there were."""

    def running(self, word: str) -> bool:
        """Whether the application runs a statement with that word."""

    def waiting(self) -> int:
        """How many of the application's requests wait for the lock on the table of orders."""

    def reads_of_day(self) -> bool:
        """Whether anything was read by the new column."""

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """The table of orders, locked against everything."""

    def restart(self) -> None:
        """Restart the primary."""


class PostgresqlShop:
    """See `Shop`."""

    dialect = postgresql_ground.DIALECT

    def __init__(self, database: Database) -> None:
        self.database = database
        self.run = database.run
        self.restart = database.cluster.restart_primary

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.database.rows(query, role="postgres")

    async def connect(self, name: str) -> Link:
        return await PostgresqlLink.open(self.database.url("app", application_name=name))

    def names(self) -> set[str]:
        query = "SELECT application_name FROM pg_stat_activity WHERE usename = 'app'"
        return {name for (name,) in self.rows(query)}

    def end_sessions(self) -> int:
        return len(self.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'"))

    def running(self, word: str) -> bool:
        query = "SELECT 1 FROM pg_stat_activity WHERE usename = 'app' AND state = 'active'"
        return bool(self.rows(f"{query} AND query LIKE '%{word}%'"))

    def waiting(self) -> int:
        query = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'orders'::regclass"
        ((number,),) = self.rows(query)
        return int(number)

    def reads_of_day(self) -> bool:
        ((index,),) = self.rows("SELECT to_regclass('days_idx')")
        if index is None:
            self.run("CREATE INDEX days_idx ON orders (placed_on); ANALYZE orders")
        ((scans,),) = self.rows("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'days_idx'")
        return bool(scans)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        with self.database.connect() as link, link.transaction():
            link.execute("LOCK TABLE orders")
            yield


class MySqlShop:
    """See `Shop`."""

    dialect = mysql_ground.DIALECT

    def __init__(self, database: MySqlDatabase) -> None:
        self.database = database
        self.run = database.run
        self.restart = database.cluster.restart_primary

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.database.rows(query, role="root")

    async def connect(self, name: str) -> Link:
        return await MySqlLink.open(self.database.cluster.primary.socket, "app", self.database.name, name)

    def names(self) -> set[str]:
        return {
            name
            for (name,) in self.rows("""
                SELECT attr_value FROM performance_schema.session_connect_attrs a
                  JOIN information_schema.processlist p ON p.id = a.processlist_id
                 WHERE p.user = 'app' AND a.attr_name = 'program_name'
            """)
        }

    def end_sessions(self) -> int:
        ended = self.rows("SELECT id FROM information_schema.processlist WHERE user = 'app'")
        for (number,) in ended:
            self.rows(f"KILL {number}")
        return len(ended)

    def running(self, word: str) -> bool:
        return bool(self._statements(f"info LIKE '%{word}%'"))

    def waiting(self) -> int:
        return self._statements(
            "state LIKE 'Waiting for table%lock' AND info NOT LIKE '%information_schema%'"
        )

    def reads_of_day(self) -> bool:
        ((reads,),) = self.rows("""
            SELECT count(*) FROM performance_schema.events_statements_summary_by_digest
             WHERE schema_name = 'shop' AND digest_text LIKE 'SELECT%placed_on%GROUP BY%'
        """)
        return bool(reads)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        with self.database.connect() as link, link.cursor() as cursor:
            cursor.execute("LOCK TABLES orders WRITE")
            yield
            cursor.execute("UNLOCK TABLES")

    def _statements(self, condition: str) -> int:
        query = "SELECT count(*) FROM information_schema.processlist WHERE user = 'app' AND command = 'Query'"
        ((number,),) = self.rows(f"{query} AND {condition}")
        return int(number)
