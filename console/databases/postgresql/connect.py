"""Connections to PostgreSQL: named, guarded by keepalives and timeouts; and why none could be made.

Settings are made after the connection stands, in one round trip, and not as start-up options, which poolers
refuse.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, LiteralString

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from console.databases.postgresql.unreachable import explain, unreadable

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

CONNECT_TIMEOUT = 5  # seconds

# A peer that went without a word is noticed after 10 + 3 * 5 s, and unsent data gives up after 30 s.
_KEEPALIVES = {
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}

_SET: LiteralString = (
    "/* column-console */ SELECT set_config(name, value, false)"
    " FROM unnest(%s::text[], %s::text[]) AS s(name, value)"
)


async def connect(
    url: str,
    *,
    purpose: str,
    read_only: bool = False,
    password: str | None = None,
    statement_timeout: float = 0.0,
    lock_timeout: float = 0.0,
    settings: Mapping[str, str] | None = None,
    prepare_threshold: int | None = None,
    connect_timeout: int = CONNECT_TIMEOUT,
) -> Connection:
    """A connection in autocommit, called `column-console PURPOSE` in the server's lists.

    Timeouts in seconds, 0: none. `settings` are further server settings by name. `password` beats the one
    in the URL; without either, libpq's own ways hold: PGPASSWORD, ~/.pgpass, PGSERVICE. Statements are not
    prepared unless `prepare_threshold` says after how many runs.

    Raises Unreachable, with the mend.
    """
    given = parse(url)
    options: dict[str, Any] = {name: v for name, v in _KEEPALIVES.items() if name not in given}
    if password is not None:
        options["password"] = password
    if "connect_timeout" not in given:
        options["connect_timeout"] = connect_timeout
    options["application_name"] = f"column-console {purpose}"
    options["client_encoding"] = "UTF8"
    try:
        connection: Connection = await psycopg.AsyncConnection.connect(
            url, autocommit=True, prepare_threshold=prepare_threshold, **options
        )
    except psycopg.Error as error:
        raise explain(error, server_name(url)) from None
    try:
        await _configure(
            connection,
            {
                "default_transaction_read_only": "on" if read_only else "off",
                "default_transaction_isolation": "read committed",
                "statement_timeout": f"{statement_timeout * 1000:.0f}",
                "lock_timeout": f"{lock_timeout * 1000:.0f}",
                "standard_conforming_strings": "on",
                **(settings or {}),
            },
        )
    except psycopg.Error as error:
        await connection.close()
        raise explain(error, server_name(url)) from None
    return connection


async def _configure(connection: Connection, settings: dict[str, str]) -> None:
    # What would end a long build, or a session that waits for an operator, is not for us.
    if connection.info.server_version >= 140000:
        settings = {"idle_session_timeout": "0", **settings}
    if connection.info.server_version >= 170000:
        settings = {"transaction_timeout": "0", **settings}
    await connection.execute(_SET, [list(settings), list(settings.values())])
    if connection.info.server_version >= 140000:
        # Ends a statement of ours whose client has died. Not every platform of a server can watch its sockets.
        try:
            await connection.execute(_SET, [["client_connection_check_interval"], ["5s"]])
        except psycopg.errors.InvalidParameterValue:
            return


def parse(url: str) -> dict[str, Any]:
    """The URL's own parts, by libpq's names. Raises Unreachable where it can't be read."""
    try:
        return conninfo_to_dict(url)
    except psycopg.Error as error:
        raise unreadable(error) from None


def server_name(url: str) -> str:
    """Host and database for people, never user or password; the port where it is not 5432.

    >>> server_name("postgresql://deploy:secret@db1.internal/shop")
    'db1.internal/shop'
    >>> server_name("postgresql://deploy@/shop?host=/run/postgresql&port=5433")
    'local:5433/shop'
    """
    given = parse(url)
    if "service" in given and "host" not in given:
        return f"service {given['service']}"
    known = {**_defaults(), **given}
    host, port = str(known.get("host") or ""), str(known.get("port") or "")
    return _name(host, port, str(known.get("dbname") or known.get("user") or ""))


def name_of(connection: Connection) -> str:
    """As `server_name`, of the server that a connection has reached."""
    info = connection.info
    return _name(info.host, str(info.port), info.dbname)


def _name(host: str, port: str, database: str) -> str:
    hosts, ports = host.split(","), port.split(",")
    places = []
    for number, one in enumerate(hosts):
        its_port = (ports[number] if len(ports) == len(hosts) else ports[0]) or "5432"
        place = "local" if one.startswith(("/", "@")) or not one else one
        places.append(place if its_port == "5432" else f"{place}:{its_port}")
    return f"{','.join(places)}/{database}"


def _defaults() -> dict[str, str]:
    """What libpq takes from the environment and the service file where the URL says nothing."""
    found = {}
    for option in pq.Conninfo.get_defaults():
        if option.val is not None and option.keyword in (b"host", b"port", b"dbname", b"user"):
            found[option.keyword.decode()] = option.val.decode(errors="replace")
    return found
