"""`password_command`: run without a shell, its output never shown."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from console.change import Target
from console.databases.base import Unreachable
from console.databases.passwords import password_for, password_from


def python(code: str) -> str:
    return f"{sys.executable} -c '{code}'"


def test_first_line_is_the_password() -> None:
    assert password_from(python(r'print("a b c\nuser: ana")')) == "a b c"
    assert password_from(python(r'print("pw\r")')) == "pw"
    assert password_from(python('print("größe ")')) == "größe "


def test_there_is_no_shell_and_no_standard_input() -> None:
    assert password_from("echo $HOME; echo x") == "$HOME; echo x"
    assert password_from(python("import sys; print(repr(sys.stdin.read()))")) == "''"


def test_target_without_command_has_none() -> None:
    target = Target(kind="postgresql", url="postgresql:///shop")
    assert password_for(target) is None
    with_command = Target(kind="postgresql", url="postgresql:///shop", password_command="echo pw")
    assert password_for(with_command) == "pw"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("", "password_command is empty"),
        ("pass 'show", "can't be split into words"),
        ("/no/such/program", "/no/such/program can't be run (No such file or directory)"),
        (str(Path(__file__)), "can't be run (Permission denied)"),
        (python("pass"), "printed no password"),
        (python("print()"), "printed no password"),
    ],
)
def test_what_gives_no_password_is_one_sentence(command: str, said: str) -> None:
    with pytest.raises(Unreachable) as caught:
        password_from(command)
    assert said in caught.value.text
    assert caught.value.remedy


def test_failing_command_shows_one_line_of_its_complaint_and_none_of_its_output() -> None:
    code = (
        'import sys; print("s3cret"); print("locked\\x1b[31m", "here\\nmore", file=sys.stderr); sys.exit(3)'
    )
    with pytest.raises(Unreachable) as caught:
        password_from(python(code))
    assert caught.value.text == "password_command failed with status 3: locked␛[31m here"


def test_slow_command_is_ended_with_what_it_started() -> None:
    me = psutil.Process()
    before = {child.pid for child in me.children(recursive=True)}
    code = f'import subprocess; subprocess.run(["{sys.executable}", "-c", "import time; time.sleep(60)"])'
    with pytest.raises(Unreachable, match=r"no password within 0\.5 s"):
        password_from(python(code), limit=0.5)
    left = [child for child in me.children(recursive=True) if child.pid not in before]
    assert psutil.wait_procs(left, timeout=10)[1] == []
