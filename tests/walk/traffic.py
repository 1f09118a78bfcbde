"""An application that goes on writing while the walk walks: inserts, updates of the source columns, deletes."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Self

import psycopg
import pymysql

from tests.servers.database import Database

Deed = Callable[[Any, random.Random], None]
"""What one thread does, with a connection of its own."""


class Traffic:
    """Threads that do random deeds until told to stop. An error of the application is an error of ours."""

    def __init__(
        self, connect: Callable[[], AbstractContextManager[Any]], deeds: list[Deed], *, threads: int = 2
    ) -> None:
        self._connect = connect
        self._deeds = deeds
        self._stop = threading.Event()
        self._counts = [0] * threads
        self.errors: list[str] = []
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def settle(self) -> None:
        """Waits until every thread has done something more: what it began before is over."""
        for _ in self._threads:
            done = list(self._counts)
            while self._alive() and any(now <= then for now, then in zip(self._counts, done, strict=True)):
                time.sleep(0.005)

    def _alive(self) -> bool:
        return all(thread.is_alive() for thread in self._threads)

    @property
    def done(self) -> int:
        """Deeds done so far."""
        return sum(self._counts)

    def _run(self, number: int) -> None:
        dice = random.Random(number)
        with self._connect() as connection:
            while not self._stop.wait(dice.uniform(0, 0.01)):
                try:
                    dice.choice(self._deeds)(connection, dice)
                except (psycopg.Error, pymysql.Error) as error:
                    self.errors.append(f"{type(error).__name__}: {error}")
                self._counts[number] += 1


def as_shop(database: Database, lock_timeout: float | None = None) -> Callable[[], psycopg.Connection[Any]]:
    """The application's connections to a PostgreSQL database; `lock_timeout` in seconds."""

    def connect() -> psycopg.Connection[Any]:
        connection = database.connect()
        connection.execute("SET application_name = 'shop'")
        if lock_timeout is not None:
            connection.execute(f"SET lock_timeout = {int(lock_timeout * 1000)}".encode())
        return connection

    return connect
