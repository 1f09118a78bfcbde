"""The demo's world: one process that owns the servers, the application and the trouble, and takes them down again.

    python -m console.demo.world FOLDER [--database D] [--rows N] [--rate N] [--keep]

It ends on SIGTERM, SIGINT or SIGHUP, when it is told to over its socket, and when its standard input ends: that is
a pipe that its parent holds, so it ends whatever way the parent does. If it is killed itself, the kernel ends the
servers with it, and the next demo removes the folder. With `--keep` neither the pipe nor SIGHUP ends it.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from console.demo import figures, shop, talk
from console.demo.errors import DemoError
from console.demo.ground import DATABASES, Database, ground_for
from console.demo.link import Refused, first_line
from console.demo.place import Place
from console.demo.runners import end_runners
from console.demo.talk import Answer, News, Request, Status, Step, TroubleState
from console.demo.traffic import RATE, Traffic
from console.demo.trouble import Order, Trouble, troubles

_BYTES_PER_ROW = 1_200
"""What both servers need for a row of orders while the change is made: table, indexes, log; doubled on the way."""
_BYTES_AT_LEAST = 400_000_000


class World:
    """Everything that the demo consists of, in one claimed folder. Set `ended` to end it."""

    def __init__(self, place: Place, database: Database, *, rows: int, rate: float) -> None:
        self._place = place
        self._ground = ground_for(database, place)
        self._rows = rows
        self._rate = rate
        self._step = Step(text="starting")
        self._traffic: Traffic | None = None
        self._troubles: Sequence[Trouble] = ()
        self._one_at_a_time = asyncio.Lock()
        self.ended = asyncio.Event()

    async def live(self) -> None:
        """Listen, build, run until ended, take down. Raises `DemoError` when it can't be built."""
        socket = self._place.directory / talk.SOCKET
        server = await asyncio.start_unix_server(self._converse, socket, limit=talk.LONGEST_LINE)
        socket.chmod(0o600)
        running = asyncio.create_task(self._run())
        ending = asyncio.create_task(self.ended.wait())
        try:
            await asyncio.wait([running, ending], return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
        finally:
            server.close()
            running.cancel()
            ending.cancel()
            self._ground.interrupt()
            await asyncio.gather(running, ending, return_exceptions=True)
            await self._take_down()

    async def _run(self) -> None:
        traffic = await self._build()
        _tell(News(ready=True, look_around=self._ground.look_around()))
        await traffic.run()

    async def _build(self) -> Traffic:
        self._need_space()
        await self._ground.build(self._rows, self._say)
        folder = self._place.directory
        (folder / talk.CHANGE_FILE).write_text(self._ground.change_file(), encoding="utf-8")
        traffic = Traffic(self._ground.connect, self._ground.dialect, folder / figures.FILE, rate=self._rate)
        self._traffic = traffic
        self._troubles = troubles(self._ground, traffic)
        return traffic

    def _need_space(self) -> None:
        needed = _BYTES_AT_LEAST + self._rows * _BYTES_PER_ROW
        free = shutil.disk_usage(self._place.directory).free
        if free < needed:
            raise DemoError(
                f"{self._rows:,} rows need about {needed // 1_000_000:,} MB in {self._place.directory.parent}, "
                f"which has {free // 1_000_000:,} MB free: take fewer rows (--rows), or another folder (TMPDIR)"
            )

    async def _take_down(self) -> None:
        await asyncio.to_thread(end_runners, self._place.directory)
        for trouble in self._troubles:
            await trouble.end()
        self._ground.stop()

    def _say(self, text: str, done: int = 0, total: int = 0) -> None:
        self._step = Step(text=text, done=done, total=total)
        _tell(News(progress=self._step))

    # ------------------------------------------------------------------------------------------ talking

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client's lines until it goes. A line that is too long ends the conversation."""
        with contextlib.suppress(ConnectionError, ValueError):
            while line := await reader.readline():
                answer = await self._reply(line)
                writer.write(msgspec.json.encode(answer) + b"\n")
                await writer.drain()
        writer.close()

    async def _reply(self, line: bytes) -> Answer | Status:
        try:
            request = msgspec.json.decode(line, type=Request)
        except msgspec.MsgspecError as error:
            return Answer(ok=False, text=f"the request was not understood: {error}")
        if request.do == "status":
            return await self._status()
        if request.do == "stop":
            # A moment later, so that the answer is on its way first.
            asyncio.get_running_loop().call_later(0.05, self.ended.set)
            return Answer(ok=True, text="the demo ends")
        return await self._cause(request)

    async def _cause(self, request: Request) -> Answer:
        if not self._troubles:
            return Answer(
                ok=False, text=f"the demo is still being built ({self._step.text}): wait until it is ready"
            )
        trouble = next((t for t in self._troubles if t.name == request.do), None)
        if trouble is None:
            known = ", ".join(["status", "stop", *(t.name for t in self._troubles)])
            return Answer(ok=False, text=f"the demo does not know {request.do!r}: take one of {known}")
        order = Order(on=request.on, seconds=request.seconds, version=request.version)
        async with self._one_at_a_time:
            try:
                return Answer(ok=True, text=await trouble.cause(order))
            except (DemoError, Refused) as error:
                return Answer(ok=False, text=first_line(error))

    async def _status(self) -> Status:
        states = [
            TroubleState(name=t.name, title=t.title, help=t.help, active=await t.active())
            for t in self._troubles
        ]
        return Status(
            ready=self._traffic is not None,
            progress=self._step
            if self._traffic is None
            else Step(text="ready", done=self._rows, total=self._rows),
            version="" if self._traffic is None else self._traffic.version,
            troubles=states,
        )


def _tell(news: News) -> None:
    """One line to whoever started us, if it is still there."""
    with contextlib.suppress(BrokenPipeError):
        os.write(sys.stdout.fileno(), msgspec.json.encode(news) + b"\n")


def _end_with_standard_input(ended: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def readable() -> None:
        if not os.read(0, 4096):
            loop.remove_reader(0)
            ended.set()

    try:
        loop.add_reader(0, readable)
    except OSError:
        ended.set()  # a file or nothing at all: it has ended already


async def _live(world: World, *, keep: bool) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, world.ended.set)
    loop.add_signal_handler(signal.SIGHUP, (lambda: None) if keep else world.ended.set)
    if not keep:
        _end_with_standard_input(world.ended)
    await world.live()


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a world until it is ended. 0: it lived; 1: it could not be built."""
    parser = argparse.ArgumentParser(
        prog="console.demo.world", description="Run the demo's servers and application."
    )
    parser.add_argument("folder", type=Path, help="an empty or new folder, removed at the end")
    parser.add_argument(
        "--rows", type=_at_least_one, default=shop.ROWS, help="orders to make (default %(default)s)"
    )
    parser.add_argument("--rate", type=float, default=RATE, help="requests per second (default %(default)s)")
    parser.add_argument("--database", choices=DATABASES, default="postgresql", help="default %(default)s")
    parser.add_argument("--keep", action="store_true", help="live on when the parent ends")
    asked = parser.parse_args(arguments)
    try:
        place = Place.claim(asked.folder)
    except DemoError as error:
        _tell(News(failed=str(error)))
        return 1
    try:
        asyncio.run(_live(World(place, asked.database, rows=asked.rows, rate=asked.rate), keep=asked.keep))
    except DemoError as error:
        _tell(News(failed=str(error)))
        return 1
    finally:
        place.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
