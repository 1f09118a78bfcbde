"""`run`, `sessions` and `send` on real servers: what is printed where, every exit status, and what is left."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.command import COMMAND, complaint, environment, run
from tests.cli.shop import ROWS, Shop

PATIENCE = 90.0


class Running:
    """A command that goes on while the test does other things."""

    def __init__(self, home: Path, *arguments: str | Path) -> None:
        self.home = home
        self.process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            env=environment(home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def session(self) -> dict[str, object]:
        """What `sessions --json` says of the only session."""
        (listed,) = json.loads(run("sessions", "--json", home=self.home).stdout)
        assert isinstance(listed, dict)
        return {**listed["session"], "state": listed["state"], "outcome": listed["outcome"]}

    def recorded(self) -> str:
        """The recording as it is."""
        (path,) = self.home.glob("sessions/*/recording.jsonl")
        return path.read_text()

    def until(self, seen: Callable[[str], bool]) -> None:
        """Waits until the recording is as wanted."""
        deadline = time.monotonic() + PATIENCE
        while not (list(self.home.glob("sessions/*/session.json")) and seen(self.recorded())):
            assert self.process.poll() in (None, 0), self.process.communicate()
            assert time.monotonic() < deadline, self.recorded()[-2000:]
            time.sleep(0.05)

    def end(self) -> tuple[int, str, str]:
        """Exit status, standard output, standard error."""
        out, err = self.process.communicate(timeout=PATIENCE)
        assert "Traceback" not in out + err, err
        return self.process.returncode, out, err


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Running]]:
    """Starts commands; those that are left are killed."""
    started: list[Running] = []

    def begin(*arguments: str | Path) -> Running:
        started.append(Running(home, *arguments))
        return started[-1]

    yield begin
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
            running.process.communicate()


def waits(what: str) -> Callable[[str], bool]:
    """Whether the last state of a recording is that it waits for something."""

    def seen(recorded: str) -> bool:
        states = [line for line in recorded.splitlines() if line.startswith('{"kind":"state"')]
        return bool(states) and f'"waits_for":"{what}"' in states[-1]

    return seen


def test_headless_to_the_end(shop: Shop, home: Path, readers: None) -> None:
    done = run("run", shop.change_file, "--headless", "--advance", "auto", home=home)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert shop.wrong() == 0
    assert "completed: the change is complete" in done.stderr.splitlines()[-1]
    told = [line.split("  ", 1)[1] for line in done.stderr.splitlines()]
    for phase in (
        "preflight",
        "add-column",
        "backfill",
        "verify",
        "constraints",
        "indexes",
        "reads",
        "finish",
    ):
        assert f"{phase}: begins" in told
    assert f"    yes  value and expression compared: 0 differences in {ROWS:,} rows" in told
    listed = run("sessions", home=home)
    assert listed.stdout.splitlines()[1].split()[1] == "completed"
    again = run("run", shop.change_file, "--headless", "--advance", "auto", home=home)
    assert again.returncode == 0
    assert "the change was complete already" in again.stderr


def test_json_is_the_recording_to_the_byte(shop: Shop, home: Path, tmp_path: Path, readers: None) -> None:
    recording = tmp_path / "r.jsonl"
    done = run("run", shop.change_file, "--json", "--advance", "auto", "--recording", recording, home=home)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout == recording.read_text()
    kinds = [json.loads(line)["kind"] for line in done.stdout.splitlines()]
    assert (kinds[0], kinds[-1]) == ("header", "ended")


def test_a_blocker_is_status_3(shop: Shop, home: Path) -> None:
    shop.database.run("ALTER TABLE orders DROP CONSTRAINT orders_pkey")
    before = shop.schema()
    done = run("run", shop.change_file, "--headless", "--advance", "auto", home=home)
    assert done.returncode == 3
    assert "preflight found 1 blocker" in done.stderr
    assert shop.schema() == before


def test_a_row_that_fails_parks_with_its_key(shop: Shop, home: Path, readers: None) -> None:
    shop.write(column_type="int", value="100 / (items - 3)", more="")
    shop.database.run("UPDATE orders SET items = items + 10 WHERE items = 3 AND id <> 1235")
    done = run("run", shop.change_file, "--headless", "--advance", "auto", home=home)
    assert done.returncode == 1, done.stderr
    assert "1235" in done.stderr
    assert "division by zero" in done.stderr
    assert done.stderr.splitlines()[-1].split("  ", 1)[1].startswith("parked: ")


def test_detached_then_walked_by_send(shop: Shop, home: Path, start: Callable[..., Running]) -> None:
    started = start("run", shop.change_file, "--detach")
    status, out, err = started.end()
    assert status == 0, err
    (session,) = out.splitlines()
    assert f"column-console attach {session}" in err

    again = run("run", shop.change_file, "--detach", home=home)
    assert again.returncode == 0
    assert f"has a runner already: session {session}" in again.stderr
    said = complaint(run("run", shop.change_file, "--headless", home=home), 1)
    assert f"session {session}" in said

    started.until(waits("advance"))
    advanced = run("send", session[:10], "advance", home=home)
    assert (advanced.returncode, advanced.stdout) == (0, "advance: done, add-column goes on\n")
    refused = run("send", session, "advance", "public.bogus", home=home)
    assert refused.returncode == 1
    unknown = run("send", session, "fly", "--json", home=home)
    assert unknown.returncode == 1
    assert json.loads(unknown.stdout)["state"] == "refused"
    noted = run("send", session, "note", "so", "far", "so good", "--json", home=home)
    assert noted.returncode == 0
    assert json.loads(noted.stdout)["arguments"] == ["so", "far", "so good"]
    stopped = run("send", session, "abort", "--reason", "enough for tonight", home=home)
    assert stopped.returncode == 0


def test_roll_back_is_status_4(shop: Shop, home: Path, start: Callable[..., Running]) -> None:
    before = shop.schema()
    running = start("run", shop.change_file, "--headless")
    running.until(waits("advance"))
    assert run("send", "orders", "advance", home=home).returncode == 0
    running.until(lambda recorded: '"kind":"phase-ended","phase":"add-column"' in recorded)
    running.until(waits("advance"))
    assert shop.schema() != before
    rolled = run("send", "orders", "roll-back", "public.orders", "--reason", "wrong night", home=home)
    assert rolled.returncode == 0, rolled.stderr
    status, _, err = running.end()
    assert status == 4
    assert "each phase waits for you: column-console send" in err
    assert "because wrong night" in err
    assert shop.schema() == before


def test_interrupted_ends_the_runner_kindly_and_run_takes_it_up(
    shop: Shop, home: Path, start: Callable[..., Running], readers: None
) -> None:
    shop.write(more="[limits]\nrows_per_second = 500")
    running = start("run", shop.change_file, "--headless", "--advance", "auto")
    running.until(lambda recorded: '"kind":"batches"' in recorded)
    running.process.send_signal(signal.SIGINT)
    status, _, err = running.end()
    assert status == 130
    assert "the runner ends at the end of the batch" in err
    assert running.session()["outcome"] == "parked"
    began = running.session()["started"]
    shop.write()
    done = run("run", shop.change_file, "--headless", "--advance", "auto", home=home)
    assert done.returncode == 0, done.stderr
    assert "taken up again" in done.stderr
    assert shop.wrong() == 0
    assert running.session()["outcome"] == "completed"
    # That of the session, not of its last run or of its end.
    assert running.session()["started"] == began


def test_a_runner_that_was_killed_is_said_to_be_gone(
    shop: Shop, home: Path, start: Callable[..., Running]
) -> None:
    running = start("run", shop.change_file, "--headless")
    running.until(waits("advance"))
    pid = running.session()["pid"]
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGKILL)
    status, _, err = running.end()
    assert status == 1
    assert "the runner is gone" in err
    assert running.session()["state"] == "dead"
    assert "runner gone" in run("sessions", home=home).stdout
    said = complaint(run("send", "orders", "pause", home=home), 1)
    assert f"column-console run {shop.change_file}" in said


def test_a_reader_of_events_that_goes_away_leaves_the_runner_at_work(
    shop: Shop, home: Path, start: Callable[..., Running]
) -> None:
    running = start("run", shop.change_file, "--json", "--advance", "manual")
    assert running.process.stdout is not None
    running.process.stdout.readline()
    running.process.stdout.close()
    assert running.process.wait(PATIENCE) == 1
    assert running.process.stderr is not None
    assert "the runner goes on by itself" in running.process.stderr.read()
    running.process.stderr.close()
    assert running.session()["state"] == "live"


def test_two_runners_on_one_change_from_two_machines(
    shop: Shop, home: Path, start: Callable[..., Running], tmp_path: Path
) -> None:
    """Another state folder knows nothing of this session, as another machine's does not; the database does."""
    first = start("run", shop.change_file, "--headless")
    first.until(waits("advance"))
    second = run("run", shop.change_file, "--headless", "--advance", "auto", home=tmp_path / "other")
    assert second.returncode == 1
    last = second.stderr.splitlines()[-1]
    assert "another runner works on public.orders.placed_on" in last
    assert first.process.poll() is None
