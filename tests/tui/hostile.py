"""Text from outside at its worst, and a session that is made of it."""

from console import events
from console.facts import Finding, Preflight
from tests.tui.stories import STARTED, backfill, up_to
from tests.tui.story import PLAN, Story

HOSTILE = {
    "action": "[@click=app.leave]press me[/] [@click=app.press('roll-back')]x[/]",
    "closing": "[/b] [/] [/red",
    "style": "[red on blue]gone[/] $primary {x}",
    "escapes": "a\x1b[2J\x1b[31mb\x1b]0;title\x07c\x9b3m\x00\x7f\r\n\td",
    "cjk": "表の行 데이터 ﾃｰﾌﾞﾙ " * 12,
    "zero width": "a\u200bb\u200dc\u202ed\ufefff e\u0301e\u0301 👩\u200d👩\u200d👧 z" * 6,
    "long": "x" * 100_000,
    "long words": "SELECT " * 20_000,
}


def hostile(text: str) -> Story:
    """A session in which everything that comes from outside is this text."""
    story = up_to("backfill")
    backfill(story, 0.2)
    owner = events.Owner(name=text, uid=1, claims=text)
    phase = PLAN.phase("backfill")
    story.tell(events.Attached, client=text, owner=owner, role="operator")
    story.tell(
        events.PreflightDone,
        preflight=Preflight(findings=(Finding(code=text, severity="warning", seen=text, remedy=text),)),
    )
    story.tell(events.StatementBegan, phase="backfill", name=text, sql=text, lock=text, pid=4802)
    session = events.ServerSession(
        pid=1, started=STARTED, user=text, application=text, state=text, query=text
    )
    ours = events.ServerSession(pid=4802, user=text, application=text, query=text, ours=True)
    story.tell(
        events.LockWaitsChanged,
        began=(
            events.LockWait(session=session, blocked_by=(), on=text),
            events.LockWait(session=ours, blocked_by=(1,), mode=text, on=text, began=story.t),
        ),
    )
    story.tell(events.Throttled, reasons=(events.Reason(name=text, reading=text, limit=text, owner=text),))
    story.tell(events.OperatorThrottle, percent=50, rows_per_second=10, by=text, expires=story.t + 60)
    story.tell(
        events.PhaseEvidence, phase="backfill", evidence=(events.Evidence(name=text, seen=text, holds=False),)
    )
    story.tell(events.KeysListed, what="failing", keys=(text, text), total=2, text=text)
    story.tell(events.Progressed, phase="backfill", done=1, total=2, unit=text, doing=text)
    replica = events.Replica(name=text, state="conflict", lag=3.0, bytes=1, why=text, slot=text)
    story.tell(
        events.Sample, replicas=(replica,), replication_at=story.t, application_version=text, p99_ms=1.0
    )
    story.tell(events.ReadingFailed, reading="locks", why=text, remedy=text)
    story.tell(events.ReadingFailed, reading="replication", why=text, remedy=text)
    story.tell(events.Log, level="error", text=text)
    story.tell(events.Note, text=text, by=text)
    story.tell(
        events.ActionChanged, id=text, action=text, state="refused", owner=owner, text=text, reason=text
    )
    story.tell(events.StateChanged, state="parked", reason=text, waits_for="retry")
    assert phase.statements
    return story
