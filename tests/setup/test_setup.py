"""What the tests need is found, or named with the way to get it; shell and Python read the same places."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from console.demo.mysql.binaries import VARIABLES
from console.demo.place import cache
from tests.servers.leave_out import VARIABLE as LEAVE_OUT
from tests.setup import environment, prepare

AWKWARD = "/a folder/it's $HOME/`x`"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that says where everything is, out of the way of the one in use."""
    path = tmp_path / "cache" / "test-env"
    monkeypatch.setattr(environment, "FILE", path)
    monkeypatch.setattr(prepare, "FILE", path)
    return path


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is installed, nothing is in the cache, and there is no apt."""
    programs = tmp_path / "bin"
    programs.mkdir()
    bash = shutil.which("bash")
    assert bash is not None
    (programs / "bash").symlink_to(bash)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr("console.demo.mysql.binaries._BESIDE_PATH", ())
    monkeypatch.setenv("COLUMN_CONSOLE_CACHE", str(tmp_path / "fetched"))
    for variable in (environment.PG15_BIN, environment.BROWSER, *VARIABLES.values()):
        monkeypatch.setenv(variable, str(tmp_path / "nowhere"))
    monkeypatch.delenv(LEAVE_OUT, raising=False)


@pytest.mark.usefixtures("file")
def test_shell_and_python_read_the_same_places(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare.write(
        [{environment.PG15_BIN: AWKWARD}, {"PATH": "/first it's"}, {"PATH": "/second", "OTHER": "x"}], []
    )
    names = [environment.PG15_BIN, "OTHER", "PATH"]
    script = f"set -a; . {environment.FILE}; exec env -0"
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    by_shell = dict(line.split("=", 1) for line in said.rstrip("\0").split("\0"))

    path = os.environ["PATH"]
    for name in names[:2]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", path)  # put back afterwards
    environment.load()

    assert {name: os.environ[name] for name in names} == {name: by_shell[name] for name in names}
    assert os.environ[environment.PG15_BIN] == AWKWARD
    assert os.environ["PATH"] == f"/first it's:/second:{path}"


@pytest.mark.usefixtures("file")
def test_what_the_environment_says_wins_and_twice_is_once(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare.write([{environment.PG15_BIN: "/from/the/file", "PATH": "/first"}], [])
    monkeypatch.setenv(environment.PG15_BIN, "/from/the/environment")
    monkeypatch.setenv("PATH", "/usr/bin")
    environment.load()
    environment.load()
    assert os.environ[environment.PG15_BIN] == "/from/the/environment"
    assert os.environ["PATH"] == "/first:/usr/bin"


@pytest.mark.usefixtures("bare_machine")
def test_what_cannot_be_had_is_named_with_the_way_to_get_it(
    file: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["prepare", "tests"])
    assert prepare.main() == 1
    said = capfd.readouterr().err
    for need in prepare.TESTS:
        assert f"MISSING: {need.otherwise}, or leave it out with {LEAVE_OUT}={need.name}" in said
    assert "=" not in file.read_text(encoding="utf-8")


@pytest.fixture
def dry_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No MySQL is installed or in the cache, and the mirror has nothing."""
    monkeypatch.setenv("COLUMN_CONSOLE_CACHE", str(tmp_path / "fetched"))
    monkeypatch.setenv(VARIABLES["mysql"], str(tmp_path / "nowhere"))
    monkeypatch.setenv("APT_MIRROR", f"file:{tmp_path}/no-mirror")
    monkeypatch.setenv(LEAVE_OUT, "mariadb")
    monkeypatch.setattr("sys.argv", ["prepare", "tests"])


@pytest.mark.usefixtures("dry_source")
def test_ci_leaves_out_what_its_source_does_not_deliver_and_says_so(
    file: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", "true")
    assert prepare.main() == 0
    said = capfd.readouterr().err
    assert "mysql          LEFT OUT: Debian sid does not deliver it today" in said
    assert file.with_name("left-out").read_text() == "mysql\n"
    by_shell = f"set -a; . {file}; printenv {LEAVE_OUT}"
    assert subprocess.check_output(["sh", "-c", by_shell], text=True) == "mariadb,mysql\n"


@pytest.mark.usefixtures("dry_source")
def test_nobody_else_leaves_it_out(
    file: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CI", raising=False)
    assert prepare.main() == 1
    assert "mysql          MISSING: install MySQL" in capfd.readouterr().err
    assert file.with_name("left-out").read_text() == ""


@pytest.mark.usefixtures("bare_machine", "file")
def test_what_is_left_out_is_not_missed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(LEAVE_OUT, ", ".join(need.name for need in prepare.TESTS))
    monkeypatch.setattr("sys.argv", ["prepare", "tests"])
    assert prepare.main() == 0
    assert capfd.readouterr().err.count("left out, as asked") == len(prepare.TESTS)


def test_a_cache_of_root_is_not_in_a_home_that_only_root_enters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMN_CONSOLE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somebody/cache")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert cache() == Path("/var/cache/column-console")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert cache() == Path("/somebody/cache/column-console")


def test_no_venv_is_made_with_something_that_is_no_python(tmp_path: Path) -> None:
    command = ["sh", str(environment.ROOT / "tests/setup/venv.sh"), "no-such-python", str(tmp_path / "venv")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no-such-python is not here or does not run" in done.stderr
    assert not (tmp_path / "venv").exists()
