"""What a reviewer asks of recordings from a shell: a page, two sessions side by side, other limits. No server."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from console import events
from console.recording import Recording
from console.report import FORMATS, Format, render, render_both
from console.report.what_if import WhatIf
from tests.cli.command import complaint, run
from tests.config.test_errors import GOOD
from tests.recording.streams import header, record
from tests.report.story import story
from tests.report.test_what_if import SECONDS, backfill


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """A backfill of a minute."""
    return record(tmp_path / "night.jsonl", backfill())


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A change file with other limits."""
    path = tmp_path / "other.toml"
    path.write_text(GOOD + '\n[limits]\nrows_per_second = 1000\nreplication_lag = "9s"\n')
    return path


def test_what_if_prints_a_model(night: Path, other: Path, tmp_path: Path) -> None:
    before = night.read_bytes()
    done = run("replay", night, "--what-if", other, home=tmp_path / "home")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("WHAT IF: ")
    assert "This is a model and did not happen." in done.stdout
    assert "rows_per_second: none -> 1000" in done.stdout
    machine = run("replay", night, "--what-if", other, "--json", home=tmp_path / "home")
    assert machine.returncode == 0
    model = msgspec.json.decode(machine.stdout, type=WhatIf)
    assert (model.recorded_limits.replication_lag, model.limits.replication_lag) == (2.0, 9.0)
    assert model.recorded.seconds == SECONDS
    assert model.modelled.seconds > 1.9 * SECONDS
    assert night.read_bytes() == before


def test_the_help_says_that_it_is_a_model(tmp_path: Path) -> None:
    assert "A model, not a fact." in " ".join(run("replay", "--help", home=tmp_path).stdout.split())


@pytest.mark.slow
def test_what_can_not_be_modelled_is_one_sentence(night: Path, other: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    empty = record(tmp_path / "empty.jsonl", [header()])
    assert "holds no backfill" in complaint(run("replay", empty, "--what-if", other, home=home), 2)
    assert "there is no such file" in complaint(run("replay", night, "--what-if", "none.toml", home=home), 2)
    assert "no file none.jsonl" in complaint(run("replay", "none.jsonl", "--what-if", other, home=home), 2)
    for option, value in (("--at", "backfill"), ("--speed", "2")):
        said = complaint(run("replay", night, "--what-if", other, option, value, home=home), 2)
        assert "plays nothing, so --at and --speed do not go with it" in said
    assert "--json goes with --what-if" in complaint(run("replay", night, "--json", home=home), 2)
    headless = tmp_path / "damaged.jsonl"
    headless.write_bytes(b"\n".join([b"{", *night.read_bytes().split(b"\n")[1:]]))
    done = run("replay", headless, "--what-if", other, home=home)
    assert done.returncode == 2
    assert "its header is damaged" in done.stderr
    begin, *rest = backfill()
    assert isinstance(begin, events.Header)
    for number, changed in enumerate(
        (replace(begin, window="25:99-x UTC"), replace(begin, limits={**begin.limits, "lock_queue": 0.5}))
    ):
        strange = record(tmp_path / f"strange-{number}.jsonl", [changed, *rest])
        assert "its header is damaged" in complaint(run("replay", strange, "--what-if", other, home=home), 2)
    strange = tmp_path / "strange.jsonl"
    strange.write_bytes(night.read_bytes().replace(b'"started":"20', b'"started":"99-', 1))
    rows = run("export", strange, "--csv", home=home)
    assert (rows.returncode, rows.stdout.count("\n") > 9) == (0, True)
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text(GOOD.replace("orders", "others"))
    assert "only its limits are taken" in run("replay", night, "--what-if", elsewhere, home=home).stderr


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
def test_reports_of_one_and_of_two(form: Format, night: Path, tmp_path: Path) -> None:
    home, second = tmp_path / "home", record(tmp_path / "second.jsonl", story())
    one, two = Recording.open(night), Recording.open(second)
    alone = run("report", night, "--format", form, home=home)
    assert (alone.returncode, alone.stdout) == (0, render(one, form))
    both = run("report", night, second, "--format", form, home=home)
    assert (both.returncode, both.stdout) == (0, render_both(one, two, form))
    if form == "json":
        assert set(json.loads(both.stdout)) >= {"a", "b", "differences", "figures", "phases", "statements"}


@pytest.mark.slow
def test_no_recording_that_was_read_is_written_over(night: Path, tmp_path: Path) -> None:
    home, second = tmp_path / "home", record(tmp_path / "second.jsonl", story())
    linked = tmp_path / "linked"
    linked.symlink_to(night)
    before = night.read_bytes(), second.read_bytes()
    for command in (
        ("report", night, "-o", night),
        ("report", night, second, "-o", second),
        ("export", night, "--csv", "-o", linked),
    ):
        assert "is the recording itself" in complaint(run(*command, home=home), 2)
    assert (night.read_bytes(), second.read_bytes()) == before


def test_a_second_recording_that_is_none_is_one_sentence(night: Path, tmp_path: Path) -> None:
    assert "none.jsonl" in complaint(run("report", night, "none.jsonl", home=tmp_path / "home"), 2)
    assert "unexpected extra argument" in complaint(
        run("report", night, night, night, home=tmp_path / "home"), 2
    )


def people_of(path: Path) -> list[str]:
    """The people whom its report must name, and its redacted one must not."""
    recording = Recording.open(path)
    return sorted({name for action in recording.final.actions if (name := action.owner.name).isalpha()})


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
def test_a_redacted_report_names_no_person_and_no_host(form: Format, tmp_path: Path) -> None:
    told = record(tmp_path / "told.jsonl", story())
    plain = run("report", told, "--format", form, home=tmp_path / "home").stdout
    done = run("report", told, "--format", form, "--redact", home=tmp_path / "home")
    redacted = done.stdout
    assert "remarks, notes and queries are free text and may name others" in done.stderr
    names = ("bastion", "db1.internal", "10.0.0.7", *people_of(told))
    assert len(names) > 3
    assert [name for name in names if re.search(rf"\b{name}\b", plain)] == list(names)
    assert [name for name in names if re.search(rf"\b{name}\b", redacted)] == []
    assert "completed" in redacted
