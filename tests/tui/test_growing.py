"""A recording that is still being written, and the player that follows it."""

import asyncio
from pathlib import Path

import pytest

from console.events import Ended
from console.recording import Recording
from console.session import Session, apply, fold
from console.tui.player import Player
from console.tui.replay.growth import Growth
from console.tui.replay.source import ReplaySource
from tests.link.harness import eventually
from tests.tui.nights import night
from tests.tui.playing import Clock, take
from tests.tui.stories import STORIES
from tests.tui.story import Story
from tests.tui.tapes import record


class Grows:
    """A recording's growth, by hand."""

    def __init__(self) -> None:
        self.written = True
        self.lost = ""
        self.next: list[Recording] = []
        self.looks = 0

    async def look(self) -> Recording | None:
        self.looks += 1
        return self.next.pop(0) if self.next else None


def begun(story: Story, count: int, path: Path) -> Recording:
    """The first events of a story, recorded."""
    part = Story()
    part.events = story.events[:count]
    return record(part, path)


async def test_at_the_end_of_a_growing_recording_the_play_head_stays_at_its_end(tmp_path: Path) -> None:
    story = night()
    first = begun(story, 100, tmp_path / "one.jsonl")
    second = begun(story, 130, tmp_path / "two.jsonl")
    growing = Grows()
    player = Player(first, clock=Clock())
    source = ReplaySource(player, "r.jsonl", growing)
    player.seek(first.duration)
    player.play()
    assert player.follows
    stream = aiter(source.events())
    (snapshot,) = await take(stream, 1)
    growing.next.append(second)
    source.moved(jumped=False)
    passed = await take(stream, 30)
    assert fold(passed, apply(Session(), snapshot)) == second.final
    assert player.position == second.duration
    player.step(-1)
    assert (player.follows, player.running) == (False, False)
    assert player.playing().written
    growing.written = False
    await source.close()


async def test_a_session_that_has_ended_is_not_still_written(tmp_path: Path) -> None:
    """However lately it was: it is replayed a moment after its end, too."""
    tape = record("completed", tmp_path / "completed.jsonl")
    assert isinstance(tape.events[-1], Ended)
    ended, growing = Player(tape, clock=Clock()), Grows()
    ReplaySource(ended, "r.jsonl", growing)
    assert not ended.written
    player = Player(begun(STORIES["completed"](), 20, tmp_path / "one.jsonl"), clock=Clock())
    source = ReplaySource(player, "r.jsonl", growing)
    assert player.written
    player.follow()
    stream = aiter(source.events())
    await take(stream, 1)
    growing.next.append(tape)
    source.moved(jumped=False)
    await take(stream, 1)
    assert (player.written, player.duration) == (False, tape.duration)
    await source.close()


async def test_what_is_written_meanwhile_does_not_move_a_play_head_that_stands_elsewhere(
    tmp_path: Path,
) -> None:
    story = night()
    growing = Grows()
    player = Player(begun(story, 100, tmp_path / "one.jsonl"), clock=Clock())
    source = ReplaySource(player, "r.jsonl", growing)
    player.go_to_event(40)
    stream = aiter(source.events())
    await take(stream, 1)
    growing.next.append(begun(story, 130, tmp_path / "two.jsonl"))
    source.moved()
    (snapshot,) = await take(stream, 1)
    waiting = asyncio.ensure_future(anext(stream))
    await eventually(lambda: not growing.next)
    assert apply(Session(), snapshot).s == 40
    assert (player.index, len(player.tape.events)) == (40, 130)
    await source.close()
    with pytest.raises(StopAsyncIteration):
        await waiting


def recorded_lines(folder: Path) -> tuple[Recording, list[bytes]]:
    """An eventful session, and the lines of its recording."""
    whole = record(night(), folder / "whole.jsonl")
    return whole, Path(whole.path).read_bytes().splitlines(keepends=True)


def is_written(growth: Growth) -> bool:
    return growth.written


