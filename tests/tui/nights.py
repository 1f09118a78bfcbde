"""An eventful session for the replay's tests: retries behind a holder, people behind us, a stop, a note."""

from console import events
from tests.tui.stories import opening
from tests.tui.story import ANA, BEN, Story

HOLDER = events.ServerSession(
    pid=700, started=1.0, user="app", application="report", state="active", query="SELECT ?"
)
QUEUED = events.ServerSession(
    pid=801, started=2.0, user="app", application="shop", state="active", query="UPDATE ?"
)
OURS = events.ServerSession(pid=4802, started=3.0, user="deploy", application="column-console", ours=True)


def waits(story: Story, *began: events.LockWait, ended: tuple[int, ...] = ()) -> None:
    """Lock waits that begin and end now."""
    story.tell(events.LockWaitsChanged, began=began, ended=ended)


def behind(session: events.ServerSession, blocker: int, t: float) -> events.LockWait:
    """A session that waits behind another."""
    return events.LockWait(
        session=session, blocked_by=(blocker,), mode="ACCESS EXCLUSIVE", on="public.orders", began=t
    )


def night() -> Story:
    """A session of a bit more than a quarter of an hour."""
    story = opening()
    story.rest("add-column", 6.0)
    story.tell(events.ScreenChanged, client="c1", dialog="Add column", pressed="Advance")
    story.wait(3.0)
    story.tell(events.ScreenChanged, client="c1", dialog="Add column", pressed="Advance now")
    story.tell(events.ScreenChanged, client="c1")
    story.tell(events.PhaseBegan, phase="add-column")
    story.tell(events.StateChanged, state="running")
    name = story.statement("add-column")
    waits(story, events.LockWait(session=HOLDER, blocked_by=()), behind(OURS, 700, story.t))
    story.waiting = 4
    story.wait(0.3)
    waits(story, behind(QUEUED, 4802, story.t))
    story.wait(0.7)
    story.tell(
        events.StatementEnded,
        phase="add-column", name=name, outcome="lock-timeout", seconds=1.0, attempts=31,
        holders=(HOLDER,), queued=1, next_try=0.5,
    )  # fmt: skip
    waits(story, ended=(801, 4802))
    story.waiting = 0
    story.wait(2.0)
    waits(story, ended=(700,))
    story.statement("add-column", attempt=2)
    story.tell(events.StatementEnded, phase="add-column", name=name, outcome="done", seconds=0.01, attempt=2)
    story.tell(events.PhaseEnded, phase="add-column", outcome="passed", seconds=4.0)
    story.tell(events.StateChanged, state="waiting", reason="Backfill is next", waits_for="advance")
    story.tell(events.Note, text="the release goes out [b]now[/b]", by="ben")
    story.ask("note", "the release goes out [b]now[/b]", owner=BEN)
    story.wait(600.0)
    story.ask("advance", text="backfill")
    story.tell(events.PhaseBegan, phase="backfill")
    story.tell(events.StateChanged, state="running")
    story.rate = 8_000.0
    story.wait(60.0)
    story.rate, story.lags["db2"] = 0.0, 4.0
    reason = events.Reason(name="replication lag", reading="4.0 s", limit="2 s", since=story.t)
    story.tell(events.Throttled, reasons=(reason,))
    story.wait(30.0)
    story.rate, story.lags["db2"] = 8_000.0, 0.3
    story.tell(events.Throttled, reasons=())
    story.tell(events.Detached, client="c1", name="ana", why="hung up")
    story.wait(200.0)
    story.tell(events.Attached, client="c7", owner=ANA, role="operator")
    story.ask("abort", text="ends at the end of the batch")
    story.tell(events.Ended, outcome="parked", exit_status=1, text="stopped by ana")
    return story
