"""The commands that show a screen, on a real terminal: leaving, coming back, watching, replaying."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.command import complaint, run
from tests.cli.shop import Shop
from tests.cli.terminal import OnTerminal
from tests.demo.watching import processes_of
from tests.servers.fixtures import Servers

ENTER = "\r"
TAB = "\t"


@pytest.fixture
def open_terminal(home: Path) -> Iterator[Callable[..., OnTerminal]]:
    """Runs commands on terminals of their own; those that are left are ended."""
    opened: list[OnTerminal] = []

    def begin(*arguments: str | Path, tmp: Path = Path("/tmp")) -> OnTerminal:
        opened.append(OnTerminal(*arguments, home=home, TMPDIR=str(tmp)))
        return opened[-1]

    yield begin
    for terminal in opened:
        terminal.process.close(force=True)


def state(home: Path) -> str:
    """What `sessions` says of the only session."""
    (listed,) = json.loads(run("sessions", "--json", home=home).stdout)
    return str(listed["outcome"] or listed["state"])


def test_left_the_runner_goes_on_and_attach_comes_back(
    shop: Shop, home: Path, open_terminal: Callable[..., OnTerminal]
) -> None:
    terminal = open_terminal("run", shop.change_file)
    terminal.until("public.orders.placed_on", "Add column is next", "you have control")
    terminal.press("q")
    assert terminal.end() == 0
    assert "To come back: column-console attach orders-placed_on-" in terminal.screen()
    assert state(home) == "live"

    back = open_terminal("attach")
    back.until("Add column is next", "you have control", "is back")
    back.press("q")
    assert back.end() == 0

    again = open_terminal("run", shop.change_file)
    again.until("Add column is next")
    again.press("q")
    assert again.end() == 0
    assert state(home) == "live"


def test_an_observer_watches_and_an_operator_ends_it(
    shop: Shop, home: Path, open_terminal: Callable[..., OnTerminal]
) -> None:
    operator = open_terminal("run", shop.change_file)
    operator.until("Add column is next")
    observer = open_terminal("attach", "orders", "--observe")
    observer.until("Add column is next", "has control, you watch")
    assert run("send", "orders", "abort", "--reason", "enough", home=home).returncode == 0
    assert operator_end(operator) == operator_end(observer) == 1
    assert "because enough" in operator.screen()
    assert state(home) == "parked"
    assert "takes it up again" in complaint(run("attach", "orders", home=home), 1)


def operator_end(terminal: OnTerminal) -> int:
    """The screen stays when the session is over, for who wants to read; then it is left."""
    terminal.until("parked")
    terminal.press("q")
    return terminal.end()


def test_a_recording_is_replayed_from_a_moment(
    shop: Shop, home: Path, open_terminal: Callable[..., OnTerminal], readers: None
) -> None:
    done = run("run", shop.change_file, "--headless", "--advance", "auto", home=home)
    assert done.returncode == 0, done.stderr
    replay = open_terminal("replay", "orders", "--at", "verify", "--speed", "1")
    # What is left from there plays in a second: which phase is seen is up to the machine.
    replay.until("REPLAY", "read only")
    replay.press("q")
    assert replay.end() == 0

    nowhere = open_terminal("replay", "orders", "--at", "eclipse")
    nowhere.until("Error: --at: eclipse is no time, no phase and no event")
    assert nowhere.end() == 2


def test_a_terminal_too_small_is_one_sentence(shop: Shop, home: Path) -> None:
    small = OnTerminal("run", shop.change_file, home=home, size=(40, 10))
    small.until("this terminal has 40 by 10")
    small.press("q")
    assert small.end() == 0
    assert state(home) == "live"


@pytest.mark.slow
def test_a_demo_that_is_left_is_taken_down(
    servers: Servers, short_tmp: Path, open_terminal: Callable[..., OnTerminal]
) -> None:
    servers.rest()
    demo = open_terminal("demo", "--rows", "5000", tmp=short_tmp)
    demo.until("Add column is next")
    assert processes_of(short_tmp) != []
    demo.press("q")
    demo.until("The walk is not through")
    demo.press("\t")
    demo.press("\r")
    assert demo.end() == 0
    assert "left the demo" in demo.screen()
    assert "To come back" not in demo.screen()
    assert processes_of(short_tmp) == []
    assert [path.name for path in short_tmp.iterdir()] == ["lock"]
