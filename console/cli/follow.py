"""Follows a session without a screen: reads its recording as it grows, and shows each event.

The recording is what the runner writes first, so what is shown here is what was recorded, to the byte.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from console import events
from console.cli.asking import ask
from console.cli.errors import INTERRUPTED, UNFINISHED, CommandError
from console.cli.narrator import Narrator
from console.cli.say import tell
from console.recording.problems import read_event

INTERVAL = 0.1
"""Seconds between two looks at a recording that did not grow."""
_HEADER = b'{"kind":"header"'


class Tail:
    """The whole lines of a growing recording, from the last header that it had when it was opened."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._rest = b""
        self._started = False

    def lines(self) -> Iterator[bytes]:
        """The lines that have come since the last call, without their newlines."""
        while chunk := os.read(self._fd, 1 << 20):
            self._rest += chunk
        *whole, self._rest = self._rest.split(b"\n")
        if not self._started:
            headers = [number for number, line in enumerate(whole) if line.startswith(_HEADER)]
            if not headers:
                self._rest = b"".join(line + b"\n" for line in whole) + self._rest
                return
            whole = whole[headers[-1] :]
            self._started = True
        yield from whole

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)


class Follower:
    """Shows one session until it ends. `seen` is called with each event, after it was shown."""

    def __init__(
        self,
        recording: Path,
        *,
        socket: Path,
        pid: int,
        running: Callable[[], bool],
        as_json: bool,
        seen: Callable[[events.Event], None] | None = None,
    ) -> None:
        self.narrator = Narrator()
        self._recording = recording
        self._socket = socket
        self._pid = pid
        self._running = running
        self._as_json = as_json
        self._seen = seen

    def follow(self) -> int:
        """Shows all until the session ends, or its runner is gone; the exit status.

        Ctrl-C asks the runner to end at the end of the batch and keep everything; a second one leaves it alone.
        """
        tail = Tail(self._recording)
        try:
            with _interruptible():
                try:
                    ended = self._until_end(tail)
                except KeyboardInterrupt:
                    self._abort()
                    self._until_end(tail)
                    return INTERRUPTED
        except KeyboardInterrupt:
            tell("the runner is left to itself; `column-console sessions` shows it", "warning")
            return INTERRUPTED
        except BrokenPipeError:
            tell("nobody reads the events any more; the runner goes on by itself", "warning")
            raise
        finally:
            tail.close()
        if ended is None:
            tell("the runner is gone without a word; run it again to take the session up", "error")
            return UNFINISHED
        return ended.exit_status

    def _until_end(self, tail: Tail) -> events.Ended | None:
        while True:
            # Asked before the file is read, so that what a runner wrote last is not missed.
            running = self._running()
            for line in tail.lines():
                if ended := self._show(line):
                    return ended
            if not running:
                return None
            time.sleep(INTERVAL)

    def _show(self, line: bytes) -> events.Ended | None:
        if self._as_json:
            sys.stdout.buffer.write(line + b"\n")
            sys.stdout.buffer.flush()
        event = read_event(line)
        if event is None:
            return None
        for when, level, text in self.narrator.tell(event):
            if not self._as_json:
                tell(text, level, when)
        if self._seen is not None:
            self._seen(event)
        return event if isinstance(event, events.Ended) else None

    def _abort(self) -> None:
        tell("interrupted: the runner ends at the end of the batch, and everything is kept", "warning")
        try:
            answer = ask(self._socket, "abort", reason="interrupted at the keyboard")
            if answer.state != "refused":
                return
        except CommandError:
            pass
        # While it is only starting it takes no actions, but a signal, which means the same.
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGTERM)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM means what Ctrl-C means."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
