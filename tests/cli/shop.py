"""The shop that the commands are tried on: `orders`, and the change that gives each its day."""

import dataclasses
import threading
from pathlib import Path

import psycopg

from tests.servers.database import Database

ROWS = 3000
VALUE = "(placed_at at time zone 'UTC')::date"


@dataclasses.dataclass(frozen=True)
class Shop:
    """A table on a test database, and the change file for it."""

    database: Database
    change_file: Path

    def build(self) -> None:
        """Makes both."""
        self.database.run(
            "CREATE TABLE orders (id bigint PRIMARY KEY, placed_at timestamptz NOT NULL, items int NOT NULL);"
            "INSERT INTO orders SELECT n, timestamptz '2024-01-01 00:00 UTC' + n * interval '53 minutes', n % 7"
            f"  FROM generate_series(1, {ROWS}) n;"
            "ANALYZE orders"
        )
        self.write()

    def write(
        self,
        *,
        url: str = "",
        table: str = "public.orders",
        column_type: str = "date",
        value: str = VALUE,
        more: str = "",
    ) -> None:
        """Writes the change file."""
        self.change_file.write_text(f"""\
[database]
url = "{url or self.database.url()}"
replicas = ["{self.database.standby_url()}"]
[change]
table = "{table}"
column = "placed_on"
type = "{column_type}"
nullable = false
[backfill]
value = "{value}"
[[indexes]]
name = "orders_placed_on_idx"
columns = ["placed_on"]
{more}
""")

    def schema(self) -> list[tuple[object, ...]]:
        """Everything that the catalog says of what is ours to change."""
        return self.database.rows("""
            SELECT c.oid::regclass::text, a.attname, a.atttypid::regtype::text, a.attnotnull
              FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             WHERE c.relnamespace = 'public'::regnamespace
            UNION ALL SELECT tgname, tgrelid::regclass::text, '', true FROM pg_trigger
            UNION ALL SELECT proname, '', '', true FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            ORDER BY 1, 2
        """)

    def wrong(self) -> int:
        """How many rows do not hold what they should."""
        ((count,),) = self.database.rows(
            f"SELECT count(*) FROM orders WHERE placed_on IS DISTINCT FROM {VALUE}"
        )
        assert isinstance(count, int)
        return count

    def read_until(self, over: threading.Event) -> None:
        """The next version of the application: it reads the column, a hundred times a second."""
        with self.database.connect() as connection:
            connection.execute("SET application_name = 'shop v3'")
            while not over.wait(0.01):
                try:
                    connection.execute("SELECT placed_on FROM orders ORDER BY id DESC LIMIT 1")
                except psycopg.errors.UndefinedColumn:
                    continue
