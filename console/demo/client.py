"""Start the demo's world and talk to it. Imports no driver and no screen, so that anybody may use it."""

import asyncio
import contextlib
import shlex
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Self, TypeVar

import msgspec

from console.demo import figures, talk
from console.demo.errors import DemoError
from console.demo.figures import Figures
from console.demo.place import make_directory, remove_if_left, sweep
from console.demo.talk import Answer, News, Request, Status

TIMEOUT_S = 30.0
"""How long an answer may take: starting a standby takes longest."""
_PATIENCE_S = 30.0
"""How long the world may take to take itself down."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, and how much of how much is done (0 of 0: not known)."""

Reply = TypeVar("Reply", Answer, Status)


def ask(path: Path, request: Request, *, timeout_s: float = TIMEOUT_S) -> Answer:
    """Ask for a trouble, or to stop. The answer may say no. Raises `DemoError` when nobody answers."""
    return _decoded(_exchange(path, request, timeout_s), Answer)


def status(path: Path, *, timeout_s: float = TIMEOUT_S) -> Status:
    """The world as it is. Raises `DemoError` when nobody answers."""
    return _decoded(_exchange(path, Request(do="status"), timeout_s), Status)


async def ask_async(path: Path, request: Request, *, timeout_s: float = TIMEOUT_S) -> Answer:
    """As `ask`."""
    return _decoded(await _exchange_async(path, request, timeout_s), Answer)


async def status_async(path: Path, *, timeout_s: float = TIMEOUT_S) -> Status:
    """As `status`."""
    return _decoded(await _exchange_async(path, Request(do="status"), timeout_s), Status)


class World:
    """A world that runs, as its parent holds it. Use as a context manager, or `stop` it."""

    def __init__(
        self, directory: Path, process: subprocess.Popen[bytes], errors: IO[bytes], *, keep: bool
    ) -> None:
        self.directory = directory
        self.keep = keep
        self._process = process
        self._errors = errors
        self._look_around = ""

    @property
    def change_file(self) -> Path:
        """The change file of the demo."""
        return self.directory / talk.CHANGE_FILE

    @property
    def socket(self) -> Path:
        """Where the world answers: for `ask` and `status`."""
        return self.directory / talk.SOCKET

    @property
    def application_file(self) -> Path:
        """What the application says of itself once a second: for `console.demo.figures.read`."""
        return self.directory / figures.FILE

    @property
    def pid(self) -> int:
        """The world's process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def ask(
        self, do: str, *, on: bool | None = None, seconds: float | None = None, version: str | None = None
    ) -> Answer:
        """Ask for a trouble by its name."""
        return ask(self.socket, Request(do=do, on=on, seconds=seconds, version=version))

    def status(self) -> Status:
        """The world as it is."""
        return status(self.socket)

    def figures(self) -> Figures | None:
        """The application's newest figures."""
        return figures.read(self.application_file)

    def how_to_use(self) -> str:
        """For a kept world: how to reach it, and how to end it; commands to copy."""
        return (
            f"the demo goes on in {self.directory}\n"
            f"  walk the change:  column-console run {shlex.quote(str(self.change_file))}\n"
            f"  look around:      {self._look_around}\n"
            f"  end it:           kill {self.pid}\n"
        )

    def stop(self) -> None:
        """End the world, wait until it is gone, and see that nothing of it is left. Also ends a kept one."""
        if self.running:
            with contextlib.suppress(OSError):
                _opened(self._process.stdin).close()
            self._process.terminate()
            try:
                self._process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        self._close()
        remove_if_left(self.directory)

    def let_go(self) -> None:
        """Leave a kept world to itself."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.keep:
            self.let_go()
        else:
            self.stop()

    def wait_until_ready(self, progress: Progress) -> None:
        """Follow the building. Raises `DemoError` when it fails; the world is gone then."""
        for line in _opened(self._process.stdout):
            news = msgspec.json.decode(line, type=News)
            if news.progress is not None:
                progress(news.progress.text, news.progress.done, news.progress.total)
            if news.failed:
                raise DemoError(news.failed)
            if news.ready:
                self._look_around = news.look_around
                return
        code = self._process.wait()
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace").strip().splitlines()
        raise DemoError(
            f"the demo ended with status {code} while it was built: {words[-1] if words else 'no reason'}"
        )

    def _close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            with contextlib.suppress(OSError):
                _opened(stream).close()


def start_world(
    *,
    database: str = "postgresql",
    rows: int | None = None,
    rate: float | None = None,
    keep: bool = False,
    progress: Progress | None = None,
) -> World:
    """Build a world in a folder of its own and wait until it is ready: servers, data, traffic.

    `database` is postgresql, mysql or mariadb. The world ends when this process does, whatever way, unless `keep`.
    Takes about 8 seconds for a million rows on two idle cores. Raises `DemoError` when it can't be built, and leaves
    nothing then.
    """
    sweep()
    directory = make_directory()
    command = [sys.executable, "-m", "console.demo.world", str(directory), "--database", database]
    if rows is not None:
        command += ["--rows", str(rows)]
    if rate is not None:
        command += ["--rate", str(rate)]
    if keep:
        command += ["--keep"]
    errors = tempfile.TemporaryFile()  # noqa: SIM115  (the world's, which closes it)
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        start_new_session=True,  # the terminal's Ctrl-C is for us; we end it when we end
    )
    world = World(directory, process, errors, keep=keep)
    try:
        world.wait_until_ready(progress or _silence)
    except BaseException:
        world.stop()
        raise
    return world


def _silence(text: str, done: int, total: int) -> None:
    """Report to nobody."""


def _exchange(path: Path, request: Request, timeout_s: float) -> bytes:
    answer = b""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(timeout_s)
            link.connect(str(path))
            link.sendall(msgspec.json.encode(request) + b"\n")
            while not answer.endswith(b"\n") and (more := link.recv(talk.LONGEST_LINE)):
                answer += more
    except OSError as error:
        raise _nobody(path, error) from None
    return answer


async def _exchange_async(path: Path, request: Request, timeout_s: float) -> bytes:
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_unix_connection(path, limit=talk.LONGEST_LINE)
            writer.write(msgspec.json.encode(request) + b"\n")
            await writer.drain()
            return await reader.readline()
    except OSError as error:  # a timeout is one, too
        raise _nobody(path, error) from None
    finally:
        if writer is not None:
            writer.close()


def _nobody(path: Path, error: OSError) -> DemoError:
    return DemoError(f"the demo does not answer at {path}: {error.strerror or 'no answer in time'}")


def _decoded(line: bytes, kind: type[Reply]) -> Reply:
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.MsgspecError:
        raise DemoError(f"the demo's answer was not understood: {line[:200]!r}") from None


def _opened(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None, "opened as a pipe"
    return stream
