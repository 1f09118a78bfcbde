"""Where sessions live: found by name, told apart when live, ended or dead, and private."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from console import directories, events
from console.directories import DirectoryError, SessionDirectory, SessionFile, find_session, list_sessions
from tests.link.harness import running
from tests.recording.streams import header, record


@pytest.fixture(autouse=True)
def at_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sessions are kept in a folder of this test's own."""
    home = folder / "home"
    monkeypatch.setenv("COLUMN_CONSOLE_HOME", str(home))
    return home


def _made(column: str = "placed_on", *, started: str = "2026-11-28T02:15:00+00:00") -> SessionDirectory:
    directory = directories.new_session("orders", column)
    directory.write(
        SessionFile(
            id=directory.id,
            title=f"public.orders.{column}",
            change_file="/changes/orders.toml",
            recording=str(directory.recording),
            socket=str(directory.path / "runner.sock"),
            pid=4711,
            started=started,
        )
    )
    return directory


def test_places(at_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert directories.home() == at_home
    monkeypatch.chdir(at_home.parent)
    monkeypatch.setenv("COLUMN_CONSOLE_HOME", "here")
    assert directories.home() == at_home.parent / "here"
    monkeypatch.delenv("COLUMN_CONSOLE_HOME")
    monkeypatch.setenv("XDG_STATE_HOME", "/srv/state")
    assert directories.home() == Path("/srv/state/column-console")
    for unset in ("", "relative/path"):
        monkeypatch.setenv("XDG_STATE_HOME", unset)
        monkeypatch.setenv("HOME", "/home/ana")
        assert directories.home() == Path("/home/ana/.local/state/column-console")


def test_folders_are_private_and_files_too() -> None:
    mask = os.umask(0)
    try:
        directory = _made()
        lock = directory.lock()
    finally:
        os.umask(mask)
    lock.release()
    assert stat.S_IMODE(directory.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(directory.path.parent.stat().st_mode) == 0o700
    for name in ("session.json", "runner.lock"):
        assert stat.S_IMODE((directory.path / name).stat().st_mode) == 0o600


@given(st.text(max_size=80), st.text(max_size=80))
@settings(deadline=None)
def test_ids_are_plain_whatever_the_names(table: str, column: str) -> None:
    name = directories.session_name(table, column, datetime(2026, 11, 28, 2, 15, tzinfo=UTC))
    assert directories.SESSION_ID.fullmatch(name)
    assert name.endswith("-20261128-021500")


def test_ids_are_unique_even_when_made_at_once() -> None:
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.append(_made().id)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 20
    assert all(directories.SESSION_ID.fullmatch(name) for name in made)


async def test_live_ended_and_dead() -> None:
    ended = _made("a", started="2026-11-28T01:00:00+00:00")
    record(ended.recording, [header(), events.Ended(outcome="completed", exit_status=0, text="", t=9.0, s=2)])
    dead = _made("b", started="2026-11-28T03:00:00+00:00")
    record(dead.recording, [header()])
    live = _made("c", started="2026-11-28T02:00:00+00:00")
    resumed = _made("d", started="2026-11-28T00:00:00+00:00")
    record(
        resumed.recording,
        [
            header(),
            events.Ended(outcome="parked", exit_status=1, text="", t=9.0, s=2),
            header(resumed=True, t=10.0, s=3),
        ],
    )
    (live.path.parent / "no session").mkdir()
    (live.path.parent / "empty").mkdir()
    async with running(live.path):
        found = list_sessions()
        assert [(one.session.id, one.state, one.outcome) for one in found] == [
            (dead.id, "dead", ""),
            (live.id, "live", ""),
            (ended.id, "ended", "completed"),
            (resumed.id, "dead", ""),
        ]
        assert find_session().session.id == live.id
        assert find_session(ended.id).state == "ended"
    assert find_session(live.id).state == "dead"
    assert find_session().session.id == dead.id


def test_how_a_session_of_somebody_else_ended_is_told_by_its_file() -> None:
    """A member of its group may not read its recording."""
    ended = _made("a", started="2026-11-28T01:00:00+00:00")
    said = ended.read()
    assert said is not None
    ended.write(replace(said, outcome="completed", recording="/nobody/may/read.jsonl"))
    assert [(one.state, one.outcome) for one in list_sessions()] == [("ended", "completed")]


def test_a_runner_that_does_not_listen_yet_is_live_by_its_lock() -> None:
    directory = _made()
    lock = directory.lock()
    assert find_session().state == "live"
    with pytest.raises(DirectoryError, match=r"has a runner already \(process 4711\)"):
        directory.lock()
    lock.release()
    lock.release()
    assert find_session().state == "dead"


def test_the_lock_goes_with_the_process_however_it_dies() -> None:
    directory = _made()
    code = (
        "import sys, time; from pathlib import Path; from console.directories import SessionDirectory\n"
        "lock = SessionDirectory(Path(sys.argv[1])).lock(); print('held', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, directory.path], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    assert find_session().state == "live"
    holder.kill()
    holder.wait()
    holder.stdout.close()
    directory.lock().release()


def test_finding() -> None:
    with pytest.raises(DirectoryError, match="There are no sessions in"):
        find_session()
    one, two = _made("placed_on"), _made("paid_on")
    assert find_session(one.id).session.id == one.id
    assert find_session("orders-pl").session.id == one.id
    with pytest.raises(DirectoryError, match="fits 2 sessions, so name one whole"):
        find_session("orders-p")
    with pytest.raises(DirectoryError, match="There is no session items; there are"):
        find_session("items")
    for name in ("../etc", "a/b", ".hidden", "x" * 65, "\x1b[31m"):
        with pytest.raises(DirectoryError, match="is no session: ids are made of"):
            find_session(name)
    locks = [one.lock(), two.lock()]
    with pytest.raises(DirectoryError, match="2 sessions are live, so name one"):
        find_session()
    for lock in locks:
        lock.release()


def test_session_json_is_old_or_new_never_half() -> None:
    directory = _made()
    first = directory.read()
    assert first is not None
    seen: set[int | None] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            read = directory.read()
            seen.add(read.pid if read else None)

    looking = threading.Thread(target=look)
    looking.start()
    for number in range(200):
        directory.write(
            SessionFile(**{**{f: getattr(first, f) for f in first.__struct_fields__}, "pid": number})
        )
    stop.set()
    looking.join()
    assert None not in seen
    assert [path.name for path in directory.path.iterdir()] == ["session.json"]


def test_a_place_that_can_t_be_written(at_home: Path, folder: Path) -> None:
    at_home.write_text("a file")
    with pytest.raises(DirectoryError, match=r"can't be written .*: set COLUMN_CONSOLE_HOME to a folder"):
        directories.new_session("orders", "placed_on")
    with pytest.raises(DirectoryError, match=r"can't be read .*: set COLUMN_CONSOLE_HOME to a folder"):
        list_sessions()
    at_home.unlink()
    at_home.mkdir()
    (at_home / "sessions").write_text("a file")
    with pytest.raises(DirectoryError, match=r"sessions is a file: set COLUMN_CONSOLE_HOME to a folder"):
        directories.new_session("orders", "placed_on")


def test_a_place_of_somebody_else(at_home: Path, folder: Path) -> None:
    # Root may write anywhere, so it becomes somebody else; what it needs is imported before.
    for path in (folder.parent, folder):
        path.chmod(0o755)
    at_home.mkdir(mode=0o500)
    code = (
        "import os, sys; from console import directories\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "directories.new_session('orders', 'placed_on')"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = ran.stderr.splitlines()[-1]
    assert last.endswith(
        "can't be written (Permission denied): set COLUMN_CONSOLE_HOME to a folder of your own."
    )
