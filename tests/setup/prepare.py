"""Finds what the tests need besides Python packages, or fetches it, and writes down where it is.

    python -m tests.setup.prepare [--fetch] tests|screenshots|mysql|mariadb

Each thing is taken from where it is installed, else from the cache, else from Debian's packages, unpacked
into the cache by `debian_packages.sh`: nothing of the system is touched, and no right of root is needed.
`--fetch` passes over what is installed. Where each thing is goes into `.cache/test-env`, which the Makefile
sources and `tests.setup.environment` reads. With the name of a database it provides that one alone, where the
demo finds it.

What can't be had is named, with how to get it, and the exit status is 1, unless `COLUMN_CONSOLE_LEAVE_OUT`
names it. In CI (`CI=true`) what a package source does not deliver today is left out by itself, where the list below
says that it may, and its name is written to `.cache/left-out`.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from console.databases.mysql.families import FamilyName
from console.demo.errors import DemoError
from console.demo.mysql import binaries
from console.demo.place import cache
from tests.servers.leave_out import VARIABLE as LEAVE_OUT
from tests.servers.leave_out import left_out
from tests.setup.environment import BROWSER, FILE, PG15_BIN, SSHD

SCRIPT = Path(__file__).with_name("debian_packages.sh")
_NO_DEBIAN = 2
"""The script's exit status where this machine is to blame, not the source of the packages."""


def output(*command: str | Path) -> str:
    """What a program says on standard output; nothing where it is not there or fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


@dataclass(frozen=True)
class Need:
    """One thing that the tests need."""

    name: str
    installed: Callable[[], dict[str, str] | None]
    """Finds it on this machine: the variables that say where, or None."""
    unpacked: Callable[[Path], dict[str, str] | None]
    """Finds it in the cache folder where its packages were unpacked."""
    suite: str
    packages: tuple[str, ...]
    otherwise: str
    """How to get it by hand."""
    may_be_out: bool = False
    """Whether CI does without it on a day on which the source of its packages does not deliver."""


def postgresql_15(folder: Path) -> dict[str, str] | None:
    """PostgreSQL 15 in this folder of programs, if it is complete and runs."""
    programs = ("initdb", "postgres", "pg_ctl", "pg_basebackup", "psql")
    versions = [output(folder / program, "--version") for program in programs]
    if all(re.search(r"\(PostgreSQL\) 15\.", version) for version in versions):
        return {PG15_BIN: str(folder)}
    return None


def installed_postgresql_15() -> dict[str, str] | None:
    """PostgreSQL 15 where the environment says it is, else where Debian puts it."""
    return postgresql_15(Path(os.environ.get(PG15_BIN) or "/usr/lib/postgresql/15/bin"))


def mysql(name: FamilyName, folder: Path | None = None) -> dict[str, str] | None:
    """A server of this family with its client, installed or in this folder of programs."""
    try:
        found = (
            binaries.installed(name, os.environ)
            if folder is None
            else binaries.in_folder(name, folder, str(folder))
        )
    except DemoError:
        return None
    if found is None or found.client is None or not output(found.client, "--no-defaults", "--version"):
        return None
    return {binaries.VARIABLES[name]: str(found.server.parent)}


def tmux(folder: Path | None = None) -> dict[str, str] | None:
    """Tmux 3 or newer on PATH, or in this folder of programs."""
    version = re.match(r"tmux (?:next-)?(\d+)", output(folder / "tmux" if folder else "tmux", "-V"))
    if version is None or int(version[1]) < 3:
        return None
    return {"PATH": str(folder)} if folder else {}


def installed_ssh() -> dict[str, str] | None:
    """OpenSSH, client and server, on this machine. The server wants to be called by its whole path."""
    program = Path(os.environ.get(SSHD) or "/usr/sbin/sshd")
    return {SSHD: str(program)} if program.exists() and shutil.which("ssh-keygen") else None


def unpacked_ssh(folder: Path) -> dict[str, str] | None:
    """OpenSSH in the cache; the system's own client is used where there is one."""
    program = folder / "root/usr/sbin/sshd"
    if not program.exists() or not (folder / "bin/ssh-keygen").exists():
        return None
    return {SSHD: str(program), **({} if shutil.which("ssh") else {"PATH": str(folder / "bin")})}


BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def browser(program: str | Path | None) -> dict[str, str] | None:
    """A Chromium that runs."""
    if program and re.search(r"\d+\.\d+", output(program, "--version")):
        return {BROWSER: str(program)}
    return None


