"""`replay` of a recording that takes a while to read: the first picture does not wait for it."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.cli.playback import LARGE
from console.recording import Recorder, Recording
from tests.cli.terminal import OnTerminal
from tests.recording.night import night

pytestmark = pytest.mark.slow
HOURS = 2
Replay = Callable[..., OnTerminal]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "night.jsonl"
    with Recorder.create(path) as recorder:
        for event in night(HOURS * 3600):
            recorder.append(event)
    assert path.stat().st_size > LARGE
    return path


@pytest.fixture
def replay(tmp_path: Path) -> Iterator[Replay]:
    opened: list[OnTerminal] = []

    def begin(*arguments: str | Path) -> OnTerminal:
        opened.append(OnTerminal("replay", *arguments, home=tmp_path))
        return opened[-1]

    yield begin
    for terminal in opened:
        terminal.process.close(force=True)


def pictures(terminal: OnTerminal, until: str) -> str:
    """All that the terminal was sent, until it shows this."""
    said: list[str] = []
    terminal.process.logfile_read = type("Kept", (), {"write": said.append, "flush": lambda _: None})()
    terminal.until(until)
    return "".join(said)


def test_it_says_what_it_reads_and_then_plays(large: Path, replay: Replay) -> None:
    screen = replay(large)
    sent = pictures(screen, "PLAYING")
    opens, plays = sent.index("OPENS"), sent.index("PLAYING")
    assert sent.index(" REPLAY ") < plays, "the header stands before it is read"
    assert opens < plays
    assert re.search(r"reading [\d.]+ MB", sent[opens:plays])
    screen.until("1:59:59", "REPLAY")
    assert "OPENS" not in screen.screen()
    screen.press("q")
    assert screen.end() == 0


def test_it_begins_where_it_is_told_to(large: Path, replay: Replay) -> None:
    screen = replay(large, "--at", "1h30m")
    screen.until("PLAYING", "1:30:0")
    screen.press("q")
    assert screen.end() == 0


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzipped"])
def test_what_is_missing_is_told(large: Path, tmp_path: Path, replay: Replay, packed: bool) -> None:
    lines = large.read_bytes().split(b"\n")
    lines[4_000] = b"{"
    damaged = tmp_path / "damaged.jsonl"
    data = b"\n".join(lines)
    # Fast and large, so that what comes out of it is large as well.
    damaged.write_bytes(gzip.compress(data, 0) if packed else data)
    screen = replay(damaged)
    screen.until("PLAYING", "INCOMPLETE")
    screen.press("q")
    screen.until("left the replay", "line 4001")
    assert screen.end() == 0


def test_no_moment_of_it(large: Path, replay: Replay) -> None:
    screen = replay(large, "--at", "the end")
    screen.until("--at: the end is no time, no phase and no event")
    assert screen.end() == 2


def test_a_first_line_that_tells_nothing(large: Path, tmp_path: Path, replay: Replay) -> None:
    """Then all of it is read before, as of a small one."""
    headless = tmp_path / "headless.jsonl"
    headless.write_bytes(b"{\n" + large.read_bytes().partition(b"\n")[2])
    assert Recording.head(headless) is None
    screen = replay(headless)
    screen.until("PLAYING", "INCOMPLETE")
    assert "OPENS" not in screen.screen()
    screen.press("q")
    assert screen.end() == 0


def test_the_head_is_the_header_and_nothing_else(large: Path, tmp_path: Path) -> None:
    head = Recording.head(large)
    assert head is not None
    assert (len(head.events), head.header) == (1, Recording.open(large).header)
    packed = tmp_path / "night.jsonl.gz"
    packed.write_bytes(gzip.compress(large.read_bytes()))
    same = Recording.head(packed)
    assert same is not None
    assert same.header == head.header
    for nothing in (tmp_path / "none", tmp_path):
        assert Recording.head(nothing) is None
    (tmp_path / "other.txt").write_text("hello\nworld\n")
    assert Recording.head(tmp_path / "other.txt") is None
