"""A screen here and a screen on the bastion, over a link of 150 ms, 1 % loss and 64 kbit/s, with and without -C.

The link is a queue in user space between two network namespaces (`tests.ssh.wire`), so this needs root; TCP, sshd,
screen and terminal are real. One second's change: a sample, a batch, 20 lock waits of which one ends and another
begins. To reach, for the screen here: under 500 bytes/s, keys under 30 ms, commands under 300 ms, back with a full
picture within 6 s after a cut.
"""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from console import events
from console.link.peer import Caller
from console.session import apply, fold
from tests.cli.command import COMMAND, environment
from tests.cli.terminal import OnTerminal
from tests.link.harness import Runner
from tests.setup import environment as found
from tests.ssh.bastion import Bastion, ssh_of
from tests.ssh.conftest import SESSION, described
from tests.ssh.wire import FAR, Wire
from tests.tui.stories import backfilling, batch, session_of

SECONDS = 20
KEYS = 10
COMMANDS = 6
PATIENCE = 20.0
WAITS = 20
TARGET_BYTES, TARGET_KEY, TARGET_COMMAND, TARGET_BACK = 500.0, 0.030, 0.300, 6.0


class Busy(Runner):
    """A runner that tells a second's worth of a backfill each second."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._story = backfilling()
        self.session = fold(self._story.events)
        self._origin = time.monotonic() - self._story.t
        self._pid = 5000

    def now(self) -> float:
        """The session's clock."""
        return round(time.monotonic() - self._origin, 3)

    def emit(self, event: events.Event) -> None:
        """Stamp by the clock, fold, publish."""
        stamped = replace(event, t=self.now(), s=self.session.s + 1)
        self.session = apply(self.session, stamped)
        self.server.publish(stamped)

    async def ask(self, ask: events.Ask, caller: Caller) -> events.ActionChanged:
        """Do it at once."""
        done = events.ActionChanged(
            id=ask.id, action=ask.action, state="done", owner=caller.owner, arguments=ask.arguments
        )
        self.emit(done)
        return done

    async def tick(self) -> None:
        """A second's events."""
        self._story.t = self.now()
        self._story.events.clear()
        batch(self._story, 8_500)
        self._story.sample()
        for event in self._story.events:
            self.emit(event)
        began = tuple(
            events.LockWait(
                session=session_of(self._pid + number, "shop", "shop web", "UPDATE orders SET status = ?"),
                blocked_by=(4711,),
                mode="ROW EXCLUSIVE",
                on="public.orders",
                began=self.now(),
            )
            for number in range(1 if self.session.lock_waits else WAITS)
        )
        gone = (self.session.lock_waits[0].session.pid,) if self.session.lock_waits else ()
        self._pid += len(began)
        self.emit(events.LockWaitsChanged(began=began, ended=gone))


def serve(directory: str) -> None:
    """Be such a runner until told to end."""

    async def work() -> None:
        runner = Busy(Path(directory))
        await runner.server.start()
        print("ready", flush=True)
        while True:
            await runner.tick()
            await asyncio.sleep(1.0)

    asyncio.run(work())


@contextmanager
def busy(directory: Path) -> Iterator[None]:
    """A runner in a process of its own, so that what measures does not hold it up."""
    program = "import sys; from benchmarks.ssh import serve; serve(sys.argv[1])"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(directory)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield
        finally:
            process.kill()


