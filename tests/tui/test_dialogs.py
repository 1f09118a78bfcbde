"""The dialogs: what they say, what they ask for, and that they go on living while they are open."""

from collections.abc import Mapping
from typing import Any

import pytest
from textual.widgets import Input

from console import events
from console.tui.screens.advance import AdvanceDialog
from console.tui.screens.asks import Note, RollBack, SkipGate, Throttle
from console.tui.screens.lists import TroubleMenu
from console.tui.widgets.buttons import Chip
from tests.tui.screens import LARGE, MEDIUM, SMALL, said, shown
from tests.tui.sources import StorySource
from tests.tui.stories import up_to

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("size", [SMALL, MEDIUM, LARGE], ids=str)
async def test_cancel_is_the_default(size: tuple[int, int]) -> None:
    source = StorySource("waiting")
    async with shown(source, size) as screen:
        await screen.press("n", "enter")
        assert len(screen.app.screen_stack) == 1
        await screen.press("n", "escape")
        assert len(screen.app.screen_stack) == 1
        assert source.asked == []


@pytest.mark.parametrize("way", ["keys", "mouse"])
@pytest.mark.parametrize("size", [SMALL, MEDIUM, LARGE], ids=str)
async def test_advance_carries_phase_and_place(way: str, size: tuple[int, int]) -> None:
    source = StorySource("waiting")
    async with shown(source, size) as screen:
        if way == "keys":
            await screen.press("n", "tab", "enter")
        else:
            await screen.click("#do-advance")
            assert isinstance(screen.app.screen, AdvanceDialog)
            await screen.click("#confirm")
        assert source.asked == [("advance", (), "", "add-column", source.story.events[-1].s)]
        assert "advance done" in screen.toasts


async def test_advance_on_a_phase_that_has_moved_on_is_not_sent() -> None:
    source = StorySource("waiting")
    async with shown(source) as screen:
        await screen.press("n")
        source.story.tell(events.PhaseEnded, phase="add-column", outcome="passed")
        source.story.tell(
            events.StateChanged, state="waiting", reason="Replicas is next", waits_for="advance"
        )
        source.more()
        await screen.settle()
        assert "it has moved on to replicas: look again" in screen.text
        await screen.press("tab", "enter")
        assert source.asked == []
        assert isinstance(screen.app.screen, AdvanceDialog)


async def test_a_gate_is_not_passed_without_its_evidence() -> None:
    source = StorySource("gate")
    async with shown(source) as screen:
        await screen.press("n")
        assert "waits for evidence: 1 of 2 not there yet (s skips the gate, with a reason)" in screen.text
        assert "NOT YET statements that use placed_on seen" in said(screen)
        await screen.press("tab", "enter")
        assert source.asked == []
        evidence = tuple(
            events.Evidence(name=name, seen="yes", holds=True)
            for name in source.story.phase("reads").evidence
        )
        source.story.tell(events.PhaseEvidence, phase="reads", evidence=evidence)
        source.story.tell(
            events.StateChanged, state="waiting", reason="the evidence holds: advance", waits_for="advance"
        )
        source.more()
        await screen.settle()
        await screen.press("enter")
        assert [ask[0] for ask in source.asked] == ["advance"]


async def test_skipping_a_gate_needs_a_typed_reason() -> None:
    source = StorySource("gate")
    async with shown(source) as screen:
        await screen.press("s")
        assert isinstance(screen.app.screen, SkipGate)
        await screen.press("enter")
        # Nothing typed is nothing wanted.
        assert len(screen.app.screen_stack) == 1
        await screen.press("s", "tab", "tab", "enter")
        assert source.asked == []
        assert "nothing is typed yet" in screen.toasts
        await screen.press("shift+tab", "shift+tab")
        await screen.type("deployed by hand")
        await screen.press("enter")
        assert source.asked == []
        await screen.press("enter")
        assert source.asked == [("skip-gate", (), "deployed by hand", "reads", source.story.events[-1].s)]


