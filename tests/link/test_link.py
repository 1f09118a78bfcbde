"""A screen and a runner over a real socket: all events arrive, in order, and asks get their answers."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings

from console import events
from console.link.client import Client, connect
from console.link.once import send_once
from console.link.peer import login_name
from console.link.protocol import FromServer, Hello, LinkError, encode
from console.session import Session, apply, snapshot
from tests.link.harness import Runner, eventually, raw, running
from tests.recording.streams import plan, streams

ME = login_name(os.geteuid())


async def _follow(client: Client, until: int) -> Session:
    session = Session()
    async for event in client.events():
        session = apply(session, event)
        if session.s >= until:
            return session
    raise AssertionError("the runner hung up")


def _screens(runner: Runner) -> list[events.Attached]:
    """Those that attached to the server; made-up streams tell of others."""
    attached = [event for event in runner.stream if isinstance(event, events.Attached)]
    return [event for event in attached if event.owner.uid == os.geteuid()]


async def test_attach_gives_the_session_whole_then_what_happens(folder: Path) -> None:
    async with running(folder) as runner:
        for number in range(50):
            runner.emit(events.Log(level="info", text=f"line {number}"))
        client = await connect(runner.server.socket_path)
        assert (client.title, client.mode, client.hello.you) == (folder.name, "live", ME)
        stream = client.events()
        first = await anext(stream)
        assert isinstance(first, events.Snapshot)
        session = apply(Session(), first)
        assert session == runner.session
        assert [(one.name, one.role) for one in session.clients] == [(ME, "operator")]
        for number in range(200):
            runner.emit(events.Log(level="info", text=f"more {number}"))
        for _ in range(200):
            session = apply(session, await anext(stream))
        assert session == runner.session
        await client.close()
        assert [event async for event in stream] == []
        await eventually(lambda: runner.of(events.Detached))
        assert runner.session.clients == ()


@given(streams(max_size=40))
@settings(deadline=None, max_examples=15)
def test_two_screens_and_the_runner_agree(stream: list[events.Event]) -> None:
    async def scenario(folder: Path) -> None:
        async with running(folder) as runner:
            early = await connect(runner.server.socket_path, role="observer")
            runner.emit(events.Planned(plan=plan()))
            for event in stream[: len(stream) // 2]:
                runner.emit(event)
            late = await connect(runner.server.socket_path)
            await eventually(lambda: len(_screens(runner)) == 2)
            for event in stream[len(stream) // 2 :]:
                runner.emit(event)
                await asyncio.sleep(0)
            last = runner.session.s
            seen = list(await asyncio.gather(_follow(early, last), _follow(late, last)))
            assert seen == [runner.session, runner.session]
            await early.close()
            await late.close()

    with tempfile.TemporaryDirectory(prefix="cc-", dir="/tmp") as parent:
        path = Path(parent) / "s"
        path.mkdir()
        asyncio.run(scenario(path))


async def test_an_ask_gets_its_answer_and_its_event(folder: Path) -> None:
    async with running(folder) as runner:
        client = await connect(runner.server.socket_path)
        answer = await client.ask("throttle", ("50",), "lag", phase="backfill", seq=7)
        assert (answer.action, answer.state, answer.arguments, answer.reason) == (
            "throttle",
            "done",
            ("50",),
            "lag",
        )
        ((ask, owner, role),) = runner.asked
        assert (ask.phase, ask.seq, role) == ("backfill", 7, "operator")
        assert (owner.name, owner.uid) == (ME, os.geteuid())
        assert answer in (await _follow(client, runner.session.s)).actions or answer.id == ask.id
        again = await client.ask("throttle", ("50",), "lag", same_as=ask.id)
        assert again.id == answer.id
        await client.close()


async def test_the_same_ask_twice_at_once_is_done_once(folder: Path) -> None:
    async with running(folder) as runner:
        runner.hold = asyncio.Event()
        first = await connect(runner.server.socket_path)
        second = await connect(runner.server.socket_path, watch=False)
        asks = [asyncio.create_task(one.ask("advance", same_as="one")) for one in (first, second, first)]
        await eventually(lambda: runner.asked)
        for _ in range(50):
            await asyncio.sleep(0)
        runner.hold.set()
        answers = await asyncio.gather(*asks)
        assert [answer.state for answer in answers] == ["done"] * 3
        assert len(runner.asked) == 1
        await first.close()
        await second.close()


async def test_an_action_outlives_its_asker(folder: Path) -> None:
    async with running(folder) as runner:
        runner.hold = asyncio.Event()
        client = await connect(runner.server.socket_path)
        asking = asyncio.create_task(client.ask("advance"))
        await eventually(lambda: runner.asked)
        await client.close()
        with pytest.raises(LinkError):
            await asking
        runner.hold.set()
        await eventually(lambda: runner.of(events.ActionChanged))


async def test_a_runner_that_fails_at_an_action_says_so(folder: Path) -> None:
    async with running(folder) as runner:
        runner.fail = RuntimeError("of our own making")
        client = await connect(runner.server.socket_path)
        answer = await client.ask("advance")
        assert (answer.state, answer.text) == ("refused", "the runner failed at it: see its log")
        assert "RuntimeError: of our own making" in runner.session.log[-1].text
        runner.fail = None
        assert (await client.ask("advance")).state == "done"
        await client.close()


async def test_the_end_is_orderly(folder: Path) -> None:
    async with running(folder) as runner:
        client = await connect(runner.server.socket_path)
        await eventually(lambda: runner.of(events.Attached))
        runner.emit(events.Ended(outcome="completed", exit_status=0, text="done"))
        await runner.server.close()
        seen = [event async for event in client.events()]
        session = Session()
        for event in seen:
            session = apply(session, event)
        assert session == runner.session
        assert session.ended is not None
        assert client.ended == "the session has ended"
        with pytest.raises(LinkError, match="the session has ended"):
            await client.ask("pause")
        # The session's last event is its end.
        assert isinstance(runner.stream[-1], events.Ended)
        await client.close()


async def test_a_runner_that_dies_is_told_from_one_that_ends(folder: Path) -> None:
    """A server that hangs up without a word."""
    path = folder / "runner.sock"

    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(encode(Hello(hello="x", version="0", proto=(1, 1), session="s", you="a", pid=1)))
        await reader.readline()
        writer.close()

    server = await asyncio.start_unix_server(die, str(path))
    client = await connect(path)
    with pytest.raises(LinkError, match="hung up without a word"):
        _ = [event async for event in client.events()]
    await client.close()
    server.close()


async def test_a_gap_is_healed_by_a_snapshot(folder: Path) -> None:
    """A server that loses events, as ours never does, and answers as ours would."""
    path = folder / "runner.sock"
    truth = [events.Log(level="info", text=f"{n}", t=float(n), s=n) for n in range(1, 21)]
    asked: list[bytes] = []

    async def lossy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def send(*what: events.Event) -> None:
            writer.writelines(events.encode(event) + b"\n" for event in what)

        session = Session()
        writer.write(encode(Hello(hello="x", version="0", proto=(1, 1), session="s", you="a", pid=1)))
        await reader.readline()
        send(snapshot(apply(session, truth[0]), whole=True), truth[1], truth[2], truth[6], truth[7])
        writer.write(b'{"kind":"log","damaged\n')
        asked.append(await reader.readline())
        for event in truth[:10]:
            session = apply(session, event)
        send(snapshot(session, whole=True), truth[5], truth[10])
        writer.write(encode(FromServer(skip=(12, 14))))
        send(*truth[14:])
        writer.write(encode(FromServer(bye="enough")))
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(lossy, str(path))
    client = await connect(path)
    seen = [event.s async for event in client.events()]
    assert seen == [1, 2, 3, 10, 11, *range(15, 21)]
    assert asked == [b'{"snapshot":true}\n']
    await client.close()
    server.close()


async def test_the_clock_goes_on_between_events(folder: Path) -> None:
    async with running(folder) as runner:
        client = await connect(runner.server.socket_path)
        await _follow(client, runner.session.s)
        before = client.now()
        assert before >= runner.session.t
        await asyncio.sleep(0.02)
        assert client.now() >= before + 0.02
        await client.close()


async def test_nobody_there(folder: Path) -> None:
    for path in (folder / "runner.sock", folder / "session.json"):
        path.touch() if path.suffix == ".json" else None
        with pytest.raises(LinkError, match="No runner listens on"):
            await connect(path)
        with pytest.raises(LinkError, match="No runner listens on"):
            send_once(path, events.Ask(id="1", action="pause"))


async def test_something_else_there(folder: Path) -> None:
    path = folder / "runner.sock"
    replies = [b"220 smtp\n", b"", b'{"refused":"no \\u001b[31mred"}\n', b'{"hello":"x"}\n', b"x" * 5_000_000]
    said: list[str] = []

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(replies[len(said)])
        writer.close()

    server = await asyncio.start_unix_server(other, str(path))
    for _ in replies:
        with pytest.raises(LinkError) as caught:
            await connect(path)
        said.append(str(caught.value))
    assert said[0] == said[3] == "What listens there is no runner of column-console."
    assert said[1].startswith("The runner hung up at once")
    assert said[2] == "no ␛[31mred"
    assert said[4].startswith("The runner can't be understood")
    server.close()


async def test_silence_is_not_waited_for(folder: Path) -> None:
    path = folder / "runner.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        with pytest.raises(LinkError, match="says nothing within"):
            await connect(path, within=0.05)
        with pytest.raises(LinkError, match="does not answer within"):
            await asyncio.to_thread(send_once, path, events.Ask(id="1", action="pause"), timeout=0.05)


# -- A single ask, without asyncio


async def test_send_once(folder: Path) -> None:
    async with running(folder) as runner:
        watcher = await connect(runner.server.socket_path)
        await eventually(lambda: runner.of(events.Attached))
        ask = events.Ask(id="abc", action="pause", reason="lunch")
        answer = await asyncio.to_thread(send_once, runner.server.socket_path, ask)
        assert (answer.id, answer.state, answer.reason) == ("abc", "done", "lunch")
        assert answer.owner.name == ME
        assert len(runner.of(events.Attached)) == 1, "whoever only asks is no screen"
        await watcher.close()


async def test_send_once_where_the_session_ends(folder: Path) -> None:
    async with running(folder) as runner:
        runner.hold = asyncio.Event()
        ask = events.Ask(id="abc", action="pause")
        sending = asyncio.create_task(asyncio.to_thread(send_once, runner.server.socket_path, ask))
        await eventually(lambda: runner.asked)
        await runner.server.close()
        with pytest.raises(LinkError):
            await sending


def test_send_once_and_the_list_of_sessions_load_little() -> None:
    code = (
        "import sys; import console.link.once, console.directories; "
        "print([m for m in ('asyncio', 'textual', 'rich', 'psycopg', 'pymysql', 'click') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


async def test_a_bare_client_can_use_it(folder: Path) -> None:
    async with running(folder) as runner:
        async with raw(runner.server.socket_path) as client:
            hello = await client.hear()
            assert hello["hello"] == "column-console"
            assert hello["proto"] == [1, 2]
            assert (hello["session"], hello["you"], hello["pid"]) == (folder.name, ME, os.getpid())
            assert runner.of(events.Attached) == []
            await client.say({"proto": 1})
            first = await client.hear()
            assert first["kind"] == "snapshot"
            assert first["session"]["clients"][0]["role"] == "observer"
            runner.emit(events.Note(text="hello", by="ana"))
            heard = await client.until(lambda line: line.get("kind") == "note")
            assert heard["text"] == "hello"
            await client.say({"alive": True})
            assert (await client.until(lambda line: "alive" in line))["alive"] >= 0
            await client.say({"ask": {"id": "1", "action": "note", "arguments": ["hi"]}})
            answer = await client.until(lambda line: "answer" in line)
            assert answer["answer"]["state"] == "done"
            assert runner.asked[0][2] == "observer"
        await eventually(lambda: runner.of(events.Detached))
