"""Who held up our last try for a lock is on the screen between two tries, and can be dealt with."""

import pytest

from console import events
from console.session import fold
from console.tui.screens.details import EndSession, SessionDetails
from console.tui.waits import find, waits
from tests.tui.screens import MEDIUM, SMALL, shown
from tests.tui.sources import StorySource
from tests.tui.stories import session_of, up_to
from tests.tui.story import Story

TEXTS = {"NOT SENT": "not sent while an old transaction holds the table", "WAITS": ""}


def held(text: str, next_try: float | None = 2.0) -> Story:
    """A try that failed for the sake of one holder; nobody waits now."""
    story = up_to("add-column")
    story.tell(events.PhaseBegan, phase="add-column")
    story.tell(events.StateChanged, state="running")
    name = story.statement("add-column", 0)
    blocker = session_of(4711, "clerk", "back office", "SELECT 1", state="idle in transaction")
    story.tell(
        events.StatementEnded,
        phase="add-column",
        name=name,
        outcome="lock-timeout",
        text=text,
        attempts=30,
        holders=(blocker,),
        next_try=next_try,
    )
    return story


@pytest.mark.parametrize("size", [SMALL, MEDIUM], ids=str)
@pytest.mark.parametrize("word", TEXTS)
async def test_the_holder_stands_over_our_statement(word: str, size: tuple[int, int]) -> None:
    async with shown(StorySource(held(TEXTS[word])), size) as screen:
        rows = screen.lines
        root = next(y for y, row in enumerate(rows) if "4711 clerk" in row)
        assert "idle in transaction" in rows[root]
        assert "OURS" in rows[root + 1]
        assert f"{word}, next try" in rows[root + 1]
        assert "nobody waits for a lock" not in screen.text
        assert "1 session holds what ours needs" in screen.text


@pytest.mark.slow
async def test_the_holder_can_be_ended() -> None:
    source = StorySource(held(TEXTS["NOT SENT"]))
    async with shown(source) as screen:
        await screen.press("h")
        assert isinstance(screen.app.screen, SessionDetails)
        assert "Session 4711" in screen.text
        await screen.press("right", "right", "enter")
        assert isinstance(screen.app.screen, EndSession)
        await screen.press("right", "enter")
        blocker = waits(screen.app.session)[0].session
        assert source.asked[0][:2] == ("terminate-session", ("4711", repr(blocker.started)))


def test_the_holder_stays_while_the_next_try_begins_and_goes_with_it() -> None:
    story = held(TEXTS["WAITS"])
    story.statement("add-column", 0, attempt=2)
    assert find(fold(story.events), 4711) is not None
    story.tell(events.StatementEnded, phase="add-column", name="add-column", outcome="done", attempt=2)
    assert waits(fold(story.events)) == ()


def test_what_is_read_now_comes_before_what_was_met() -> None:
    story = held(TEXTS["WAITS"])
    story.statement("add-column", 0, attempt=2)
    blocker = session_of(4711, "clerk", "back office", "SELECT 2", state="active")
    ours = session_of(4802, "deploy", "column-console runner", "ALTER", ours=True)
    story.tell(
        events.LockWaitsChanged,
        began=(
            events.LockWait(session=blocker, blocked_by=(), on="public.orders"),
            events.LockWait(session=ours, blocked_by=(4711,), mode="ACCESS EXCLUSIVE", on="public.orders"),
        ),
    )
    session = fold(story.events)
    assert waits(session) == session.lock_waits


def test_whom_the_try_before_met_goes_once_the_next_is_read() -> None:
    story = held(TEXTS["WAITS"])
    story.statement("add-column", 0, attempt=2)
    another = session_of(4712, "clerk", "back office", "SELECT 1", state="idle in transaction")
    ours = session_of(4802, "deploy", "column-console runner", "ALTER", ours=True)
    story.tell(
        events.LockWaitsChanged,
        began=(
            events.LockWait(session=another, blocked_by=(), on="public.orders"),
            events.LockWait(session=ours, blocked_by=(4712,), mode="ACCESS EXCLUSIVE", on="public.orders"),
        ),
    )
    assert [wait.session.pid for wait in waits(fold(story.events))] == [4712, 4802]
