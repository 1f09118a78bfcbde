"""`send --wait`: who asks without a screen is told the result of an action that was armed, once it is there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from console import events
from console.cli.asking import show_answer
from console.link.once import send_once
from console.link.peer import Caller
from console.link.protocol import LinkError
from tests.link.harness import Runner, eventually, raw, running

ASK = events.Ask(id="abc", action="advance")


class Arming(Runner):
    """Arms what it is asked for."""

    settled_first: events.ActionState | None = None
    """The result that is told before the answer is on its way."""

    async def ask(self, ask: events.Ask, caller: Caller) -> events.ActionChanged:
        """Arm it."""
        armed = replace(
            await super().ask(ask, caller), state="armed", text="it waits for the end of the batch"
        )
        if self.settled_first:
            self.settle(self.settled_first)
        return armed

    def emit(self, event: events.Event) -> None:
        """What is done at once in `Runner` is armed here."""
        if isinstance(event, events.ActionChanged) and not event.text:
            event = replace(event, state="armed", text="it waits for the end of the batch")
        super().emit(event)

    def settle(self, state: events.ActionState) -> None:
        """It comes to its result."""
        (ask, owner, _) = self.asked[-1]
        self.emit(
            events.ActionChanged(id=ask.id, action=ask.action, state=state, owner=owner, text="see the log")
        )


async def waited(runner: Runner, wait: float) -> events.ActionChanged:
    return await asyncio.to_thread(lambda: send_once(runner.server.socket_path, ASK, wait=wait))


@pytest.fixture
def arming(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.link.harness.Runner", Arming)


@pytest.mark.usefixtures("arming")
@pytest.mark.parametrize("state", ["done", "refused", "cancelled", "expired"])
async def test_the_result_is_waited_for(folder: Path, state: events.ActionState) -> None:
    async with running(folder) as runner:
        assert isinstance(runner, Arming)
        waiting = asyncio.create_task(waited(runner, 60))
        await eventually(lambda: runner.asked)
        runner.emit(events.Note(text="something else", by="ana"))
        runner.settle(state)
        answer = await waiting
        assert (answer.state, answer.text) == (state, "see the log")
        assert show_answer(answer, back="", waited=60, as_json=False) == (state != "done")


@pytest.mark.usefixtures("arming")
async def test_a_result_that_overtakes_its_answer_comes_after_it(folder: Path) -> None:
    async with running(folder) as runner:
        assert isinstance(runner, Arming)
        runner.settled_first = "done"
        async with raw(runner.server.socket_path) as client:
            await client.say({"proto": 2, "role": "operator", "watch": False})
            await client.say({"ask": {"id": "abc", "action": "advance"}})
            heard = [(await client.until(lambda line: "answer" in line))["answer"]["state"] for _ in range(2)]
            assert heard == ["armed", "done"]


@pytest.mark.usefixtures("arming")
async def test_what_does_not_come_in_time_is_told_as_armed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(folder) as runner:
        answer = await waited(runner, 0.2)
        assert answer.state == "armed"
        assert show_answer(answer, back="column-console send s1", waited=0.2, as_json=False) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err == (
            "Error: advance: armed, it waits for the end of the batch (no result within 0.2 s)\n"
            "to take it back: column-console send s1 cancel abc\n"
        )
        # Nobody waits: armed is an answer.
        assert (await waited(runner, 0)).state == "armed"
        assert show_answer(answer, back="column-console send s1", waited=0, as_json=False) == 0


@pytest.mark.usefixtures("arming")
async def test_a_runner_that_goes_meanwhile(folder: Path) -> None:
    async with running(folder) as runner:
        waiting = asyncio.create_task(waited(runner, 60))
        await eventually(lambda: runner.asked and not runner.server._pending)
        await runner.server.close()
        with pytest.raises(
            LinkError, match=r"advance was armed when the runner went .*the session has ended"
        ):
            await waiting
