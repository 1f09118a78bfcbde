"""A connection of the demo's application to PostgreSQL."""

from typing import Any, Self

import psycopg

from console.demo.link import Refused, Values, first_line


class PostgresqlLink:
    """See `console.demo.link.Link`."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect to an address."""
        try:
            return cls(await psycopg.AsyncConnection.connect(url, autocommit=True))
        except psycopg.Error as error:
            raise _refused(error) from None

    @property
    def closed(self) -> bool:
        return self._connection.closed

    async def rows(self, query: str, values: Values = None) -> list[tuple[Any, ...]]:
        try:
            return await (await self._connection.execute(query.encode(), values)).fetchall()
        except psycopg.Error as error:
            raise _refused(error) from None

    async def run(self, statement: str, values: Values = None) -> None:
        try:
            await self._connection.execute(statement.encode(), values)
        except psycopg.Error as error:
            raise _refused(error) from None

    async def insert(self, statement: str, values: Values = None) -> int:
        ((number,),) = await self.rows(statement, values)
        return int(number)

    async def wait_until_gone(self, seconds: float) -> None:
        try:
            # Listening, not sleeping: so it is noticed when somebody ends the session.
            async for _ in self._connection.notifies(timeout=seconds):
                pass
        except psycopg.Error as error:
            raise _refused(error) from None

    async def close(self) -> None:
        await self._connection.close()


def _refused(error: psycopg.Error) -> Refused:
    return Refused(first_line(error), unknown_column=isinstance(error, psycopg.errors.UndefinedColumn))
