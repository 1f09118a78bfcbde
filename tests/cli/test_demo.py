"""`demo` without a screen: it walks the whole change, and leaves nothing behind, whatever way it ends."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.cli.command import COMMAND, environment, run
from tests.demo.watching import eventually, nothing_left_of, processes_of
from tests.servers.fixtures import Servers

pytestmark = [pytest.mark.slow, pytest.mark.server]
ROWS = 20_000


class Demo:
    """A demo that runs, with a temporary folder and a state folder of its own."""

    def __init__(self, tmp: Path, *arguments: str | Path) -> None:
        self.tmp = tmp
        self.home = tmp / "own"
        self.recording = tmp / "r.jsonl"
        command = [*COMMAND, "demo", "--headless", "--rows", str(ROWS), "--recording", str(self.recording)]
        self.process = subprocess.Popen(
            [*command, *map(str, arguments)],
            env=environment(self.home, TMPDIR=str(tmp)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def directory(self) -> Path:
        """The folder of its world."""
        (found,) = self.tmp.glob("column-console-demo-*")
        return found

    def until(self, text: str) -> None:
        """Waits until the recording holds a text."""

        recorded = ""

        def look() -> bool:
            nonlocal recorded
            assert self.process.poll() is None, self.process.communicate()
            recorded = self.recording.read_text() if self.recording.exists() else ""
            return text in recorded

        try:
            eventually(look, text)
        except AssertionError:
            raise AssertionError(f"{text} not seen in ...{recorded[-3000:]}") from None

    def end(self) -> tuple[int, str, str]:
        """Exit status, standard output, standard error."""
        out, err = self.process.communicate(timeout=120)
        assert "Traceback" not in err
        return self.process.returncode, out, err


@pytest.fixture
def start(servers: Servers, short_tmp: Path) -> Iterator[Callable[..., Demo]]:
    """Starts a demo, which the test ends."""
    servers.rest()
    started: list[Demo] = []

    def begin(*arguments: str | Path) -> Demo:
        started.append(Demo(short_tmp, *arguments))
        return started[-1]

    yield begin
    for demo in started:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.process.communicate()


def left_in(tmp: Path) -> list[str]:
    """What lies in the folder that the demos made theirs in."""
    return sorted(path.name for path in tmp.iterdir() if path.name not in ("lock", "r.jsonl"))


def test_auto_walks_the_whole_change_and_leaves_the_recording_alone(
    start: Callable[..., Demo], short_tmp: Path
) -> None:
    demo = start("--advance", "auto", "--json")
    demo.until('"kind":"phase-began","phase":"backfill"')
    assert any("console.runner" in command for command in processes_of(demo.tmp))
    status, out, err = demo.end()
    assert status == 0, err
    assert out == demo.recording.read_text()
    events = [json.loads(line) for line in out.splitlines()]
    ended = events[-1]
    assert (ended["kind"], ended["outcome"], ended["exit_status"]) == ("ended", "completed", 0)
    passed = {event["phase"]: event["outcome"] for event in events if event["kind"] == "phase-ended"}
    assert len(passed) == 10
    assert set(passed.values()) == {"passed"}
    assert "the application is v3 now" in err
    assert re.search(r"rows filled in \d+ batches, [\d,]+ rows compared, 0 differences", err)
    assert f"recorded in {demo.recording}" in err
    assert processes_of(short_tmp) == []
    assert left_in(short_tmp) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing(
    start: Callable[..., Demo], short_tmp: Path, number: signal.Signals
) -> None:
    demo = start("--advance", "auto")
    demo.until('"kind":"phase-began","phase":"backfill"')
    demo.process.send_signal(number)
    status, _, err = demo.end()
    assert status == 130, err
    assert '"outcome":"parked"' in demo.recording.read_text().splitlines()[-1]
    assert processes_of(short_tmp) == []
    assert left_in(short_tmp) == []


def test_killed_it_leaves_nothing(start: Callable[..., Demo], short_tmp: Path) -> None:
    demo = start()
    demo.until('"waits_for":"advance"')
    directory = demo.directory
    runners = [
        process
        for process in psutil.process_iter()
        if "console.runner" in " ".join(_command(process)) and str(short_tmp) in " ".join(_command(process))
    ]
    assert len(runners) == 1
    demo.process.send_signal(signal.SIGKILL)
    demo.process.communicate()
    nothing_left_of(directory)
    eventually(lambda: not runners[0].is_running() or runners[0].status() == "zombie", "the runner is gone")


def test_interrupted_while_it_is_built_it_leaves_nothing(start: Callable[..., Demo], short_tmp: Path) -> None:
    demo = start()
    eventually(lambda: list(short_tmp.glob("column-console-demo-*/primary/postmaster.pid")), "a server")
    demo.process.send_signal(signal.SIGINT)
    status, _, err = demo.end()
    assert status == 130, err
    assert processes_of(short_tmp) == []
    assert left_in(short_tmp) == []


def test_manual_is_driven_by_send(start: Callable[..., Demo], short_tmp: Path) -> None:
    demo = start()
    demo.until('"waits_for":"advance"')
    home = demo.directory / "home"
    assert run("send", "orders", "advance", home=home).returncode == 0
    demo.until('"kind":"phase-ended","phase":"add-column","outcome":"passed"')
    assert run("send", "orders", "roll-back", "public.orders", home=home).returncode == 0
    status, _, err = demo.end()
    assert status == 4
    assert f"COLUMN_CONSOLE_HOME={home} column-console send" in err
    assert left_in(short_tmp) == []


def test_kept_it_can_be_come_back_to(start: Callable[..., Demo], short_tmp: Path) -> None:
    demo = start("--keep", "--advance", "auto")
    status, _, err = demo.end()
    assert status == 0
    directory = demo.directory
    assert f"the demo goes on in {directory}" in err
    assert f"column-console run {directory}/change.toml" in err
    assert "completed" in run("sessions", home=demo.home).stdout
    again = run("run", directory / "change.toml", "--headless", "--advance", "auto", home=demo.home)
    assert again.returncode == 0
    assert "the change was complete already" in again.stderr
    world = int(re.findall(r"kill (\d+)", err)[0])
    os.kill(world, signal.SIGTERM)
    nothing_left_of(directory)


def test_kept_its_runner_ends_with_its_world(start: Callable[..., Demo], short_tmp: Path) -> None:
    demo = start("--keep")
    demo.until('"waits_for":"advance"')
    directory = demo.directory
    (runner,) = [
        process
        for process in psutil.process_iter()
        if "console.runner" in _command(process) and str(directory) in " ".join(_command(process))
    ]
    (world,) = [
        process
        for process in psutil.process_iter()
        if "console.demo.world" in _command(process) and str(directory) in _command(process)
    ]
    world.terminate()
    nothing_left_of(directory)
    eventually(lambda: not runner.is_running() or runner.status() == "zombie", "the runner is gone")
    demo.end()


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
