"""The ways in which servers take a password over a line without TLS, with and without the packages for them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from console.databases.mysql.address import read_address
from console.databases.mysql.connect import Session
from console.databases.mysql.lane import Lane
from tests.servers.mysql_database import MySqlDatabase

SECRET = "s3cret-wörd"
QUOTED = "s3cret-w%C3%B6rd"

PLUGINS = {
    "mysql": ("caching_sha2_password", "sha256_password"),
    "mariadb": ("mysql_native_password", "ed25519"),
}
"""What accounts log in by, the usual way first."""

_HIDDEN = """
import sys
sys.modules[sys.argv[1]] = None  # as where the package is not installed
from console.databases.base import Unreachable
from console.databases.mysql.address import read_address
from console.databases.mysql.connect import Session, open_connection
try:
    open_connection(read_address(sys.argv[2]), Session(purpose="test"))
except Unreachable as error:
    print(error.text, error.remedy, sep="\\n")
else:
    print("connected")
"""


@pytest.fixture
def accounts(mysql_database: MySqlDatabase) -> MySqlDatabase:
    """A database with an account of each kind, named for its plugin."""
    if mysql_database.family == "mariadb":
        mysql_database.run("INSTALL SONAME 'auth_ed25519'", "root")
    for plugin in PLUGINS[mysql_database.family]:
        how = (
            f"IDENTIFIED WITH {plugin} BY '{SECRET}'"
            if mysql_database.family == "mysql"
            else f"IDENTIFIED VIA {plugin} USING PASSWORD('{SECRET}')"
        )
        mysql_database.run(
            f"CREATE USER {plugin}@'127.0.0.1' {how};"
            f" GRANT ALL ON `{mysql_database.name}`.* TO {plugin}@'127.0.0.1'",
            "root",
        )
    return mysql_database


def address(database: MySqlDatabase, plugin: str, word: str = QUOTED, mode: str = "disabled") -> str:
    port = database.cluster.primary.port
    return f"mysql://{plugin}:{word}@127.0.0.1:{port}/{database.name}?ssl-mode={mode}"


async def who(url: str) -> object:
    lane = Lane(read_address(url), Session(purpose="test"))
    try:
        ((user,),) = await lane.rows("SELECT CURRENT_USER()")
        return user
    finally:
        await lane.close()


def without(package: str, url: str) -> str:
    """What becomes of a connection in an interpreter that lacks a package."""
    command = [sys.executable, "-c", _HIDDEN, package, url]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


async def test_every_kind_of_account_logs_in_without_tls(accounts: MySqlDatabase) -> None:
    for plugin in PLUGINS[accounts.family]:
        for _ in range(2):
            # As after a restart: the server remembers nobody, and wants the whole password.
            accounts.run("FLUSH PRIVILEGES", "root")
            assert await who(address(accounts, plugin)) == f"{plugin}@127.0.0.1"


async def test_a_login_that_the_server_remembered_fails_after_a_restart_without_the_package(
    accounts: MySqlDatabase,
) -> None:
    """Why cryptography is no extra: by day it is not missed."""
    plugin = PLUGINS[accounts.family][0]
    bare = address(accounts, plugin)
    assert await who(bare)
    assert without("cryptography", bare) == "connected"
    accounts.run("FLUSH PRIVILEGES", "root")
    said = without("cryptography", bare)
    if accounts.family == "mariadb":
        assert said == "connected"
        return
    assert "for which the package cryptography is needed" in said
    assert "Add ssl-mode=required to [database] url, connect by the socket, or install cryptography" in said
    assert SECRET not in said
    assert without("cryptography", address(accounts, plugin, mode="required")) == "connected"


async def test_ed25519_without_its_package_names_the_extra(accounts: MySqlDatabase) -> None:
    if accounts.family == "mysql":
        return  # it has no such plugin
    said = without("nacl", address(accounts, "ed25519"))
    assert "for which the package PyNaCl is needed" in said
    assert "its extra ed25519" in said
    assert "by the socket" in said
    assert without("nacl", address(accounts, "mysql_native_password")) == "connected"


async def test_a_wrong_password_is_told_alike(accounts: MySqlDatabase) -> None:
    for plugin in PLUGINS[accounts.family]:
        said = without("nothing", address(accounts, plugin, "wrong"))
        assert f"Access denied for user '{plugin}'@'127.0.0.1'" in said
        assert "Correct the password" in said
