"""Connections, and why none could be made: one sentence, the mend, never a secret."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from console.databases.base import Unreachable
from console.databases.postgresql.connect import connect, name_of, parse, server_name
from tests.databases.postgresql.proxy import proxy
from tests.servers.database import Database

SECRET = "s3cret-w0rd"


async def refusal(url: str, *, password: str | None = None, connect_timeout: int = 5) -> Unreachable:
    with pytest.raises(Unreachable) as caught:
        await connect(url, purpose="test", password=password, connect_timeout=connect_timeout)
    assert caught.value.__cause__ is None
    for text in (caught.value.text, caught.value.remedy, str(caught.value), repr(caught.value)):
        assert SECRET not in text
        assert "\n" not in text
    assert caught.value.text.startswith(("can't connect to ", "the database's URL can't be read"))
    assert caught.value.remedy
    return caught.value


@pytest.fixture
def passwords(database: Database) -> Iterator[None]:
    """The role `keeper` needs a password, `locked` is rejected, and `peer` is asked for its system user."""
    hba = database.cluster.primary.data / "pg_hba.conf"
    before = hba.read_text()
    with database.connect("postgres") as connection:
        connection.execute(f"CREATE ROLE keeper LOGIN PASSWORD '{SECRET}'".encode())
        connection.execute("CREATE ROLE locked LOGIN; CREATE ROLE peer LOGIN")
        hba.write_text(
            "local all keeper scram-sha-256\nlocal all locked reject\nlocal all peer peer\n" + before
        )
        connection.execute("SELECT pg_reload_conf()")
    _wait_for_rule(database)
    yield
    with database.connect("postgres") as connection:
        hba.write_text(before)
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("DROP ROLE keeper; DROP ROLE locked; DROP ROLE peer")


def _wait_for_rule(database: Database) -> None:
    while True:
        try:
            database.connect("locked").close()
        except psycopg.OperationalError:
            return


class TestAConnection:
    async def test_is_named_guarded_and_in_autocommit(self, database: Database) -> None:
        async with await connect(
            database.url(), purpose="poll", read_only=True, statement_timeout=1.5, lock_timeout=0.25
        ) as connection:
            assert connection.autocommit
            cursor = await connection.execute(
                "SELECT current_setting('application_name'), current_setting('default_transaction_read_only'),"
                " current_setting('statement_timeout'), current_setting('lock_timeout'),"
                " current_setting('client_connection_check_interval'), current_setting('idle_session_timeout'),"
                " current_setting('client_encoding')"
            )
            assert await cursor.fetchone() == (
                *("column-console poll", "on", "1500ms", "250ms", "5s", "0", "UTF8"),
            )
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                await connection.execute("CREATE TABLE t (id int)")

    async def test_takes_writes_where_asked_for_although_the_role_begins_read_only(
        self, newest_database: Database
    ) -> None:
        newest_database.run(f"ALTER DATABASE {newest_database.name} SET default_transaction_read_only = on;")
        async with await connect(
            newest_database.url(), purpose="runner", settings={"work_mem": "3MB"}
        ) as connection:
            await connection.execute("CREATE TABLE t (id int)")
            assert await (await connection.execute("SHOW work_mem")).fetchone() == ("3MB",)

    async def test_prepares_no_statements(self, newest_database: Database) -> None:
        async with await connect(newest_database.url(), purpose="poll") as connection:
            for _ in range(10):
                await connection.execute("SELECT %s::int", [1])
            cursor = await connection.execute("SELECT count(*) FROM pg_prepared_statements")
            assert await cursor.fetchone() == (0,)

    async def test_ends_a_transaction_that_lasts_no_sooner_than_the_work(
        self, newest_database: Database
    ) -> None:
        newest_database.run(
            f"ALTER DATABASE {newest_database.name} SET transaction_timeout = '300ms'", "postgres"
        )
        async with await connect(newest_database.url(), purpose="runner") as connection:
            await connection.execute("SELECT pg_sleep(0.6)")

    async def test_has_keepalives_over_tcp(self, newest_database: Database) -> None:
        async with (
            proxy(newest_database) as port,
            await connect(_over_tcp(newest_database, port), purpose="poll") as connection,
        ):
            with socket.socket(fileno=os.dup(connection.fileno())) as wire:
                assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
                assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
            assert name_of(connection) == f"127.0.0.1:{port}/{newest_database.name}"


def _over_tcp(database: Database, port: int, more: str = "") -> str:
    return f"postgresql://deploy@127.0.0.1:{port}/{database.name}{more}"


class TestNoConnection:
    async def test_for_want_of_role_or_database(self, database: Database) -> None:
        error = await refusal(database.url("nobody-here"))
        assert 'role "nobody-here" does not exist' in error.text
        error = await refusal(database.cluster.primary.url("deploy", "no_such"))
        assert error.text.endswith('database "no_such" does not exist')
        assert "[database] url" in error.remedy

    async def test_with_a_wrong_password(self, database: Database, passwords: None) -> None:
        error = await refusal(database.url("keeper"), password="wrong-" + SECRET)
        assert 'password authentication failed for user "keeper"' in error.text
        assert "password_command" in error.remedy

    async def test_without_a_password(self, database: Database, passwords: None) -> None:
        error = await refusal(database.url("keeper"))
        assert "no password supplied" in error.text
        assert "PGPASSWORD" in error.remedy

    async def test_with_the_right_password_there_is_one(self, database: Database, passwords: None) -> None:
        async with await connect(database.url("keeper"), purpose="test", password=SECRET):
            pass

    async def test_drivers_own_ways_hold(
        self, database: Database, passwords: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("PGPASSWORD", SECRET)
        async with await connect(database.url("keeper"), purpose="test"):
            pass
        monkeypatch.delenv("PGPASSWORD")
        file = tmp_path / "passwords"
        file.write_text(f"*:*:*:keeper:{SECRET}\n")
        file.chmod(0o600)
        monkeypatch.setenv("PGPASSFILE", str(file))
        async with await connect(database.url("keeper"), purpose="test"):
            pass
        services = tmp_path / "services"
        node = database.cluster.primary
        services.write_text(
            f"[shop]\nhost={node.sockets}\nport={node.port}\ndbname={database.name}\nuser=keeper\n"
        )
        monkeypatch.setenv("PGSERVICEFILE", str(services))
        async with await connect("postgresql:///?service=shop", purpose="test") as connection:
            assert name_of(connection) == f"local/{database.name}"
        assert server_name("postgresql:///?service=shop") == "service shop"
        monkeypatch.setenv("PGSERVICE", "shop")
        assert server_name("postgresql://") == f"local/{database.name}"

    async def test_where_the_servers_rules_reject(self, database: Database, passwords: None) -> None:
        error = await refusal(database.url("locked"))
        assert "pg_hba.conf rejects connection" in error.text
        error = await refusal(database.url("peer"))
        assert "Peer authentication failed" in error.text
        assert "system user" in error.remedy

    async def test_where_there_are_too_many(self, database: Database) -> None:
        database.run("CREATE ROLE crowd LOGIN CONNECTION LIMIT 0", "postgres")
        try:
            error = await refusal(database.url("crowd"))
        finally:
            database.run("DROP ROLE crowd", "postgres")
        assert 'too many connections for role "crowd"' in error.text
        assert "max_connections" in error.remedy

    async def test_where_the_role_may_not_log_in(self, database: Database) -> None:
        database.run("CREATE ROLE asleep NOLOGIN", "postgres")
        try:
            error = await refusal(database.url("asleep"))
        finally:
            database.run("DROP ROLE asleep", "postgres")
        assert "is not permitted to log in" in error.text

    async def test_where_tls_is_wanted_and_not_had(self, database: Database) -> None:
        async with proxy(database) as port:
            error = await refusal(_over_tcp(database, port, "?sslmode=require"))
        assert "server does not support SSL" in error.text
        assert "sslmode" in error.remedy

    async def test_where_nobody_listens(self, tmp_path: Path) -> None:
        error = await refusal(f"postgresql://deploy:{SECRET}@/shop?host={tmp_path}")
        assert error.text == f"can't connect to local/shop: there is no socket {tmp_path}/.s.PGSQL.5432"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
            error = await refusal(f"postgresql://deploy:{SECRET}@127.0.0.1:{port}/shop")
        assert error.text == f"can't connect to 127.0.0.1:{port}/shop: Connection refused"

    async def test_where_nobody_answers(self) -> None:
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen()
            error = await refusal(
                f"postgresql://deploy@127.0.0.1:{deaf.getsockname()[1]}/shop", connect_timeout=2
            )
        assert "timeout" in error.text
        assert "firewall" in error.remedy

    async def test_where_something_else_answers(self) -> None:
        async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(8)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            writer.close()

        async with await asyncio.start_server(other, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            error = await refusal(f"postgresql://deploy@127.0.0.1:{port}/shop")
        assert "a PostgreSQL server answers" in error.remedy

    async def test_where_the_name_is_not_known(self) -> None:
        error = await refusal("postgresql://deploy@db1.invalid/shop")
        assert error.text.startswith("can't connect to db1.invalid/shop: ")
        assert "Correct the host" in error.remedy

    async def test_where_the_server_shuts_down(self, database: Database) -> None:
        database.cluster.primary.stop()
        try:
            error = await refusal(database.url())
        finally:
            database.cluster.primary.start()
        assert "Start the server" in error.remedy

    async def test_where_a_setting_is_refused(self, newest_database: Database) -> None:
        with pytest.raises(Unreachable, match="invalid value for parameter"):
            await connect(newest_database.url(), purpose="test", settings={"work_mem": "much"})


class TestUrl:
    @pytest.mark.parametrize(
        ("url", "name"),
        [
            ("postgresql://ana:pw@db1.internal:6432/shop", "db1.internal:6432/shop"),
            ("postgresql://ana:pw@/shop?host=/run/pg", "local/shop"),
            ("postgresql://ana@h1,h2:5433/shop", "h1,h2:5433/shop"),
            ("postgresql://ana@[::1]/shop", "::1/shop"),
            ("postgresql://ana@db1", "db1/ana"),
        ],
    )
    def test_has_a_name_for_people(self, url: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for variable in ("PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE"):
            monkeypatch.delenv(variable, raising=False)
        assert server_name(url) == name

    @pytest.mark.parametrize(
        ("url", "part"),
        [
            (f"postgresql://ana:{SECRET}%zz@db1/shop", "%25"),
            (f"postgresql://ana:{SECRET}@db1/shop?colour=red", "no parameter colour"),
            (f"ana:{SECRET}@db1", "can't be read"),
            (f"postgresql://ana:{SECRET}@[::1/shop", "can't be read"),
        ],
    )
    async def test_that_cannot_be_read_is_one_sentence(self, url: str, part: str) -> None:
        with pytest.raises(Unreachable) as caught:
            parse(url)
        assert part in caught.value.text
        await refusal(url)
