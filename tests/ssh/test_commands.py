"""`--host` as a person types it: what it prints, and the one clear sentence for each thing that is wrong."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path

import pytest

from console.link.preface import Marker, Reply, encode_preface
from console.link.ssh import REMOTE_VARIABLE
from tests.cli import command
from tests.cli.command import complaint
from tests.demo.somebody import Somebody
from tests.link.harness import Runner
from tests.ssh.bastion import Bastion
from tests.ssh.conftest import SESSION, described

pytestmark = pytest.mark.slow


async def run(*arguments: str, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """A command, while this process's runner goes on."""
    return await asyncio.to_thread(lambda: command.run(*arguments, home=home, **more))


def nothing_in(folder: Path) -> bool:
    """Whether nothing was written there."""
    return not list(folder.iterdir())


async def test_sessions_and_send(runner: Runner, tmp_path: Path) -> None:
    listed = await run("sessions", "--host", "bastion", home=tmp_path)
    assert listed.returncode == 0
    assert listed.stdout.splitlines()[1].split()[:2] == [SESSION, "live"]
    (one,) = json.loads((await run("sessions", "--host", "bastion", "--json", home=tmp_path)).stdout)
    assert (one["session"]["id"], one["state"]) == (SESSION, "live")
    sent = await run(
        "send", "orders", "throttle", "50", "--host", "bastion", "--reason", "lag", home=tmp_path
    )
    assert (sent.returncode, sent.stdout) == (0, "throttle: done\n")
    ((ask, owner, role),) = runner.asked
    assert (ask.action, ask.arguments, ask.reason, role) == ("throttle", ("50",), "lag", "operator")
    assert owner.claims.startswith("ssh from 127.0.0.1, no terminal")
    assert owner.claims.count("no terminal") == 1
    assert nothing_in(tmp_path)


async def test_no_word_from_outside_becomes_a_shell_word(runner: Runner, tmp_path: Path) -> None:
    evil = f"$(touch {tmp_path}/pwned);`touch {tmp_path}/pwned`'\"\n|&"
    sent = await run("send", SESSION, "note", evil, "--host", "bastion", "--reason", evil, home=tmp_path)
    assert sent.returncode == 0
    ((ask, _, _),) = runner.asked
    assert (ask.arguments, ask.reason) == ((evil,), evil)
    for host in (f"-oProxyCommand=touch {tmp_path}/pwned", f"x;touch {tmp_path}/pwned", "$(id)", "a b", ""):
        said = complaint(await run("sessions", f"--host={host}", home=tmp_path), 1)
        assert "is no ssh destination" in said
    said = complaint(await run("send", evil, "pause", "--host", "bastion", home=tmp_path), 2)
    assert "is no session: ids are made of letters" in said
    said = complaint(
        await run("sessions", "--host", "bastion", home=tmp_path, COLUMN_CONSOLE_REMOTE="x; id"), 1
    )
    assert f"{REMOTE_VARIABLE}=x; id is no path" in said
    assert nothing_in(tmp_path)


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("nowhere.invalid", "nowhere.invalid is not known"),
        ("closed", "closed can't be reached (ssh: connect to host 127.0.0.1 port 1: Connection refused)."),
        ("stranger", "stranger does not let you in"),
        (
            "impostor",
            "The key of impostor is not known yet, or not the known one: `ssh impostor` tells more.",
        ),
    ],
)
def test_a_host_that_cannot_be_had(bastion: Bastion, tmp_path: Path, host: str, said: str) -> None:
    for words in (("sessions",), ("send", "orders", "pause")):
        assert complaint(command.run(*words, "--host", host, home=tmp_path), 1).startswith(said)


def test_a_host_without_the_command(bastion: Bastion, tmp_path: Path) -> None:
    there = f"{REMOTE_VARIABLE}=/path/to/column-console"
    done = command.run(
        "sessions", "--host", "bastion", home=tmp_path, COLUMN_CONSOLE_REMOTE="/no/column-console"
    )
    assert complaint(done, 1) == (
        f"There is no column-console on bastion: install it there, or say where it is with {there}."
    )


