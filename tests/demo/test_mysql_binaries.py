"""Where the demo finds MySQL and MariaDB, and what it says when there is none."""

import os
import shutil
from pathlib import Path

import pytest

from console.databases.mysql.families import FamilyName
from console.demo.client import start_world
from console.demo.errors import DemoError
from console.demo.mysql.binaries import VARIABLES, find_installation, installed
from console.demo.place import make_directory, server_account
from tests.servers.mysql_fixtures import AT_HAND

pytestmark = pytest.mark.server  # their programs, though no server is started


@pytest.fixture
def nothing_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.demo.mysql.binaries._BESIDE_PATH", ())


@pytest.mark.usefixtures("nothing_beside")
@pytest.mark.parametrize("family", AT_HAND)
def test_the_named_folder_then_path_then_the_cache(family: FamilyName, tmp_path: Path) -> None:
    real = find_installation(family)
    folders = [tmp_path / name for name in ("named", "path", "cache")]
    for folder in folders:
        programs = folder / family / "bin"
        programs.mkdir(parents=True)
        (programs / real.server.name).symlink_to(real.server)
    named, path, _ = (str(folder / family / "bin") for folder in folders)
    environ = {VARIABLES[family]: named, "PATH": path, "COLUMN_CONSOLE_CACHE": str(folders[2])}
    for variable, origin, folder in (
        (VARIABLES[family], VARIABLES[family], folders[0]),
        ("PATH", "PATH", folders[1]),
        ("COLUMN_CONSOLE_CACHE", "the tests' cache", folders[2]),
    ):
        found = find_installation(family, environ)
        assert (found.origin, found.server.parent) == (origin, folder / family / "bin")
        assert found.family == real.family
        del environ[variable]
    environ["COLUMN_CONSOLE_CACHE"] = str(tmp_path / "empty")
    assert installed(family, environ) is None


@pytest.mark.usefixtures("nothing_beside")
@pytest.mark.parametrize(
    ("family", "advice"),
    [
        ("mysql", r"no MySQL server was found: install one with .* -m tests\.setup\.prepare mysql"),
        ("mariadb", "no MariaDB server was found: install one with apt-get install mariadb-server-core"),
    ],
)
def test_nothing_found_is_one_sentence_with_the_command(
    family: FamilyName, advice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMN_CONSOLE_CACHE", str(tmp_path))
    with pytest.raises(DemoError, match=advice):
        find_installation(family, {"PATH": str(tmp_path), "COLUMN_CONSOLE_CACHE": str(tmp_path)})


@pytest.mark.parametrize("family", ["mysql", "mariadb"])
def test_a_demo_without_a_server_is_one_sentence_and_leaves_nothing(
    family: FamilyName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLES[family], str(tmp_path))
    directory = make_directory()
    monkeypatch.setattr("console.demo.client.make_directory", lambda: directory)
    with pytest.raises(
        DemoError, match=f"{VARIABLES[family]} is {tmp_path}, which has no .* server: install one"
    ):
        start_world(database=family, rows=10)
    assert not directory.exists()


@pytest.mark.usefixtures("nothing_beside")
def test_a_mysqld_of_the_other_family_is_none(tmp_path: Path) -> None:
    """MariaDB's packages bring a program of MySQL's name."""
    for family, other in (("mysql", "mariadb"), ("mariadb", "mysql")):
        said = {"mysql": "mysqld  Ver 8.4.1 for Linux", "mariadb": "mysqld  Ver 11.8.6-MariaDB for Linux"}[
            other
        ]
        program = tmp_path / family / "mysqld"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\necho '{said}'\n")
        program.chmod(0o755)
        environ = {"PATH": str(program.parent)}
        assert installed("mariadb" if other == "mariadb" else "mysql", environ) is not None
        assert installed("mariadb" if family == "mariadb" else "mysql", environ) is None


def test_a_server_that_does_not_run_is_none(tmp_path: Path) -> None:
    for name in ("mysqld", "mariadbd"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho libaio is missing >&2\nexit 127\n")
        program.chmod(0o755)
    with pytest.raises(DemoError, match="which has no MariaDB server"):
        find_installation("mariadb", {VARIABLES["mariadb"]: str(tmp_path)})


@pytest.mark.parametrize("family", AT_HAND)
def test_root_drops_its_rights_unless_nobody_could_run_the_server(family: FamilyName, tmp_path: Path) -> None:
    assert find_installation(family).account() == server_account()
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    program = private / "mysqld"
    shutil.copy(find_installation(family).server, program)
    found = find_installation(family, {VARIABLES[family]: str(private)})
    assert found.account() is None
    assert os.access(found.server, os.X_OK)
