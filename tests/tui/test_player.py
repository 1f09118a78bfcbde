"""The player of a recording, on a clock that the test moves."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.events import Snapshot
from console.recording import Recording
from console.session import Session, apply, fold
from console.tui.player import SPEEDS, Player
from console.tui.replay.moments import Kind
from console.tui.replay.source import ReplaySource
from tests.tui.nights import night
from tests.tui.playing import Clock, take
from tests.tui.stories import STORIES
from tests.tui.tapes import record


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return record("completed", tmp_path_factory.mktemp("tape") / "completed.jsonl")


def test_position_goes_with_the_clock_and_the_speed(tape: Recording) -> None:
    clock = Clock()
    player = Player(tape, clock=clock)
    clock.now += 5
    assert player.position == 0.0
    player.play()
    clock.now += 5
    assert player.position == 5.0
    player.set_speed(10)
    clock.now += 2
    assert player.position == 25.0
    player.pause()
    clock.now += 60
    assert player.position == 25.0
    player.play()
    clock.now += 1000
    assert player.position == tape.duration


def test_speeds_are_a_ladder_from_half_to_600(tape: Recording) -> None:
    player = Player(tape)
    player.faster(-5)
    assert player.speed == 0.5
    seen = [player.speed]
    for _ in range(12):
        player.faster(1)
        seen.append(player.speed)
    assert seen[: len(SPEEDS)] == list(SPEEDS)
    assert seen[-1] == 600.0


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(share=st.floats(0, 1))
def test_seek_shows_what_live_showed(tape: Recording, share: float) -> None:
    """The session at any moment is what the events up to it add up to."""
    player = Player(tape)
    player.seek(share * tape.duration)
    live = fold(event for event in STORIES["completed"]().events if event.t <= player.position)
    assert player.session() == live


def test_steps_and_jumps(tape: Recording) -> None:
    player = Player(tape)
    player.seek(0.0)
    begin = player.index
    player.step(1)
    assert player.index == begin + 1
    player.step(-1)
    assert player.index == begin
    lines = len(player.session().log)
    player.jump(1)
    assert len(player.session().log) == lines + 1
    there = player.index
    player.jump(1)
    player.jump(-1)
    assert player.index == there
    assert player.session().log[-1].t == player.position
    player.seek(tape.duration)
    player.jump(1)
    assert player.at_end
    for _ in range(1000):
        player.jump(-1)
    assert player.index == 1


def test_steps_stop_the_clock(tape: Recording) -> None:
    clock = Clock()
    player = Player(tape, clock=clock)
    player.play()
    clock.now += 10
    player.step(1)
    at = player.position
    clock.now += 10
    assert (player.running, player.position) == (False, at)


def test_play_at_the_end_begins_anew(tape: Recording) -> None:
    player = Player(tape, clock=Clock())
    player.seek(tape.duration)
    assert player.at_end
    player.play()
    assert player.position == 0.0


def test_the_time_line_marks_phases_presses_and_warnings(tape: Recording) -> None:
    kinds = [moment.kind for moment in Player(tape).moments]
    assert kinds.count("phase") == 10
    assert kinds.count("action") == 9
    assert "warning" in kinds


async def test_the_stream_is_a_snapshot_then_events_then_a_snapshot_after_each_jump(tape: Recording) -> None:
    clock = Clock()
    player = Player(tape, clock=clock)
    source = ReplaySource(player, "r.jsonl")
    stream = aiter(source.events())
    (first,) = await take(stream, 1)
    assert isinstance(first, Snapshot)
    assert first.s == 0
    player.play()
    source.moved(jumped=False)
    clock.now += 10
    due = bisect(tape, 10.0)
    passed = await take(stream, due)
    assert [event.s for event in passed] == list(range(1, due + 1))
    assert fold(passed, apply(Session(), first)) == tape.at(10.0)
    player.seek(60.0)
    source.moved()
    (jumped,) = await take(stream, 1)
    assert isinstance(jumped, Snapshot)
    assert apply(Session(), jumped) == tape.at(60.0)
    await source.close()


def bisect(tape: Recording, t: float) -> int:
    return sum(1 for at in tape.times if at <= t)


async def test_a_recording_can_be_asked_for_nothing(tape: Recording) -> None:
    answer = await ReplaySource(Player(tape), "r.jsonl").ask("advance")
    assert answer.state == "refused"
    assert answer.text.startswith("replay")


async def test_at_the_end_it_waits_and_does_not_spin(tape: Recording) -> None:
    clock = Clock()
    player = Player(tape, clock=clock)
    player.seek(tape.duration)
    player.running = True
    source = ReplaySource(player, "r.jsonl")
    stream = aiter(source.events())
    await take(stream, 1)
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    assert not player.running
    await source.close()
    with pytest.raises(StopAsyncIteration):
        await waiting


def test_nothing_is_written(tmp_path: Path) -> None:
    tape = record("waiting", tmp_path / "r.jsonl")
    before = [(path.name, path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(tmp_path.iterdir())]
    player = Player(tape)
    for t in (0.0, 10.0, 3.0, tape.duration):
        player.seek(t)
        player.session()
    assert before == [
        (path.name, path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(tmp_path.iterdir())
    ]


# -- Getting about in an eventful session


@pytest.fixture(scope="module")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return record(night(), tmp_path_factory.mktemp("tape") / "night.jsonl")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(share=st.floats(0.01, 0.99), steps=st.integers(1, 30))
def test_forwards_then_backwards_is_the_identity(eventful: Recording, share: float, steps: int) -> None:
    """By events and by samples: the same place, and the same session."""
    player = Player(eventful)
    player.seek(share * eventful.duration)
    player.step(1)
    by_event = (player.index, player.session())
    for by in (*[1] * steps, *[-1] * steps):
        if player.index + by <= len(eventful.events):
            player.step(by)
    if by_event[0] + steps <= len(eventful.events):
        assert (player.index, player.session()) == by_event
    player.seek(share * eventful.duration)
    player.sample(-1)
    by_sample = (player.position, player.index, player.session())
    for by in (*[1] * steps, *[-1] * steps):
        player.sample(by)
    if by_sample[0] + steps < eventful.points[-1].t:
        assert (player.position, player.index, player.session()) == by_sample


def test_samples_are_a_second_apart_and_end_at_the_ends(eventful: Recording) -> None:
    player = Player(eventful)
    player.seek(100.5)
    player.sample(1)
    assert player.position == 101.0
    player.sample(1)
    assert player.position == 102.0
    player.seek(101.5)
    player.sample(-1)
    assert player.position == 101.0
    player.seek(0.0)
    player.sample(-1)
    assert player.position == 0.0
    player.seek(eventful.duration)
    player.sample(1)
    assert player.position == eventful.duration


@pytest.mark.parametrize("kind", ["action", "phase", "note", "throttle", "retry", "lock"])
def test_jumps_visit_each_of_a_kind_and_come_back_the_same_way(eventful: Recording, kind: Kind) -> None:
    player = Player(eventful)
    there = []
    while player.jump_to((kind,), 1):
        there.append(player.index)
    back = [player.index]
    while player.jump_to((kind,), -1):
        back.append(player.index)
    assert there == sorted(set(there)) != []
    assert back == there[::-1]
    assert player.jump_to((kind,), -1) is None
    assert player.index == there[0]


def test_bookmarks_are_marked_and_jumped_to(eventful: Recording) -> None:
    player = Player(eventful)
    player.bookmarks.put(123.4, "look here")
    player.mark()
    found = player.jump_to(("note", "bookmark"), 1)
    assert found is not None
    assert found.kind == "note"
    found = player.jump_to(("note", "bookmark"), 1)
    assert found is not None
    assert (found.kind, player.position) == ("bookmark", 123.4)
    assert [entry.text for entry in player.entries() if entry.what == "bookmark"] == ["look here"]


def test_quiet_stretches_are_left_out_only_while_it_plays_and_only_if_wanted(eventful: Recording) -> None:
    clock = Clock()
    player = Player(eventful, clock=clock)
    player.seek(200.0)
    player.skips = True
    assert not player.skip_quiet()
    player.play()
    assert player.skip_quiet()
    told = next(line.t for line in eventful.log if line.t > 200.0)
    assert player.position == told - 2.0
    assert player.index == eventful.position(told - 2.0)
    player.skips = False
    player.seek(200.0)
    assert not player.skip_quiet()
    assert player.until_quiet() == float("inf")


async def test_the_stream_leaves_quiet_stretches_out(eventful: Recording) -> None:
    clock = Clock()
    player = Player(eventful, clock=clock)
    player.seek(20.0)
    player.skips = True
    player.play()
    source = ReplaySource(player, "r.jsonl")
    stream = aiter(source.events())
    (snapshot,) = await take(stream, 1)
    shown = apply(Session(), snapshot)
    assert shown == player.session()
    told = next(line.t for line in eventful.log if line.t > 100.0)
    assert player.position == pytest.approx(told - 2.0)
    await source.close()


async def test_what_is_long_due_comes_as_a_snapshot(eventful: Recording) -> None:
    """At 600x thousands of events are due in a second: they are not told one by one."""
    clock = Clock()
    player = Player(eventful, clock=clock, speed=600.0)
    source = ReplaySource(player, "r.jsonl")
    stream = aiter(source.events())
    await take(stream, 1)
    player.play()
    source.moved(jumped=False)
    clock.now += 1.0
    (one,) = await take(stream, 1)
    assert isinstance(one, Snapshot)
    assert apply(Session(), one) == eventful.at(600.0)
    await source.close()


def test_played_fast_the_readings_do_not_look_older_than_they_were(eventful: Recording) -> None:
    clock = Clock()
    player = Player(eventful, speed=600.0, clock=clock)
    source = ReplaySource(player, "r.jsonl")
    player.seek(10.0)
    player.play()
    clock.now += 0.1
    assert player.position == pytest.approx(70.0)
    assert source.now() == eventful.times[player.index] < 12.0
