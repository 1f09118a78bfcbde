"""`attach --host` on a real terminal, with a real runner behind a real sshd: cut, killed, hung up on, stalled."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from console import directories
from tests.cli.conftest import shop
from tests.cli.shop import Shop
from tests.cli.terminal import OnTerminal
from tests.demo.watching import eventually
from tests.ssh.bastion import Bastion, ssh_of

__all__ = ["shop"]

pytestmark = pytest.mark.server


@pytest.fixture
def session(bastion: Bastion, shop: Shop) -> Iterator[directories.Listed]:
    """The shop's change, begun on the bastion. It waits for somebody to press Advance."""
    words = f"column-console run '{shop.change_file}' --detach"
    done = subprocess.run(
        ["ssh", "-T", "bastion", words], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMN_CONSOLE_HOME", str(bastion.home))
        yield directories.find_session(done.stdout.strip())
        if directories.find_session(done.stdout.strip()).state == "live":
            os.kill(directories.find_session(done.stdout.strip()).session.pid, signal.SIGKILL)


@pytest.fixture
def attached(
    bastion: Bastion, session: directories.Listed, tmp_path: Path
) -> Iterator[Callable[[], OnTerminal]]:
    """Opens screens on terminals of their own; those that are left are ended."""
    opened: list[OnTerminal] = []

    def begin() -> OnTerminal:
        screen = OnTerminal(
            "attach", "--host", "bastion", home=tmp_path / "here", PATH=bastion.environment["PATH"]
        )
        opened.append(screen)
        screen.until("public.orders.placed_on", "Add column is next", "LIVE")
        return screen

    yield begin
    for screen in opened:
        with contextlib.suppress(OSError):
            # Its terminal may have been taken away already.
            screen.process.close(force=True)


def pid_of(screen: OnTerminal) -> int:
    """The screen's process."""
    assert screen.process.pid is not None
    return screen.process.pid


def state(session: directories.Listed) -> str:
    """How the session is now."""
    return directories.find_session(session.session.id).state


def test_a_cut_is_shown_and_mends_and_what_happened_is_told(
    session: directories.Listed, attached: Callable[[], OnTerminal], bastion: Bastion
) -> None:
    screen = attached()
    (ssh,) = ssh_of(pid_of(screen))
    bastion.stop()
    screen.until("NO LINK", "comes back by itself", "can't be reached")
    screen.press("n")
    screen.until("no link for")
    said = subprocess.run(
        ["column-console", "send", session.session.id, "note", "while you were away"],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout.startswith("note: done")
    bastion.start()
    screen.until("LIVE", "away ", "no lock wait over 1 s", "note by root done", "while you were away")
    assert not ssh.is_running()
    screen.press("q")
    assert screen.end() == 0
    assert f"To come back: column-console attach {session.session.id} --host bastion" in screen.screen()
    assert state(session) == "live"


@pytest.mark.parametrize("end", ["hang up", "SIGKILL"])
def test_a_screen_that_goes_leaves_nothing_and_the_runner_goes_on(
    session: directories.Listed, attached: Callable[[], OnTerminal], bastion: Bastion, end: str
) -> None:
    screen = attached()
    ours = psutil.Process(pid_of(screen))
    (ssh,) = ssh_of(ours.pid)
    if end == "SIGKILL":
        ours.kill()
    else:
        os.close(screen.process.fileno())
    eventually(lambda: not ssh.is_running(), "ssh leaves")
    eventually(lambda: not ours.is_running() or ours.status() == psutil.STATUS_ZOMBIE, "the screen leaves")
    eventually(lambda: not bastion.logins(), "the relay and its login leave")
    assert state(session) == "live"
    assert "LIVE" in attached().screen()


def test_a_session_that_ends_while_the_link_is_cut_is_shown_as_it_ended(
    session: directories.Listed, attached: Callable[[], OnTerminal], bastion: Bastion
) -> None:
    screen = attached()
    bastion.stop()
    screen.until("NO LINK")
    os.kill(session.session.pid, signal.SIGTERM)
    eventually(lambda: state(session) == "ended", "the runner ends")
    bastion.start()
    screen.until("PARKED", "away ")
    screen.press("q")
    assert screen.end() == 1
