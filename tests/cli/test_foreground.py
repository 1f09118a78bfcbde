"""`run --foreground`: the process that was started is the runner, as systemd wants it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from tests.cli.command import COMMAND, complaint, environment, run
from tests.cli.shop import Shop


def start(shop: Shop, home: Path) -> subprocess.Popen[str]:
    """The command, with its narration in a pipe."""
    return subprocess.Popen(
        [*COMMAND, "run", str(shop.change_file), "--foreground"],
        env=environment(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(process: subprocess.Popen[str], text: str) -> list[str]:
    """Its lines on standard error until one holds the text."""
    assert process.stderr is not None
    said: list[str] = []
    while not said or text not in said[-1]:
        line = process.stderr.readline()
        assert line, said
        said.append(line)
    return said


def test_the_process_is_the_runner_and_tells_the_session(shop: Shop, home: Path) -> None:
    with start(shop, home) as process:
        first = until(process, "preflight: ")[0]
        (listed,) = json.loads(run("sessions", "--json", home=home).stdout)
        assert listed["state"] == "live"
        assert listed["session"]["pid"] == process.pid
        assert first == f"session {listed['session']['id']}: `column-console attach` shows it\n"
        again = run("run", shop.change_file, "--foreground", home=home)
        assert "has a runner already" in complaint(again, 1)
        # A hang-up is nothing to it; being told to end ends it at the end of the batch, with everything kept.
        os.kill(process.pid, signal.SIGHUP)
        assert run("send", "orders", "note", "still here", home=home).returncode == 0
        until(process, "note by ")
        os.kill(process.pid, signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (1, "")
        assert "parked: " in err


def test_nobody_who_reads_its_narration_is_no_trouble(shop: Shop, home: Path) -> None:
    with start(shop, home) as process:
        until(process, "preflight: ")
        assert process.stderr is not None
        process.stderr.close()
        assert run("send", "orders", "note", "hello", home=home).returncode == 0
        assert run("send", "orders", "abort", home=home).returncode == 0
        assert process.wait(60) == 1


def test_what_is_wrong_is_one_sentence(shop: Shop, home: Path) -> None:
    shop.write(table="public.nothing")
    done = run("run", shop.change_file, "--foreground", home=home)
    assert done.returncode == 3
    assert done.stderr.startswith("Error: ")
    for other in ("--detach", "--headless", "--json"):
        done = run("run", shop.change_file, "--foreground", other, home=home)
        assert complaint(done, 2).startswith("--foreground is the runner itself")
