"""A whole change on the demo's shop, driven over ssh while the link is cut again and again: it completes, and every
press is done once or not at all, as its presser was told.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

import psutil
import pytest

from console import directories, events
from console.demo.client import World, start_world
from console.link import lasting
from console.link.protocol import LinkError
from console.recording import Recording
from console.session import Session
from tests.servers.fixtures import Servers
from tests.ssh.bastion import Bastion, ssh_of
from tests.ssh.test_link import Screen, screen
from tests.ssh.wire import FAR, Wire

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(600)]
ROWS = 30_000
CUTS = 10
VERSIONS = {"dual-writes": "v2", "reads": "v3"}


@pytest.fixture(params=["loopback", "wire"] if os.geteuid() == 0 else ["loopback"])
def wire(request: pytest.FixtureRequest) -> Iterator[Wire | None]:
    """The network in between: a slow and lossy one, of which only root can make one, or none."""
    made = Wire() if request.param == "wire" else None
    yield made
    if made is not None:
        made.close()


@pytest.fixture
def bastion(wire: Wire | None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bastion]:
    """The bastion at the far end of it."""
    there = Bastion() if wire is None else Bastion(address=FAR, there=tuple(wire.far), here=tuple(wire.near))
    there.start()
    for name, value in there.environment.items():
        monkeypatch.setenv(name, value)
    yield there
    there.close()


@pytest.fixture
def world(servers: Servers) -> Iterator[World]:
    """The demo's shop: primary, standby, application."""
    servers.rest()
    with start_world(rows=ROWS) as world:
        yield world


