"""A screen's link over a real ssh, cut and held up in every way: it comes back, and no ask is lost or done twice."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest

from console import events
from console.link import lasting
from console.link.lasting import Lasting
from console.link.protocol import LinkError
from console.link.ways import SshWay
from console.session import Session, apply
from tests.link.harness import Runner, eventually
from tests.recording.streams import sample
from tests.runner.desks import Office
from tests.ssh.bastion import Bastion, is_sshd, ssh_of
from tests.ssh.conftest import SESSION

pytestmark = pytest.mark.slow


class Screen:
    """What follows a link, as the real screen does."""

    def __init__(self, link: Lasting) -> None:
        self.link = link
        self.session = Session()
        self.returns = 0
        self.over = ""
        self._following = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        try:
            async for event in self.link.events():
                self.session = apply(self.session, event)
                self.returns += self.link.returned()
            self.over = "ended"
        except ConnectionError as error:
            self.over = str(error)

    async def close(self) -> None:
        await self.link.close()
        await self._following


@asynccontextmanager
async def screen(session: str = SESSION, host: str = "bastion") -> AsyncIterator[Screen]:
    """A screen that is attached over ssh."""
    shown = Screen(await Lasting.open(SshWay(host, session)))
    try:
        await eventually(lambda: shown.session.header)
        yield shown
    finally:
        await shown.close()


def cut() -> None:
    """Kill the ssh of this process."""
    (ssh,) = ssh_of(os.getpid())
    ssh.kill()


async def back(shown: Screen, returns: int) -> None:
    """Wait until the screen has come back so many times."""
    await eventually(lambda: shown.returns == returns)


async def test_it_shows_what_the_runner_says(runner: Runner) -> None:
    async with screen() as shown:
        runner.emit(events.Note(text="hello", by="ana"))
        await eventually(lambda: shown.session.s == runner.session.s)
        assert shown.session == runner.session
        (client,) = runner.session.clients
        assert client.role == "operator"
        assert shown.link.host == "bastion"
        assert shown.link.title == SESSION
        assert (await shown.link.ask("pause")).state == "done"
        ((_, owner, _),) = runner.asked
        assert "ssh from 127.0.0.1" in owner.claims
    assert ssh_of(os.getpid()) == []


async def test_over_a_jump_host_and_by_the_beginning_of_its_name(runner: Runner) -> None:
    async with screen("orders", "behind") as shown:
        assert shown.link.title == SESSION


async def test_a_killed_ssh_comes_back_with_all_that_happened(runner: Runner) -> None:
    async with screen() as shown:
        for _ in range(2):
            returns = shown.returns
            cut()
            await eventually(lambda: shown.link.lost)
            for number in range(50):
                runner.emit(events.Note(text=f"note {number}", by="ana"))
            await back(shown, returns + 1)
            assert shown.link.lost == ""
            await eventually(lambda: shown.session.s == runner.session.s)
            assert shown.session == runner.session


async def test_a_bastion_that_is_down_is_tried_until_it_is_up(
    bastion: Bastion, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lasting, "LONGEST_PAUSE", 0.5)
    async with screen() as shown:
        bastion.stop()
        await eventually(lambda: "can't be reached" in shown.link.lost)
        with pytest.raises(LinkError, match="nothing was asked"):
            await shown.link.ask("pause")
        bastion.start()
        await eventually(lambda: shown.returns == 1)
        assert (await shown.link.ask("pause")).state == "done"


async def test_a_link_that_stands_still_is_given_up(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lasting, "BEAT", 0.2)
    monkeypatch.setattr(lasting, "SILENCE", 1.0)
    async with screen() as shown:
        (ssh,) = ssh_of(os.getpid())
        ssh.suspend()
        await eventually(lambda: "nothing was heard" in shown.link.lost)
        await eventually(lambda: shown.returns == 1)
        await eventually(lambda: not ssh.is_running())


async def test_asks_while_the_link_is_cut_at_random_are_done_once(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each press gets its answer, and the runner did each one exactly once."""
    monkeypatch.setattr(lasting, "LONGEST_PAUSE", 0.5)
    dice = Random(7)
    async with screen() as shown:
        answers: list[events.ActionChanged] = []
        pressed = 0
        for _ in range(6):
            wanted = shown.returns + 1
            asking = []
            for _ in range(4):
                pressed += 1
                asking.append(asyncio.create_task(shown.link.ask("throttle", (str(pressed),))))
            await asyncio.sleep(dice.random() * 0.02)
            cut()
            answers += await asyncio.gather(*asking)
            await back(shown, wanted)
        assert [answer.state for answer in answers] == ["done"] * pressed
        done = [ask.arguments[0] for ask, _, _ in runner.asked]
        assert sorted(done, key=int) == [str(number + 1) for number in range(pressed)]
        assert shown.link.unanswered == ()


