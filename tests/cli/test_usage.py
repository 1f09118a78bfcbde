"""What every command keeps to: usage, exit statuses, one sentence for each error, nothing on the wrong stream."""

import os
import stat
import subprocess
from pathlib import Path

import click
import pytest

from console import __version__
from console.cli import errors
from tests.cli.command import COMMAND, complaint, environment, run
from tests.config.test_errors import GOOD
from tests.recording.streams import record
from tests.report.story import story

pytestmark = pytest.mark.slow

COMMANDS = [
    "demo",
    "check",
    "plan",
    "run",
    "attach",
    "sessions",
    "send",
    "replay",
    "report",
    "export",
    "doctor",
]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A change file of a server that nobody listens at."""
    path = tmp_path / "good.toml"
    path.write_text(GOOD.replace("postgresql://deploy@db1/shop", "postgresql://deploy@127.0.0.1:1/shop"))
    return path


def test_help_lists_the_commands_in_their_order_and_the_exit_statuses(tmp_path: Path) -> None:
    done = run("--help", home=tmp_path)
    assert done.returncode == 0
    listed = [
        line.split()[0]
        for line in done.stdout.partition("Commands:")[2].splitlines()
        if line[:3] == "  " + line[2:3] and line[2:3].isalpha()
    ]
    assert listed[: len(COMMANDS)] == COMMANDS
    for status in ("0  the change is complete", "5  verification", "130  interrupted"):
        assert status in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_a_full_sentence(command: str, tmp_path: Path) -> None:
    done = run(command, "--help", home=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    listed = run("--help", home=tmp_path).stdout
    (line,) = [line for line in listed.splitlines() if line.startswith(f"  {command} ")]
    assert "..." not in line


def test_version(tmp_path: Path) -> None:
    assert run("--version", home=tmp_path).stdout == f"column-console {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bogus"], "No such command 'bogus'"),
        (["check"], "Missing argument 'CHANGE'"),
        (["plan", "x", "--json", "--sql"], "--json and --sql exclude each other"),
        (["run", "x", "--detach", "--headless"], "--detach leaves the runner alone"),
        (["run", "x", "--advance", "soon"], "Invalid value for '--advance'"),
        (["demo", "--rows", "0"], "Invalid value for '--rows'"),
        (["run", "x.toml", "--foreground", "--detach"], "--foreground is the runner itself"),
        (["send", "../x", "pause", "--host", "db1"], "'../x' is no session"),
        (["export", "x", "--cast", "--csv"], "say what to export"),
        (["export", "x", "--csv", "--size", "80x24"], "--size and --speed go with --cast"),
        (["export", "x", "--cast", "--size", "tiny"], "is none of a terminal: write 120x40"),
        (["export", "x"], "say what to export"),
    ],
)
def test_wrong_usage_is_one_sentence_and_status_2(arguments: list[str], said: str, tmp_path: Path) -> None:
    assert said in complaint(run(*arguments, home=tmp_path), 2)


@pytest.mark.parametrize("command", ["check", "plan", "run"])
class TestChangeFile:
    """A bad change file is told before any connection, by every command that takes one."""

    def test_missing(self, command: str, tmp_path: Path) -> None:
        assert "there is no such file" in complaint(run(command, tmp_path / "none.toml", home=tmp_path), 2)

    def test_unknown_key(self, command: str, good: Path, tmp_path: Path) -> None:
        good.write_text(good.read_text() + "nulable = true\n")
        said = complaint(run(command, good, home=tmp_path), 2)
        assert said == f"{good}, line 7: unknown key 'nulable' in [change]; did you mean 'nullable'?"

    def test_several_problems(self, command: str, good: Path, tmp_path: Path) -> None:
        good.write_text(good.read_text() + "nulable = true\n[limits]\nworkers = 0\n")
        done = run(command, good, home=tmp_path)
        assert done.returncode == 2
        assert [line.split(": ")[1] for line in done.stderr.splitlines()] == [
            f"{good}, line 7",
            f"{good}, line 9",
        ]

    def test_nothing_is_left_behind(self, command: str, tmp_path: Path) -> None:
        home = tmp_path / "home"
        complaint(run(command, tmp_path / "none.toml", home=home), 2)
        assert not home.exists()


@pytest.mark.parametrize("scheme", ["postgresql", "mysql", "mariadb"])
@pytest.mark.parametrize("command", ["check", "plan"])
def test_unreachable_host_is_one_sentence(command: str, scheme: str, good: Path, tmp_path: Path) -> None:
    good.write_text(good.read_text().replace("postgresql://", f"{scheme}://"))
    said = complaint(run(command, good, home=tmp_path), 1)
    assert "127.0.0.1" in said


def test_run_on_an_unreachable_host_is_one_sentence(good: Path, tmp_path: Path) -> None:
    said = complaint(run("run", good, "--headless", home=tmp_path), 1)
    assert "127.0.0.1" in said


def test_run_and_attach_need_a_terminal_for_their_screen(good: Path, tmp_path: Path) -> None:
    for arguments in (["run", good], ["demo"]):
        said = complaint(run(*arguments, home=tmp_path), 2)
        assert "a screen needs a terminal" in said
        assert "--headless" in said


def test_password_in_the_url_is_warned_of_and_never_shown(good: Path, tmp_path: Path) -> None:
    good.write_text(good.read_text().replace("deploy@", "deploy:s3cret@"))
    done = run("check", good, home=tmp_path)
    assert done.returncode == 1
    assert "password_command" in done.stderr
    assert "s3cret" not in done.stderr + done.stdout


def test_recording_that_cannot_be_written_is_told_before_anything_begins(good: Path, tmp_path: Path) -> None:
    for recording, said in (
        (tmp_path / "none" / "r.jsonl", "there is no folder"),
        (tmp_path, "is a folder: name a file in it"),
    ):
        done = run("run", good, "--headless", "--recording", recording, home=tmp_path)
        assert said in complaint(done, 2)


def test_demo_does_not_overwrite_a_recording(tmp_path: Path) -> None:
    used = tmp_path / "r.jsonl"
    used.write_text("something")
    said = complaint(run("demo", "--headless", "--recording", used, home=tmp_path), 2)
    assert said == f"{used} is there already, and is not overwritten: name another file"


def test_sessions_of_an_empty_machine(tmp_path: Path) -> None:
    done = run("sessions", home=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "there are no sessions" in done.stderr
    assert run("sessions", "--json", home=tmp_path).stdout == "[]\n"


@pytest.mark.parametrize(
    "arguments", [["attach"], ["attach", "x"], ["send", "x", "pause"], ["replay", "x"], ["report", "x"]]
)
def test_a_session_that_is_not_there(arguments: list[str], tmp_path: Path) -> None:
    assert "no session" in complaint(run(*arguments, home=tmp_path), 2)


def test_a_reader_that_hears_no_more_is_no_error(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb") as nobody:
        done = subprocess.run(
            [*COMMAND, "sessions", "--json"],
            env=environment(tmp_path),
            stdout=nobody,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "")


class TestUnforeseen:
    """What nobody foresaw: one sentence, and the traceback where only its owner can read it."""

    @pytest.fixture(autouse=True)
    def home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("COLUMN_CONSOLE_HOME", str(tmp_path / "home"))
        return tmp_path / "home"

    def test_traceback_goes_into_a_private_file(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        def fail() -> None:
            raise LookupError("postgresql://ana:s3cret@h/d \x1b[31m")

        assert errors.guarded(fail) == 1
        out, err = capsys.readouterr()
        (crash,) = home.glob("crash-*.txt")
        assert out == ""
        assert err.count("\n") == 1
        assert str(crash) in err
        assert stat.S_IMODE(crash.stat().st_mode) == 0o600
        assert "in fail" in crash.read_text()
        assert "s3cret" not in err + crash.read_text()
        assert "\x1b" not in err

    def test_folder_that_cannot_be_written(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        home.write_text("a file where the folder should be")
        assert errors.guarded(lambda: 1 / 0) == 1
        assert "could not be written" in capsys.readouterr().err

    def test_interrupted(self, capsys: pytest.CaptureFixture[str]) -> None:
        def interrupt() -> None:
            raise KeyboardInterrupt

        def abort() -> None:
            raise click.Abort

        assert errors.guarded(interrupt) == 130
        assert errors.guarded(abort) == 130
        assert capsys.readouterr().err == "Error: interrupted\nError: interrupted\n"

    def test_a_disk_without_room_is_one_sentence(self, home: Path, tmp_path: Path) -> None:
        recording = record(tmp_path / "r.jsonl", story())
        with Path("/dev/full").open("w", encoding="utf-8") as full:
            done = subprocess.run(
                [*COMMAND, "report", recording],
                env=environment(home),
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert done.returncode == 1
        assert done.stderr == "Error: there is no room where the output goes: No space left on device\n"
        assert not list(tmp_path.rglob("crash-*"))
