"""A laptop that slept, or a terminal that nobody read: a screen that stood still for longer than its runner waits."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from console import events
from console.link.connection import Patience
from tests.cli.terminal import OnTerminal
from tests.link.harness import eventually, running
from tests.ssh.bastion import Bastion
from tests.ssh.conftest import SESSION, described

pytestmark = pytest.mark.slow
WORD = 8.0
"""Seconds without a word after which this runner hangs up; the screen says one every 3 s."""


async def test_it_comes_back_when_it_wakes(bastion: Bastion, tmp_path: Path) -> None:
    directory = bastion.home / "sessions" / SESSION
    directory.mkdir(mode=0o700, parents=True)
    async with running(directory, patience=Patience(word=WORD)) as runner:
        described(directory)
        screen = OnTerminal("attach", "--host", "bastion", home=tmp_path, PATH=bastion.environment["PATH"])
        assert screen.process.pid is not None
        try:
            await asyncio.to_thread(screen.until, "LIVE")
            os.kill(screen.process.pid, signal.SIGSTOP)
            await eventually(lambda: runner.of(events.Detached))
            (left,) = runner.of(events.Detached)
            assert isinstance(left, events.Detached)
            assert left.why == f"no word for {WORD:g} s"
            os.kill(screen.process.pid, signal.SIGCONT)
            await asyncio.to_thread(screen.until, "away ", "LIVE")
            assert len(runner.session.clients) == 1
            screen.press("q")
            assert await asyncio.to_thread(screen.end) == 0
        finally:
            screen.process.close(force=True)
