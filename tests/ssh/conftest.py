"""A bastion to log in to, and a session that runs there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from console.directories import SessionDirectory, SessionFile
from tests.link.harness import Runner, running
from tests.servers.leave_out import left_out
from tests.ssh.bastion import Bastion

SESSION = "orders-placed_on-1"
collect_ignore_glob = ["test_*"] if left_out("sshd") else []


@pytest.fixture
def bastion(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bastion]:
    """An sshd that listens; this process's `ssh` knows it as `bastion`."""
    there = Bastion()
    there.start()
    for name, value in there.environment.items():
        monkeypatch.setenv(name, value)
    yield there
    there.close()


@pytest.fixture
async def runner(bastion: Bastion) -> AsyncIterator[Runner]:
    """A runner in miniature, whose session the bastion lists."""
    directory = bastion.home / "sessions" / SESSION
    directory.mkdir(mode=0o700, parents=True)
    async with running(directory) as there:
        described(directory)
        yield there


def described(directory: Path) -> None:
    """Say what the session is, as a runner does."""
    SessionDirectory(directory).write(
        SessionFile(
            id=directory.name,
            title="public.orders.placed_on",
            change_file="/change.toml",
            recording=str(directory / "recording.jsonl"),
            socket=str(directory / "runner.sock"),
            pid=1,
            started="2026-11-28T02:00:00+00:00",
        )
    )
