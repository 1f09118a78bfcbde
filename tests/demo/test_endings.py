"""Whatever way a demo ends, no process and no file of it is left."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from console.demo.client import World, ask, start_world, status
from console.demo.place import make_directory, remove_if_left
from console.demo.talk import SOCKET, Request
from tests.demo.conftest import ROWS
from tests.demo.watching import eventually, nothing_left_of, processes_of
from tests.servers.fixtures import Servers

pytestmark = pytest.mark.slow

PARENT = """
import sys
from console.demo.client import start_world
world = start_world(rows=3000, rate=20, keep=len(sys.argv) > 1)
print(world.directory, world.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start(servers: Servers) -> Iterator[Callable[[], World]]:
    """Start a world that the test ends; ended here if the test did not."""
    servers.rest()
    started: list[World] = []

    def begin() -> World:
        started.append(start_world(rows=ROWS, rate=20))
        return started[-1]

    yield begin
    for one in started:
        one.stop()


def is_whole(world: World) -> None:
    """The world is there, as later the nothing is: else seeing nothing would prove nothing."""
    running = processes_of(world.directory)
    assert any("console.demo.world" in command for command in running)
    assert set(servers_of(world.directory)) == {"primary", "standby1"}


def servers_of(directory: Path) -> dict[str, psutil.Process]:
    """The running servers by name; a session that has just been forked still looks like its server, so not by look."""
    files = directory.glob("*/postmaster.pid")
    return {file.parent.name: psutil.Process(int(file.read_text().split()[0])) for file in files}


def test_stop(start: Callable[[], World]) -> None:
    world = start()
    is_whole(world)
    world.stop()
    assert processes_of(world.directory) == []
    assert not world.directory.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal(start: Callable[[], World], number: signal.Signals) -> None:
    world = start()
    is_whole(world)
    os.kill(world.pid, number)
    nothing_left_of(world.directory)


def test_the_word(start: Callable[[], World]) -> None:
    world = start()
    assert world.ask("stop").text == "the demo ends"
    nothing_left_of(world.directory)


def test_everything_in_trouble_at_the_end(start: Callable[[], World]) -> None:
    world = start()
    for name in (
        "hold-lock",
        "hold-row-locks",
        "long-report",
        "long-report-on-standby",
        "stall-standby",
        "burst",
    ):
        assert world.ask(name, seconds=600).ok
    os.kill(world.pid, signal.SIGTERM)
    nothing_left_of(world.directory)


@pytest.mark.parametrize("frozen", [False, True], ids=["", "with a frozen walreceiver"])
def test_the_world_itself_is_killed(start: Callable[[], World], frozen: bool) -> None:
    """The kernel ends the servers; the parent, or the next demo, removes the folder."""
    world = start()
    is_whole(world)
    if frozen:
        with psycopg.connect(f"host={world.directory}/run port=5433 user=postgres dbname=postgres") as link:
            ((receiver,),) = link.execute("SELECT pid FROM pg_stat_wal_receiver").fetchall()
        os.kill(receiver, signal.SIGSTOP)
    os.kill(world.pid, signal.SIGKILL)
    eventually(lambda: not processes_of(world.directory), "the servers gone")
    assert world.directory.exists()
    assert remove_if_left(world.directory)
    assert not world.directory.exists()


def test_the_parent_is_killed(servers: Servers) -> None:
    servers.rest()
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        directory = Path(parent.stdout.readline().split()[0])
        assert len(processes_of(directory)) > 2
        parent.kill()
        nothing_left_of(directory)


def test_a_kept_world_outlives_its_parent_and_ends_when_it_is_killed_gently(servers: Servers) -> None:
    servers.rest()
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, "keep"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        directory, pid = parent.stdout.readline().split()
        parent.kill()
    os.kill(int(pid), signal.SIGHUP)
    answer = ask(Path(directory) / SOCKET, Request(do="hold-lock"))
    assert answer.ok
    assert status(Path(directory) / SOCKET).ready
    os.kill(int(pid), signal.SIGTERM)
    nothing_left_of(Path(directory))


@pytest.mark.parametrize("way", ["SIGTERM", "SIGKILL", "end of input"])
@pytest.mark.parametrize(
    "step", ["looking for", "making a PostgreSQL", "making customers", "making orders", "making its standby"]
)
def test_it_ends_while_it_is_built(servers: Servers, step: str, way: str) -> None:
    servers.rest()
    directory = make_directory("test")
    with subprocess.Popen(
        [sys.executable, "-m", "console.demo.world", directory, "--rows", "200000"],
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


def test_it_says_that_it_is_not_ready_while_it_is_built(servers: Servers) -> None:
    servers.rest()
    directory = make_directory("test")
    with subprocess.Popen(
        [sys.executable, "-m", "console.demo.world", directory, "--rows", "500000"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as world:
        assert world.stdout is not None
        assert world.stdout.readline()
        found = status(directory / SOCKET)
        refused = ask(directory / SOCKET, Request(do="hold-lock"))
        world.terminate()
    assert not found.ready
    assert found.troubles == []
    assert found.progress.text
    assert not refused.ok
    assert refused.text.startswith("the demo is still being built")
    nothing_left_of(directory)


def test_a_folder_in_use_is_refused(start: Callable[[], World]) -> None:
    world = start()
    second = subprocess.run(
        [sys.executable, "-m", "console.demo.world", world.directory],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert second.returncode == 1
    news = json.loads(second.stdout)
    assert news == {"failed": f"{world.directory} is in use by another demo: take another folder"}
    assert second.stderr == b""
    is_whole(world)


def test_without_standard_input_it_ends_at_once(servers: Servers) -> None:
    """Nobody holds it, so nobody would end it."""
    servers.rest()
    directory = make_directory("test")
    subprocess.run(
        [sys.executable, "-m", "console.demo.world", directory],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=60,
    )
    nothing_left_of(directory)


def test_the_servers_do_not_hold_what_is_ours(start: Callable[[], World]) -> None:
    """A server that had our pipe or our lock would keep a dead demo alive."""
    world = start()
    ours = {str(world.directory / "lock"), str(world.directory / SOCKET)}
    servers = servers_of(world.directory)
    assert len(servers) == 2
    for name, server in servers.items():
        assert not ours & {file.path for file in server.open_files()}
        links = {str(Path(f"/proc/{server.pid}/fd/{n}").readlink()) for n in (0, 1, 2)}
        assert links == {"/dev/null", str(world.directory / f"{name}.log")}
