"""Who comes in, as whom, and the same screen again, over real sockets."""

from __future__ import annotations

import asyncio
import grp
import os
import stat
import sys
from pathlib import Path

import pytest

from console import events
from console.directories import DirectoryError, SessionDirectory, SessionFile, list_sessions
from console.link.client import connect, new_screen
from console.link.connection import Patience
from console.link.peer import Caller, Peer, Role
from console.sharing import share
from tests.link.harness import Runner, eventually, raw, running


class Everybody:
    """Admits all, each as an observer but for the user that the test runs as."""

    def admits(self, peer: Peer) -> bool:
        return True

    def role(self, owner: events.Owner, wanted: Role) -> Role:
        return wanted if owner.uid == os.geteuid() else "observer"


async def test_a_client_is_told_what_it_is_called(folder: Path) -> None:
    async with running(folder) as runner:
        client = await connect(runner.server.socket_path)
        await eventually(lambda: runner.session.clients)
        assert client.me == runner.session.clients[0].client == "c1"
        assert runner.server.silence("c1") is not None
        assert runner.server.silence("c9") is None
        await client.close()
        await eventually(lambda: runner.server.silence("c1") is None)


async def test_a_screen_that_comes_again_by_another_link_takes_the_place_of_the_old_one(folder: Path) -> None:
    async with running(folder) as runner:
        screen = new_screen()
        first = await connect(runner.server.socket_path, screen=screen)
        await eventually(lambda: runner.session.clients)
        other = await connect(runner.server.socket_path, screen=new_screen())
        again = await connect(runner.server.socket_path, screen=screen)
        await eventually(lambda: len(runner.of(events.Detached)) == 1)
        attached = [event for event in runner.of(events.Attached) if isinstance(event, events.Attached)]
        assert [one.instead_of for one in attached] == ["", "", "c1"]
        (detached,) = runner.of(events.Detached)
        assert isinstance(detached, events.Detached)
        assert (detached.client, detached.why) == ("c1", "its screen came back by another link")
        assert [client.client for client in runner.session.clients] == ["c2", "c3"]
        for client in (first, other, again):
            await client.close()


async def test_what_is_asked_carries_who_asks_and_how(folder: Path) -> None:
    async with running(folder, people=Everybody()) as runner:
        seen: list[Caller] = []
        inner = runner.ask

        async def ask(ask: events.Ask, caller: Caller) -> events.ActionChanged:
            seen.append(caller)
            return await inner(ask, caller)

        runner.server._ask = ask
        screen = await connect(runner.server.socket_path)
        sender = await connect(runner.server.socket_path, watch=False)
        observer = await connect(runner.server.socket_path, role="observer")
        for client in (screen, sender, observer):
            await client.ask("note")
            await client.close()
        assert [(one.client, one.role, one.screen) for one in seen] == [
            ("c1", "operator", True),
            ("c2", "operator", False),
            ("c3", "observer", True),
        ]
        assert {one.owner.uid for one in seen} == {os.geteuid()}


async def test_a_user_who_asks_too_much_is_told_and_not_recorded(folder: Path) -> None:
    async with running(folder, patience=Patience(asks=3)) as runner, raw(runner.server.socket_path) as client:
        await client.hear()
        await client.say({"proto": 2, "role": "operator", "watch": False})
        for number in range(6):
            await client.say({"ask": {"id": str(number), "action": "note"}})
        error = await client.until(lambda line: "error" in line)
        assert error["error"].endswith("asks too much at once: wait a second")
        assert len(runner.asked) == 3


async def test_a_screen_that_attaches_without_end_is_stopped(folder: Path) -> None:
    async with running(folder, patience=Patience(screens=2)) as runner:
        for _ in range(4):
            async with raw(runner.server.socket_path) as client:
                await client.hear()
                await client.say({"proto": 2})
                await client.hear()
        assert len(runner.of(events.Attached)) == 2


async def test_who_does_not_greet_is_hung_up_on(folder: Path) -> None:
    async with (
        running(folder, patience=Patience(greeting=0.05)) as runner,
        raw(runner.server.socket_path) as client,
    ):
        await client.hear()
        assert (await client.hear())["bye"] == 'no greeting within 0.05 s: say {"proto":2} first'
        await eventually(lambda: not runner.server._connections)


# -- A group


def test_a_group_is_let_in_and_everybody_else_stays_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root, a member and a stranger knock; as anyone else, the modes alone are seen."""
    group = grp.getgrgid(os.getgid())
    home = folder.parent
    home.chmod(0o755)
    monkeypatch.setenv("COLUMN_CONSOLE_HOME", str(home))
    path = home / "sessions" / "s1"
    path.mkdir(mode=0o700, parents=True)
    path.parent.chmod(0o700)
    directory = SessionDirectory(path)
    share(directory, group.gr_name)

    async def scenario() -> tuple[bytes, bytes]:
        runner = Runner(path, people=Everybody(), directory=directory)
        await runner.server.start()
        directory.write(
            SessionFile(
                id="s1",
                title="t",
                change_file="c",
                recording=str(path / "recording.jsonl"),
                socket=str(runner.server.socket_path),
                pid=1,
                started="2026-11-28T02:15:00+00:00",
            )
        )
        modes = {name: stat.S_IMODE((path / name).stat().st_mode) for name in ("runner.sock", "session.json")}
        assert modes == {"runner.sock": 0o660, "session.json": 0o640}
        assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(path.parent.stat().st_mode) == 0o750
        assert stat.S_IMODE((path / "runner.lock").stat().st_mode) == 0o600
        assert list_sessions()[0].state == "live"
        member = stranger = b""
        if os.geteuid() == 0:
            member = await _knock(runner.server.socket_path, gid=group.gr_gid)
            stranger = await _knock(runner.server.socket_path, gid=65534)
        await runner.server.close()
        return member, stranger

    member, stranger = asyncio.run(scenario())
    if os.geteuid() == 0:
        assert member.startswith(b'{"hello":"column-console"')
        assert stranger == b"PermissionError\n"


async def _knock(path: Path, *, gid: int) -> bytes:
    code = (
        "import os, socket, sys; os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(65534)\n"
        "s = socket.socket(socket.AF_UNIX)\n"
        "try: s.connect(sys.argv[1])\n"
        "except OSError as error: print(type(error).__name__)\n"
        "else: print(s.makefile().readline(), end='')\n"
    )
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, path, str(gid), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await other.communicate()
    return out


def test_a_group_that_can_not_come_in_is_told_before_anything_begins(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = folder.parent
    monkeypatch.setenv("COLUMN_CONSOLE_HOME", str(home))
    directory = SessionDirectory(folder)
    with pytest.raises(DirectoryError, match="There is no group no-such-group on this system"):
        share(directory, "no-such-group")
    home.chmod(0o700)
    other = next(entry for entry in grp.getgrall() if entry.gr_gid != os.getgid())
    with pytest.raises(
        DirectoryError, match=f"Group {other.gr_name} can't enter {home}: let an administrator"
    ):
        share(directory, other.gr_name)
