"""Two people at a real walk: what can't be undone takes both, and the recording of a take-over shows who did what."""

from __future__ import annotations

import asyncio
import grp
import os
import pwd
from collections.abc import Callable

import msgspec
import pytest

from console import events
from console.link.client import Client, connect
from console.recording import Recording
from console.report import summarise
from console.session import fold
from tests.link.harness import eventually
from tests.servers.database import Database
from tests.servers.versions import on_one_version
from tests.walk.knocking import NOBODY, ask_as
from tests.walk.shops import SHOPS
from tests.walk.walking import Walk

MakeWalk = Callable[..., Walk]
pytestmark = on_one_version
SHOP = SHOPS[0]


def rules(**more: str) -> str:
    """A change file's session for two: whoever runs the tests, and nobody."""
    me, other = pwd.getpwuid(os.geteuid()).pw_name, pwd.getpwuid(NOBODY).pw_name
    group = grp.getgrgid(NOBODY if os.geteuid() == 0 else os.getegid()).gr_name
    lines = "".join(f"{name} = {value}\n" for name, value in more.items())
    return f'\n[session]\ncontrollers = ["{me}", "{other}"]\ngroup = "{group}"\n{lines}'


@pytest.mark.slow
def test_what_can_not_be_undone_waits_for_a_second_person(database: Database, make_walk: MakeWalk) -> None:
    """As root the second person comes; as anyone else, who can't become another, the approval runs out."""
    database.run(f"{SHOP.create}; {SHOP.fill}")
    root = os.geteuid() == 0
    walk = make_walk(SHOP.body() + rules(two_person="true", approval_time='"1h"' if root else '"1s"'))
    walk.folder.chmod(0o755)
    walk.start(advance="auto", alone=False)
    walk.wait(lambda s: s.phase == "reads" and s.waits_for == "evidence", "the gate of the readers")
    assert walk.ask("skip-gate", reason="nobody reads it in this test").state == "done"
    waiting = walk.wait(lambda s: s.phase == "finish" and s.waits_for == "advance", "finish")
    assert waiting.reason.endswith("is next, which takes two people: advance"), (
        "auto does not pass it by itself"
    )
    asked = walk.ask("advance", "public.t")
    assert asked.state == "armed"
    own = walk.ask("approve")
    assert (own.state, "takes another login" in own.text) == ("refused", True)
    if not root:
        walk.wait(lambda s: s.actions[-1].state == "expired", "the approval to run out")
        return
    answer = ask_as(NOBODY, NOBODY, walk.runner.socket, "approve")["answer"]
    assert answer["state"] == "done", answer
    session = walk.end()
    assert session.ended is not None
    assert session.ended.outcome == "completed"
    told = {action.action: (action.owner.uid, action.state, action.text) for action in session.actions}
    name = pwd.getpwuid(NOBODY).pw_name
    assert told["advance"] == (0, "done", f"finish goes on, approved by {name}")
    assert told["approve"][:2] == (NOBODY, "done")


async def _screen(walk: Walk) -> Client:
    client = await connect(walk.runner.socket)

    async def read() -> None:
        async for event in client.events():
            seen.append(event)  # noqa: PERF401 - each is seen at once

    seen: list[events.Event] = []
    client.seen = seen  # type: ignore[attr-defined]  # the test's own note on it
    client.reading = asyncio.create_task(read())  # type: ignore[attr-defined]  # kept from the collector
    await eventually(lambda: seen)
    return client


@pytest.mark.slow
def test_a_take_over_is_recorded_and_replayed_as_it_was(database: Database, make_walk: MakeWalk) -> None:
    database.run(f"{SHOP.create}; {SHOP.fill}")
    walk = make_walk(SHOP.body(), limits="rows_per_second = 2000")
    walk.start(advance="manual", alone=False)
    walk.wait(lambda s: s.phase == "add-column" and s.waits_for == "advance")

    async def scenario() -> list[events.Event]:
        first, second = await _screen(walk), await _screen(walk)
        assert (await first.ask("advance", phase="add-column")).state == "done"
        refused = await second.ask("pause")
        assert refused.state == "refused"
        armed = await second.ask("take-over", reason="the first one sleeps")
        assert armed.state == "armed"
        seen: list[events.Event] = first.seen  # type: ignore[attr-defined]  # see above
        await eventually(
            lambda: any(isinstance(e, events.ControlChanged) and e.how == "taken-over" for e in seen)
        )
        assert (await first.ask("throttle", ("50",))).state == "refused"
        assert (await second.ask("throttle", ("50",))).state == "done"
        assert (await second.ask("abort", reason="enough")).state == "done"
        await second.reading  # type: ignore[attr-defined]  # see above
        for client in (first, second):
            await client.close()
        return seen

    seen = asyncio.run(scenario())
    session = walk.end(expected=1)
    recording = Recording.open(walk.runner.recording)
    assert fold(seen).control == session.control
    done = [(a.owner.name, a.action, a.reason, a.state) for a in session.actions]
    me = pwd.getpwuid(os.geteuid()).pw_name
    assert done == [
        (me, "advance", "", "done"),
        (me, "pause", "", "refused"),
        (me, "take-over", "the first one sleeps", "done"),
        (me, "throttle", "", "refused"),
        (me, "throttle", "", "done"),
        (me, "abort", "enough", "done"),
    ]
    (taken,) = [e for _, e in recording.of(events.ControlChanged) if getattr(e, "how", "") == "taken-over"]
    assert isinstance(taken, events.ControlChanged)
    assert (taken.client, taken.reason) == ("c2", "the first one sleeps")
    # Replay is a seek into the recording: at each of its moments it shows who had control then.
    assert recording.at(taken.t - 0.001).control.client == "c1"  # type: ignore[union-attr]  # somebody had it
    assert recording.at(taken.t).control.client == "c2"  # type: ignore[union-attr]  # and has it
    turns = [(turn.what, turn.reason, turn.result) for turn in summarise(recording).actions]
    assert ("take-over", "the first one sleeps", "done") in turns
    assert msgspec.json.encode(recording.final.actions) == msgspec.json.encode(session.actions)
