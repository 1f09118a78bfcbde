"""What the link costs: events handed to many screens, and a press until its answer is back.

The press is measured beside a bare echo over the same kind of socket, the two taking turns. To reach: a press under
30 ms, and an event's cost in the runner far below the second between two samples, however many screens watch.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from random import Random

from console import events
from console.link.client import Client, connect
from console.link.connection import Patience
from tests.link.harness import Runner, eventually, running
from tests.recording.streams import sample

PRESSES = 300
EVENTS = 2000
SCREENS = (0, 1, 4, 16)


def main() -> None:
    """Print both."""
    asyncio.run(_main())


async def _main() -> None:
    for screens in SCREENS:
        with tempfile.TemporaryDirectory(prefix="cc-", dir="/tmp") as parent:
            folder = Path(parent) / "s"
            folder.mkdir()
            await _fan_out(folder, screens)
    with tempfile.TemporaryDirectory(prefix="cc-", dir="/tmp") as parent:
        folder = Path(parent) / "s"
        folder.mkdir()
        await _presses(folder)


async def _fan_out(folder: Path, screens: int) -> None:
    """Time to publish a sample, with so many screens reading, until the last of them has the last one."""
    dice = Random(1)
    async with running(folder) as runner:
        clients = [await connect(runner.server.socket_path) for _ in range(screens)]
        readers = [asyncio.create_task(_read(client)) for client in clients]
        await eventually(lambda: len(runner.of(events.Attached)) == screens)
        began = time.perf_counter()
        for _ in range(EVENTS):
            runner.emit(sample(0.0, 0, dice))
            await asyncio.sleep(0)
        runner.emit(events.Ended(outcome="completed", exit_status=0, text=""))
        await asyncio.gather(*readers)
        took = (time.perf_counter() - began) / EVENTS
        for client in clients:
            await client.close()
    print(f"{screens:>3} screens: {took * 1e6:>7.0f} us for each event, all ends together")


async def _read(client: Client) -> None:
    async for event in client.events():
        if isinstance(event, events.Ended):
            return
        if isinstance(event, events.Snapshot) and b'"outcome":"completed"' in bytes(event.session):
            return


async def _presses(folder: Path) -> None:
    """An ask until its answer, beside a line echoed."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()
        gone.set()

    gone = asyncio.Event()
    server = await asyncio.start_unix_server(echo, str(folder / "echo.sock"))
    reader, writer = await asyncio.open_unix_connection(str(folder / "echo.sock"))
    async with running(folder, patience=Patience(asks=2 * PRESSES)) as runner:
        client = await connect(runner.server.socket_path)
        presses, echoes = [], []
        for _ in range(PRESSES):
            presses.append(await _timed_press(client, runner))
            began = time.perf_counter()
            writer.write(b'{"alive":true}\n')
            await reader.readline()
            echoes.append(time.perf_counter() - began)
        await client.close()
    writer.close()
    await gone.wait()
    server.close()
    press, bare = statistics.median(presses), statistics.median(echoes)
    print(f"a press: {press * 1e3:.2f} ms, {press / bare:.1f} of a bare echo")


async def _timed_press(client: Client, runner: Runner) -> float:
    began = time.perf_counter()
    answer = await client.ask("throttle", ("50",))
    took = time.perf_counter() - began
    assert answer.state == "done"
    assert runner.asked
    return took
