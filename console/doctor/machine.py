"""What is installed, and the terminal: Python, libraries, drivers, a foreign `console`, locale, time zones, ssh."""

from __future__ import annotations

import codecs
import importlib.metadata
import importlib.util
import locale
import platform
import shutil
import subprocess
import sys
import zoneinfo
from collections.abc import Iterator, Mapping
from pathlib import Path

import console
from console.demo.errors import DemoError
from console.demo.postgresql.binaries import find_binaries
from console.doctor.check import Check

LEAST_SIZE = (80, 24)
_LIBRARIES = ("click", "msgspec", "psycopg", "PyMySQL", "textual")


def python() -> Check:
    """The interpreter."""
    return Check("python", "OK", f"{platform.python_version()} at {sys.executable}")


def libraries() -> Iterator[Check]:
    """What we stand on, and the drivers."""
    mend = "install column-console again"
    found = []
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            yield Check("libraries", "NOT", f"{name} is not installed", mend)
    yield Check("libraries", "OK", ", ".join(found))
    for name, driver in (("PostgreSQL", "psycopg"), ("MySQL and MariaDB", "pymysql")):
        try:
            module = importlib.import_module(driver)
        except ImportError as error:
            yield Check("driver", "NOT", f"{driver} for {name} can't be imported: {error}", mend)
        else:
            how = f" ({module.pq.__impl__})" if driver == "psycopg" else ""
            yield Check("driver", "OK", f"{driver}{how} for {name}")


def foreign_console() -> Check:
    """Another distribution on the package index installs a top-level `console`, too."""
    ours = Path(console.__file__).parent.resolve()
    mend = "install column-console on its own, with pipx or uv, or in a virtual environment"
    owners = {
        name
        for name in importlib.metadata.packages_distributions().get("console", ())
        if name.lower().replace("_", "-") != "column-console"
    }
    if owners:
        return Check(
            "console", "NOT", f"the package console belongs to {', '.join(sorted(owners))}, too", mend
        )
    for folder in sys.path:
        for other in (Path(folder or ".") / "console" / "__init__.py", Path(folder or ".") / "console.py"):
            if other.exists() and other.parent.resolve() != ours:
                return Check("console", "NOT", f"another package console lies at {other}", mend)
    return Check("console", "OK", f"column-console {console.__version__} at {ours}")


def terminal(environ: Mapping[str, str]) -> Check:
    """Whether a screen can be shown here."""
    name = environ.get("TERM", "")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return Check("terminal", "NOTE", "this is no terminal", "the screen needs one; --headless does not")
    size = shutil.get_terminal_size()
    colours = "no colours" if environ.get("NO_COLOR") else "colours"
    seen = f"{name or 'unnamed'}, {size.columns}×{size.lines}, {colours}"
    if name in ("", "dumb", "unknown"):
        return Check("terminal", "NOT", seen, "set TERM to what your terminal is, for example xterm-256color")
    if size.columns < LEAST_SIZE[0] or size.lines < LEAST_SIZE[1]:
        least = f"{LEAST_SIZE[0]}×{LEAST_SIZE[1]}"
        return Check("terminal", "NOTE", seen, f"make the window at least {least}, so that all panels fit")
    return Check("terminal", "OK", seen)


def encoding() -> Check:
    """Whether what is drawn can be written."""
    name = sys.stdout.encoding or locale.getpreferredencoding()
    if codecs.lookup(name).name == "utf-8":
        return Check("locale", "OK", name)
    return Check("locale", "NOTE", f"{name}, so charts and trees are drawn in ASCII", "export LC_ALL=C.UTF-8")


def time_zones() -> Check:
    """Whether a window can be in a place's own time."""
    zones = zoneinfo.available_timezones()
    if "Europe/Berlin" in zones:
        return Check("time zones", "OK", f"{len(zones)} known")
    return Check(
        "time zones", "NOTE", "this machine knows none, so a window can only be in UTC", "install tzdata"
    )


def demo_server() -> Check:
    """Whether `demo` finds a server to start."""
    try:
        found = find_binaries()
    except DemoError as error:
        return Check("demo", "NOTE", "no PostgreSQL server for `demo`", str(error))
    return Check("demo", "OK", f"PostgreSQL {found.major} at {found.directory} ({found.origin})")


def ssh() -> Check:
    """Whether another machine can be reached."""
    found = shutil.which("ssh")
    if found is None:
        return Check(
            "ssh", "NOTE", "not installed, so --host reaches no other machine", "install OpenSSH's client"
        )
    said = subprocess.run([found, "-V"], capture_output=True, text=True, check=False, timeout=10).stderr
    return Check("ssh", "OK", f"{said.strip().partition(',')[0]} at {found}")