def test_sessions_that_are_not_there_or_have_ended(bastion: Bastion, tmp_path: Path) -> None:
    done = command.run("send", "orders", "pause", "--host", "bastion", home=tmp_path)
    assert complaint(done, 2).startswith("on bastion: There are no sessions in")
    directory = bastion.home / "sessions" / SESSION
    directory.mkdir(mode=0o700, parents=True)
    (directory / "session.json").write_text("{")
    done = command.run("sessions", "--host", "bastion", home=tmp_path)
    assert f"on bastion: session {SESSION} is damaged (session.json: " in done.stderr
    described(directory)
    done = command.run("send", "other", "pause", "--host", "bastion", home=tmp_path)
    assert complaint(done, 2) == f"on bastion: There is no session other; there are {SESSION}."
    done = command.run("send", "orders", "pause", "--host", "bastion", home=tmp_path)
    assert complaint(done, 1).startswith(f"on bastion: session {SESSION} has no runner any more")


OTHER = Marker(relay=(7, 9), version="9.0")
OLD = Marker(relay=(0, 0), version="0.0.1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("speaks", "said"),
    [
        ("echo hello; sleep 60", "bastion says nothing that column-console would say"),
        ("head -c 300000 /dev/zero; sleep 60", "bastion says nothing that column-console would say"),
        ("yes | tr -d '\\n' | head -c 1G", "bastion says nothing that column-console would say"),
        ("echo 'hello there' >&2; exit 3", "The connection to bastion ended (status 3: hello there)."),
        ("true", "The connection to bastion ended (status 0)."),
        (
            f"echo '{encode_preface(OTHER).decode()}'",
            "This column-console is older (0.1.0, relay 1) than that on",
        ),
        (f"echo '{encode_preface(OLD).decode()}'", "The column-console on bastion is older (0.0.1, relay 0)"),
        ("""echo '{"relay":"nonsense"}'""", "What bastion says can't be understood"),
        (
            """echo "Error: No such command 'relay'." >&2; exit 2""",
            "The column-console on bastion is too old",
        ),
    ],
    ids=[
        "another program",
        "garbage",
        "1 GB in a line",
        "fails",
        "nothing",
        "newer",
        "older",
        "damaged",
        "too old",
    ],
)
def test_what_answers_is_something_else(tmp_path: Path, speaks: str, said: str) -> None:
    bastion = Bastion(command=script(tmp_path, speaks))
    try:
        bastion.start()
        done = command.run("sessions", "--host", "bastion", home=tmp_path, **bastion.environment)
        assert complaint(done, 1).startswith(said)
    finally:
        bastion.close()


def test_a_login_shell_that_greets_is_passed_over(tmp_path: Path) -> None:
    marker = encode_preface(Marker(relay=(1, 1), version="0.1.0")).decode()
    reply = encode_preface(Reply(sessions=())).decode()
    bastion = Bastion(command=script(tmp_path, f"echo 'Welcome!'; echo '{marker}{reply}'; sleep 1"))
    try:
        bastion.start()
        done = command.run("sessions", "--host", "bastion", home=tmp_path, **bastion.environment)
        assert (done.returncode, done.stdout) == (0, "")
        assert "there are no sessions on bastion" in done.stderr
    finally:
        bastion.close()


def script(folder: Path, text: str) -> str:
    """A program with this text."""
    path = folder / "speaks"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def guests_command(bastion: Bastion) -> str:
    """Where the guest, or who else runs the tests, finds a column-console that they may run."""
    folder = bastion.folder / "guests"
    folder.mkdir()
    guest = Somebody(folder, ("console", "click", "msgspec", "typing_extensions"))
    path = folder / "column-console"
    path.write_text(f'#!/bin/sh\n{guest.call} -m console "$@"\n')
    path.chmod(0o755)
    return str(path)


@pytest.mark.slow
async def test_an_ordinary_user_and_the_sessions_of_another(
    bastion: Bastion, runner: Runner, guests_command: str, tmp_path: Path
) -> None:
    """The guest has none; led to the folder of root's sessions, they get one sentence and no word of a session."""
    remote = {REMOTE_VARIABLE: guests_command}
    if os.geteuid() != 0:
        # Then all of these tests run as an ordinary user, and there is nobody else to log in as.
        listed = await run("sessions", "--host", "bastion", home=tmp_path, **remote)
        assert SESSION in listed.stdout
        return
    listed = await run("sessions", "--host", "guest", home=tmp_path, **remote)
    assert (listed.returncode, listed.stdout) == (0, "")
    assert "there are no sessions on guest" in listed.stderr
    bastion.guest_home.rmdir()
    bastion.guest_home.symlink_to(bastion.home)
    done = await run("sessions", "--host", "guest", home=tmp_path, **remote)
    assert "can't be read (Permission denied)" in complaint(done, 1)
