"""Ways to connect, and why none can be made: each with the mend, and never with a password."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from console.databases.base import Unreachable
from console.databases.mysql.address import read_address
from console.databases.mysql.connect import Session, open_connection, tls_context
from console.databases.mysql.lane import Lane
from tests.servers.mysql_database import MySqlDatabase

SECRET = "s3cret-word"


@pytest.fixture
def account(mysql_database: MySqlDatabase) -> MySqlDatabase:
    """A database with an account that has a password, over TCP."""
    mysql_database.run(
        f"CREATE USER ana@'127.0.0.1' IDENTIFIED BY '{SECRET}';"
        f" GRANT ALL ON `{mysql_database.name}`.* TO ana@'127.0.0.1'",
        "root",
    )
    return mysql_database


def tcp(
    database: MySqlDatabase, *, user: str = "ana", word: str = SECRET, name: str = "", query: str = ""
) -> str:
    port = database.cluster.primary.port
    return f"mysql://{user}:{word}@127.0.0.1:{port}/{name or database.name}{query}"


async def ask(url: str, query: str = "SELECT CURRENT_USER(), DATABASE()") -> list[tuple[object, ...]]:
    lane = Lane(read_address(url), Session(purpose="test"))
    try:
        return await lane.rows(query)
    finally:
        await lane.close()


async def test_password_over_tcp_and_tls_where_the_server_has_it(account: MySqlDatabase) -> None:
    assert await ask(tcp(account)) == [("ana@127.0.0.1", account.name)]
    cipher = await ask(tcp(account), "SHOW STATUS LIKE 'Ssl_cipher'")
    # MySQL makes itself a certificate; MariaDB 10.11 has none, and then it goes without.
    assert bool(cipher[0][1]) == (account.family == "mysql")
    plain = await ask(tcp(account, query="?ssl-mode=disabled"), "SHOW STATUS LIKE 'Ssl_cipher'")
    assert plain[0][1] == ""


async def test_tls_that_is_demanded(account: MySqlDatabase) -> None:
    if account.family == "mariadb":
        with pytest.raises(Unreachable, match="SSL is required"):
            await ask(tcp(account, query="?ssl-mode=required"))
        return
    cipher = await ask(tcp(account, query="?ssl-mode=required"), "SHOW STATUS LIKE 'Ssl_cipher'")
    assert cipher[0][1]
    with pytest.raises(Unreachable, match="certificate is not accepted"):
        await ask(tcp(account, query="?ssl-mode=verify-ca"))
    ((folder,),) = account.rows("SELECT @@datadir", "root")
    authority = f"&ssl-ca={folder}ca.pem"
    assert await ask(tcp(account, query=f"?ssl-mode=verify-ca{authority}"))
    with pytest.raises(Unreachable, match="certificate is not accepted"):
        await ask(tcp(account, query=f"?ssl-mode=verify-identity{authority}"))


def test_one_tls_context_for_all_connections() -> None:
    assert tls_context("preferred", None, None, None) is tls_context("preferred", None, None, None)


async def test_the_purpose_is_seen_by_a_dba(account: MySqlDatabase) -> None:
    rows = await ask(
        account.url("root"),
        "SELECT ATTR_VALUE FROM performance_schema.session_connect_attrs WHERE ATTR_NAME = 'program_name'"
        " AND PROCESSLIST_ID = CONNECTION_ID()",
    )
    assert rows == [("column-console test",)]


@pytest.mark.parametrize(
    ("change", "why", "mend"),
    [
        ({"word": "wrong"}, "Access denied for user 'ana'", "Correct the password"),
        ({"user": "nobody"}, "Access denied for user 'nobody'", "Correct the password"),
        ({"name": "nope"}, "", "database"),
    ],
)
async def test_who_and_where(account: MySqlDatabase, change: dict[str, str], why: str, mend: str) -> None:
    with pytest.raises(Unreachable) as caught:
        await ask(tcp(account, **change))
    assert why in caught.value.text
    assert mend in caught.value.remedy
    assert SECRET not in str(caught.value)
    assert "wrong" not in str(caught.value)


async def test_places_where_nobody_answers(tmp_path: Path) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        cases = {
            f"mysql://u@127.0.0.1:{port}/d": "connection refused",
            "mysql://u@no-such-host.invalid/d": "the host no-such-host.invalid is not known",
            f"mysql://u@/d?socket={tmp_path}/s.sock": "there is no socket",
            f"mariadb://u@/d?host={tmp_path}": "there is no socket",
        }
        for url, why in cases.items():
            with pytest.raises(Unreachable, match=why) as caught:
                await ask(url)
            assert caught.value.remedy


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"\x05\x00\x00\x00\xffabcd"])
async def test_what_answers_is_no_such_server(greeting: bytes) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(Unreachable):
        await ask(f"mysql://u@127.0.0.1:{port}/d")
    server.close()


GREETING = (
    b"\x0a8.0.36\x00"
    + (7).to_bytes(4, "little")
    + b"saltsalt\x00"
    + (0xF7FF & ~0x0800).to_bytes(2, "little")  # everything but TLS
    + b"\x2d\x02\x00"
    + (0x003F).to_bytes(2, "little")
    + b"\x15"
    + bytes(10)
    + b"saltsaltsalt\x00mysql_native_password\x00"
)


@pytest.mark.parametrize(
    "wish", [b"\xfemysql_clear_password\x00", b"\xfedialog\x00\x04Password: "], ids=["clear", "dialog"]
)
@pytest.mark.parametrize("mode", ["preferred", "disabled"])
async def test_no_password_goes_in_clear_over_a_bare_line(wish: bytes, mode: str) -> None:
    """Whoever answers may ask for it: a server between, or one that took the other's address."""
    heard = b""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        for number, packet in ((0, GREETING), (2, wish)):
            writer.write(len(packet).to_bytes(3, "little") + bytes([number]) + packet)
            await writer.drain()
            heard += await reader.read(4096)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(Unreachable, match="in clear text") as caught:
        await ask(f"mysql://ana:{SECRET}@127.0.0.1:{port}/d?ssl-mode={mode}")
    server.close()
    assert "ssl-mode=required" in caught.value.remedy
    assert b"ana" in heard
    assert SECRET.encode() not in heard


