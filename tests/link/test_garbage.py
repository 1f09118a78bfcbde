"""Whatever a client sends, the server goes on, and tells it what it did not understand."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from console import events
from console.link.client import connect
from console.link.protocol import FROM_CLIENT
from tests.link.harness import eventually, raw, running

TOO_LONG = b"(too long)"

_garbage = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from(
            [
                b"\n",
                b"{}\n",
                b'{"proto":1}\n',
                b'{"proto":1,"role":"king"}\n',
                b'{"proto":"1"}\n',
                b'{"alive":true}\n',
                b'{"snapshot":true}\n',
                b'{"ask":{"id":"","action":"x"}}\n',
                b'{"ask":{"id":"1","action":"advance"}}\n',
                b'{"ask":null,"extra":[1,2]}\n',
                b'{"proto":' + b"9" * 400 + b"}\n",
                b"[" * 5000 + b"\n",
                b'{"name":"' + b"\xff" * 10 + b'"}\n',
                TOO_LONG,
            ]
        ),
    ),
    max_size=15,
)


@given(st.lists(_garbage, max_size=4))
@settings(deadline=None, max_examples=40)
def test_garbage_never_hurts_the_server(clients: list[list[bytes]]) -> None:
    async def scenario(folder: Path) -> None:
        failures: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
        async with running(folder) as runner:
            for pieces in clients:
                reader, writer = await asyncio.open_unix_connection(runner.server.socket_path)
                for piece in pieces:
                    writer.write(b"x" * (FROM_CLIENT + 10) if piece == TOO_LONG else piece)
                    await asyncio.sleep(0)
                if writer.can_write_eof():
                    writer.write_eof()
                reading = asyncio.create_task(reader.read())
                await asyncio.wait({reading}, timeout=10)
                assert reading.done(), "the server hangs up on whoever hung up"
                await asyncio.gather(reading, return_exceptions=True)
                writer.close()
            client = await connect(runner.server.socket_path)
            assert (await client.ask("note", same_as="last")).state == "done"
            await client.close()
        assert failures == []

    with tempfile.TemporaryDirectory(prefix="cc-", dir="/tmp") as parent:
        path = Path(parent) / "s"
        path.mkdir()
        asyncio.run(scenario(path))


async def test_garbage_is_answered_and_then_hung_up_on(folder: Path) -> None:
    async with running(folder) as runner, raw(runner.server.socket_path) as client:
        await client.hear()
        await client.say(b"GET / HTTP/1.1")
        assert (await client.hear())["error"].startswith("not understood")
        await client.say({"ask": {"id": "1", "action": "advance"}})
        assert (await client.hear())["error"] == 'say {"proto":2} first'
        assert runner.asked == []
        # No more than it takes: what nobody reads is answered by a reset, which may overtake the last words.
        for _ in range(19):
            await client.say(b"?")
        assert (await client.until(lambda line: "bye" in line))["bye"] == "20 lines were not understood"
        assert await client.hear() == {}
        await eventually(lambda: not runner.server._connections)


async def test_more_garbage_than_is_read_is_hung_up_on(folder: Path) -> None:
    async with running(folder) as runner, raw(runner.server.socket_path) as client:
        with contextlib.suppress(ConnectionError):
            for _ in range(40):
                await client.say(b"?")
            while await client.hear():
                pass
        await eventually(lambda: not runner.server._connections)


async def test_too_long_a_line_is_hung_up_on(folder: Path) -> None:
    async with running(folder) as runner, raw(runner.server.socket_path) as client:
        await client.hear()
        await client.say(b"x" * (FROM_CLIENT + 1))
        assert (await client.hear())["bye"] == f"a line of more than {FROM_CLIENT} bytes"
        assert runner.of(events.Attached) == []


async def test_asks_are_bounded(folder: Path) -> None:
    async with running(folder) as runner, raw(runner.server.socket_path) as client:
        runner.hold = asyncio.Event()
        await client.hear()
        await client.say({"proto": 1, "role": "operator", "watch": False})
        for number in range(20):
            await client.say({"ask": {"id": str(number), "action": "note"}})
        assert (await client.hear())["error"] == "more than 16 asks at once"
        assert len(runner.asked) == 16
        runner.hold.set()
        answers = [await client.until(lambda line: "answer" in line) for _ in range(16)]
        assert sorted(int(answer["answer"]["id"]) for answer in answers) == list(range(16))
