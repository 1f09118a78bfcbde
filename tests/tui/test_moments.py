"""What the replay knows of a recording: its moments, the time line, what can be found, bookmarks, who was blocked."""

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from console import events
from console.recording import Recording, RecordingError
from console.session import Point, fold
from console.tui.draw import desk, timeline
from console.tui.draw.desk import blocked
from console.tui.player import Player
from console.tui.replay.bookmarks import Bookmark, Bookmarks
from console.tui.replay.moments import WORDS, moments
from console.tui.replay.quiet import AFTER, BEFORE, LEAST, Quiet
from console.tui.replay.search import entries, search
from console.tui.replay.source import ReplaySource
from console.tui.replay.track import APART, Curves, Track
from console.tui.view import View
from tests.tui.nights import night
from tests.tui.playing import Clock
from tests.tui.screens import shown
from tests.tui.stories import backfilling
from tests.tui.story import ANA, BEN, Story
from tests.tui.tapes import record


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return record(night(), tmp_path_factory.mktemp("tape") / "night.jsonl")


def test_each_kind_is_found_once_where_it_happened_once(tape: Recording) -> None:
    kinds = [moment.kind for moment in moments(tape)]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "phase": 3,
        "action": 3,
        "retry": 1,
        "lock": 1,
        "throttle": 1,
        "note": 1,
        "warning": 2,
    }
    positions = [moment.position for moment in moments(tape)]
    assert positions == sorted(positions)


def test_each_moment_stands_just_after_its_event(tape: Recording) -> None:
    for moment in moments(tape):
        if moment.kind != "lock":
            assert tape.at_event(moment.position).log[-1].text == moment.text
            assert tape.times[moment.position - 1] == moment.t


@pytest.mark.parametrize("width", [5, 40, 80, 180])
def test_the_track_shows_every_moment_that_nothing_hides(tape: Recording, width: int) -> None:
    player = Player(tape)
    cells = player.track.cells(width)
    assert len(cells.marks) == len(cells.rows) == len(cells.lags) == width
    order = list(WORDS)
    for moment in player.moments:
        shown = cells.marks[player.track.cell(moment.t, width)]
        assert shown is not None
        assert order.index(shown) <= order.index(moment.kind)
    assert max(cells.rows) == 8000
    highest = max(lag for point in tape.points for lag in point.lags if lag is not None)
    assert max(lag for lag in cells.lags if lag is not None) == highest > 2.0


@given(st.floats(0, 1), st.integers(2, 300))
def test_a_click_on_a_cell_goes_to_a_time_in_that_cell(share: float, width: int) -> None:
    track = Track((), Curves(()), 3600.0)
    cell = round(share * (width - 1))
    assert track.cell(track.moment(cell, width), width) == cell


def test_a_curve_has_no_holes_where_samples_are_further_apart_than_cells() -> None:
    points = [Point(float(t), 100.0, (0.5,)) for t in range(11)]
    cells = Track((), Curves(points), 10.0).cells(101)
    assert set(cells.rows) == {100.0}
    assert set(cells.lags) == {0.5}
    apart = [Point(0.0, 100.0, ()), Point(100.0, 100.0, ())]
    assert Track((), Curves(apart), 100.0).cells(101).rows.count(0.0) == 99


def laid_point_by_point(
    points: list[Point], duration: float, width: int
) -> tuple[list[float], list[float | None]]:
    """What a track shows, by its definition: each sample tells of the time since the one before, if that is near."""
    rows = [0.0] * width
    lags: list[float | None] = [None] * width

    def place(t: float) -> int:
        return min(width - 1, round((t / duration if duration else 0.0) * (width - 1)))

    before: Point | None = None
    for point in points:
        to = place(point.t)
        near = before is not None and point.t - before.t <= APART
        since = min(to, place(before.t) + 1) if before is not None and near else to
        for cell in range(since, to + 1):
            rows[cell] = max(rows[cell], point.rows_per_second)
            lags[cell] = max([lag for lag in (*point.lags, lags[cell]) if lag is not None], default=None)
        before = point
    return rows, lags


LAG = st.one_of(st.none(), st.floats(0, 100))
# Milliseconds, as a recording has them.
APART_BY = st.integers(0, 9000).map(lambda ms: ms / 1000)
SAMPLES = st.lists(st.tuples(APART_BY, st.floats(0, 1e5), st.lists(LAG, max_size=3)), max_size=40)


