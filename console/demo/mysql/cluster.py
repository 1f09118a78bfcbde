"""A throwaway primary with a GTID replica, of MySQL or of MariaDB, and what can be done to them.

Nothing here prints; what takes time reports to a callback. All of it blocks.
"""

import secrets
import time
from collections.abc import Mapping
from typing import Any

import pymysql
import pymysql.cursors

from console.databases.mysql.families import Family
from console.demo.errors import DemoError
from console.demo.ground import Progress
from console.demo.mysql.binaries import Installation
from console.demo.mysql.node import MySqlNode
from console.demo.mysql.state import State
from console.demo.place import Account, Place

REPLICATION = "repl"
"""The account that the replica logs in with, by TCP and password."""

SETTINGS: Mapping[str, str] = {
    # Nobody wants the data after a crash of the machine, so nothing waits for the disk.
    "sync_binlog": "0",
    "innodb_flush_log_at_trx_commit": "2",
    "innodb_doublewrite": "0",
    "log_bin": "binlog",
    "relay_log": "relay",
    "relay_log_recovery": "ON",
    "skip_name_resolve": "ON",
    "character_set_server": "utf8mb4",
    "default_time_zone": "'+00:00'",
    "performance_schema": "ON",
    # Or nobody but the superuser could make a trigger while there is a binary log.
    "log_bin_trust_function_creators": "ON",
}
_OF_MYSQL: Mapping[str, str] = {
    "gtid_mode": "ON",
    "enforce_gtid_consistency": "ON",
    "mysqlx": "OFF",
    "secure_file_priv": "NULL",
}
_OF_MARIADB: Mapping[str, str] = {
    "binlog_format": "ROW",
    "gtid_strict_mode": "ON",
    "log_slave_updates": "ON",
}

_ROLES = ("deploy", "app", "visitor")
_OPEN_ACCOUNTS = (
    "SELECT User, Host FROM mysql.user WHERE (User = 'root' AND Host <> 'localhost') OR User = ''"
)
_SERVER_RIGHTS_OF_DEPLOY = {
    "mysql": "PROCESS, REPLICATION CLIENT, CONNECTION_ADMIN, SESSION_VARIABLES_ADMIN",
    "mariadb": "PROCESS, REPLICA MONITOR, BINLOG MONITOR, CONNECTION ADMIN, BINLOG ADMIN",
}


