"""Why no connection could be made, in one sentence, with the mend.

libpq gives no SQLSTATE for a failed connection, so its message is looked at. A server that speaks another
language falls through to the last rule, which shows the server's own words.
"""

from __future__ import annotations

import re

import psycopg

from console.databases.base import Unreachable
from console.databases.postgresql.errors import tidy

# What the message holds -> what mends it. The first that fits wins.
_MENDS: tuple[tuple[str, str], ...] = (
    (
        r"password authentication failed",
        "Correct the password (password_command, PGPASSWORD or ~/.pgpass), or the user in [database] url",
    ),
    (
        r"no password supplied",
        "Give a password by password_command, PGPASSWORD or ~/.pgpass",
    ),
    (
        r"(Peer|Ident) authentication failed",
        "Run as the system user whose name the role has, or connect by host",
    ),
    (
        r'role ".*" does not exist|is not permitted to log in',
        "Correct the user in [database] url, or create the role",
    ),
    (r'database ".*" does not exist', "Correct the database's name at the end of [database] url"),
    (r"permission denied for database", "GRANT CONNECT on the database to this role"),
    (
        r"no pg_hba\.conf entry.*no encryption|SSL.*required by server",
        "The server may demand TLS: add sslmode=require to [database] url, or an entry to its pg_hba.conf",
    ),
    (
        r"no pg_hba\.conf entry|pg_hba\.conf rejects",
        "Add an entry for this host, user and database to the server's pg_hba.conf",
    ),
    (r"server does not support SSL", "Turn TLS on in the server, or lower sslmode in [database] url"),
    (r"certificate|SSL error|root\.crt", "Check sslmode, sslrootcert and the server's certificate"),
    (
        r"too many clients|too many connections|connection slots are reserved|no more connections allowed",
        "Free connections on the server, or raise max_connections or the limit of the role or database",
    ),
    (
        r"starting up|shutting down|in recovery mode|not accepting connections|not yet accepting",
        "Wait until the server is up, then try again",
    ),
    (
        r"[Nn]ame or service not known|failed to resolve|not known|name resolution",
        "Correct the host in [database] url, or mend name resolution",
    ),
    (r"on socket .*No such file", "Start the server, or correct host=/DIRECTORY and port in [database] url"),
    (r"on socket .*Permission denied", "Run as a user who may open the socket, or connect by host"),
    (r"Connection refused", "Start the server, or correct host and port in [database] url"),
    (
        r"timeout|timed out|No route|unreachable",
        "Check host and port in [database] url, and the firewall between",
    ),
    (
        r"SSL negotiation|closed the connection unexpectedly|expected authentication request",
        "See that a PostgreSQL server answers on this host and port",
    ),
    (r"definition of service", "Correct the service's name, or define it in ~/.pg_service.conf"),
    (r"unrecognized configuration parameter|startup parameter", "Leave that parameter out of [database] url"),
)

_PLACE = re.compile(r"^connection (?:failed|is bad): ")
_SERVER = re.compile(r'^connection to server (?:at|on socket) ".*?"(?: \(.*?\))?(?:, port \d+)? failed: ')
_SEVERITY = re.compile(r"^[^\W\d_]{3,12}:\s+")


def explain(error: psycopg.Error, name: str) -> Unreachable:
    """Why `name` (`server_name`) could not be reached; the error's own words, cleaned, and the mend."""
    whole = str(error)
    first = _PLACE.sub("", whole.split("\n", 1)[0])
    mend = _mend(first, error)
    said = _SERVER.sub("", first)
    socket = re.search(r'on socket "(.*?)"', first)
    if socket and said.startswith("No such file"):
        said = f"there is no socket {socket[1]}"
    return Unreachable(f"can't connect to {name}: {tidy(_SEVERITY.sub('', said))}", mend)


def unreadable(error: psycopg.Error) -> Unreachable:
    """The URL could not be parsed. What libpq quotes of it may be part of a password, so only names are shown."""
    text = str(error).strip()
    parameter = re.fullmatch(r'invalid URI query parameter: "(\w+)"', text)
    if parameter:
        why = f": libpq knows no parameter {parameter[1]}"
    elif "percent-encoded" in text:
        why = ": a % in it must be written as %25"
    else:
        why = ""
    return Unreachable(
        f"the database's URL can't be read{why}", "Write it as postgresql://USER@HOST:PORT/DATABASE"
    )


def _mend(text: str, error: psycopg.Error) -> str:
    for pattern, mend in _MENDS:
        if re.search(pattern, text):
            return mend
    if error.pgconn is not None and error.pgconn.needs_password:
        return _MENDS[1][1]
    if error.pgconn is not None and error.pgconn.used_password:
        return _MENDS[0][1]
    return "" if error.sqlstate else "Check [database] url"