@given(SAMPLES, st.integers(1, 60))
def test_a_track_is_laid_out_as_if_point_by_point(
    samples: list[tuple[float, float, list[float | None]]], width: int
) -> None:
    t, points = 0.0, []
    for apart, rate, lags in samples:
        t += apart
        points.append(Point(t, rate, tuple(lags)))
    cells = Track((), Curves(points), t).cells(width)
    assert (list(cells.rows), list(cells.lags)) == laid_point_by_point(points, t, width)


@given(st.lists(st.floats(0, 500), max_size=20), st.floats(0, 500))
def test_what_is_left_out_is_quiet_and_ends_before_the_next_line(told: list[float], t: float) -> None:
    told = sorted(told)
    quiet = Quiet(told, 500.0)
    goes_on = quiet.until(t)
    if goes_on is None:
        return
    before = max([0.0, *[at for at in told if at <= t]])
    after = min([500.0, *[at for at in told if at > t]])
    assert after - before >= LEAST
    assert t >= before + AFTER
    assert goes_on == after - BEFORE
    assert quiet.until(goes_on) is None


def test_words_are_found_in_statements_log_notes_and_kinds(tape: Recording) -> None:
    known = entries(tape, moments(tape))
    whats = {entry.what for entry in search(known, "add column")}
    assert "statement" in whats
    assert [entry.what for entry in search(known, "note by BEN release")] == ["note"]
    assert [entry.what for entry in search(known, "lock waits")] == ["lock waits"]
    retries = search(known, "retry lock within")
    assert [entry.what for entry in retries] == ["retry"]
    assert search(known, "") == known
    assert search(known, "no such words") == []
    assert [entry.position for entry in known] == sorted(entry.position for entry in known)


def test_bookmarks_are_kept_beside_the_sessions_and_never_in_the_recording(
    tape: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMN_CONSOLE_HOME", str(tmp_path))
    path = Path(tape.path)
    before = (path.read_bytes(), path.stat().st_mtime_ns, sorted(path.parent.iterdir()))
    marks = Bookmarks.of(tape.header, tape.path)
    assert marks.marks == ()
    assert list(tmp_path.iterdir()) == []
    assert marks.put(60.0, "who\x1b[2J pressed this?") == ""
    assert marks.put(30.0, "") == ""
    again = Bookmarks.of(tape.header, tape.path)
    assert again.marks == (Bookmark(30.0), Bookmark(60.0, "who␛[2J pressed this?"))
    assert again.at(60.2) == again.marks[1]
    assert again.at(58.0) is None
    assert again.put(60.0, "another word") == ""
    assert again.remove(30.0) == ""
    assert Bookmarks.of(tape.header, tape.path).marks == (Bookmark(60.0, "another word"),)
    (kept,) = (tmp_path / "bookmarks").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert (path.read_bytes(), path.stat().st_mtime_ns, sorted(path.parent.iterdir())) == before


@pytest.mark.parametrize("there", [b"", b"[1,2]", b'{"t":1}', b"\xff\xfe"])
def test_a_damaged_list_of_bookmarks_is_an_empty_one(tmp_path: Path, there: bytes) -> None:
    (tmp_path / "b.json").write_bytes(there)
    assert Bookmarks(tmp_path / "b.json").marks == ()


def test_bookmarks_that_can_t_be_kept_last_as_long_as_the_player(tmp_path: Path) -> None:
    (tmp_path / "bookmarks").write_text("a file")
    marks = Bookmarks(tmp_path / "bookmarks" / "b.json")
    assert "can't be written" in marks.put(1.0, "here")
    assert marks.marks == (Bookmark(1.0, "here"),)


def test_who_stood_behind_a_statement_is_told_with_how_long(tape: Recording) -> None:
    first, second = tape.final.statements[:2]
    (behind,) = blocked(tape, first, tape.duration)
    assert (behind.session.pid, behind.mode) == (801, "ACCESS EXCLUSIVE")
    assert behind.seconds == pytest.approx(0.7, abs=0.01)
    assert blocked(tape, second, tape.duration) == []
    # While it runs: as far as the moment that is shown.
    middle = tape.at(first.began + 0.5).statement
    assert middle is not None
    (so_far,) = blocked(tape, middle, first.began + 0.5)
    assert so_far.seconds == pytest.approx(0.2, abs=0.01)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**9), count=st.integers(1, 12))