# -- Addresses


def test_option_file_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MYSQL_PWD", "from the environment")
    url = "mysql://ana@db1/shop"
    assert read_address(url).password == "from the environment"
    (tmp_path / ".my.cnf").write_text(
        '[mysqld]\nuser=mysql\n[client]\npassword = "from # the file"\nuser=bob\nport=3310\nssl_mode=REQUIRED\n'
        "!includedir /nowhere\n"
    )
    address = read_address(url)
    assert (address.password, address.user, address.port, address.tls) == (
        "from # the file",
        "ana",
        3310,
        "required",
    )
    assert read_address(url, "from the command").password == "from the command"
    assert read_address("mysql://ana:in%20url@db1/shop", "from the command").password == "in url"
    assert read_address("mysql://db1/shop").user == "bob"
    other = tmp_path / "other.cnf"
    other.write_text("[client]\npassword=other\n")
    assert read_address(f"{url}?defaults-file={other}").password == "other"


def test_an_address_shows_no_password() -> None:
    address = read_address("mysql://ana:s3cret@db1:3310/shop")
    assert address.name == "db1:3310/shop"
    assert "s3cret" not in repr(address) + str(address)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ana@db1:port/shop",
        "mysql://ana@db1/shop?nope=1",
        "mysql://ana@db1/shop?ssl-mode=sometimes",
        "mysql://ana@db1/shop?binlog-row-image=tiny",
        "mysql://ana@db1/shop?port=99999",
        "mysql://ana@db1/shop?defaults-file=/nowhere/my.cnf",
        "postgresql://ana@db1/shop",
    ],
)
def test_an_address_that_makes_no_sense(url: str) -> None:
    with pytest.raises(Unreachable) as caught:
        read_address(url)
    assert caught.value.remedy


async def test_the_row_image_is_short_where_it_may_be(mysql_database: MySqlDatabase) -> None:
    query = "SELECT @@SESSION.binlog_row_image"

    def image(url: str) -> str:
        opened = open_connection(read_address(url), Session(purpose="test", read_only=False))
        with opened.connection, opened.connection.cursor() as cursor:
            cursor.execute(query)
            return str((cursor.fetchone() or ("",))[0])

    assert image(mysql_database.url("root")) == "MINIMAL"
    kept = mysql_database.url("root", **{"binlog-row-image": "keep"})
    assert image(kept) == "FULL"
    # Without the right to change it, the session is as the server is set.
    assert image(mysql_database.url("app")) == "FULL"
