"""The screen on a real terminal: what it writes, and that it goes when its terminal goes."""

import contextlib
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from console.tui.terminal import GRACE, LOOK
from tests.tui.terminals import PATIENCE, ROOT, terminal

pytestmark = pytest.mark.slow

COLOURS = re.compile(rb"\x1b\[([\d;]*)m")


def colours(written: bytes) -> set[str]:
    """The kinds of colour that were asked for: `16`, `256`, `true`."""
    found = set()
    for match in COLOURS.finditer(written):
        numbers = match[1].decode().split(";")
        position = 0
        while position < len(numbers):
            number = numbers[position]
            if number in ("38", "48"):
                kind = numbers[position + 1]
                found.add("256" if kind == "5" else "true")
                position += 3 if kind == "5" else 5
                continue
            if re.fullmatch(r"[349][0-7]|10[0-7]", number):
                found.add("16")
            position += 1
    return found


def test_it_is_gone_within_two_seconds_by_its_own_clock() -> None:
    assert LOOK + GRACE < 2.0


@pytest.mark.parametrize("controlling", [True, False], ids=["SIGHUP", "end of file"])
def test_a_terminal_that_hangs_up_ends_it(controlling: bool) -> None:
    with terminal("backfill", controlling=controlling) as shown:
        shown.shows("RUNNING", "Backfill", "2 Backfill")
        before = shown.cpu()
        shown.hang_up()
        deadline = time.monotonic() + PATIENCE
        used = before
        while shown.process.poll() is None and time.monotonic() < deadline:
            used = max(used, shown.cpu())
            time.sleep(0.02)
        assert shown.process.returncode == 128 + signal.SIGHUP
        # It did not spin on the end of the file.
        assert used - before < 1.5


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM], ids=lambda number: number.name)
def test_a_terminal_that_hangs_up_while_it_is_left_ends_it(number: signal.Signals) -> None:
    """Hanging up continues the process, too: it must not take the terminal back then."""
    for _ in range(3):
        with terminal("backfill") as shown:
            shown.shows("RUNNING", "Backfill", "2 Backfill")
            shown.send("q")
            time.sleep(0.3)
            with contextlib.suppress(ProcessLookupError):
                os.kill(shown.process.pid, number)
                os.kill(shown.process.pid, signal.SIGCONT)
            shown.hang_up()
            shown.wait()


def test_one_that_was_stopped_reads_the_keyboard_with_one_thread() -> None:
    """Of two, each would get half of the keys."""
    with terminal("backfill") as shown:
        shown.shows("RUNNING", "Backfill", "2 Backfill")
        threads = Path(f"/proc/{shown.process.pid}/task")
        before = len(list(threads.iterdir()))
        for _ in range(3):
            os.kill(shown.process.pid, signal.SIGSTOP)
            os.kill(shown.process.pid, signal.SIGCONT)
            shown.send("?")
            shown.shows("─ Help ")
            shown.send("\x1b")
            shown.until(lambda: "─ Help " not in shown.text)
        assert len(list(threads.iterdir())) == before
        shown.send("q")
        assert shown.wait() == 0


def test_sigterm_puts_the_terminal_right_and_ends_it() -> None:
    with terminal("backfill") as shown:
        shown.shows("RUNNING")
        shown.process.send_signal(signal.SIGTERM)
        assert shown.wait() == 128 + signal.SIGTERM
        assert b"\x1b[?1049l" in shown.written
        assert b"\x1b[?1003l" in shown.written
        assert shown.written.index(b"\x1b[?1049l") < shown.written.index(b"detached: the runner goes on")


def test_a_terminal_that_does_not_read_can_be_left() -> None:
    """Its event loop stands still, because nobody takes what it writes; it ends all the same."""
    with terminal("backfill", size=(200, 60)) as shown:
        # The first picture is larger than what the kernel holds for a reader that never reads.
        deadline = time.monotonic() + PATIENCE
        while shown.cpu() < 0.5:
            assert time.monotonic() < deadline
            assert shown.process.poll() is None
            time.sleep(0.05)
        time.sleep(1.0)
        shown.process.send_signal(signal.SIGTERM)
        while shown.process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert shown.process.returncode == 128 + signal.SIGTERM


def test_leaving_says_that_the_runner_goes_on_and_how_to_come_back() -> None:
    with terminal("backfill") as shown:
        shown.shows("RUNNING")
        shown.send("q")
        assert shown.wait() == 0
        last = shown.written.decode(errors="replace").strip().splitlines()[-1]
        assert "detached: the runner goes on" in last
        assert last.endswith("column-console attach 20261129-020005-placed_on")