async def test_an_irreversible_phase_asks_for_the_table() -> None:
    story = up_to("finish")
    story.tell(events.StateChanged, state="waiting", reason="Finish is next", waits_for="advance")
    source = StorySource(story)
    async with shown(source) as screen:
        await screen.press("n")
        assert "type public.orders to go on" in screen.text
        await screen.type("orders")
        await screen.press("enter", "tab", "tab", "enter")
        assert source.asked == []
        assert isinstance(screen.app.screen, AdvanceDialog)
        screen.app.screen.query_one(Input).value = ""
        screen.app.screen.query_one(Input).focus()
        await screen.type("public.orders")
        await screen.press("enter")
        assert source.asked == []
        await screen.press("enter")
        assert source.asked[0][:2] == ("advance", ("public.orders",))


@pytest.mark.parametrize("typed", ["shop.orders", "`shop`.`orders`"])
async def test_a_table_is_typed_without_the_quotes_that_it_does_not_need(typed: str) -> None:
    """A backtick is hard to find on many a keyboard."""
    story = up_to("finish")
    story.tell(events.StateChanged, state="waiting", reason="Finish is next", waits_for="advance")
    source = StorySource(story)
    async with shown(source) as screen:
        dialog = AdvanceDialog("finish", "Finish", "`shop`.`orders`", irreversible=True)
        await screen.app.push_screen(dialog)
        await screen.press("tab")
        assert "type shop.orders to go on" in screen.text
        dialog.query_one(Input).focus()
        await screen.type(typed)
        await screen.press("enter", "enter")
        assert source.asked[0][:2] == ("advance", ("`shop`.`orders`",))


async def test_roll_back_says_what_it_undoes_and_asks_for_the_table() -> None:
    source = StorySource("backfill")
    async with shown(source) as screen:
        await screen.press("b")
        assert isinstance(screen.app.screen, RollBack)
        text = said(screen)
        # The last phase first.
        assert text.index("Backfill") < text.index("Dual writes") < text.index("Add column")
        assert "DROP TRIGGER" in text
        assert "DROP COLUMN placed_on" in text
        await screen.type("public.orders")
        await screen.press("enter", "enter")
        assert source.asked[0][:2] == ("roll-back", ("public.orders",))


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("50%", ("50%",)),
        ("2,000 rows/s for 10m", ("2000rows/s", "for", "10m")),
        ("off", ("off",)),
        ("200%", None),
        ("fast", None),
    ],
)
async def test_throttle_is_typed(typed: str, sent: tuple[str, ...] | None) -> None:
    source = StorySource("throttled")
    async with shown(source) as screen:
        await screen.press("v")
        assert isinstance(screen.app.screen, Throttle)
        assert "50 % by ana" in said(screen)
        await screen.type(typed)
        await screen.press("enter")
        assert [ask[1] for ask in source.asked] == ([sent] if sent else [])
        assert isinstance(screen.app.screen, Throttle) == (sent is None)


async def test_a_note_is_written() -> None:
    source = StorySource("completed")
    async with shown(source) as screen:
        await screen.press("o")
        assert len(screen.app.screen_stack) == 1
    source = StorySource("backfill")
    async with shown(source) as screen:
        await screen.press("o")
        assert isinstance(screen.app.screen, Note)
        await screen.type("traffic is low [b]now[/b]")
        await screen.press("enter", "enter")
        assert source.asked[0][:2] == ("note", ("traffic is low [b]now[/b]",))


async def test_keys_typed_into_a_dialog_do_nothing_else() -> None:
    source = StorySource("gate")
    async with shown(source) as screen:
        await screen.press("s")
        await screen.type("q n - + r x")
        assert isinstance(screen.app.screen, SkipGate)
        assert screen.app.screen.query_one(Input).value == "q n - + r x"
        assert source.asked == []


