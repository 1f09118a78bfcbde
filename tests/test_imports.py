"""The import law as it holds at run time: what an interpreter of its own has loaded after an import.

import-linter reads the static graph; it can't tell an import at the top of a file from one inside a function,
which is what keeps `--help` cheap. This can.
"""

import subprocess
import sys

import pytest

DRIVERS = {"psycopg", "psycopg_binary", "pymysql"}
SCREEN = {"textual", "rich"}

# Runs the statement that follows it and tells, on the last line of standard error, what that loaded.
PROBE = """
import atexit, sys
before = set(sys.modules)
atexit.register(lambda: print("\\nloaded", *sorted(set(sys.modules) - before), file=sys.stderr))
"""

# A package's own __init__ may import nothing: a room is loaded when each of its modules is.
WHOLE_ROOM = """
import importlib, pkgutil
room = importlib.import_module("console.{room}")
for module in pkgutil.walk_packages(getattr(room, "__path__", []), room.__name__ + "."):
    if not module.name.endswith(".__main__"):
        importlib.import_module(module.name)
"""


def loaded(statement: str) -> set[str]:
    """Top-level names of what the statement loads into a bare interpreter, the standard library apart."""
    command = [sys.executable, "-c", PROBE + statement]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    marker, *names = done.stderr.splitlines()[-1].split(" ")
    assert marker == "loaded"
    # sysconfig keeps its data in a module named for the machine, which is no name of the standard library's list.
    top = {name.split(".")[0] for name in names if not name.startswith("_sysconfigdata_")}
    return top - set(sys.stdlib_module_names)


def test_the_probe_sees_what_is_loaded() -> None:
    """Else every test below could pass for nothing."""
    assert loaded("import textual.app") >= SCREEN
    assert loaded("import psycopg, pymysql") >= {"psycopg", "pymysql"}


@pytest.mark.parametrize(
    "statement",
    [
        "import console.cli",
        "sys.argv = ['column-console', '--help']; from console.cli import main; main()",
    ],
    ids=["import", "--help"],
)
def test_starting_loads_no_driver_and_no_screen(statement: str) -> None:
    assert loaded(statement) & (DRIVERS | SCREEN) == set()


@pytest.mark.parametrize(
    "room",
    ["change", "facts", "plan", "events", "words", "narrate", "session", "throttle", "config", "plan_text"],
)
def test_a_room_without_database_and_screen_loads_msgspec_and_nothing_else(room: str) -> None:
    """msgspec itself takes typing_extensions where another distribution has brought it."""
    assert loaded(WHOLE_ROOM.format(room=room)) <= {"console", "msgspec", "typing_extensions"}


@pytest.mark.parametrize("room", ["tui", "report", "recording", "link"])
def test_what_reads_a_session_loads_no_driver(room: str) -> None:
    assert loaded(WHOLE_ROOM.format(room=room)) & DRIVERS == set()


@pytest.mark.parametrize("room", ["runner", "databases", "link"])
def test_what_does_the_work_loads_no_screen(room: str) -> None:
    assert loaded(WHOLE_ROOM.format(room=room)) & SCREEN == set()
