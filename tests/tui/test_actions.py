"""The registry: reasons, labels, and what is made of it."""

import pytest
from textual.keys import KEY_ALIASES

from console import events
from console.session import Session, apply
from console.tui import actions, why
from console.tui.app import ConsoleApp
from console.tui.deeds import Deeds
from tests.tui.sources import StorySource
from tests.tui.stories import STORIES, session

# Prefixes and pane moves of tmux, screen and zellij, flow control, and keys that terminals send as others.
TAKEN = {
    "ctrl+a", "ctrl+b", "ctrl+s", "ctrl+q", "ctrl+o", "ctrl+h", "ctrl+j", "ctrl+k", "ctrl+enter", "ctrl+m",
    "ctrl+i", "ctrl+z", "ctrl+d", "ctrl+left_square_bracket",
}  # fmt: skip


def test_no_key_that_a_terminal_takes() -> None:
    keys = {key for action in actions.ACTIONS for key in action.key.split(",")}
    assert keys & TAKEN == set()
    assert not any(key in KEY_ALIASES.get("ctrl+m", ()) for key in keys - {"enter"})


@pytest.mark.parametrize("mode", ["live", "replay"])
def test_each_key_means_one_thing(mode: str) -> None:
    here = [action for action in actions.ACTIONS if mode in action.modes]
    keys = [key for action in here for key in action.key.split(",")]
    assert sorted(keys) == sorted(set(keys))


def test_every_action_has_a_deed() -> None:
    deeds = Deeds(ConsoleApp(StorySource("waiting")))
    wanted = {action.name for action in actions.of_mode("live")}
    assert wanted == set(deeds._deeds)


@pytest.mark.parametrize(
    ("story", "usable"),
    [
        ("waiting", {"slower", "advance", "throttle", "roll-back", "abort", "note", "findings", "statement"}),
        ("backfill", {"slower", "pause", "throttle", "roll-back", "abort", "note", "findings", "statement"}),
        (
            "throttled",
            {"slower", "faster", "pause", "throttle", "roll-back", "abort", "note", "findings", "statement"},
        ),
        (
            "pile-up",
            {
                *("slower", "pause", "throttle", "cancel-statement", "roll-back", "abort", "note"),
                *("session", "findings", "statement"),
            },
        ),
        (
            "parked",
            {
                *("slower", "throttle", "retry", "skip-rows", "roll-back", "abort", "note"),
                *("findings", "statement"),
            },
        ),
        (
            "gate",
            {
                *("slower", "advance", "throttle", "skip-gate", "roll-back", "abort", "note"),
                *("findings", "statement"),
            },
        ),
        ("completed", {"findings", "statement"}),
    ],
)
def test_what_can_be_used_when(story: str, usable: set[str]) -> None:
    now = session(story)
    here = [action for action in actions.of_mode("live") if action.group in ("work", "more")]
    found = {action.name for action in here if not action.allowed(now, "live")}
    assert found - {"trouble", "people"} == usable
    assert "people" in found


@pytest.mark.parametrize("story", STORIES)
def test_a_reason_is_words(story: str) -> None:
    now = session(story)
    for action in actions.ACTIONS:
        reason = action.allowed(now, "live")
        assert reason == "" or len(reason.split()) > 2


def test_replay_and_a_lost_link_forbid_what_needs_a_runner() -> None:
    now = session("waiting")
    for action in actions.ACTIONS:
        if action.needs_runner:
            assert action.allowed(now, "replay").startswith("replay")
            assert action.allowed(now, "live", "the link is gone: reset") == "the link is gone: reset"


def test_steps_of_the_throttle() -> None:
    now = Session()
    assert (why.below(why.percent(now)), why.above(why.percent(now))) == (75, None)
    seen = []
    while (step := why.below(why.percent(now))) is not None:
        seen.append(step)
        event = events.OperatorThrottle(s=now.s + 1, percent=step, rows_per_second=0, by="ana")
        now = apply(now, event)
    assert seen == [75, 50, 25, 10, 5]
    assert why.above(why.percent(now)) == 10


def test_pause_becomes_resume() -> None:
    pause = actions.BY_NAME["pause"]
    now = session("backfill")
    assert actions.label(pause, now) == "Pause"
    paused = apply(now, events.StateChanged(s=now.s + 1, state="paused", reason="paused by ana"))
    assert actions.label(pause, paused) == "Resume"
    assert pause.allowed(paused, "live") == ""


def test_table_of_keys() -> None:
    table = actions.table_markdown()
    assert table.splitlines()[0] == "| key | action | what it does |"
    for action in actions.ACTIONS:
        assert f"| {action.label} | {action.help} |" in table
    assert "| `+` `=` | Faster |" in table