def test_a_damaged_recording_is_played_as_far_as_it_can_be_read(
    tape: Recording, seed: int, count: int
) -> None:
    """Random bytes are changed, and the end is torn off: everything the player is made of still stands."""
    dice = random.Random(seed)
    path = Path(tape.path).with_name("damaged.jsonl")
    data = bytearray(Path(tape.path).read_bytes())
    for _ in range(count):
        data[dice.randrange(len(data))] = dice.randrange(256)
    path.write_bytes(data[: dice.randrange(len(data) // 2, len(data))])
    try:
        damaged = Recording.open(path)
    except RecordingError:
        return
    player = Player(damaged)
    assert damaged.problems or not damaged.chain.holds or not damaged.chain.ended
    for _ in range(5):
        player.seek(dice.uniform(0.0, player.duration))
        view = View(session=player.session(), now=player.position, mode="replay", playing=player.playing())
        for rows in (1, 2, 3, 4):
            assert len(timeline.draw(view, 120, rows)) == rows
        drawn = desk.draw(view, 100, lambda one: desk.blocked(damaged, one, player.position))
        assert drawn[0].text.startswith("At the screens")
    assert len(player.entries()) >= len(damaged.log)
    while player.jump_to(tuple(WORDS), -1):
        assert 0 <= player.position <= player.duration


def test_who_has_control_is_told_with_since_when_and_from_where() -> None:
    """The one who has it, where one person has it at a time, and not every operator who is attached."""
    story = night()
    first = story.events[0]
    assert isinstance(first, events.Header)
    header = replace(first, one_control=True)
    attached = events.Attached(t=2.0, s=3, client="c2", owner=BEN, role="operator")
    given = events.ControlChanged(t=1.0, s=2, how="attached", owner=ANA, client="c1")
    session = fold([header, given, attached])
    drawn = [row.text for row in desk.draw(View(session=session, now=5.0), 100, lambda _: ())]
    assert drawn[1].startswith("  ana has control")
    assert drawn[1].endswith(", since 02:00:06")
    assert f"    {BEN.claims}" in drawn


def fields(event: events.Event) -> dict[str, Any]:
    """What it says, without when and as which."""
    return {name: getattr(event, name) for name in event.__struct_fields__ if name not in ("t", "s")}


def test_what_came_to_no_end_and_what_was_tried_again_are_marked_and_found(tmp_path: Path) -> None:
    story = backfilling()
    owner = events.Owner(name="ana")
    story.tell(events.ActionChanged, id="p1", action="pause", state="running", owner=owner, reason="tea")
    story.tell(events.ActionChanged, id="p2", action="resume", state="running", owner=owner)
    story.tell(events.ActionChanged, id="p2", action="resume", state="done", owner=owner)
    batch = next(event for event in reversed(story.events) if isinstance(event, events.Batches))
    begin = next(event for event in story.events if isinstance(event, events.Header))
    story.tell(events.Batches, **{**fields(batch), "retries": 3})
    story.tell(events.Header, **{**fields(begin), "resumed": True})
    tape = record(story, tmp_path / "r.jsonl")
    found = {(moment.kind, moment.text) for moment in moments(tape)}
    assert ("action", "ana asked for pause because tea: no answer is recorded") in found
    assert ("retry", "batches tried again: 3") in found
    assert any(kind == "warning" and text.startswith("taken up again by") for kind, text in found)
    assert not any("resume" in text and "no answer" in text for _, text in found)
    known = entries(tape, moments(tape))
    assert [entry.what for entry in search(known, "tea no answer")] == ["action"]
    assert [entry.what for entry in search(known, "batches again")] == ["retry"]


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_any_beginning_of_a_recording_is_drawn(size: tuple[int, int], tmp_path: Path) -> None:
    """Before the first phase there is no name of a phase either."""
    story = backfilling()
    for count in (1, 2, 3, 4, 6):
        part = Story()
        part.events = story.events[:count]
        tape = record(part, tmp_path / f"{count}.jsonl")
        async with shown(ReplaySource(Player(tape, clock=Clock()), "r.jsonl"), size) as screen:
            assert "REPLAY" in screen.text
            assert not screen.app.crashed
