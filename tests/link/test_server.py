"""The server holds out against clients that are slow, silent, strange or somebody else, and a second runner."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from console import events
from console.directories import DirectoryError, SessionDirectory, SessionFile
from console.link.client import connect
from console.link.connection import Patience
from console.link.outbox import MOST_BYTES
from console.link.peer import Peer
from console.link.protocol import LinkError
from console.link.server import MOST_CLIENTS, Server
from console.session import Session, apply
from tests.link.harness import Runner, eventually, raw, running

IMPATIENT = Patience(word=60.0, progress=0.1)


# -- One runner for a session


async def test_a_second_runner_is_refused(folder: Path) -> None:
    async with running(folder) as runner:
        SessionDirectory(folder).write(_session_file(folder, runner))
        second = Runner(folder)
        with pytest.raises(DirectoryError, match=rf"has a runner already \(process {os.getpid()}\)"):
            await second.server.start()
        client = await connect(runner.server.socket_path)
        assert (await client.ask("note")).state == "done"
        await client.close()
    async with running(folder):
        pass


def _session_file(folder: Path, runner: Runner) -> SessionFile:
    return SessionFile(
        id=folder.name,
        title="public.orders.placed_on",
        change_file="/c.toml",
        recording=str(folder / "recording.jsonl"),
        socket=str(runner.server.socket_path),
        pid=os.getpid(),
        started="2026-11-28T02:15:00+00:00",
    )


async def test_a_live_socket_is_not_taken_over_even_without_its_lock(folder: Path) -> None:
    async with running(folder) as runner:
        (folder / "runner.lock").unlink()
        with pytest.raises(DirectoryError, match="Another runner listens"):
            await Runner(folder).server.start()
        client = await connect(runner.server.socket_path)
        await client.close()


def test_the_socket_of_a_killed_runner_is_replaced(folder: Path) -> None:
    code = (
        "import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); "
        "print('up', flush=True); time.sleep(600)"
    )
    dead = subprocess.Popen([sys.executable, "-c", code, folder / "runner.sock"], stdout=subprocess.PIPE)
    assert dead.stdout is not None
    assert dead.stdout.readline() == b"up\n"
    dead.kill()
    dead.wait()
    dead.stdout.close()
    assert (folder / "runner.sock").is_socket()

    async def start() -> None:
        async with running(folder) as runner:
            client = await connect(runner.server.socket_path)
            await client.close()

    asyncio.run(start())


async def test_screens_of_a_killed_runner_are_signed_off(folder: Path) -> None:
    runner = Runner(folder)
    runner.emit(events.Attached(client="c7", owner=events.Owner(name="bo"), role="observer"))
    await runner.server.start()
    assert runner.session.clients == ()
    assert runner.of(events.Detached) != []
    await runner.server.close()


async def test_the_socket_is_for_its_owner_alone_and_goes_with_the_runner(folder: Path) -> None:
    mask = os.umask(0)
    try:
        async with running(folder) as runner:
            path = runner.server.socket_path
            assert path == folder / "runner.sock"
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
        assert not path.exists()
    finally:
        os.umask(mask)


async def test_a_deep_folder_has_its_socket_elsewhere(folder: Path) -> None:
    deep = folder / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    async with running(deep) as runner:
        path = runner.server.socket_path
        assert len(os.fsencode(path)) <= 107
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        client = await connect(path)
        await client.close()
        SessionDirectory(deep).write(_session_file(deep, runner))
        assert SessionDirectory(deep).socket_path() == path, "the one that is known is used again"
    assert not path.parent.exists()


# -- Who may come in


def test_another_user_is_refused(folder: Path) -> None:
    """As root, somebody else knocks; as anyone else, who could not become another, the rule alone is seen."""
    assert not Peer(pid=1, uid=os.geteuid() + 1, name="x").admitted
    assert Peer(pid=1, uid=0, name="root").admitted
    if os.geteuid() != 0:
        return

    async def knock() -> bytes:
        async with running(folder) as runner:
            # Opened wide, so that it is the server that refuses, and not the folder.
            for path, mode in ((folder.parent, 0o755), (folder, 0o755), (runner.server.socket_path, 0o777)):
                path.chmod(mode)
            code = (
                "import os, socket, sys; os.setgid(65534); os.setuid(65534); s = socket.socket(socket.AF_UNIX)\n"
                "s.connect(sys.argv[1]); print(s.makefile().read())"
            )
            other = await asyncio.create_subprocess_exec(
                sys.executable, "-c", code, runner.server.socket_path, stdout=asyncio.subprocess.PIPE
            )
            out, _ = await other.communicate()
            assert runner.of(events.Attached) == []
            return out

    out = asyncio.run(knock())
    assert out.startswith(b'{"refused":"This session is not for nobody')
    assert out.count(b"\n") == 2


async def test_too_many_clients_are_refused(folder: Path) -> None:
    async with running(folder) as runner:
        opened = []
        for _ in range(MOST_CLIENTS):
            reader, writer = await asyncio.open_unix_connection(runner.server.socket_path)
            assert (await reader.readline()).startswith(b'{"hello"')
            opened.append(writer)
        with pytest.raises(LinkError, match="32 clients are connected already"):
            await connect(runner.server.socket_path)
        for writer in opened:
            writer.close()


@pytest.mark.parametrize(
    ("proto", "says"),
    [
        (
            0,
            "Your column-console is older (7.7, protocol 0) than the runner's (0.1.0, protocol 1 to 2): update yours.",
        ),
        (
            3,
            "The runner's column-console is older (0.1.0, protocol 1 to 2) than yours (7.7, protocol 3): attach",
        ),
    ],
)
async def test_another_protocol_is_told_which_end_is_older(folder: Path, proto: int, says: str) -> None:
    async with running(folder) as runner, raw(runner.server.socket_path) as client:
        await client.hear()
        await client.say({"proto": proto, "version": "7.7"})
        (said,) = (await client.hear()).items()
        assert said[0] == "refused"
        assert said[1].startswith(says)
        assert await client.hear() == {}
        assert runner.of(events.Attached) == []


@pytest.mark.parametrize(
    ("span", "says"),
    [
        (
            (3, 4),
            "This column-console is older (0.1.0, protocol 1 to 2) than the runner's (9.9, protocol 3 to 4)",
        ),
        (
            (0, 0),
            "The runner's column-console is older (9.9, protocol 0) than this one (0.1.0, protocol 1 to 2)",
        ),
    ],
)
async def test_another_runner_is_told_which_end_is_older(
    folder: Path, span: tuple[int, int], says: str
) -> None:
    path = folder / "runner.sock"

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = {
            "hello": "x",
            "version": "9.9",
            "proto": span,
            "session": "s",
            "you": "a",
            "pid": 1,
            "new": [],
        }
        writer.write(str(hello).replace("'", '"').replace("(", "[").replace(")", "]").encode() + b"\n")
        writer.close()
        gone.set()

    gone = asyncio.Event()
    server = await asyncio.start_unix_server(other, str(path))
    with pytest.raises(LinkError) as caught:
        await connect(path)
    await gone.wait()
    assert str(caught.value).startswith(says)
    server.close()


async def test_names_and_claims_are_claims(folder: Path) -> None:
    async with running(folder) as runner, raw(runner.server.socket_path) as client:
        await client.hear()
        await client.say(
            {"proto": 1, "role": "operator", "name": "boss\x1b[1m", "claims": "tty\n" + "x" * 999}
        )
        await eventually(lambda: runner.of(events.Attached))
        (attached,) = runner.of(events.Attached)
        assert isinstance(attached, events.Attached)
        assert attached.owner.uid == os.geteuid()
        assert attached.owner.claims.startswith("calls itself boss␛[1m, tty x")
        assert len(attached.owner.claims) < 320


# -- Clients that are slow or silent


async def test_a_client_that_reads_nothing_costs_a_bounded_amount_and_the_runner_nothing(
    folder: Path,
) -> None:
    async with running(folder) as runner, raw(runner.server.socket_path) as slow:
        good = await connect(runner.server.socket_path)
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await slow.say({"proto": 1})
        await eventually(lambda: len(runner.of(events.Attached)) == 2)
        connections = list(runner.server._connections.values())
        most = 0
        for number in range(3000):
            runner.emit(events.Log(level="info", text=f"{number} " + "x" * 2000))
            if number % 10 == 0:
                await asyncio.sleep(0)
                most = max([most, *(connection.held for connection in connections)])
        snapshot = max(len(line) for line in (await _snapshot_size(runner),))
        assert most < MOST_BYTES + snapshot + 400_000, "6 MB were sent"
        session = Session()
        async for event in good.events():
            session = apply(session, event)
            if session.s == runner.session.s:
                break
        assert session == runner.session
        # When it reads again it has the whole picture.
        slow.writer.transport.resume_reading()  # type: ignore[attr-defined]
        runner.emit(events.Note(text="last", by="ana"))
        session = Session()
        while session.s < runner.session.s:
            line = await slow.reader.readline()
            if line.startswith(b'{"kind"'):
                session = apply(session, events.decode(line))
        assert session == runner.session
        await good.close()


async def _snapshot_size(runner: Runner) -> bytes:
    client = await connect(runner.server.socket_path)
    first = await anext(client.events())
    await client.close()
    return events.encode(first)


async def test_a_client_that_makes_no_progress_is_dropped(folder: Path) -> None:
    async with running(folder, patience=IMPATIENT) as runner, raw(runner.server.socket_path) as slow:
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await slow.say({"proto": 1})
        await eventually(lambda: runner.of(events.Attached))
        while not runner.of(events.Detached):
            runner.emit(events.Log(level="info", text="x" * 5000))
            await asyncio.sleep(0.001)
        (detached,) = runner.of(events.Detached)
        assert isinstance(detached, events.Detached)
        assert detached.why == "read nothing for 0.1 s"


async def test_a_client_that_says_nothing_is_dropped_and_told_why(folder: Path) -> None:
    async with (
        running(folder, patience=Patience(word=0.2)) as runner,
        raw(runner.server.socket_path) as client,
    ):
        await client.hear()
        await client.say({"proto": 1})
        assert (await client.until(lambda line: "bye" in line))["bye"].startswith("no word for 0.2 s: send")
        assert await client.hear() == {}
        await eventually(lambda: runner.of(events.Detached))


@pytest.mark.slow
async def test_a_client_that_beats_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.link.client.HEARTBEAT", 0.02)
    async with running(folder, patience=Patience(word=2.0)) as runner:
        client = await connect(runner.server.socket_path)
        stream = client.events()
        await anext(stream)
        for _ in range(150):
            await asyncio.sleep(0.02)
        runner.emit(events.Note(text="still there", by="ana"))
        assert isinstance(await anext(stream), events.Note)
        await client.close()


async def test_a_runner_that_ends_waits_for_nobody_for_long(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.link.server.FAREWELL", 0.1)
    async with (
        running(folder) as runner,
        raw(runner.server.socket_path) as slow,
        raw(runner.server.socket_path) as mute,
    ):
        await mute.hear()
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await slow.say({"proto": 1})
        await eventually(lambda: runner.of(events.Attached))
        for _ in range(2000):
            runner.emit(events.Log(level="info", text="x" * 3000))
            await asyncio.sleep(0)
        await runner.server.close()
        assert not runner.server._connections
        assert await mute.hear() == {"bye": "the session has ended"}


# -- Coming and going


def test_listing_knocks_without_a_trace(folder: Path) -> None:
    async def scenario() -> None:
        async with running(folder) as runner:
            for _ in range(20):
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(str(runner.server.socket_path))
                await asyncio.sleep(0)
            await eventually(lambda: not runner.server._connections)
            assert len(runner.stream) == 1

    asyncio.run(scenario())


async def test_closing_twice_or_before_starting_is_harmless(folder: Path) -> None:
    runner = Runner(folder)
    await runner.server.close()
    await runner.server.start()
    await runner.server.close()
    await runner.server.close()
    assert isinstance(runner.server, Server)
