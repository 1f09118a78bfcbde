"""A screen's link to a session that is not coming back: it says so, and stops."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from console import events
from console.link import lasting
from console.link.lasting import Lasting
from console.link.protocol import LinkError
from console.link.ways import LocalWay
from console.session import Session, apply
from tests.link.harness import Runner, running
from tests.ssh.conftest import described

pytestmark = pytest.mark.slow


@pytest.fixture
def session(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A session's folder where sessions are looked for."""
    monkeypatch.setenv("COLUMN_CONSOLE_HOME", str(folder.parent))
    monkeypatch.setattr(lasting, "NOBODY", 0.4)
    there = folder.parent / "sessions" / folder.name
    there.parent.mkdir()
    folder.rename(there)
    return there


async def followed(link: Lasting, runner: Runner, when: str) -> tuple[Session, str]:
    """The session as a screen shows it in the end, and why it stopped; its runner goes at the first event."""
    shown, why = Session(), "ended"
    try:
        async for event in link.events():
            shown = apply(shown, event)
            if runner.server.socket_path.exists():
                if when == "ended":
                    runner.emit(events.Ended(outcome="completed", exit_status=0, text="all done"))
                    recording = runner.server.socket_path.with_name("recording.jsonl")
                    recording.write_bytes(b"".join(events.encode(one) + b"\n" for one in runner.stream))
                await runner.server.close("it was told to go")
                if when == "removed":
                    shutil.rmtree(runner.server.socket_path.parent)
    except LinkError as error:
        why = str(error)
    return shown, why


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("gone", "session orders-placed_on-1 has no runner any more: `column-console run /change.toml` takes it up"),
        ("removed", "session orders-placed_on-1 is not there any more: its folder was removed"),
        ("ended", "ended"),
    ],
)  # fmt: skip
async def test_what_does_not_come_back_is_told(session: Path, when: str, said: str) -> None:
    async with running(session) as runner:
        described(session)
        link = await Lasting.open(LocalWay(session / "runner.sock"))
        shown, why = await followed(link, runner, when)
        assert why.startswith(said)
        assert (shown.ended is not None) == (when == "ended")
        # What stands on the screen from now on, and an ask is told the same.
        assert link.lost == ("" if when == "ended" else why)
        with pytest.raises(LinkError):
            await link.ask("pause")
        await link.close()


async def test_a_session_that_is_taken_up_again_in_time_is_followed(
    session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lasting, "NOBODY", 30.0)
    async with running(session) as first:
        described(session)
        link = await Lasting.open(LocalWay(session / "runner.sock"))
        following = link.events()
        await anext(following)
        await first.server.close("it was told to go")
    async with running(session) as second:
        second.emit(events.Log(level="info", text="here again"))
        async for event in following:
            if link.returned():
                assert isinstance(event, events.Snapshot)
                assert link.lost == ""
                break
        await link.close()