@pytest.fixture
def session(bastion: Bastion, world: World) -> Iterator[directories.Listed]:
    """The change's session, begun on the bastion by ssh, as an operator does it."""
    done = subprocess.run(
        ["ssh", "-T", "bastion", f"column-console run '{world.change_file}' --detach"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMN_CONSOLE_HOME", str(bastion.home))
        listed = directories.find_session(done.stdout.strip())
        assert listed.state == "live"
        yield listed
        if directories.find_session(listed.session.id).state == "live":
            os.kill(listed.session.pid, signal.SIGKILL)


class Operator:
    """Presses what is to be pressed, and keeps what came of it."""

    def __init__(self, shown: Screen, world: World, dice: Random) -> None:
        self.shown = shown
        self.world = world
        self.dice = dice
        self.answers: list[events.ActionChanged] = []
        self.unsent: list[str] = []
        self.hold = True
        """Leaves the last phase alone."""
        self._deployed: set[str] = set()

    @property
    def session(self) -> Session:
        return self.shown.session

    async def press(self, action: str, *arguments: str) -> events.ActionChanged | None:
        """One press, with the phase and the event that the presser sees; None where there was no link."""
        try:
            answer = await self.shown.link.ask(
                action, arguments, "", self.session.phase if action == "advance" else "", self.session.s
            )
        except LinkError as error:
            self.unsent.append(str(error))
            await asyncio.sleep(0.1)
            return None
        self.answers.append(answer)
        return answer

    async def walk(self) -> None:
        """Advance whenever the session waits for it, and deploy what the gates wait for."""
        while self.session.ended is None:
            await asyncio.sleep(0.05)
            for phase, version in VERSIONS.items():
                view = self.session.view(phase)
                if view is not None and view.state == "running" and phase not in self._deployed:
                    self._deployed.add(phase)
                    await asyncio.to_thread(self.world.ask, "deploy", version=version)
            last = self.session.phases[-1].name if self.session.phases else ""
            if self.session.waits_for != "advance" or (self.hold and self.session.phase == last):
                continue
            phase = self.session.phase
            answer = await self.press("advance")
            if answer is not None and answer.state == "done":
                await self._moved(phase)

    async def _moved(self, phase: str) -> None:
        while self.session.ended is None and self.session.phase == phase:
            if self.session.waits_for != "advance":
                return
            await asyncio.sleep(0.02)

    async def fiddle(self) -> None:
        """Turn the throttle, all the time: each press another figure."""
        number = 0
        while self.session.ended is None:
            number += 1
            await self.press("throttle", f"{3000 + number}rows/s")
            await asyncio.sleep(self.dice.random() * 0.2)


async def cut(bastion: Bastion, wire: Wire | None, dice: Random) -> str:
    """Cut the link in one of the ways in which links are cut."""
    way = dice.choice(
        ("kill ssh", "stop ssh", "kill the login", "stop the login", *["link down"] * 4 * bool(wire))
    )
    if wire is not None and way == "link down":
        wire.link("down")
        await asyncio.sleep(lasting.SILENCE + dice.random() * 5)
        wire.link("up")
        return way
    victims = ssh_of(os.getpid()) if "ssh" in way else bastion.logins()
    for victim in victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.send_signal(signal.SIGKILL if "kill" in way else signal.SIGSTOP)
    return way


async def until(right: Callable[[], object], what: str, patience: float = 120.0) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + patience
    while not right():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.05)


async def test_a_change_completes_over_a_link_that_is_cut_ten_times(
    bastion: Bastion,
    wire: Wire | None,
    world: World,
    session: directories.Listed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lasting, "BEAT", 1.0)
    monkeypatch.setattr(lasting, "SILENCE", 4.0)
    monkeypatch.setattr(lasting, "LONGEST_PAUSE", 2.0)
    dice = Random(os.environ.get("COLUMN_CONSOLE_TEST_SEED", "4"))
    async with screen(session.session.id) as shown:
        operator = Operator(shown, world, dice)
        working = [asyncio.create_task(operator.walk()), asyncio.create_task(operator.fiddle())]
        ways: list[str] = []
        for _ in range(CUTS):
            await asyncio.sleep(dice.random() * 3)
            ways.append(await cut(bastion, wire, dice))
            await until(lambda: shown.returns >= len(ways), f"back after {ways}")
        operator.hold = False
        await until(lambda: shown.over, "the end of the session")
        assert shown.over == "ended"
        await asyncio.gather(*working)
        ended = shown.session.ended
        assert ended is not None
        assert (ended.outcome, ended.exit_status) == ("completed", 0)
    told(operator, Recording.open(session.session.recording))


def told(operator: Operator, recording: Recording) -> None:
    """What the operator was told of each press is what was recorded, once."""
    began: Counter[str] = Counter()
    ended: dict[str, list[str]] = {}
    for _, event in recording.of(events.ActionChanged):
        assert isinstance(event, events.ActionChanged)
        if event.action == lasting.WITHDRAW:
            continue
        if event.state == "running":
            began[event.id] += 1
        elif event.state != "armed":
            ended.setdefault(event.id, []).append(event.state)
    assert all(count == 1 for count in began.values())
    done = {ask for ask, states in ended.items() if states == ["done"]}
    assert {answer.id for answer in operator.answers if answer.state == "done"} == done
    assert len(operator.answers) == len({answer.id for answer in operator.answers})
    not_done = [answer for answer in operator.answers if answer.state != "done"]
    assert {answer.state for answer in not_done} <= {"refused", "expired"}
    advances = [
        answer for answer in operator.answers if answer.action == "advance" and answer.state == "done"
    ]
    phases = [e.phase for _, e in recording.of(events.PhaseBegan) if isinstance(e, events.PhaseBegan)]
    assert len(phases) == len(set(phases))
    # A gate whose evidence no longer holds when it is to open stays shut, and is pressed again.
    shut = [
        e for _, e in recording.of(events.Log) if isinstance(e, events.Log) and "gate stays shut" in e.text
    ]
    assert len(advances) <= len(phases) + len(shut), [(answer.text, answer.id) for answer in advances]
    assert operator.answers
    assert [
        text for text in operator.unsent if "nothing was asked" not in text and "it was not done" not in text
    ] == []