async def test_cancel_statement_and_stop_and_skip_rows() -> None:
    for story, key, action in (
        ("pile-up", "k", "cancel-statement"),
        ("backfill", "x", "abort"),
        ("parked", "S", "skip-rows"),
    ):
        source = StorySource(story)
        async with shown(source) as screen:
            await screen.press(key, "enter")
            assert source.asked == []
            await screen.press(key, "right", "enter")
            assert [ask[0] for ask in source.asked] == [action]


async def test_failing_rows_are_named_before_they_are_skipped() -> None:
    async with shown(StorySource("parked")) as screen:
        await screen.press("S")
        assert "271828" in said(screen)
        assert "out of range" in said(screen)


async def test_a_statement_that_ends_under_the_dialog_is_not_cancelled() -> None:
    source = StorySource("pile-up")
    async with shown(source) as screen:
        await screen.press("k")
        source.story.tell(
            events.StatementEnded, phase="add-column", name="add-column", outcome="done", seconds=1.0
        )
        source.more()
        await screen.settle()
        await screen.press("right", "enter")
        assert source.asked == []
        assert screen.toasts == ["no statement is running"]


async def test_a_refused_action_leaves_no_dialog_and_says_why() -> None:
    source = StorySource("waiting")
    source.answer, source.answer_text = "refused", "the walk has moved on"
    async with shown(source) as screen:
        await screen.press("n", "tab", "enter")
        assert screen.toasts == ["advance refused: the walk has moved on"]


async def test_a_link_that_is_lost_under_the_dialog_greys_its_button() -> None:
    source = StorySource("waiting")
    async with shown(source) as screen:
        await screen.press("n")
        source.lost = "reset by peer"
        source.more()
        await screen.settle()
        await screen.redraw()
        assert screen.app.screen.query_one("#confirm", Chip).reason == "the link is gone: reset by peer"
        await screen.press("tab", "enter")
        assert source.asked == []


class Demo:
    """The demo's trouble, with one trouble that can be on or off."""

    def __init__(self) -> None:
        self.on: set[str] = set()
        self.fails = False

    async def status(self) -> Mapping[str, Any]:
        if self.fails:
            raise OSError("no such socket")
        trouble = {
            "name": "hold-lock",
            "title": "Hold a lock",
            "help": "for a minute",
            "active": "hold-lock" in self.on,
        }
        return {"troubles": [trouble], "ok": True}

    async def do(self, name: str, **args: Any) -> Mapping[str, Any]:
        self.on ^= {name}
        return {"ok": True, "text": "a session holds ACCESS SHARE on orders for 60 s"}


async def test_trouble_is_caused_and_ended() -> None:
    demo = Demo()
    async with shown(StorySource("backfill"), trouble=demo) as screen:
        await screen.press("T")
        assert isinstance(screen.app.screen, TroubleMenu)
        assert "Hold a lock" in said(screen)
        assert "ACTIVE" not in said(screen)
        await screen.press("down", "enter")
        assert demo.on == {"hold-lock"}
        assert "ACTIVE" in said(screen)
        assert "a session holds ACCESS SHARE on orders for 60 s" in screen.text
        await screen.press("enter")
        assert demo.on == set()
        assert "ACTIVE" not in said(screen)
        demo.fails = True
        await screen.press("enter")
        assert "the demo does not answer: no such socket" in screen.text


async def test_trouble_stands_in_menu_and_palette_in_the_demo_only() -> None:
    async with shown(StorySource("backfill"), trouble=Demo()) as screen:
        await screen.press("m")
        assert "Trouble" in said(screen)
        assert any(c.title == "Trouble" for c in screen.app.get_system_commands(screen.app.screen))
    async with shown(StorySource("backfill")) as screen:
        await screen.press("m")
        assert "Trouble" not in said(screen)
        assert not any(c.title == "Trouble" for c in screen.app.get_system_commands(screen.app.screen))
