"""Starts a runner as a process of its own, which outlives the terminal: in its own session, without a terminal's
input or output.

Imports no driver and nothing heavy: the commands call it.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from console.runner.options import Answer, Options, to_arguments

PATIENCE = 60.0
"""Seconds until a runner must have said that it is up: a slow server and a password command are in it."""


class LaunchFailed(Exception):
    """Why there is no session, in one sentence, and the exit status that goes with it."""

    def __init__(self, text: str, exit_status: int) -> None:
        super().__init__(text)
        self.text = text
        self.exit_status = exit_status


class Launched:
    """A runner that is up."""

    def __init__(self, answer: Answer, process: subprocess.Popen[bytes]) -> None:
        self.session_id = answer.session
        self.directory = Path(answer.directory)
        self.recording = Path(answer.recording)
        self.socket = Path(answer.socket)
        self.pid = answer.pid
        self.process = process

    def wait(self) -> int:
        """Waits for the runner's end; its exit status."""
        return self.process.wait()


def launch(
    change_file: Path | str,
    *,
    advance: str | None = None,
    recording: Path | str | None = None,
    application: Path | str | None = None,
    alone: bool = False,
    env: dict[str, str] | None = None,
) -> Launched:
    """Starts a runner and waits until its session is up. Raises LaunchFailed.

    `alone`: nobody will be there to decide, so that it ends, parked, where it would wait for a person.
    """
    read_end, write_end = os.pipe()
    options = Options(
        change_file=str(Path(change_file).resolve()),
        advance=advance,
        recording=str(Path(recording).resolve()) if recording else None,
        application=str(Path(application).resolve()) if application else None,
        alone=alone,
        answer_fd=write_end,
    )
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "console.runner", *to_arguments(options)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(write_end,),
            start_new_session=True,
            cwd="/",
            env={**(env or os.environ), "PYTHONUNBUFFERED": "1"},
        )
    finally:
        os.close(write_end)
    with os.fdopen(read_end, "rb") as answers:
        line = _read_line(answers.fileno(), process)
    if not line:
        raise LaunchFailed(_last_words(process), 1)
    said = msgspec.json.decode(line, type=Answer)
    if process.stderr is not None:
        process.stderr.close()
    if said.error:
        process.wait()
        raise LaunchFailed(said.error, said.exit_status)
    return Launched(said, process)


def _read_line(fd: int, process: subprocess.Popen[bytes]) -> bytes:
    """The runner's one line; empty where it ended, or was ended for saying nothing, without one."""
    data = b""
    until = time.monotonic() + PATIENCE
    while not data.endswith(b"\n"):
        if not select.select([fd], [], [], max(0.0, until - time.monotonic()))[0]:
            process.kill()
            return b""
        chunk = os.read(fd, 65536)
        if not chunk:
            return b""
        data += chunk
    return data


def _last_words(process: subprocess.Popen[bytes]) -> str:
    """What a runner that died at once left on standard error, its last line."""
    _, said = process.communicate()
    lines = said.decode(errors="replace").strip().splitlines()
    return f"the runner could not be started: {lines[-1] if lines else 'it ended without a word'}"
