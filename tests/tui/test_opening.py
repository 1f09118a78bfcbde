"""A recording whose rest is read while its first line is shown: what goes wrong, and leaving before it is read."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from console.recording import Recording, RecordingError
from console.tui.player import Player
from console.tui.replay.opening import Opening
from console.tui.replay.source import ReplaySource
from tests.tui.playing import take
from tests.tui.stories import STORIES
from tests.tui.tapes import record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    record(STORIES["completed"](), tmp_path / "r.jsonl")
    return tmp_path / "r.jsonl"


def begun(path: Path, opening: Opening) -> ReplaySource:
    head = Recording.head(path)
    assert head is not None
    player = Player(head)
    player.go_to_event(1)
    opening.drawn()
    return ReplaySource(player, "r.jsonl", opening=opening)


async def test_first_its_header_then_all_of_it(path: Path) -> None:
    told: list[str] = []
    opening = Opening(
        lambda: Recording.open(path), "reading it", ready=lambda: told.append("ready"), failed=lambda: None
    )
    source = begun(path, opening)
    stream = aiter(source.events())
    assert source.player.playing().opening == "reading it"
    (head,) = await take(stream, 1)
    assert (head.s, told) == (1, [])
    await take(stream, 1)
    assert (told, source.player.playing().opening) == (["ready"], "")
    assert source.player.tape.events[-1] == Recording.open(path).events[-1]
    await source.close()


@pytest.mark.parametrize(
    "problem", [RecordingError("it is no recording"), MemoryError(), KeyError("a defect")]
)
async def test_whatever_keeps_it_from_being_read_is_told(path: Path, problem: Exception) -> None:
    def read() -> Recording:
        raise problem

    failed = asyncio.Event()
    opening = Opening(read, "reading it", ready=lambda: None, failed=failed.set)
    events = [event async for event in begun(path, opening).events()]
    assert (len(events), failed.is_set(), opening.error) == (1, True, problem)


async def test_a_moment_that_it_does_not_have_is_told(path: Path) -> None:
    def ready() -> None:
        raise ValueError("no moment")

    opening = Opening(lambda: Recording.open(path), "reading it", ready=ready, failed=lambda: None)
    assert len([event async for event in begun(path, opening).events()]) == 1
    assert str(opening.error) == "no moment"


def test_whoever_leaves_does_not_wait_until_it_is_read(path: Path) -> None:
    reading, read_on, was_read = threading.Event(), threading.Event(), threading.Event()

    def read() -> Recording:
        reading.set()
        read_on.wait(20)
        was_read.set()
        return Recording.open(path)

    async def look_and_leave() -> None:
        opening = Opening(read, "reading it", ready=lambda: None, failed=lambda: None)
        stream = aiter(begun(path, opening).events())
        await take(stream, 1)
        waits = asyncio.ensure_future(anext(stream))
        while not reading.is_set():  # noqa: ASYNC110 - a thread sets it
            await asyncio.sleep(0.01)
        waits.cancel()

    asyncio.run(look_and_leave())
    assert not was_read.is_set(), "asyncio waits for its own threads"
    read_on.set()
