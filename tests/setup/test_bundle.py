"""The bundle: one file that walks a change with nothing but a Python, from a home of its own, without this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import home, shop
from tests.cli.shop import Shop
from tests.cli.terminal import OnTerminal
from tests.setup.environment import ROOT

__all__ = ["home", "shop"]

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle for this very Python, built as the documentation says."""
    path = tmp_path_factory.mktemp("bundle") / "column-console"
    subprocess.run(
        ["make", "bundle", "BUNDLE_FOR=current", f"BUNDLE={path}", f"PYTHON={sys.executable}"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=500,
    )
    return path


class Host:
    """A bastion host as far as a command sees one: a home, a Python, and the file."""

    def __init__(self, bundle: Path, folder: Path, home: Path) -> None:
        self.bundle = bundle
        self.folder = folder
        self.environment = {
            "HOME": str(folder),
            "PATH": f"{sys.base_prefix}/bin:/usr/bin:/bin",
            "COLUMN_CONSOLE_HOME": str(home),
            "LC_ALL": "C.UTF-8",
        }

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """One command of the bundle's."""
        return subprocess.run(
            [self.bundle, *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )


def test_run_attach_and_replay(bundle: Path, shop: Shop, home: Path, tmp_path: Path) -> None:
    host = Host(bundle, tmp_path, home)
    started = host.run("run", shop.change_file, "--detach")
    assert started.returncode == 0, started.stderr
    session = started.stdout.strip()
    seen = host.run("doctor").stdout
    assert f"at {tmp_path}/.cache" in seen
    assert str(ROOT) not in seen
    attached = OnTerminal.of([str(bundle), "attach"], host.environment)
    attached.until("Add column is next", "has control")
    attached.press("q")
    assert attached.end() == 0
    assert host.run("send", session, "abort", "--reason", "seen enough").returncode == 0
    replayed = OnTerminal.of([str(bundle), "replay", session], host.environment)
    replayed.until("REPLAY", "read only")
    replayed.press("q")
    assert replayed.end() == 0
    assert os.access(bundle, os.X_OK)
