"""What a client's screen shows becomes an event, part of the session, and small."""

import asyncio
from pathlib import Path

from msgspec.structs import replace

from console import events
from console.link.client import Client, connect
from console.link.protocol import read_client
from console.link.screens import LONGEST, MOST
from console.session import fold
from tests.link.harness import eventually, raw, running


async def drain(client: Client) -> None:
    async for _ in client.events():
        continue


async def test_it_becomes_an_event_and_part_of_the_session(folder: Path) -> None:
    async with running(folder) as runner:
        client = await connect(runner.server.socket_path)
        reading = asyncio.create_task(drain(client))
        client.screen("Advance: Backfill", "Advance\x1b[2J")
        await eventually(lambda: runner.of(events.ScreenChanged))
        (told,) = runner.of(events.ScreenChanged)
        assert isinstance(told, events.ScreenChanged)
        assert (told.client, told.dialog, told.pressed) == ("c1", "Advance: Backfill", "Advance␛[2J")
        (seen,) = runner.session.looking
        assert (seen.dialog, seen.since, seen.pressed_at) == ("Advance: Backfill", told.t, told.t)
        client.screen("")
        await eventually(lambda: len(runner.of(events.ScreenChanged)) == 2)
        (seen,) = runner.session.looking
        assert (seen.dialog, seen.pressed) == ("", "Advance␛[2J")
        await client.close()
        await reading
        await eventually(lambda: runner.session.looking == ())
        assert fold(runner.stream) == runner.session


async def test_who_tells_too_much_is_not_heard_for_a_while(folder: Path) -> None:
    async with running(folder) as runner:
        # All within one second of the session.
        runner.server._hooks = replace(runner.server._hooks, clock=lambda: 5.0)
        async with raw(runner.server.socket_path) as client:
            await client.say({"proto": 1})
            for number in range(200):
                await client.say({"shows": {"dialog": f"d{number}", "pressed": "x" * 500}})
            await client.say({"ask": {"id": "a", "action": "note"}})
            await client.until(lambda line: "answer" in line)
        told = [one for one in runner.of(events.ScreenChanged) if isinstance(one, events.ScreenChanged)]
        assert [one.dialog for one in told] == [f"d{number}" for number in range(MOST)]
        assert {len(one.pressed) for one in told} == {LONGEST}


async def test_a_client_that_does_not_watch_has_no_screen(folder: Path) -> None:
    async with running(folder) as runner, raw(runner.server.socket_path) as client:
        await client.say({"proto": 1, "watch": False})
        await client.say({"shows": {"dialog": "Advance"}})
        await client.say({"ask": {"id": "a", "action": "note"}})
        await client.until(lambda line: "answer" in line)
        assert runner.of(events.ScreenChanged) == []


def test_an_older_runner_takes_no_notice() -> None:
    """A frame with an unknown field is no garbage: the protocol's rule, which the new field relies on."""
    assert read_client(b'{"eclipse":{"of":"sun"}}') == read_client(b"{}")
