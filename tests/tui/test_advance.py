"""What the panel before *Advance* says: what will run, what it locks, what could go wrong now, and how to undo it."""

import pytest

from console import events
from console.tui.widgets.pane import Pane
from tests.tui.screens import LARGE, SMALL, said, shown
from tests.tui.sources import StorySource

pytestmark = pytest.mark.slow


async def test_advance_says_what_runs_what_it_locks_what_may_go_wrong_and_how_to_undo_it() -> None:
    async with shown(StorySource("waiting")) as screen:
        await screen.press("n")
        text = said(screen)
        for words in (
            "ALTER TABLE public.orders ADD COLUMN placed_on date",
            "takes ACCESS EXCLUSIVE on public.orders",
            "holds up everything on the table, reads included",
            "the oldest transaction has been open for 3s",
            "about 10 sessions would queue",
            "nobody waits for a lock on the table",
            "db2 is streaming",
            "db3 is streaming",
            "pid 812 (report) has held a snapshot",
            "the catalog shows placed_on date, as planned",
            "ALTER TABLE public.orders DROP COLUMN placed_on",
        ):
            assert words in text


async def test_advance_shows_trouble_as_it_is_now() -> None:
    source = StorySource("waiting")
    async with shown(source) as screen:
        await screen.press("n")
        blocker = events.ServerSession(pid=99, user="clerk", state="idle in transaction")
        waiter = events.ServerSession(pid=100, user="shop")
        waits = (
            events.LockWait(session=blocker, blocked_by=(), on="public.orders"),
            events.LockWait(session=waiter, blocked_by=(99,), mode="ROW EXCLUSIVE", on="public.orders"),
        )
        source.story.tell(events.LockWaitsChanged, began=waits)
        source.story.tell(events.ReadingFailed, reading="replication", why="permission denied")
        source.more()
        await screen.settle()
        assert "BAD    1 session waiting for a lock already" in said(screen)
        assert "BAD    pid 99 (clerk, idle in transaction) holds public.orders" in said(screen)
        assert "BLIND  replication can't be read: permission denied" in said(screen)


async def test_advance_names_the_old_transactions_on_the_table() -> None:
    source = StorySource("waiting")
    async with shown(source) as screen:
        await screen.press("n")
        source.clock += 60
        report = events.ServerSession(
            pid=812, user="report", state="idle in transaction", transaction_began=source.clock - 45
        )
        source.story.tell(events.TableHeld, tables=("public.orders",), holders=(report,), others=2)
        source.more()
        await screen.settle()
        held = "BAD pid 812 (report, idle in transaction) has held public.orders for 45s: a lock would wait for it"
        assert held in " ".join(said(screen).split())
        assert "BAD    and 2 more old transactions" in said(screen)
        # Of the oldest anywhere nothing is feared any more: it is not on the table, or is told above.
        assert "a lock may wait for it" not in said(screen)
        source.story.tell(events.TableHeld, tables=("public.orders",))
        source.more()
        await screen.settle()
        assert "OK     no old transaction holds public.orders" in said(screen)


async def test_advance_points_to_what_could_go_wrong() -> None:
    source = StorySource("waiting")
    async with shown(source, SMALL) as screen:
        await screen.press("n")
        assert "2 things could go wrong now, see above" in screen.text
        source.clock += 7
        await screen.redraw()
        assert "4 things could go wrong now, see above" in screen.text


async def test_advance_tells_of_a_queue_only_where_one_can_grow() -> None:
    async with shown(StorySource("gate")) as screen:
        await screen.press("n")
        assert "transactions/s" in said(screen)
        assert "would queue" not in said(screen)


async def test_advance_and_what_is_behind_it_go_on_living() -> None:
    source = StorySource("waiting")
    async with shown(source, LARGE) as screen:
        await screen.press("n")
        assert "open for 3s" in said(screen)
        behind = screen.app.screen_stack[0].query_one("#header", Pane).lines
        source.clock += 7
        await screen.redraw()
        assert "the oldest transaction has been open for 10s: a lock may wait for it" in said(screen)
        assert screen.app.screen_stack[0].query_one("#header", Pane).lines != behind
        assert "02:00:36" in screen.lines[1]


async def test_advance_tells_of_a_holder_whose_beginning_is_not_known() -> None:
    source = StorySource("waiting")
    async with shown(source) as screen:
        await screen.press("n")
        prepared = events.ServerSession(pid=0, application="prepared transaction", state="prepared")
        source.story.tell(events.TableHeld, tables=("public.orders",), holders=(prepared,))
        source.more()
        await screen.settle()
        assert "holds public.orders, since when is not known: a lock may wait for it" in " ".join(
            said(screen).split()
        )
