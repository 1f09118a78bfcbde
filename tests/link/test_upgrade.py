"""A screen of another version at this runner, and the reverse: conversations that were recorded between two ends of
one version, each end replaced by today's in turn.

`tests/link/golden/protocol-N.txt`: `<` is what the runner said, `>` what the screen said. A conversation stays as it
is for as long as its protocol is spoken.
"""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from console import events
from console.link.client import connect
from console.link.protocol import NEWEST, OLDEST, FromClient, read_client
from console.session import Session, fold
from tests.link.harness import eventually, raw, running
from tests.recording.streams import sample

GOLDEN = Path(__file__).parent / "golden"
PROTOCOLS = range(OLDEST, NEWEST + 1)

Line = tuple[str, dict[str, Any]]


def conversation(protocol: int) -> list[Line]:
    """Who said what, in order."""
    lines = (GOLDEN / f"protocol-{protocol}.txt").read_text().splitlines()
    return [(line[0], json.loads(line[2:])) for line in lines]


def shape(line: dict[str, Any]) -> str:
    """What sort of line it is."""
    return str(line.get("kind") or next(iter(line)))


def missing(old: object, new: object, path: str = "") -> list[str]:
    """What an older end would look for and not find, or find to be of another type.

    What is left out reads as its default.

    >>> missing({"a": 1, "b": {"c": "x", "e": None}}, {"a": 2.5, "b": {}, "d": 3})
    ['.b.c']
    """
    if isinstance(old, dict):
        if not isinstance(new, dict):
            return [path]
        gone = [f"{path}.{name}" for name in old if name not in new and not _silent(path, name, old[name])]
        inner = (missing(old[name], new[name], f"{path}.{name}") for name in old if name in new)
        return [*gone, *(each for found in inner for each in found)]
    if isinstance(old, list) and isinstance(new, list):
        return missing(old[0], new[0], f"{path}[]") if old and new else []
    numbers = (int, float)
    alike = isinstance(new, type(old)) or (isinstance(old, numbers) and isinstance(new, numbers))
    return [] if alike or old is None or new is None else [path]


DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Session)}


def _silent(path: str, name: str, value: object) -> bool:
    """Whether it says no more than its being left out does."""
    if isinstance(value, dict):
        return all(_silent(f"{path}.{name}", inner, said) for inner, said in value.items())
    return not value or (path == ".session" and value == DEFAULTS[name])


def test_every_protocol_that_is_spoken_has_its_conversation() -> None:
    assert sorted(path.name for path in GOLDEN.glob("*.txt")) == [f"protocol-{n}.txt" for n in PROTOCOLS]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_screen_of_that_version_at_todays_runner(folder: Path, protocol: int) -> None:
    """Word for word what it said; what it hears holds all that it knows how to read."""
    told = conversation(protocol)
    async with running(folder) as runner, raw(runner.server.socket_path) as screen:
        heard: list[dict[str, Any]] = []

        async def hear() -> None:
            while line := await screen.hear():
                heard.append(line)

        reading = asyncio.create_task(hear())
        for number, (who, line) in enumerate(told):
            if who == ">":
                await screen.say(line)
            elif shape(line) == "state":
                runner.emit(events.StateChanged(state="running"))
                runner.emit(sample(0.0, 0, Random(1)))
            elif shape(line) == "ended":
                runner.emit(events.Ended(outcome="completed", exit_status=0, text="the change is complete"))
            elif shape(line) == "bye":
                await runner.server.close()
            wanted = [shape(said) for by, said in told[: number + 1] if by == "<"]
            await eventually(partial(_holds, wanted, heard))
        await reading
    left = list(heard)
    for who, line in told:
        if who == "<":
            same = next(said for said in left if shape(said) == shape(line))
            left.remove(same)
            assert missing(line, same) == []
    assert [ask.action for ask, _, _ in runner.asked] == ["throttle"]


def _holds(wanted: list[str], heard: list[dict[str, Any]]) -> bool:
    """Whether all that is wanted was heard, in whatever company."""
    shapes = [shape(said) for said in heard]
    return all(shapes.count(one) >= wanted.count(one) for one in wanted)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_todays_screen_at_a_runner_of_that_version(folder: Path, protocol: int) -> None:
    """The runner says word for word what it said; it hears what it knows how to read, and the session is whole."""
    told = conversation(protocol)
    heard: list[FromClient] = []
    done = asyncio.Event()

    async def runner(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ids: list[str] = []
        for who, line in told:
            if who == ">":
                said = read_client(await reader.readline())
                heard.append(said)
                ids += [said.ask.id] if said.ask is not None else []
                continue
            acted = line.get("answer", line)
            if "id" in acted:
                acted["id"] = ids[-1]
            writer.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        await writer.drain()
        writer.close()
        done.set()

    path = folder / "runner.sock"
    server = await asyncio.start_unix_server(runner, str(path), limit=8 << 20)
    client = await connect(path)
    got: list[events.Event] = []

    async def read() -> None:
        async for event in client.events():
            got.append(event)  # noqa: PERF401 - each is seen at once

    reading = asyncio.create_task(read())
    await eventually(lambda: got)
    client._send(FromClient(alive=True))
    answer = await client.ask("throttle", ("50",), phase="backfill", seq=4)
    client._send(FromClient(snapshot=True))
    await reading
    await done.wait()
    await client.close()
    server.close()
    assert answer.state == "done"
    assert heard[0].proto == protocol
    assert client.me == ("" if protocol == 1 else "c1")
    session = fold(got)
    assert session.ended is not None
    assert session.actions[0].action == "throttle"


def test_a_screen_of_protocol_1_is_told_who_has_control_in_words() -> None:
    """It does not know the events of control: it shows them as lines of its log."""
    event = events.ControlChanged(how="attached", owner=events.Owner(name="ana"), client="c1", s=4)
    line = events.encode(event).replace(b'"kind":"control"', b'"kind":"of-a-later-version"')
    shown = events.decode(line)
    assert isinstance(shown, events.Log)
    assert "of-a-later-version" in shown.text
