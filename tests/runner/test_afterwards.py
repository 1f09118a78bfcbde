"""The report that a run leaves: of its own end, and of nobody else's."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from console.directories import SessionDirectory
from console.runner.afterwards import leave_report
from tests.tui.stories import STORIES
from tests.tui.tapes import record


@pytest.fixture
def directory(tmp_path: Path) -> SessionDirectory:
    return SessionDirectory(tmp_path)


def test_it_bears_the_hash_of_the_recording_and_is_the_owners_alone(directory: SessionDirectory) -> None:
    record(STORIES["completed"](), directory.recording)
    leave_report(directory, directory.recording, directory.recording.stat().st_size)
    assert hashlib.sha256(directory.recording.read_bytes()).hexdigest() in directory.report.read_text()
    assert directory.report.stat().st_mode & 0o777 == 0o600


def test_where_another_run_has_gone_on_in_the_recording_it_is_left_to_that(
    directory: SessionDirectory,
) -> None:
    record(STORIES["completed"](), directory.recording)
    size = directory.recording.stat().st_size
    directory.write_report("of the other run")
    with directory.recording.open("ab") as more:
        more.write(b"{}\n")
    leave_report(directory, directory.recording, size)
    assert directory.report.read_text() == "of the other run"


def test_what_goes_wrong_is_said_and_changes_nothing_of_the_end(
    directory: SessionDirectory, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_report(directory, directory.recording, 0)
    assert "the report was not written (There is no recording at" in capsys.readouterr().err

    class Closed(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stderr", Closed())
    leave_report(directory, directory.recording, 0)
