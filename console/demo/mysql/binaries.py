"""Find a MySQL or a MariaDB server for a throwaway cluster: named, on PATH, or where the tests fetched one."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec

from console.databases.mysql.families import Family, FamilyName
from console.demo.errors import DemoError
from console.demo.ground import TITLES
from console.demo.place import Account, cache, server_account

VARIABLES: Mapping[FamilyName, str] = {
    "mysql": "COLUMN_CONSOLE_MYSQL_BIN",
    "mariadb": "COLUMN_CONSOLE_MARIADB_BIN",
}
"""The variables that name a folder of programs."""

_SERVERS: Mapping[FamilyName, tuple[str, ...]] = {"mysql": ("mysqld",), "mariadb": ("mariadbd", "mysqld")}
_CLIENTS: Mapping[FamilyName, tuple[str, ...]] = {"mysql": ("mysql",), "mariadb": ("mariadb", "mysql")}
_BESIDE_PATH = ("/usr/local/sbin", "/usr/sbin", "/usr/libexec")
"""Where packages put servers, which is not on an ordinary user's PATH."""

_INSTALL: Mapping[FamilyName, str] = {
    "mysql": "apt-get install mysql-server-core where the system has that package (Ubuntu, Debian unstable), or, "
    "in a checkout of column-console, python -m tests.setup.prepare mysql",
    "mariadb": "apt-get install mariadb-server-core",
}


class Installation(msgspec.Struct, frozen=True):
    """One server with what goes with it: the program, its version, its client if there is one, where it was found."""

    family: Family
    server: Path
    client: Path | None
    origin: str

    def tables(self) -> list[Path]:
        """MariaDB's files of SQL that make its system tables, in their order; MySQL makes its own."""
        prefix = self.server.resolve().parent.parent
        found = []
        for part in ("system_tables", "performance_tables", "system_tables_data", "fill_help_tables",
                     "maria_add_gis_sp_bootstrap", "sys_schema"):  # fmt: skip
            names = (f"mariadb_{part}.sql", f"mysql_{part}.sql", f"{part}.sql")
            places = [
                prefix / "share" / folder / name for folder in ("mariadb", "mysql", ".") for name in names
            ]
            found += [place for place in places if place.is_file()][:1]
        return found

    def account(self) -> Account | None:
        """Whom its servers run as: None for oneself.

        For root an unprivileged user, unless that one can't run it, because it lies in somebody's home.
        """
        account = server_account()
        return account if account is None or self._runs_as(account) else None

    def _runs_as(self, account: Account) -> bool:
        try:
            done = subprocess.run(
                [self.server, "--no-defaults", "--version"],
                cwd="/",
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                user=account.uid,
                group=account.gid,
                extra_groups=[],
            )
        except OSError:
            return False
        return done.returncode == 0


def find_installation(name: FamilyName, environ: Mapping[str, str] | None = None) -> Installation:
    """The server to use: installed, or fetched by the tests' set-up. Raises `DemoError` with the way to get one."""
    environ = os.environ if environ is None else environ
    found = installed(name, environ) or in_folder(name, cache(environ) / name / "bin", "the tests' cache")
    if found is None:
        raise DemoError(f"no {TITLES[name]} server was found: {install_hint(name)}")
    return found


def installed(name: FamilyName, environ: Mapping[str, str]) -> Installation | None:
    """The server of the folder that `COLUMN_CONSOLE_..._BIN` names, else on PATH, else of the system's packages.

    Raises `DemoError` when the named folder has none.
    """
    variable = VARIABLES[name]
    if named := environ.get(variable):
        found = in_folder(name, Path(named), variable)
        if found is None:
            raise DemoError(
                f"{variable} is {named}, which has no {TITLES[name]} server: {install_hint(name)}"
            )
        return found
    for folder in (*environ.get("PATH", "").split(os.pathsep), *_BESIDE_PATH):
        origin = "the system's packages" if folder in _BESIDE_PATH else "PATH"
        if folder and (found := in_folder(name, Path(folder), origin)) is not None:
            return found
    return None


def in_folder(name: FamilyName, folder: Path, origin: str) -> Installation | None:
    """The server of this family in a folder of programs, if it is there and runs."""
    for program in _SERVERS[name]:
        server = folder / program
        if os.access(server, os.X_OK):
            family = _family_of(server)
            if family is not None and family.name == name:
                return Installation(family=family, server=server, client=_client(name, folder), origin=origin)
    return None


def install_hint(name: FamilyName) -> str:
    """How to get a server."""
    return f"install one with {_INSTALL[name]}; or name the folder of its programs in {VARIABLES[name]}"


def _client(name: FamilyName, folder: Path) -> Path | None:
    """The client beside the server; the system keeps it in the other of bin and sbin."""
    for place in (folder, folder.parent / "bin"):
        for program in _CLIENTS[name]:
            if found := shutil.which(program, path=str(place)):
                return Path(found)
    return None


def _family_of(server: Path) -> Family | None:
    """`mysqld  Ver 9.7.4 for Linux on ...`: family and version, None where it does not run."""
    try:
        said = subprocess.run(
            [server, "--no-defaults", "--version"],
            cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=30,
        ).stdout  # fmt: skip
        return Family.of(said.partition(" Ver ")[2].strip())
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
