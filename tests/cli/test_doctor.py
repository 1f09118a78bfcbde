"""`doctor` sees what is wrong with a machine, and says what mends it."""

import os
import stat
from pathlib import Path

import pytest

from console.doctor import host, places
from console.link.peer import login_name
from tests.cli.command import run


def lines(text: str) -> dict[str, tuple[str, str]]:
    """Verdict and text of each check, by its name."""
    found = {}
    for line in text.splitlines():
        if line[0] != " ":
            verdict, name, seen = line[:4].strip(), line[6:16].strip(), line[18:]
            found[name] = (verdict, seen)
    return found


def test_a_sound_machine(tmp_path: Path) -> None:
    done = run("doctor", home=tmp_path / "home")
    found = lines(done.stdout)
    assert done.returncode == 0, done.stdout
    assert set(found) == {
        "python", "libraries", "driver", "console", "terminal", "locale", "state", "sockets", "kept",
        "logout", "clock", "ssh", "time zones", "demo",
    }  # fmt: skip
    assert "NOT" not in [verdict for verdict, _ in found.values()]
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700


def test_a_foreign_console_is_wrong(tmp_path: Path) -> None:
    other = tmp_path / "site"
    (other / "console").mkdir(parents=True)
    (other / "console" / "__init__.py").write_text("")
    # Behind ours on the path, as where the other was installed first in another place.
    done = run("doctor", home=tmp_path / "home", PYTHONPATH=f"{Path(__file__).parents[2]}:{other}")
    assert done.returncode == 1
    assert lines(done.stdout)["console"] == (
        "NOT",
        f"another package console lies at {other}/console/__init__.py",
    )
    assert "-> install column-console on its own, with pipx or uv" in done.stdout


def test_a_state_folder_that_cannot_be_made_or_is_open_to_others(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("doctor", home=tmp_path / "file" / "home")
    assert done.returncode == 1
    assert "can't be written" in lines(done.stdout)["state"][1]
    loose = tmp_path / "loose"
    loose.mkdir()
    loose.chmod(0o777)
    done = run("doctor", home=loose)
    assert done.returncode == 1
    assert f"-> chmod 700 {loose}" in done.stdout


def test_a_deep_state_folder_is_noted(tmp_path: Path) -> None:
    done = run("doctor", home=tmp_path / ("x" * 90))
    assert done.returncode == 0
    assert lines(done.stdout)["sockets"][0] == "NOTE"


def test_a_terminal_of_another_encoding_is_noted(tmp_path: Path) -> None:
    done = run("doctor", home=tmp_path, PYTHONIOENCODING="latin-1:replace")
    assert lines(done.stdout)["locale"][0] == "NOTE"


def test_a_folder_that_goes_with_the_login_or_is_on_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMN_CONSOLE_HOME", str(tmp_path / "run" / "console"))
    gone = places.keeps({"XDG_RUNTIME_DIR": str(tmp_path / "run")})
    assert (gone.verdict, gone.remedy) == ("NOTE", "set COLUMN_CONSOLE_HOME to a folder on a disk")
    mounts = ["/dev/vda1 / ext4 rw 0 0", f"server:/home {tmp_path} nfs4 rw 0 0", "tmpfs /run tmpfs rw 0 0"]
    assert "network disk (nfs4)" in places.keeps({}, mounts).seen
    assert places.keeps({}, mounts[:1]).seen.endswith("is on ext4")
    assert "in memory" in places.keeps({}, [f"none {tmp_path}/run tmpfs rw 0 0"]).seen


# logind itself can't be had without being the system's first process: what busctl prints of it is played here.
@pytest.mark.parametrize(
    ("says", "lingers", "verdict", "seen", "remedy"),
    [
        ("b false", False, "OK", "a logout ends nothing", ""),
        ("b true", False, "NOTE", "does not linger", "loginctl enable-linger"),
        ("b true", True, "NOTE", "KillUserProcesses=yes", "start it as a unit: systemd-run --user"),
        ("", False, "NOTE", "does not say", "loginctl enable-linger"),
    ],
)
def test_what_a_logout_does(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    says: str,
    lingers: bool,
    verdict: str,
    seen: str,
    remedy: str,
) -> None:
    busctl = tmp_path / "busctl"
    busctl.write_text(f"#!/bin/sh\necho '{says}'\n")
    busctl.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    linger = tmp_path / "linger"
    linger.mkdir()
    if lingers:
        (linger / login_name(os.geteuid())).touch()
    check = host.logout(running=tmp_path, lingering=linger)
    assert check.verdict == verdict
    assert seen in check.seen
    assert remedy in check.remedy
    assert host.logout(running=tmp_path / "no systemd").verdict == "OK"
