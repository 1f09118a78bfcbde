"""`sessions`: what it tells of past sessions, and how they are found."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from console import directories, events
from console.directories import SessionFile
from console.glance import Glance, glance
from tests.cli.command import complaint, run
from tests.recording.night import night
from tests.recording.streams import header, record, typical


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of sessions with one of each kind, three days apart."""
    monkeypatch.setenv("COLUMN_CONSOLE_HOME", str(tmp_path))
    made = [
        ("orders", "placed_on", "completed", 3),
        ("orders", "paid_on", "parked", 2),
        ("customers", "born_on", "rolled-back", 1),
        ("customers", "died_on", None, 0),
    ]
    for table, column, outcome, days in made:
        stream: list[events.Event] = [
            header(table=f"public.{table}", column=column, owner="ana" if days else "\x1b[31mbob"),
            events.Log(level="info", text="on", t=3605.0, s=2),
        ]
        if outcome is not None:
            stream.append(events.Ended(outcome=outcome, exit_status=0, text="", t=3660.0, s=3))  # type: ignore[arg-type]
        session(table, column, stream, datetime.now().astimezone() - timedelta(days=days))
    return tmp_path


def session(table: str, column: str, stream: list[events.Event], began: datetime) -> None:
    """A past session, whose runner is gone."""
    directory = directories.new_session(table, column)
    directory.write(
        SessionFile(
            id=directory.id,
            title=f"public.{table}.{column}",
            change_file="orders.toml",
            recording=str(directory.recording),
            socket=str(directory.path / "runner.sock"),
            pid=1,
            started=began.isoformat(timespec="seconds"),
        )
    )
    record(directory.recording, stream)


def found(home: Path, *options: str) -> list[str]:
    """The columns of the sessions that are listed."""
    listed = json.loads(run("sessions", "--json", *options, home=home).stdout)
    return [one["column"] for one in listed]


def test_it_tells_outcome_duration_and_operator(home: Path) -> None:
    titles, *lines = run("sessions", home=home).stdout.splitlines()
    assert titles.split() == ["SESSION", "STATE", "BEGAN", "TOOK", "OPERATOR", "CHANGE"]
    assert [line.split()[-1] for line in lines] == [
        "public.customers.died_on",
        "public.customers.born_on",
        "public.orders.paid_on",
        "public.orders.placed_on",
    ]
    assert "runner gone" in lines[0]
    assert "\x1b" not in lines[0]
    assert "1 h 0 min" in lines[0]
    for word in ("rolled-back", "1 h 1 min", "ana"):
        assert word in lines[1]


@pytest.mark.parametrize(
    ("options", "columns"),
    [
        ((), ["died_on", "born_on", "paid_on", "placed_on"]),
        (("--table", "ORDERS"), ["paid_on", "placed_on"]),
        (("--table", "orders.placed"), ["placed_on"]),
        (("--table", "nothing"), []),
        (("--outcome", "completed"), ["placed_on"]),
        (("--outcome", "dead"), ["died_on"]),
        (("--outcome", "live"), []),
        (("--since", "today"), ["died_on"]),
        (("--since", "2d"), ["died_on", "born_on", "paid_on"]),
        (("--until", "yesterday"), ["born_on", "paid_on", "placed_on"]),
        (("--since", "2d", "--until", "1d", "--table", "orders"), ["paid_on"]),
        (("--until", "2020-01-01"), []),
    ],
)
def test_it_finds(home: Path, options: tuple[str, ...], columns: list[str]) -> None:
    assert found(home, *options) == columns


def test_what_is_not_found_and_what_is_no_day(home: Path) -> None:
    done = run("sessions", "--table", "nothing", home=home)
    assert (done.stdout, done.stderr) == ("", "none of 4 sessions is like that\n")
    for wrong in ("soon", "2026-13-01", "999999d"):
        assert "is no day: write 2026-11-28" in complaint(run("sessions", "--since", wrong, home=home), 2)


def test_damaged_ones_are_told_with_what_is_wrong(home: Path) -> None:
    """A session is never passed over in silence: its recording is the evidence."""
    whole = directories.list_sessions()
    missing, torn, no_folder = (home / "sessions" / name for name in ("missing-1", "torn-1", "a file"))
    for folder in (missing, torn):
        folder.mkdir()
    no_folder.write_text("is no session at all")
    (torn / "session.json").write_text('{"id": "torn-1", "ti')
    record(torn / "recording.jsonl", list(typical(20)))
    done = run("sessions", home=home)
    assert len(done.stdout.splitlines()) == 1 + len(whole)
    first, second = done.stderr.splitlines()
    assert first.endswith(
        "session missing-1 is damaged (session.json is missing); there is no recording in it"
    )
    assert "session torn-1 is damaged (session.json: Input data was truncated)" in second
    assert second.endswith(f"column-console replay {torn}/recording.jsonl")
    assert len(json.loads(run("sessions", "--json", home=home).stdout)) == len(whole), "data stays data"
    report = run("report", "torn-1", home=home)
    assert report.returncode == 0
    assert "its recording is there all the same" in report.stderr
    assert "no session" in complaint(run("report", "missing-1", home=home), 2)
    beginning = directories.SessionDirectory(missing).lock()
    assert "missing-1" not in run("sessions", home=home).stderr, "a runner is just about to say what it is"
    beginning.release()


def test_a_name_that_fits_several_says_which(home: Path) -> None:
    ids = [one.session.id for one in directories.list_sessions() if one.session.id.startswith("orders-")]
    for command in ("report", "replay", "attach"):
        said = complaint(run(command, "orders-p", home=home), 2)
        assert said.startswith(f"orders-p fits {len(ids)} sessions, so name one whole: ")
        assert all(one in said for one in ids)


def test_a_glance_reads_head_and_tail_alone(tmp_path: Path) -> None:
    path = record(tmp_path / "r.jsonl", list(night(300)))
    first, rest = path.read_bytes().split(b"\n", 1)
    with path.open("wb") as file:
        file.write(first + b"\n")
        # A hole of a terabyte: nobody reads that by mistake.
        file.seek(1 << 40)
        file.write(b"\n" + rest)
    seen = glance(path)
    assert (seen.table, seen.operator, seen.host, seen.outcome) == ("public.orders", "ana", "bastion", "")
    assert seen.seconds is not None
    assert 298 < seen.seconds < 300.5


def test_a_glance_at_what_is_torn_damaged_or_no_recording(tmp_path: Path) -> None:
    path = record(tmp_path / "r.jsonl", list(typical(20)))
    with path.open("ab") as file:
        file.write(b'{"kind":"sample","v":[1,2')
    assert glance(path).seconds == 20.0
    with path.open("ab") as file:
        file.write(b"\x00" * 100_000)
    assert glance(path).seconds == 20.0
    for text in (b"", b"{}", b'{"kind":"header"', b"\xff" * 99, b'{"kind":"ended","outcome":7}\n'):
        path.write_bytes(text)
        assert glance(path) == Glance()
    assert glance(tmp_path / "none") == glance(tmp_path) == Glance()