class MySqlCluster:
    """A primary and a replica of it, in a claimed folder. `settings` come on top of `SETTINGS`, for both servers."""

    def __init__(
        self,
        place: Place,
        *,
        installation: Installation,
        account: Account | None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.place = place
        self.family: Family = installation.family
        self.primary = MySqlNode("primary", number=1, place=place, installation=installation, account=account)
        self.replica = MySqlNode(
            "replica1", number=2, place=place, installation=installation, account=account
        )
        of_family = _OF_MARIADB if self.family.mariadb else _OF_MYSQL
        self._settings = {**SETTINGS, **of_family, **(settings or {})}
        self._password = secrets.token_urlsafe(12)
        self._healthy: dict[str, State] = {}

    # ------------------------------------------------------------------------------------------- life

    def build(self, progress: Progress | None = None) -> None:
        """Make and start both servers, with the roles. Takes 4-10 seconds."""
        say = progress or _silence
        say("making a database system", 0, 0)
        self.prepare_primary()
        say("making its replica", 0, 0)
        self.prepare_replica()
        self.start()
        self.create_roles(self.primary)
        self.create_roles(self.replica)
        self.attach()
        self.remember()

    def prepare_primary(self) -> None:
        """Make the primary's data."""
        self.primary.configure(self._settings)
        self.primary.initialise()

    def prepare_replica(self) -> None:
        """Copy the primary, which must be stopped."""
        read_only = {"read_only": "ON"} if self.family.mariadb else {"super_read_only": "ON"}
        self.replica.configure({**self._settings, **read_only})
        self.replica.copy_from(self.primary)

    def create_roles(self, node: MySqlNode) -> None:
        """Create the roles on one server; running it again does nothing.

        `deploy` changes schemas, `app` is the application, `visitor` may log in and nothing else. They log in by the
        unix socket, without a password; what `deploy` and `app` may do in a database is granted with the database.
        """
        with node.connect() as link:
            password = link.escape(self._password)
        read_only = node is self.replica and not self.family.mariadb
        node.run_all(
            *(["SET GLOBAL super_read_only = OFF"] if read_only else []),
            # MariaDB begins with a superuser who needs no password by TCP.
            *(f"DROP USER '{user}'@'{host}'" for user, host in node.rows(_OPEN_ACCOUNTS)),
            *(f"CREATE USER IF NOT EXISTS {role}@localhost" for role in _ROLES),
            f"GRANT {_SERVER_RIGHTS_OF_DEPLOY[self.family.name]} ON *.* TO deploy@localhost",
            "GRANT SELECT, UPDATE ON performance_schema.* TO deploy@localhost",
            "GRANT SELECT, EXECUTE ON sys.* TO deploy@localhost",
            f"CREATE USER IF NOT EXISTS {REPLICATION}@'127.0.0.1' IDENTIFIED BY {password}",
            f"GRANT REPLICATION SLAVE ON *.* TO {REPLICATION}@'127.0.0.1'",
            *(["SET GLOBAL super_read_only = ON"] if read_only else []),
        )

    def start(self) -> None:
        """Start both, again after `stop`."""
        self.primary.launch()
        self.replica.launch()
        self.primary.wait_until_ready()
        self.replica.wait_until_ready()

    def stop(self, *, at_once: bool = False) -> None:
        """Stop both, the replica first."""
        self.replica.stop(at_once=at_once)
        self.primary.stop(at_once=at_once)

    def interrupt(self) -> None:
        """End what is being waited for in another thread, so that building stops."""
        self.primary.interrupt()
        self.replica.interrupt()

    def restart_primary(self) -> None:
        """Stop the primary, which ends every session on it, and start it again."""
        self.primary.stop()
        self.primary.start()

    # ---------------------------------------------------------------------------------------- replication

    def attach(self, position: str = "") -> None:
        """Let the replica follow the primary. MariaDB: from a GTID `position`, which its data stand at."""
        address = {"HOST": "'127.0.0.1'", "PORT": str(self.primary.port), "USER": f"'{REPLICATION}'"}
        with self.replica.connect() as link:
            address["PASSWORD"] = link.escape(self._password)
        address["CONNECT_RETRY"] = "1"
        if self.family.mariadb:
            address |= {"USE_GTID": "slave_pos", "SSL_VERIFY_SERVER_CERT": "0"}
            to = ", ".join(f"MASTER_{name} = {value}" for name, value in address.items())
            with self.replica.connect() as link, link.cursor() as cursor:
                cursor.execute("SET GLOBAL gtid_slave_pos = %s", [position])
                cursor.execute(f"CHANGE MASTER TO {to}")
                cursor.execute("START SLAVE")
        else:
            address["AUTO_POSITION"] = "1"
            to = ", ".join(f"SOURCE_{name} = {value}" for name, value in address.items())
            with self.replica.connect() as link, link.cursor() as cursor:
                cursor.execute(f"CHANGE REPLICATION SOURCE TO {to}, GET_SOURCE_PUBLIC_KEY = 1")
                cursor.execute("START REPLICA")
        self.wait_until_replicating()

    def replication(self) -> dict[str, Any]:
        """The replica's own row about its replication, by the new names; {} where there is none."""
        with self.replica.connect(cursorclass=pymysql.cursors.DictCursor) as link, link.cursor() as cursor:
            cursor.execute(self.family.replica_status)
            row = cursor.fetchone()
        if row is None:
            return {}
        names = ("Replica_IO_Running", "Replica_SQL_Running", "Last_IO_Error", "Last_SQL_Error")
        # The stubs do not know that a DictCursor's rows are dicts.
        return {name: self.family.replication_column(row, name) for name in names}  # type: ignore[arg-type]

    def wait_until_replicating(self, timeout_s: float = 60.0) -> None:
        """Wait until both threads of the replica run. Raises `DemoError` when they do not."""
        deadline = time.monotonic() + timeout_s
        while True:
            said = self.replication()
            if said.get("Replica_IO_Running") == "Yes" and said.get("Replica_SQL_Running") == "Yes":
                return
            if (failed := said.get("Last_SQL_Error")) or time.monotonic() > deadline:
                reason = failed or said.get("Last_IO_Error") or self.replica.last_words()
                raise DemoError(f"the replica does not replicate: {reason}")
            time.sleep(0.02)

    def position(self) -> str:
        """What the primary has written by now, as a GTID set or position."""
        ((position,),) = self.primary.rows(f"SELECT @@GLOBAL.{self.family.gtid_variable}")
        return str(position)

    def wait_until_replayed(self, timeout_s: float = 60.0) -> None:
        """Wait until the replica has applied what the primary has written by now.

        Raises `DemoError` when it does not, at once where its applier has failed.
        """
        position = self.position()
        function = "MASTER_GTID_WAIT" if self.family.mariadb else "WAIT_FOR_EXECUTED_GTID_SET"
        deadline = time.monotonic() + timeout_s
        while self.replica.rows(f"SELECT {function}(%s, 0.5)", [position]) != [(0,)]:
            if (failed := self.replication().get("Last_SQL_Error")) or time.monotonic() > deadline:
                raise DemoError(f"the replica has not applied {position}: {failed or 'it takes too long'}")

    def stop_applier(self) -> None:
        """Let the replica receive but not apply; readers on it see an ever older past."""
        self.replica.rows(f"STOP {self._word} SQL_THREAD")

    def start_applier(self) -> None:
        """Let the replica apply again."""
        self.replica.rows(f"START {self._word} SQL_THREAD")

    def stop_receiver(self) -> None:
        """Let the replica apply what it has and receive nothing more, as when the network is gone."""
        self.replica.rows(f"STOP {self._word} IO_THREAD")

    def start_receiver(self) -> None:
        """Let the replica receive again."""
        self.replica.rows(f"START {self._word} IO_THREAD")

    def applier_stopped(self) -> bool:
        """Whether the applier is stopped. False when the replica can't be asked."""
        if not self.replica.running or self.replica.frozen:
            return False
        try:
            return bool(self.replication().get("Replica_SQL_Running") == "No")
        except pymysql.OperationalError:
            return False

    # ---------------------------------------------------------------------------------------- healing

    def remember(self) -> None:
        """Take what both servers are like now as healthy, for `heal`."""
        self._healthy = {node.name: State.of(node) for node in (self.primary, self.replica)}

    def heal(self) -> None:
        """Undo whatever was done: both run and replicate, with the settings and accounts they began with."""
        for node in (self.primary, self.replica):
            node.thaw()
        self.start()
        for node in (self.primary, self.replica):
            self._healthy[node.name].restore(node)
        try:
            self.replica.rows(f"START {self._word}")
            self.wait_until_replicating(timeout_s=10.0)
            self.wait_until_replayed(timeout_s=30.0)
        except (DemoError, pymysql.Error):
            self._replace_replica()

    def _replace_replica(self) -> None:
        """Copy the primary once more, for a replica that can't go on."""
        position = self.position()
        self.stop()
        self.prepare_replica()
        self.start()
        self.attach(position)

    # ---------------------------------------------------------------------------------------- helpers

    @property
    def _word(self) -> str:
        """What a replica is called in statements."""
        return "SLAVE" if self.family.mariadb else "REPLICA"


def _silence(text: str, done: int, total: int) -> None:
    """Report to nobody."""