def test_an_ended_session_gives_its_own_status_and_outcome() -> None:
    with terminal("completed") as shown:
        shown.shows("COMPLETED")
        shown.send("q")
        assert shown.wait() == 0
        assert b"completed: public.orders.placed_on is as planned" in shown.written.split(b"\x1b[?1049l")[-1]


def test_a_crash_leaves_three_lines_and_a_file_without_secrets(tmp_path: Path) -> None:
    with terminal("crash", environment={"COLUMN_CONSOLE_HOME": str(tmp_path)}) as shown:
        shown.shows("RUNNING")
        shown.send(" ")
        assert shown.wait() == 1
    left = shown.written.split(b"\x1b[?1049l")[-1].decode(errors="replace")
    said = [row for row in re.sub(r"\x1b\[[?<>\d;]*[a-z]", "", left).splitlines() if row.strip()]
    assert len(said) == 3
    assert said[0] == "The screen failed and was closed."
    assert "The runner goes on: column-console attach" in said[1]
    (report,) = tmp_path.glob("crash-*.txt")
    assert str(report) in said[2]
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    text = report.read_text(encoding="utf-8")
    assert "RuntimeError: the clock broke" in text
    assert "Traceback" in text
    assert "hunter2" not in text
    assert b"hunter2" not in shown.written


@pytest.mark.parametrize(
    ("environment", "kinds"),
    [
        ({"TERM": "xterm-256color"}, {"256"}),
        ({"TERM": "tmux-256color", "COLORTERM": "truecolor"}, {"true"}),
        ({"TERM": "xterm"}, {"16"}),
        ({"TERM": "linux"}, {"16"}),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, set()),
    ],
    ids=str,
)
def test_colours_are_those_that_the_terminal_has(environment: dict[str, str], kinds: set[str]) -> None:
    with terminal("throttled", environment=environment) as shown:
        # Words say everything that colours say.
        shown.shows("RUNNING", "HELD BACK", "CONFLICT", "STOPS", "SLOWS")
        shown.send("q")
        assert shown.wait() == 0
        drawn = shown.written.split(b"\x1b[?1049l", maxsplit=1)[0]
        assert colours(drawn) == kinds


@pytest.mark.parametrize("locale", [{"LANG": "C"}, {"LANG": "de_DE.UTF-8", "LC_ALL": "POSIX"}], ids=str)
def test_without_utf8_nothing_but_ascii_is_written(locale: dict[str, str]) -> None:
    with terminal("pile-up", environment=locale) as shown:
        shown.shows("RUNNING", "OURS", "`- 4802")
        shown.send("n?")
        shown.shows("Help")
        assert shown.written.isascii()


def test_it_is_refused_where_no_screen_can_be() -> None:
    with terminal("backfill", environment={"TERM": "dumb"}) as shown:
        assert shown.wait() == 2
        assert b"TERM=dumb can't show a screen" in shown.written
        assert b"\x1b" not in shown.written
    for redirected in ("stdin", "stderr"):
        streams = {"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        done = subprocess.run(
            [sys.executable, "-m", "tests.tui.program", "backfill"],
            **streams,  # type: ignore[call-overload]
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=os.environ | {"TERM": "xterm"},
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 2, redirected
        assert b"a screen needs a terminal" in done.stderr
        assert b"\x1b" not in done.stdout + done.stderr


def test_a_terminal_too_small_and_back() -> None:
    with terminal("backfill", size=(40, 10)) as shown:
        shown.shows("needs 60 columns", "40 by 10")
        shown.resize(80, 24)
        shown.shows("2 Backfill", "Lock waits")
        shown.resize(120, 40)
        shown.shows("5 Replicas", "6 Log")
        shown.resize(50, 12)
        shown.shows("50 by 12")


def test_a_replay_is_played_and_left(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    command = [sys.executable, "-m", "tests.tui.program", "record", "completed", str(path)]
    subprocess.run(command, check=True, cwd=ROOT, timeout=PATIENCE)
    before = path.read_bytes(), path.stat().st_mtime_ns, sorted(tmp_path.iterdir())
    with terminal("replay", str(path), "backfill") as shown:
        shown.shows("REPLAY", "recording r.jsonl, read only", "PLAYING", "Backfill")
        shown.send(" ")
        shown.shows("PAUSED ")
        shown.send("G")
        shown.shows("COMPLETED")
        shown.send("n")
        shown.shows("replay: a recording is only looked at")
        shown.send("q")
        assert shown.wait() == 0
        assert b"left the replay of" in shown.written
    assert before == (path.read_bytes(), path.stat().st_mtime_ns, sorted(tmp_path.iterdir()))
