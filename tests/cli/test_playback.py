"""`report` and `export` of a real session's recording; and what is said of recordings that are not whole."""

import csv
import hashlib
import io
import json
from pathlib import Path

import pytest

from console.events import FORMAT
from tests.cli.command import complaint, run
from tests.cli.shop import ROWS, Shop
from tests.demo.watching import eventually


@pytest.fixture
def recording(shop: Shop, home: Path, tmp_path: Path, readers: None) -> Path:
    """Of a walk that went through."""
    path = tmp_path / "r.jsonl"
    done = run("run", shop.change_file, "--headless", "--advance", "auto", "--recording", path, home=home)
    assert done.returncode == 0, done.stderr
    return path


def test_report_and_export(recording: Path, home: Path, tmp_path: Path) -> None:
    before = recording.read_bytes()
    done = run("report", recording, "--format", "json", home=home)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert report["outcome"] == "completed"
    assert report["rows_backfilled"] == ROWS
    assert (report["verified_rows"], report["differences"]) == (ROWS, 0)
    by_session = run("report", "orders", "--format", "json", home=home)
    assert json.loads(by_session.stdout) == report

    markdown = run("report", recording, home=home)
    assert markdown.returncode == 0
    assert markdown.stdout.startswith("# ")
    output = tmp_path / "report.md"
    written = run("report", recording, "-o", output, home=home)
    assert (written.returncode, written.stdout) == (0, "")
    assert output.read_text() == markdown.stdout
    nowhere = run("report", recording, "-o", tmp_path / "none" / "report.md", home=home)
    assert "there is no folder" in complaint(nowhere, 2)

    exported = run("export", recording, "--csv", home=home)
    assert exported.returncode == 0
    head, *rows = csv.reader(io.StringIO(exported.stdout))
    assert head[:4] == ["t", "time", "rows_per_second", "transactions_per_second"]
    assert head[-1] == "lag_s standby1"
    samples = [line for line in before.splitlines() if line.startswith(b'{"kind":"sample"')]
    assert len(rows) == len(samples) >= 1
    assert {len(row) for row in rows} == {len(head)}

    page = run("report", recording, "--format", "html", "-o", tmp_path / "report.html", home=home)
    assert (page.returncode, page.stdout) == (0, "")
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>\n")
    assert recording.read_bytes() == before
    assert recording.stat().st_mode & 0o777 == 0o600


def test_the_runner_leaves_the_report_with_the_hash(recording: Path, home: Path) -> None:
    digits = hashlib.sha256(recording.read_bytes()).hexdigest()

    def left() -> Path | None:
        return next(home.glob("sessions/*/report.html"), None)

    page = eventually(left, "the report in the session's folder")
    assert digits in page.read_text()
    assert page.stat().st_mode & 0o777 == 0o600


def test_its_hash_stands_in_the_log_of_the_server(
    recording: Path, shop: Shop, home: Path, tmp_path: Path
) -> None:
    digits = hashlib.sha256(recording.read_bytes()).hexdigest()
    log = shop.database.cluster.primary.log

    def written() -> str | None:
        return next((line for line in log.read_text().splitlines() if digits in line), None)

    line = eventually(written, "the hash in the server's log")
    assert "LOG:  column-console: session orders-" in line
    assert " ended, completed; SHA-256 of the " in line

    changed = tmp_path / "changed.jsonl"
    lines = recording.read_bytes().split(b"\n")
    lines[8] = lines[8].replace(b"1", b"2", 1)
    changed.write_bytes(b"\n".join(lines))
    done = run("report", changed, "--format", "json", home=home)
    assert "the chain of hashes is broken at line 9: the recording is not as it was written" in done.stderr


def test_a_truncated_recording_is_reported_as_far_as_it_goes(
    recording: Path, home: Path, tmp_path: Path
) -> None:
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(recording.read_bytes()[:-40])
    done = run("report", torn, "--format", "json", home=home)
    assert done.returncode == 0
    assert done.stderr.startswith(f"warning: {torn}, line ")
    assert json.loads(done.stdout)["rows_backfilled"] == ROWS


def test_a_recording_of_a_newer_version_is_refused(recording: Path, home: Path, tmp_path: Path) -> None:
    newer = tmp_path / "newer.jsonl"
    newer.write_bytes(recording.read_bytes().replace(b'"format":%d' % FORMAT, b'"format":99', 1))
    for command in (["report"], ["export", "--csv"]):
        said = complaint(run(*command, newer, home=home), 2)
        assert "newer" in said


def test_a_file_that_is_no_recording(home: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no recording\n")
    for path in (tmp_path / "notes.txt", tmp_path):
        assert str(path) in complaint(run("report", path, home=home), 2)


def test_a_used_recording_is_not_overwritten(recording: Path, shop: Shop, home: Path) -> None:
    before = recording.read_bytes()
    said = complaint(run("run", shop.change_file, "--headless", "--recording", recording, home=home), 2)
    assert str(recording) in said
    assert recording.read_bytes() == before
