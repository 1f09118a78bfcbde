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
@pytest.mark.parametrize("size", [SMALL, MEDIUM], ids=str)
async def test_who_holds_the_table_before_a_phase_is_there_to_be_dealt_with(size: tuple[int, int]) -> None:
    source = StorySource("waiting")
    async with shown(source, size) as screen:
        assert "nobody waits for a lock" in screen.text
        report = session_of(812, "report", "psql", "SELECT 1", state="idle in transaction")
        others = session_of(813, "report", "psql", "SELECT 2", state="active")
        source.story.tell(events.TableHeld, tables=("public.orders",), holders=(report, others))
        source.more()
        await screen.settle()
        assert "nobody waits, but 2 old transactions hold public.orders" in screen.text
        assert "812 report" in screen.text
        await screen.press("h")
        assert isinstance(screen.app.screen, SessionDetails)
        assert "Session 812" in screen.text
        await screen.press("right", "right", "enter", "right", "enter")
        assert source.asked[0][:2] == ("terminate-session", ("812", repr(report.started)))
        await screen.press("escape")
        source.story.tell(events.TableHeld)
        source.more()
        await screen.settle()
        assert waits(screen.app.session) == ()


def test_a_holder_that_holds_up_our_try_stands_once() -> None:
    story = held(TEXTS["WAITS"])
    blocker = session_of(4711, "clerk", "back office", "SELECT 1", state="idle in transaction")
    another = session_of(4712, "clerk", "back office", "SELECT 1", state="idle in transaction")
    story.tell(events.TableHeld, tables=("public.orders", "public.customers"), holders=(blocker, another))
    found = waits(fold(story.events))
    assert [wait.session.pid for wait in found[:2]] == [4712, 4711]
    assert found[0].on == "public.orders or public.customers"
    assert [wait.session.ours for wait in found] == [False, False, True]


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