def installed_browser() -> dict[str, str] | None:
    """The browser that the environment names, else the first one on PATH that runs."""
    named = os.environ.get(BROWSER)
    found = (browser(shutil.which(name)) for name in ((named,) if named else BROWSERS))
    return next((variables for variables in found if variables), None)


def unpacked_browser(folder: Path) -> dict[str, str] | None:
    """Chromium in the cache, with a program that starts it.

    It finds its files beside itself, and starts itself anew by the kernel's word for it, so the dynamic loader
    can't be put in front of it as for the other programs: this machine's own loader and C library run it, with all
    other libraries from the packages.
    """
    root, launcher = folder / "root", folder / "browser"
    home = root / "usr/lib/chromium"
    packed = home / ".real/chromium-headless-shell"
    if not packed.exists():
        return None
    if not launcher.exists():
        program, libraries = home / "program", folder / "libraries"
        program.unlink(missing_ok=True)
        program.hardlink_to(packed)
        shutil.rmtree(libraries, ignore_errors=True)
        libraries.mkdir()
        for place in ("lib", "usr/lib"):
            for library in (root / place).glob("*-linux-*/**/lib*.so*"):
                if not C_LIBRARY.match(library.name) and not (libraries / library.name).exists():
                    (libraries / library.name).symlink_to(library)
        fonts = font_configuration(folder)
        launcher.write_text(
            f"#!/bin/sh\nexport LD_LIBRARY_PATH={shlex.quote(f'{libraries}:{home}')}\n"
            f'export FONTCONFIG_FILE={shlex.quote(str(fonts))}\nexec {shlex.quote(str(program))} "$@"\n',
            encoding="utf-8",
        )
        launcher.chmod(0o755)
    return browser(launcher)


C_LIBRARY = re.compile(
    r"(ld-linux|lib(c|m|mvec|pthread|dl|rt|resolv|util|anl|nsl|nss_\w+|BrokenLocale|thread_db|memusage|pcprofile|c_malloc_debug))"
    r"[.-]"
)
"""The files of the GNU C library, which belong to the loader."""


def font_configuration(folder: Path) -> Path:
    """A font configuration that finds the fonts of the packages under a folder."""
    configuration = folder / "fonts.conf"
    if not configuration.exists():
        configuration.write_text(
            '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n'
            f"<fontconfig><dir>{folder / 'root/usr/share/fonts'}</dir>"
            f"<cachedir>{folder / 'fontconfig'}</cachedir></fontconfig>\n",
            encoding="utf-8",
        )
    return configuration


FONTS = ("Fira Code", "DejaVu Sans Mono")


def installed_picture_maker() -> dict[str, str] | None:
    """rsvg-convert and the fonts of the pictures, on this machine."""
    if shutil.which("rsvg-convert") and all(output("fc-list", font) for font in FONTS):
        return {}
    return None


def unpacked_picture_maker(folder: Path) -> dict[str, str] | None:
    """rsvg-convert and the fonts of the pictures, in the cache, with a font configuration that finds them."""
    fonts, program = folder / "root/usr/share/fonts", folder / "bin/rsvg-convert"
    if not fonts.is_dir() or not output(program, "--version"):
        return None
    return {"PATH": str(folder / "bin"), "FONTCONFIG_FILE": str(font_configuration(folder))}


MYSQL = Need(
    name="mysql",
    installed=lambda: mysql("mysql"),
    unpacked=lambda folder: mysql("mysql", folder / "bin"),
    # No stable suite has it.
    suite="sid",
    packages=("mysql-server-core", "mysql-client-core"),
    otherwise=f"install MySQL 8 or 9 with its client and set {binaries.VARIABLES['mysql']} to its folder of programs",
    may_be_out=True,
)
MARIADB = Need(
    name="mariadb",
    installed=lambda: mysql("mariadb"),
    unpacked=lambda folder: mysql("mariadb", folder / "bin"),
    suite="bookworm",
    # mariadb-server for its plugins, of which one tells who holds metadata locks.
    packages=("mariadb-server-core", "mariadb-client-core", "mariadb-server", "mariadb-client"),
    otherwise=f"install MariaDB 10.6 or newer with its client, or set {binaries.VARIABLES['mariadb']}",
    may_be_out=True,
)
TESTS = (
    Need(
        name="postgresql-15",
        installed=installed_postgresql_15,
        unpacked=lambda folder: postgresql_15(folder / "root/usr/lib/postgresql/15/bin"),
        suite="bookworm",
        packages=("postgresql-15",),
        otherwise=f"install PostgreSQL 15 and set {PG15_BIN} to its folder of programs",
    ),
    Need(
        name="tmux",
        installed=tmux,
        unpacked=lambda folder: tmux(folder / "bin"),
        suite="bookworm",
        packages=("tmux",),
        otherwise="install tmux 3 or newer",
    ),
    Need(
        name="browser",
        installed=installed_browser,
        unpacked=unpacked_browser,
        suite="bookworm",
        packages=("chromium-headless-shell", "fonts-dejavu-core"),
        otherwise=f"install Chromium, or set {BROWSER} to a program that starts one",
        may_be_out=True,
    ),
    MYSQL,
    MARIADB,
    Need(
        name="sshd",
        installed=installed_ssh,
        unpacked=unpacked_ssh,
        suite="bookworm",
        packages=("openssh-server", "openssh-client"),
        otherwise=f"install OpenSSH's client and server, and set {SSHD} to the path of sshd",
        may_be_out=True,
    ),
)
SCREENSHOTS = (
    *TESTS,
    Need(
        name="rsvg-convert",
        installed=installed_picture_maker,
        unpacked=unpacked_picture_maker,
        suite="bookworm",
        packages=("librsvg2-bin", "fonts-firacode", "fonts-dejavu-core"),
        otherwise=f"install rsvg-convert, fc-list and the fonts {' and '.join(FONTS)}",
    ),
)


