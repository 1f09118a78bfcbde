"""Who has control, who else is here, and what waits for people: in the header, on the buttons, in the dialogs."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from console import events
from console.tui import people
from console.tui.screens.people import OneAsked
from console.tui.widgets.buttons import Chip
from console.tui.widgets.pane import Pane
from tests.tui.screens import MEDIUM, SMALL, Shown, shown
from tests.tui.sources import StorySource
from tests.tui.stories import session, up_to
from tests.tui.story import ANA, BEN, Story


def shared(me: str, *, observers_may_pause: bool = False) -> StorySource:
    """A backfill with ana (c1) in control, ben (c2) beside her and cy (c3) watching; this screen is `me`."""
    story = up_to("backfill")
    header = story.events[0]
    assert isinstance(header, events.Header)
    story.events[0] = replace(header, one_control=True, observers_may_pause=observers_may_pause)
    story.tell(events.Attached, client="c2", owner=BEN, role="operator")
    story.tell(events.Attached, client="c3", owner=events.Owner(name="cy", uid=1002), role="observer")
    story.tell(events.ControlChanged, how="attached", owner=ANA, client="c1", by="ana")
    story.tell(events.PhaseBegan, phase="backfill")
    story.tell(events.StateChanged, state="running")
    source = StorySource(story)
    source.me = me
    return source


def arm(story: Story, action: str, owner: events.Owner, seconds: float, **fields: object) -> None:
    story.tell(
        events.ActionChanged,
        id=f"{action}-1",
        action=action,
        state="armed",
        owner=owner,
        asked=story.t,
        due=story.t + seconds,
        text="waits",
        **fields,
    )


def header(screen: Shown) -> str:
    return screen.lines[1]


def reasons(screen: Shown) -> dict[str, str]:
    """Of each button on the top screen, why it can't be pressed."""
    return {chip.name or "": chip.reason for chip in screen.app.screen.query(Chip)}


@pytest.mark.slow
@pytest.mark.parametrize("size", [SMALL, MEDIUM], ids=["80x24", "120x40"])
@pytest.mark.parametrize(
    ("me", "says"),
    [
        ("c1", "you have control, ben and cy watch"),
        ("c2", "ana has control, you and cy watch"),
        ("c3", "ana has control, you and ben watch"),
    ],
)
async def test_the_header_says_who_is_here(me: str, says: str, size: tuple[int, int]) -> None:
    async with shown(shared(me), size) as screen:
        assert says in header(screen)


@pytest.mark.slow
async def test_who_has_control_may_press_and_the_others_are_told_why_not() -> None:
    async with shown(shared("c1")) as screen:
        assert reasons(screen)["pause"] == ""
    source = shared("c2")
    async with shown(source) as screen:
        found = reasons(screen)
        for name in ("slower", "pause"):
            assert found[name] == "ana has control: w asks for it"
        await screen.press("space")
        assert source.asked == []
        assert screen.toasts == ["ana has control: w asks for it"]
        assert screen.app.why_not("note") == ""
        assert screen.app.why_not("roll-back") == "ana has control: w asks for it"


@pytest.mark.slow
async def test_an_observer_is_told_so_and_pauses_where_that_is_allowed() -> None:
    async with shown(shared("c3")) as screen:
        assert reasons(screen)["pause"] == "this screen only watches: w shows who has control"
    source = shared("c3", observers_may_pause=True)
    async with shown(source) as screen:
        assert reasons(screen)["pause"] == ""
        assert reasons(screen)["slower"] != ""
        await screen.press("space")
        assert [asked[0] for asked in source.asked] == ["pause"]


@pytest.mark.slow
async def test_with_an_older_runner_the_runner_decides() -> None:
    async with shown(shared("")) as screen:
        assert reasons(screen)["pause"] == ""


@pytest.mark.slow
async def test_control_is_asked_for_and_taken_with_a_reason() -> None:
    source = shared("c2")
    async with shown(source) as screen:
        await screen.press("w")
        text = "\n".join(row.text for row in screen.app.screen.query_one("#text", Pane).lines)
        assert "c1   ana                   has control" in text
        assert "c2   ben (you)             operator" in text
        assert "c3   cy                    observer" in text
        found = reasons(screen)
        assert (found["request-control"], found["take-over"]) == ("", "")
        assert found["hand-over"] == found["release-control"] == "you have no control"
        await screen.click("#do-request-control")
        assert [asked[0] for asked in source.asked] == ["request-control"]
        await screen.click("#do-take-over")
        assert "done after 10 s" in screen.text
        await screen.type("ana sleeps")
        await screen.press("enter", "enter")
        assert source.asked[-1][0] == "take-over"
        assert source.asked[-1][2] == "ana sleeps"


@pytest.mark.slow
async def test_a_take_over_counts_down_in_the_header_and_is_told_in_the_corner() -> None:
    source = shared("c1")
    async with shown(source) as screen:
        arm(source.story, "take-over", BEN, 10.0, reason="you sleep")
        source.more()
        await screen.settle()
        assert screen.toasts == ["ben takes control in 10s because you sleep"]
        source.clock = source.story.t + 4
        await screen.redraw()
        assert "ben takes control in 6s   you h" in header(screen)
        source.story.tell(events.ActionChanged, id="take-over-1", action="take-over", state="done", owner=BEN)
        source.story.tell(events.ControlChanged, how="taken-over", owner=BEN, client="c2", by="ana")
        source.more()
        await screen.settle()
        await screen.redraw()
        assert "ben has control, you and cy wat" in header(screen)
        assert reasons(screen)["pause"] == "ben has control: w asks for it"


@pytest.mark.slow
async def test_what_waits_for_approval_is_approved_by_another_person() -> None:
    source = shared("c2")
    arm(source.story, "advance", ANA, 600.0)
    async with shown(source) as screen:
        assert "ana's advance waits for approval, 9m left" in header(screen)
        await screen.press("a")
        await screen.press("down", "enter")
        assert isinstance(screen.app.screen, OneAsked)
        assert reasons(screen)["approve"] == ""
        await screen.press("tab", "enter")
        assert source.asked[-1][:2] == ("approve", ("advance-1",))
    own = shared("c1")
    arm(own.story, "advance", ANA, 600.0)
    async with shown(own) as screen:
        screen.app.push_screen(OneAsked("advance-1"))
        await screen.settle()
        await screen.redraw()
        assert reasons(screen)["approve"] == "it takes another person than who asked for it"
        assert reasons(screen)["cancel"] == ""


def test_a_session_of_an_older_version_is_told_as_it_was() -> None:
    before = session("backfill")
    assert not people.one_control(before)
    assert people.no_control(before, "c1") == ""