async def test_an_old_ask_that_did_not_arrive_is_withdrawn(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stuck in an ssh that stands still; when it comes out after all, nothing is done."""
    monkeypatch.setattr(lasting, "BEAT", 0.2)
    monkeypatch.setattr(lasting, "SILENCE", 1.0)
    monkeypatch.setattr(lasting, "FRESH", 0.0)
    async with screen() as shown:
        (ssh,) = ssh_of(os.getpid())
        ssh.suspend()
        answer = await shown.link.ask("advance")
        assert (answer.action, answer.state) == ("advance", "expired")
        assert "was not done and will not be" in answer.text
        assert {(ask.action, ask.id) for ask, _, _ in runner.asked} == {("withdraw", answer.id)}


async def test_what_was_withdrawn_is_not_done_should_it_still_come() -> None:
    office = Office()
    ana = office.attach("c1", "ana")
    await office.ask(ana, lasting.WITHDRAW, id_="x")
    late = await office.ask(ana, "note", "late", id_="x")
    assert late.action == lasting.WITHDRAW
    assert [line.text for line in office.session.log if "late" in line.text] == []


async def test_a_session_that_ended_meanwhile_is_shown_as_it_ended(bastion: Bastion, runner: Runner) -> None:
    recording = bastion.home / "sessions" / SESSION / "recording.jsonl"
    async with screen() as shown:
        bastion.stop()
        await eventually(lambda: shown.link.lost)
        runner.emit(events.Ended(outcome="completed", exit_status=0, text="all done"))
        recording.write_bytes(b"".join(events.encode(event) + b"\n" for event in runner.stream))
        await runner.server.close()
        bastion.start()
        await eventually(lambda: shown.over)
        assert shown.over == "ended"
        assert shown.session.ended is not None
        assert shown.session.ended.text == "all done"


async def test_a_session_that_was_removed_meanwhile_is_given_up(
    bastion: Bastion, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lasting, "NOBODY", 0.1)
    async with screen() as shown:
        await runner.server.close("it was told to go")
        shutil.rmtree(bastion.home / "sessions" / SESSION)
        await eventually(lambda: shown.over)
        assert shown.over.startswith("on bastion: There are no sessions in ")
        assert shown.link.lost == shown.over


async def test_bytes_that_trickle_are_no_silence(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lasting, "BEAT", 0.2)
    monkeypatch.setattr(lasting, "SILENCE", 1.0)
    dice = Random(1)
    async with screen() as shown:
        for _ in range(20):
            runner.emit(sample(0.0, 0, dice))
            await asyncio.sleep(0.1)
        assert (shown.returns, shown.link.lost) == (0, "")


async def test_the_relay_leaves_when_the_caller_does(bastion: Bastion, runner: Runner) -> None:
    async with screen():
        relays = [child for login in bastion.logins() for child in login.children() if not is_sshd(child)]
        assert relays
    await eventually(lambda: not any(relay.is_running() for relay in relays))
    await eventually(lambda: runner.session.clients == ())


async def test_leaving_while_ssh_stands_still(runner: Runner) -> None:
    async with screen():
        (ssh,) = ssh_of(os.getpid())
        os.kill(ssh.pid, signal.SIGSTOP)
    assert not ssh.is_running()
