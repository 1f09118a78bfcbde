"""The only place that knows SQL: what the runner and the commands ask of a database, and who answers.

`base` is the protocol, `postgresql` and `mysql` fulfil it. Nothing here knows of phases, screens or sockets.
"""

from __future__ import annotations

from console.change import ChangeFile
from console.databases.base import Database


def open_database(file: ChangeFile) -> Database:
    """The database that a change file names, not connected yet. Raises Unreachable where its URL can't be read."""
    if file.target.kind == "postgresql":
        from console.databases.postgresql.database import PostgresDatabase  # noqa: PLC0415 - one driver, not two

        return PostgresDatabase(file)
    from console.databases.mysql.database import MySqlDatabase  # noqa: PLC0415 - one driver, not two

    return MySqlDatabase(file)
