"""What a world stands on: the servers of one database with the shop on them. Each database has one; no driver here."""

from collections.abc import Callable, Mapping
from typing import Literal, Protocol, get_args

from console.demo.link import Link
from console.demo.operations import Dialect
from console.demo.place import Place

Database = Literal["postgresql", "mysql", "mariadb"]
TITLES: Mapping[Database, str] = {"postgresql": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB"}
DATABASES: tuple[Database, ...] = get_args(Database)

Progress = Callable[[str, int, int], None]
"""Called with what is being done, and how much of how much is done (0 of 0: not known)."""


class Follower(Protocol):
    """The server that follows the primary, as the trouble menu handles it. All but `launch` may block."""

    word: str
    """What this database calls it: standby, replica."""
    shares: str
    """The lock that a reader of a table holds."""
    stall_help: str
    stalled_text: str
    resumed_text: str

    @property
    def running(self) -> bool:
        """Whether its process is there."""

    def launch(self) -> None:
        """Start its process, from the main thread, with which it ends."""

    def wait_until_ready(self) -> None:
        """Wait until it answers."""

    def stop(self) -> None:
        """Shut it down."""

    def stalled(self) -> bool:
        """Whether it receives and does not apply, as it says itself."""

    def stall(self) -> None:
        """Let it receive and not apply."""

    def resume(self) -> None:
        """Let it apply again."""


class Ground(Protocol):
    """The servers, the shop's database on them, and the ways in."""

    dialect: Dialect

    @property
    def follower(self) -> Follower:
        """The standby or replica."""

    async def build(self, rows: int, say: Progress) -> None:
        """Make both servers and the shop. Raises `DemoError`."""

    def change_file(self) -> str:
        """The text of the demo's change file."""

    def look_around(self) -> str:
        """The command that opens the shop in the database's own client."""

    async def connect(self, name: str) -> Link:
        """Connect as the application to the primary. Raises `Refused`."""

    async def connect_to_follower(self, name: str) -> Link:
        """Connect as the application to the standby or replica. Raises `Refused`."""

    def interrupt(self) -> None:
        """End what `build` waits for, so that it stops."""

    def stop(self) -> None:
        """Stop the servers at once: nobody wants their data."""


def ground_for(database: Database, place: Place) -> Ground:
    """The ground of a database, in a claimed folder; only its own driver is loaded."""
    if database == "postgresql":
        from console.demo.postgresql.ground import PostgresqlGround  # noqa: PLC0415 - one driver, not two

        return PostgresqlGround(place)
    from console.demo.mysql.ground import MySqlGround  # noqa: PLC0415 - as above

    return MySqlGround(place, database)


def change_file(*, url: str, replica: str, table: str, day: str, default: str) -> str:
    """The text of the demo's change file: `orders` gets the day of purchase, whose expression is `day`.

    `url` and `replica` are the addresses for the role that changes schemas.
    """
    return f'''\
# The demo's change: orders get a column with the day of purchase.

[database]
url      = "{url}"
replicas = ["{replica}"]

[change]
table    = "{table}"
column   = "placed_on"
type     = "date"
nullable = false
default  = "{default}"
comment  = "day of purchase, UTC"

[backfill]
value = "{day}"
sync  = "trigger"
order = "writes-first"

[[indexes]]
name    = "orders_placed_on_idx"
columns = ["placed_on"]

[references]
table     = "{table.replace("orders", "days")}"
column    = "day"
on_delete = "restrict"
'''