class Undelivered(Exception):
    """The source of a thing's packages does not deliver it today, and CI may do without it."""


def provide(need: Need, *, fetch: bool) -> dict[str, str] | None:
    """Find or fetch one thing, and say on standard error where it was found.

    Returns the variables that say where it is, or None where it can't be had. Raises `Undelivered`, in CI alone.
    """
    found = None if fetch else need.installed()
    if found is not None:
        say(need, "installed", found)
        return found
    folder = cache() / need.name
    if (found := need.unpacked(folder)) is None:
        say(need, f"fetching from Debian {need.suite}", {"": str(folder)})
        status = subprocess.run(["bash", SCRIPT, folder, need.suite, *need.packages], check=False).returncode
        if status not in {0, _NO_DEBIAN} and need.may_be_out and os.environ.get("CI") == "true":
            say(need, f"LEFT OUT: Debian {need.suite} does not deliver it today", {})
            raise Undelivered
        found = need.unpacked(folder) if status == 0 else None
    if found is None:
        say(need, f"MISSING: {need.otherwise}, or leave it out with {LEAVE_OUT}={need.name}", {})
    else:
        say(need, "in the cache", found)
    return found


def say(need: Need, what: str, where: dict[str, str]) -> None:
    """One line of narration."""
    print(
        f"  {need.name:<14} {what}{''.join(f': {place}' for place in list(where.values())[:1])}",
        file=sys.stderr,
    )


def write(variables: list[dict[str, str]], undelivered: list[str]) -> None:
    """Write the file that says where everything is, in the shell's own syntax, and the names of what is left out."""
    folders = [v["PATH"] for v in variables if "PATH" in v]
    lines = [f"{name}={shlex.quote(value)}" for v in variables for name, value in v.items() if name != "PATH"]
    if folders:
        lines.append(f'PATH={shlex.quote(":".join(folders))}:"$PATH"')
    if undelivered:
        asked = [os.environ[LEAVE_OUT]] if os.environ.get(LEAVE_OUT) else []
        lines.append(f"{LEAVE_OUT}={shlex.quote(','.join([*asked, *undelivered]))}")
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(
        "".join(f"{line}\n" for line in ["# Written by tests/setup/prepare.py.", *lines]), encoding="utf-8"
    )
    FILE.with_name("left-out").write_text("".join(f"{name}\n" for name in undelivered), encoding="utf-8")


PURPOSES = {"tests": TESTS, "screenshots": SCREENSHOTS, "mysql": (MYSQL,), "mariadb": (MARIADB,)}


def main() -> int:
    """Find or fetch everything; the exit status is 1 where something can't be had."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.setup.prepare", description="Find or fetch what the tests need."
    )
    parser.add_argument("purpose", choices=PURPOSES)
    parser.add_argument("--fetch", action="store_true", help="fetch even what is installed")
    asked = parser.parse_args()
    print(f"what is needed for {asked.purpose}:", file=sys.stderr)
    found: list[dict[str, str]] = []
    undelivered: list[str] = []
    missing = False
    for need in PURPOSES[asked.purpose]:
        if left_out(need.name):
            say(need, "left out, as asked", {})
            continue
        try:
            variables = provide(need, fetch=asked.fetch)
        except Undelivered:
            undelivered.append(need.name)
            continue
        if variables is None:
            missing = True
        else:
            found.append(variables)
    if asked.purpose in {"tests", "screenshots"}:
        write(found, undelivered)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