class Measured:
    """One screen, measured."""

    def __init__(self, name: str, words: list[str], env: dict[str, str], wire: Wire) -> None:
        self.name = name
        began = time.monotonic()
        self.screen = OnTerminal.of(words, env)
        self.screen.until("Backfill", "LIVE")
        self.first = time.monotonic() - began
        self._settle(5.0)
        before, began = wire.counts(), time.monotonic()
        self._settle(SECONDS)
        took = time.monotonic() - began
        after = wire.counts()
        self.up, self.down = ((after[i] - before[i]) / took for i in (0, 2))
        self.keys = self._measure_keys()
        self.commands = [self._command(f"w{number}x") for number in range(COMMANDS)]

    def _settle(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.screen.read(0.05)

    def _until(self, *texts: str, patience: float = PATIENCE) -> float:
        """Seconds until one of the texts is on the screen; what never comes is told, and ends the benchmark."""
        began, seen = time.monotonic(), -1
        while True:
            if self.screen.heard != seen and any(text in self.screen.screen() for text in texts):
                return time.monotonic() - began
            seen = self.screen.heard
            going_on = self.screen.read(0.05)
            if time.monotonic() - began > patience or not going_on:
                what = "did not come" if going_on else "did not come: the screen was left"
                sys.exit(f"{self.name}: {texts[0]!r} {what}\n{self.screen.screen()}")

    def _note(self) -> None:
        """Open the dialog of a note. What is typed before it stands there would be keys of the main screen."""
        self.screen.press("o")
        self._until("what you want to remember")
        self._settle(0.5)

    def _measure_keys(self) -> list[float]:
        """A letter typed into the dialog of a note, until it is seen there."""
        self._note()
        typed, took = "", []
        for letter in "kzjxvwfzjxkv"[:KEYS]:
            typed += letter
            self.screen.press(letter)
            took.append(self._until(typed))
            self._settle(0.3)
        self.screen.press("\x1b")
        self._settle(1.0)
        return took

    def _command(self, word: str) -> float:
        """A note sent, until what became of it is seen, in the log or in the corner."""
        self._note()
        for letter in word:
            self.screen.press(letter)
        self._until(word)
        self._settle(0.5)
        self.screen.press("\r")
        took = self._until(f"{word}: done", f"{word} done")
        self._settle(0.5)
        return took

    def back(self) -> float:
        """Seconds from a cut, of a link that is there, until the screen is whole again."""
        assert self.screen.process.pid is not None
        (ssh,) = ssh_of(self.screen.process.pid)
        ssh.kill()
        self._until("NO LINK")
        return self._until("away ", patience=60.0)

    def leave(self) -> None:
        """Close it."""
        self.screen.process.close(force=True)


def main() -> None:
    """Print a line for each way, and what is to be reached."""
    if os.geteuid() != 0:
        print("needs root, to make two network namespaces")
        return
    found.load()
    # Told to end, it takes down what it made.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    wire = Wire()
    bastion = Bastion(address=FAR, there=tuple(wire.far), here=tuple(wire.near))
    try:
        bastion.start()
        directory = bastion.home / "sessions" / SESSION
        directory.mkdir(mode=0o700, parents=True)
        with busy(directory), tempfile.TemporaryDirectory(prefix="cc-") as folder:
            described(directory)
            _measure(wire, bastion, Path(folder))
    finally:
        bastion.close()
        wire.close()


def _measure(wire: Wire, bastion: Bastion, folder: Path) -> None:
    with_c = environment(folder / "home", PATH=bastion.environment["PATH"])
    del with_c["NO_COLOR"]
    plain = folder / "ssh"
    plain.write_text(
        '#!/bin/sh\nfor word; do shift; [ "$word" = -C ] || set -- "$@" "$word"; done\n'
        f'exec {bastion.folder / "bin" / "ssh"} "$@"\n'
    )
    plain.chmod(0o755)
    without = {**with_c, "PATH": f"{folder}:{with_c['PATH']}"}
    attach = [*COMMAND, "attach", "--host", "bastion"]
    remote = ["bastion", "column-console attach"]
    measured: list[Measured] = []
    back = 0.0
    print(f"{'':<18}{'down B/s':>9}{'up B/s':>8}{'ratio':>7}{'first s':>9}{'key ms':>8}{'command ms':>12}")
    for name, words, env in (
        ("screen here, -C", attach, with_c),
        ("screen here", attach, without),
        ("screen there, -C", ["ssh", "-t", "-C", *remote], with_c),
        ("screen there", ["ssh", "-t", *remote], with_c),
    ):
        os.environ["PATH"] = env["PATH"]
        one = Measured(name, words, env, wire)
        measured.append(one)
        if not back:
            back = one.back()
        one.leave()
        print(
            f"{one.name:<18}{one.down:>9.0f}{one.up:>8.0f}{one.down / measured[0].down:>7.1f}{one.first:>9.1f}"
            f"{statistics.median(one.keys) * 1e3:>8.0f}{statistics.median(one.commands) * 1e3:>12.0f}",
            flush=True,
        )
    best = measured[0]
    print("to reach, screen here with -C, as a share of what is allowed:")
    for what, reached, allowed in (
        ("bytes/s down", best.down, TARGET_BYTES),
        ("a key", statistics.median(best.keys), TARGET_KEY),
        ("a command", statistics.median(best.commands), TARGET_COMMAND),
        ("back after a cut", back, TARGET_BACK),
    ):
        print(f"  {what:<18}{reached / allowed:>5.2f}  {'reached' if reached <= allowed else 'MISSED'}")
    sys.stdout.flush()
