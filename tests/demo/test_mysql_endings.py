"""Whatever way a demo on MySQL or MariaDB ends, no process and no file of it is left."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from console.databases.mysql.families import FamilyName
from console.demo.client import World, start_world
from console.demo.place import make_directory, remove_if_left
from console.demo.talk import SOCKET
from tests.demo.conftest import ROWS
from tests.demo.test_mysql_world import TROUBLES
from tests.demo.watching import eventually, nothing_left_of, processes_of
from tests.servers.fixtures import Servers
from tests.servers.mysql_fixtures import MySqlServers

pytestmark = pytest.mark.slow

PARENT = """
import sys
from console.demo.client import start_world
world = start_world(database=sys.argv[1], rows=3000, rate=20)
print(world.directory, world.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def alone(servers: Servers, mysql_servers: MySqlServers) -> None:
    servers.rest()
    mysql_servers.rest()


@pytest.fixture
def start(mysql_family: FamilyName) -> Iterator[Callable[[], World]]:
    """Start a world that the test ends; ended here if the test did not."""
    started: list[World] = []

    def begin() -> World:
        started.append(start_world(database=mysql_family, rows=ROWS, rate=20))
        return started[-1]

    yield begin
    for one in started:
        one.stop()


def servers_of(directory: Path) -> dict[str, psutil.Process]:
    """The running servers by name."""
    files = directory.glob("*/mysqld.pid")
    return {file.parent.name: psutil.Process(int(file.read_text())) for file in files}


def test_everything_in_trouble_at_the_end(start: Callable[[], World]) -> None:
    world = start()
    for name in TROUBLES[:5]:
        assert world.ask(name, seconds=600).ok
    # A server that had our pipe or our lock would keep a dead demo alive.
    ours = {str(world.directory / "lock"), str(world.directory / SOCKET)}
    running = servers_of(world.directory)
    assert set(running) == {"primary", "replica1"}
    for name, server in running.items():
        assert not ours & {file.path for file in server.open_files()}
        assert str(Path(f"/proc/{server.pid}/fd/0").readlink()) == "/dev/null"
        assert str(Path(f"/proc/{server.pid}/fd/2").readlink()) == str(world.directory / f"{name}.log")
    os.kill(world.pid, signal.SIGTERM)
    nothing_left_of(world.directory)


def test_the_world_itself_is_killed_while_its_replica_hangs(start: Callable[[], World]) -> None:
    """The kernel ends the servers; the parent, or the next demo, removes the folder."""
    world = start()
    servers_of(world.directory)["replica1"].suspend()
    os.kill(world.pid, signal.SIGKILL)
    eventually(lambda: not processes_of(world.directory), "the servers gone")
    assert world.directory.exists()
    assert remove_if_left(world.directory)
    assert not world.directory.exists()


def test_the_parent_is_killed(mysql_family: FamilyName) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, mysql_family],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        directory = Path(parent.stdout.readline().split()[0])
        assert len(processes_of(directory)) > 2
        parent.kill()
        nothing_left_of(directory)


@pytest.mark.parametrize("way", ["SIGTERM", "SIGKILL", "end of input"])
@pytest.mark.parametrize("step", ["making a M", "making orders", "making its replica"])
def test_it_ends_while_it_is_built(mysql_family: FamilyName, step: str, way: str) -> None:
    directory = make_directory("test")
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "console.demo.world",
            directory,
            "--database",
            mysql_family,
            "--rows",
            "120000",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as world:
        assert world.stdin is not None
        assert world.stdout is not None
        reached = False
        while not reached:
            news = json.loads(world.stdout.readline())
            reached = news["progress"]["text"].startswith(step)
        if way == "end of input":
            world.stdin.close()
        else:
            world.send_signal(signal.Signals[way])
        world.wait(60)
        assert world.returncode == (-signal.SIGKILL if way == "SIGKILL" else 0)
    if way == "SIGKILL":
        remove_if_left(directory)
    nothing_left_of(directory)