async def test_growth_is_seen_in_the_file_which_is_never_written(tmp_path: Path) -> None:
    whole, lines = recorded_lines(tmp_path)
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"".join(lines[:50]))
    clock = Clock()
    first = Recording.open(path)
    growth = Growth(path, lambda: Recording.open(path), clock=clock)
    assert is_written(growth)
    clock.now += 1
    again = await growth.look()
    assert again is not None
    assert len(again.events) == len(first.events)
    clock.now += 100
    assert await growth.look() is None
    assert not is_written(growth)
    with path.open("ab") as file:
        # The last line is half written.
        file.write(b"".join(lines[50:60])[:-20])
    clock.now += 100
    grown = await growth.look()
    assert grown is not None
    assert is_written(growth)
    assert list(first.events) == list(grown.events)[: len(first.events)]
    assert len(grown.events) > len(first.events)
    with path.open("ab") as file:
        file.write(b"".join(lines[50:60])[-20:] + b"".join(lines[60:]))
    assert await growth.look() is None
    clock.now += 100
    grown = await growth.look()
    assert grown is not None
    assert (list(grown.events), grown.problems) == (list(whole.events), ())
    path.unlink()
    clock.now += 100
    assert await growth.look() is None


async def test_a_recording_that_is_not_written_for_a_while_is_still_followed(tmp_path: Path) -> None:
    """A runner that was silent, or was taken up again: nobody has to press a key for it."""
    story = night()
    growing = Grows()
    player = Player(begun(story, 100, tmp_path / "one.jsonl"), clock=Clock())
    source = ReplaySource(player, "r.jsonl", growing)
    player.follow()
    stream = aiter(source.events())
    await take(stream, 1)
    growing.written = False
    waiting = asyncio.ensure_future(anext(stream))
    looks = growing.looks
    source.moved(jumped=False)
    await eventually(lambda: growing.looks > looks)
    assert (player.follows, player.running, player.playing().written) == (True, True, False)
    growing.written, second = True, begun(story, 130, tmp_path / "two.jsonl")
    growing.next.append(second)
    source.moved(jumped=False)
    await waiting
    await eventually(lambda: player.position == second.duration)
    await source.close()


async def test_a_file_that_was_cut_or_taken_away_is_told(tmp_path: Path) -> None:
    whole, lines = recorded_lines(tmp_path)
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"".join(lines[:80]))
    clock = Clock()
    growth = Growth(path, lambda: Recording.open(path), clock=clock)
    player = Player(Recording.open(path), clock=clock)
    source = ReplaySource(player, "r.jsonl", growth)
    clock.now += 5
    assert await growth.look() is not None
    assert growth.lost == ""
    for change, said in (
        (lambda: path.write_bytes(b"".join(lines[:50])), "cut or replaced"),
        (path.unlink, "is gone"),
    ):
        change()
        clock.now += 100
        assert await growth.look() is None
        assert said in growth.lost
    stream = aiter(source.events())
    await take(stream, 1)
    waiting = asyncio.ensure_future(anext(stream))
    clock.now += 100
    source.moved(jumped=False)
    await eventually(lambda: "is gone" in " ".join(player.playing().problems))
    waiting.cancel()
    await source.close()
    assert whole.problems == ()


async def test_what_grew_is_judged_anew(tmp_path: Path) -> None:
    """The verdict on the chain is that of all that is shown."""
    _, lines = recorded_lines(tmp_path)
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"".join(lines[:40]))
    clock = Clock()
    player = Player(Recording.open(path), clock=clock)
    source = ReplaySource(player, "r.jsonl", Growth(path, lambda: Recording.open(path), clock=clock))
    player.follow()
    stream = aiter(source.events())
    await take(stream, 1)
    task = asyncio.create_task(take(stream, 30))
    await eventually(lambda: player.chain)
    assert player.chain is not None
    assert player.chain.lines == 40
    tampered = [
        line.replace(b'"t":', b'"t": ', 1) if number == 60 else line for number, line in enumerate(lines)
    ]
    path.write_bytes(b"".join(tampered[:90]))
    clock.now += 100
    source.moved(jumped=False)
    await eventually(lambda: player.chain is not None and player.chain.broken)
    task.cancel()
    await source.close()
