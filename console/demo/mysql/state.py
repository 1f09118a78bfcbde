"""What a server was like when all was well, and the way back: settings, accounts, plugins, instruments."""

from collections.abc import Mapping

import msgspec
import pymysql

from console.demo.mysql.node import Connection, MySqlNode

_ACCOUNTS = "SELECT User, Host FROM mysql.user"
_PLUGINS = (
    "SELECT PLUGIN_NAME, PLUGIN_LIBRARY FROM information_schema.PLUGINS WHERE PLUGIN_LIBRARY IS NOT NULL"
)
_OBSERVED = {
    "setup_consumers": "SELECT NAME, ENABLED FROM performance_schema.setup_consumers",
    "setup_instruments": "SELECT NAME, ENABLED FROM performance_schema.setup_instruments",
}
_MOVING = (
    "gtid_",
    "server_uuid",
    "last_",
    "in_transaction",
    "timestamp",
    "rand_seed",
    "insert_id",
    "identity",
    "error_count",
    "warning_count",
)
"""Variables that change by themselves, or that say where the server stands."""


class State(msgspec.Struct, frozen=True):
    """One server's state, as a superuser reads it."""

    variables: Mapping[str, str]
    accounts: frozenset[tuple[str, str]]
    plugins: Mapping[str, str]
    observed: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, node: MySqlNode) -> "State":
        """Read it. Some milliseconds."""
        with node.connect() as link:
            return cls(
                variables={
                    n: v
                    for n, v in _pairs(link, "SHOW GLOBAL VARIABLES").items()
                    if not n.startswith(_MOVING)
                },
                accounts=frozenset(_pairs_of(link, _ACCOUNTS)),
                plugins=_pairs(link, _PLUGINS),
                observed={table: _pairs(link, query) for table, query in _OBSERVED.items()},
            )

    def restore(self, node: MySqlNode) -> None:
        """Bring a running server back to it; restarts the server where a setting can't be set back otherwise."""
        now = State.of(node)
        if now == self:
            return
        with node.connect() as link, link.cursor() as cursor:
            cursor.execute("SET SESSION sql_log_bin = 0")
            if not node.installation.family.mariadb:
                cursor.execute("RESET PERSIST")
                cursor.execute("SET GLOBAL super_read_only = OFF")
            for user, host in now.accounts - self.accounts:
                cursor.execute("DROP USER %s@%s", [user, host])
            for name in now.plugins.keys() - self.plugins.keys():
                cursor.execute(f"UNINSTALL PLUGIN {name}")
            for table, settings in self.observed.items():
                for name, enabled in settings.items():
                    if now.observed[table].get(name) != enabled:
                        cursor.execute(
                            f"UPDATE performance_schema.{table} SET ENABLED = %s WHERE NAME = %s",
                            [enabled, name],
                        )
        if not self._set_back(node):
            node.stop()
            node.start()

    def _set_back(self, node: MySqlNode) -> bool:
        """Set variables back; whether that worked for all of them."""
        now = State.of(node).variables
        with node.connect() as link, link.cursor() as cursor:
            for name, value in self.variables.items():
                if now.get(name) != value and name != "super_read_only":
                    try:
                        cursor.execute(
                            f"SET GLOBAL {name} = %s", [int(value) if value.lstrip("-").isdigit() else value]
                        )
                    except pymysql.Error:
                        return False
            if self.variables.get("super_read_only") == "ON":
                cursor.execute("SET GLOBAL super_read_only = ON")
        return True


def _pairs(link: Connection, query: str) -> dict[str, str]:
    return dict(_pairs_of(link, query))


def _pairs_of(link: Connection, query: str) -> list[tuple[str, str]]:
    with link.cursor() as cursor:
        cursor.execute(query)
        return [(str(a), str(b)) for a, b in cursor.fetchall()]
