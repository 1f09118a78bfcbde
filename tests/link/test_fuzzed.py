"""Clients of every kind at once at a runner's real desk: none crashes it, slows it, or makes it hold memory."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console import events
from console.change import SessionRules
from console.directories import SessionDirectory
from console.link.client import connect
from console.link.connection import MOST_LINES, WRITE_BUFFER, Patience
from console.link.outbox import MOST_BYTES
from console.link.protocol import FROM_CLIENT, FromClient, encode, read_client
from console.link.server import Server
from console.runner.control import Stopped
from console.runner.people import People
from tests.link.harness import eventually, raw, running
from tests.recording.streams import sample
from tests.runner.desks import Office

ACTIONS = (
    *("advance", "retry", "skip-gate", "pause", "resume", "throttle", "abort", "roll-back", "note", "cancel"),
    *(
        "approve",
        "request-control",
        "hand-over",
        "release-control",
        "take-over",
        "cancel-session",
        "explode",
        "",
    ),
)
_text = st.text(max_size=12)
_ask = st.builds(
    events.Ask,
    id=st.sampled_from(["1", "2", "", "x" * 65]) | st.text("abc", min_size=1, max_size=9),
    action=st.sampled_from(ACTIONS) | _text,
    arguments=st.lists(
        st.sampled_from(["50", "c1", "c2", "1", "root", "public.orders"]) | _text, max_size=3
    ).map(tuple),
    reason=_text,
    phase=st.sampled_from(["", "", "", "backfill", "finish"]),
    seq=st.sampled_from([0, 0, 0, 1, -5, 2**62]),
)
_frame = st.builds(
    FromClient,
    proto=st.sampled_from([None, 1, 2]) | st.integers(-3, 2**70),
    role=st.sampled_from(["operator", "observer"]),
    name=_text,
    screen=st.sampled_from(["", "s1", "s2"]),
    claims=_text,
    watch=st.booleans(),
    ask=st.none() | _ask,
    alive=st.booleans(),
    snapshot=st.booleans(),
).map(encode)
_line = st.one_of(
    _frame,
    _frame,
    st.binary(max_size=80),
    st.binary(max_size=80).map(lambda data: data + b"\n"),
    st.just(b'{"ask":' + b'{"a":' * 2000 + b"\n"),
    st.just(b"x" * (FROM_CLIENT + 10)),
)
_greeting = st.builds(
    FromClient,
    proto=st.sampled_from([1, 2]),
    role=st.sampled_from(["operator", "operator", "observer"]),
    screen=st.sampled_from(["", "s1", "s2"]),
    watch=st.booleans(),
).map(encode)
_asked = _ask.map(lambda ask: encode(FromClient(ask=ask)))
_asking = st.lists(_asked | _asked | _frame, min_size=1, max_size=20)
_client = st.tuples(
    st.booleans(),
    st.one_of(
        st.lists(_line, max_size=12),
        st.builds(lambda greeting, lines, last: [greeting, *lines, last], _greeting, _asking, _line),
    ),
)
"""Whether it reads what it is told, and what it says."""


class Served:
    """A desk behind a socket."""

    def __init__(self, path: Path) -> None:
        rules = SessionRules(controllers=("*",), two_person=True, observers_may_pause=True)
        self.office = Office(rules)
        office = self.office
        self.server = Server(
            SessionDirectory(path),
            path.name,
            lambda: office.session,
            office.desk.ask,
            office.stream.emit,
            clock=office.stream.now,
            patience=Patience(word=5.0, progress=0.2, greeting=0.5),
            people=People(rules),
        )
        office.stream.add(self.server.publish)
        office.stream.add(office.desk.lease.see)
        office.begin("finish")

    async def work(self) -> None:
        """Takes up whatever is decided, for ever."""
        while True:
            with contextlib.suppress(Stopped):
                await self.office.waiting("advance", "retry", "skip-gate")
                await self.office.control.sleep(0)


@pytest.mark.slow
@given(st.lists(_client, min_size=1, max_size=5))
@settings(deadline=None, max_examples=60)
def test_no_client_hurts_the_runner(clients: list[tuple[bool, list[bytes]]]) -> None:
    async def one(path: Path, reads: bool, lines: list[bytes]) -> None:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_unix_connection(str(path))
            for line in lines:
                writer.write(line)
                await asyncio.sleep(0)
                if reads:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(reader.read(100_000), 0.001)
            await asyncio.sleep(0.01)
            writer.close()

    async def scenario(folder: Path) -> None:
        failures: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
        served = Served(folder)
        await served.server.start()
        path = served.server.socket_path
        dice = Random(1)
        work = asyncio.create_task(served.work())
        busy = [asyncio.create_task(one(path, reads, lines)) for reads, lines in clients]
        for _ in range(50):
            # The work goes on meanwhile: it emits, and never waits.
            served.office.stream.emit(sample(0.0, 0, dice))
            for connection in served.server._connections.values():
                assert connection.held <= MOST_BYTES + WRITE_BUFFER + 64 * 1024
            await asyncio.sleep(0)
        await asyncio.gather(*busy)
        client = await connect(path, watch=False)
        answer = await client.ask("note", ("still here",), same_as="of-the-good-one")
        assert answer.state == "done"
        await client.close()
        await served.server.close()
        served.office.desk.close()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        assert failures == []
        assert served.server._connections == {}
        assert served.office.desk.book.open == {}

    with tempfile.TemporaryDirectory(prefix="cc-", dir="/tmp") as parent:
        path = Path(parent) / "s"
        path.mkdir(mode=0o700)
        asyncio.run(scenario(path))


async def test_a_flood_is_read_slowly_and_others_are_served_meanwhile(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = 0

    def counted(line: bytes) -> FromClient:
        nonlocal read
        read += b"flood" in line
        return read_client(line)

    monkeypatch.setattr("console.link.connection.read_client", counted)
    async with running(folder) as runner, raw(runner.server.socket_path) as flood:
        await flood.hear()
        await flood.say({"proto": 2, "watch": False})
        flood.writer.write(b'{"alive":true,"flood":1}\n' * 20_000)
        await eventually(lambda: read >= MOST_LINES - 1)
        client = await connect(runner.server.socket_path)
        for number in range(20):
            assert (await client.ask("note", same_as=str(number))).state == "done"
        assert read < 20_000, "what is left of it waits in the socket's buffer"
        await client.close()


async def test_a_line_of_a_gigabyte_is_not_taken_in(folder: Path) -> None:
    """The runner hangs up as soon as a line is longer than it may be; what the client still sends goes nowhere."""
    sent = 0
    chunk = b"x" * (1 << 20)
    async with running(folder) as runner, raw(runner.server.socket_path) as client:
        await client.hear()
        with contextlib.suppress(OSError):
            for _ in range(1024):
                client.writer.write(chunk)
                await client.writer.drain()
                sent += len(chunk)
        assert sent < 8 << 20
        await eventually(lambda: not runner.server._connections)
        assert runner.of(events.Attached) == []
