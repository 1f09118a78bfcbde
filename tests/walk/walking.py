"""Starts a runner on a change of a test database, asks it, watches its recording."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from console import events as happened
from console.link.once import send_once
from console.recording import Recording, RecordingError
from console.runner.launch import Launched, launch
from console.session import Session
from tests.walk.traffic import Traffic

PATIENCE = 90.0


class Walk:
    """One change on one database, over as many runners as it takes."""

    def __init__(self, folder: Path, change_file: str) -> None:
        self.folder = folder
        self.change_file = folder / "change.toml"
        self.change_file.write_text(change_file)
        self.home = folder / "home"
        self.launched: Launched | None = None

    def start(self, *, advance: str = "auto", alone: bool = True, recording: Path | None = None) -> Launched:
        """Starts a runner."""
        self.launched = launch(
            self.change_file,
            advance=advance,
            alone=alone,
            recording=recording,
            env={**os.environ, "COLUMN_CONSOLE_HOME": str(self.home)},
        )
        return self.launched

    @property
    def runner(self) -> Launched:
        assert self.launched is not None
        return self.launched

    def recorded(self) -> Recording:
        return Recording.open(self.runner.recording)

    def session(self) -> Session:
        return self.recorded().final

    def events(self, kind: type[happened.Event]) -> Iterator[happened.Event]:
        for _, event in self.recorded().of(kind):
            yield event

    def wait(self, until: Callable[[Session], object], what: str = "") -> Session:
        """Waits until the session is as wanted; fails where the runner ends before."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                session = self.session()
            except RecordingError:
                session = Session()
            if until(session):
                return session
            if session.ended is not None or time.monotonic() > deadline:
                told = "\n".join(f"{line.t:.2f} {line.text}" for line in session.log[-25:])
                raise AssertionError(
                    f"waited in vain for {what or until}: {session.state} {session.reason}\n{told}"
                )
            time.sleep(0.05)

    def ask(self, action: str, *arguments: str, reason: str = "", phase: str = "") -> happened.ActionChanged:
        """Asks the runner, over its socket."""
        ask = happened.Ask(
            id=uuid.uuid4().hex, action=action, arguments=arguments, reason=reason, phase=phase
        )
        return send_once(self.runner.socket, ask)

    def kill(self) -> None:
        """SIGKILL, as an out-of-memory killer does it."""
        os.kill(self.runner.pid, signal.SIGKILL)
        self.runner.process.wait()

    def end(self, expected: int = 0) -> Session:
        """Waits for the runner's end, and its exit status."""
        status = self.runner.process.wait(timeout=PATIENCE)
        session = self.session()
        told = "\n".join(f"{line.t:.2f} {line.text}" for line in session.log[-25:])
        log = self.runner.directory / "runner.log"
        assert status == expected, f"exit status {status}\n{told}\n{log.read_text()}"
        return session

    def stop(self) -> None:
        """Whatever still runs, ends."""
        if self.launched is not None and self.launched.process.poll() is None:
            self.kill()


class Writer(Protocol):
    """An application that can be told to write the column by itself."""

    writes_column: bool


def walk_to(walk: Walk, phase: str, writer: Writer, traffic: Traffic) -> None:
    """Advances until the phase has begun; without one, until the runner ends. Passes the gate of the readers."""
    while walk.runner.process.poll() is None:
        session = walk.wait(lambda s: s.waits_for in ("advance", "evidence") or s.ended or s.phase == phase)
        if session.ended or (session.phase == "reads" == phase):
            return
        if session.phase == "reads" and session.waits_for == "evidence":
            writer.writes_column = True
            traffic.settle()
            walk.ask("skip-gate", reason="nobody reads it in this test", phase="reads")
        elif session.waits_for == "advance":
            walk.ask("advance", phase=session.phase)
        if session.phase == phase:
            return
        time.sleep(0.02)


def change_toml(url: str, replica_url: str, body: str, *, limits: str = "") -> str:
    """A change file for a test database; `body` holds everything but [database] and [limits]."""
    replicas = f'replicas = ["{replica_url}"]\n' if replica_url else ""
    return f'[database]\nurl = "{url}"\n{replicas}\n{body}\n[limits]\n{limits}\n'


@contextlib.contextmanager
def walks() -> Iterator[Callable[[str], Walk]]:
    """A maker of walks from change files; runners that are left are killed."""
    made: list[Walk] = []

    def make(change_file: str) -> Walk:
        # Short: a unix socket's path has a bound.
        walk = Walk(Path(tempfile.mkdtemp(prefix="cc-walk-")), change_file)
        made.append(walk)
        return walk

    yield make
    for walk in made:
        walk.stop()
        shutil.rmtree(walk.folder, ignore_errors=True)
