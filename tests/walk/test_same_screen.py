"""The replay shows what stood on the live screen: at random moments of a real session, compared as plain text.

The session has what a night may have: a holder that is ended by hand, throttles of the operator's and of the lag's, a
pause, a note, a second operator who takes control over, an observer, and a runner that is killed and taken up again.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import psycopg

from console.events import ActionChanged, Event
from console.link.client import Client, connect
from console.recording import Recording
from console.session import Session
from console.tui.draw import timeline
from console.tui.player import Player
from console.tui.replay.source import ReplaySource
from console.tui.source import Mode
from tests.servers.database import Database
from tests.servers.versions import on_one_version
from tests.tui.screens import LARGE, MEDIUM, SMALL, Shown, shown
from tests.walk.shops import SHOPS
from tests.walk.walking import Walk

MakeWalk = Callable[..., Walk]
pytestmark = on_one_version
SHOP = SHOPS[1]
LIMITS = 'lock_timeout = "500ms"\nreplication_lag = "500ms"\nrows_per_second = 700\n'
SIZES = (SMALL, MEDIUM, LARGE)
PICTURES = 20


class Held:
    """A runner's stream and clock, which can be held still for a picture."""

    mode: Mode = "live"

    def __init__(self, client: Client) -> None:
        self.client = client
        self.title = client.title
        self.me = ""
        # Not "you": a replay names people.
        self._goes = asyncio.Event()
        self._goes.set()
        self._still: float | None = None

    def hold(self, t: float) -> None:
        """Time stands at `t`, and nothing more is heard."""
        self._goes.clear()
        self._still = t

    def let_go(self) -> None:
        """Time goes on."""
        self._still = None
        self._goes.set()

    async def events(self) -> AsyncIterator[Event]:
        """What the runner tells, while it is not held."""
        async for event in self.client.events():
            await self._goes.wait()
            yield event

    async def ask(
        self,
        action: str,
        arguments: tuple[str, ...] = (),
        reason: str = "",
        phase: str = "",
        seq: int = 0,
    ) -> ActionChanged:
        """Ask the runner."""
        return await self.client.ask(action, arguments, reason, phase, seq)

    def now(self) -> float:
        """The session's clock."""
        return self.client.now() if self._still is None else self._still

    async def close(self) -> None:
        """Hang up."""
        self.let_go()
        await self.client.close()


@dataclass
class Picture:
    """What stood on the live screen, after which event."""

    s: int
    size: tuple[int, int]
    lines: list[str]
    session: Session


async def picture(screen: Shown, source: Held, size: tuple[int, int]) -> Picture:
    """The live screen as it is now."""
    await screen.resize(*size)
    source.hold(screen.app.session.t)
    await screen.settle()
    source.hold(screen.app.session.t)
    # What a screen tells its own operator in the corner, and takes away by itself, stands in the log too.
    screen.app.clear_notifications()
    await screen.redraw()
    session = screen.app.session
    taken = Picture(session.s, size, screen.lines, session)
    source.let_go()
    return taken


def taller(size: tuple[int, int]) -> tuple[int, int]:
    """The terminal on which a replay has as much room beside its time line."""
    width, height = size
    return width, next(h for h in range(height, height + 8) if h - timeline.rows(h) == height)


def words(line: str) -> str:
    return " ".join(line.split())


async def compare(recording: Recording, pictures: list[Picture]) -> None:
    """Each picture against the replay at its event, line by line."""
    player = Player(recording)
    source = ReplaySource(player, "r.jsonl")
    async with shown(source, taller(MEDIUM)) as screen:
        for live in pictures:
            assert recording.events[live.s - 1].s == live.s
            player.go_to_event(live.s)
            source.moved()
            await screen.resize(*taller(live.size))
            screen.app.clear_notifications()
            await screen.redraw()
            assert screen.app.session == live.session
            lines = screen.lines
            rows = timeline.rows(taller(live.size)[1])
            told = f"event {live.s} at {live.size}"
            both = zip(lines[2 : -rows - 1], live.lines[2:-1], strict=True)
            differ = [(ours, theirs) for ours, theirs in both if ours != theirs]
            assert not differ, "\n".join([told, *(f"{a}\n{b}" for a, b in differ)])
            # The header differs in two words: LIVE, and the recording's name before the people.
            header = words(live.lines[0].replace(" LIVE", " REPLAY"))
            if live.size == SMALL:
                # REPLAY is longer than LIVE: the server's name may have no room.
                assert set(words(lines[0]).split()) <= set(header.split()), told
            else:
                assert words(lines[0]) == header, told
                file = "recording r.jsonl, read only "
                assert file in words(lines[1]), told
                assert words(lines[1]).replace(file, "") == words(live.lines[1]), told
            assert lines[1].endswith(live.lines[1][-8:]), told


@contextlib.asynccontextmanager
async def watching(walk: Walk) -> AsyncIterator[tuple[Shown, Held]]:
    """The live screen on the runner."""
    source = Held(await connect(walk.runner.socket))
    async with shown(source, MEDIUM) as screen:
        yield screen, source


async def take_while(
    doing: Callable[[], None], screen: Shown, source: Held, dice: random.Random
) -> list[Picture]:
    """Pictures at random moments of what is done meanwhile."""
    pictures = []
    task = asyncio.create_task(asyncio.to_thread(doing))
    while not task.done():
        await asyncio.wait({task}, timeout=dice.uniform(0.05, 0.6))
        pictures.append(await picture(screen, source, dice.choice(SIZES)))
    await task
    return pictures


def first_half(database: Database, walk: Walk) -> None:
    """Up to the middle of the backfill: a holder is ended, people come and go, the lag stops the work."""
    walk.wait(lambda s: s.waits_for == "advance" and s.phase == "add-column")
    # The holder learns that it was ended when it commits.
    with contextlib.suppress(psycopg.errors.AdminShutdown), database.connect() as holder:
        holder.execute("SET application_name = 'nightly report'")
        holder.execute("BEGIN; SELECT count(*) FROM t")
        assert walk.ask("advance", phase="add-column").state == "done"
        session = walk.wait(lambda s: s.totals.retries >= 2 and s.statements[-1].holders, "a retry")
        (held,) = session.statements[-1].holders
        done = walk.ask("terminate-session", str(held.pid), repr(held.started), reason="it can run tomorrow")
        assert done.state == "done", done.text
    walk.wait(lambda s: s.phase == "dual-writes" and s.waits_for == "advance")
    walk.ask("note", "the report is [b]ended[/b]")
    walk.ask("advance", phase="dual-writes")
    walk.wait(lambda s: s.phase == "backfill" and s.waits_for == "advance")
    walk.ask("advance", phase="backfill")
    walk.wait(lambda s: s.totals.batches > 2)
    walk.ask("throttle", "50", "for", "1m")
    with database.connect_standby("postgres") as standby:
        standby.execute("SELECT pg_wal_replay_pause()")
        try:
            held_back = walk.wait(
                lambda s: any(r.name == "replication lag" for r in s.throttle), "it is stopped"
            )
            walk.wait(lambda s: s.t > held_back.t + 4.0)
        finally:
            standby.execute("SELECT pg_wal_replay_resume()")
    walk.wait(lambda s: not any(r.name == "replication lag" for r in s.throttle), "the lag is over")


def second_half(walk: Walk) -> None:
    """After the runner was killed and taken up: paused, resumed, and left."""
    walk.wait(lambda s: s.header and s.header.resumed and s.phase == "backfill" and s.waits_for == "advance")
    walk.ask("advance", phase="backfill")
    walk.wait(lambda s: s.state == "running" and s.phase == "backfill")
    assert walk.ask("pause", reason="looking").state == "done"
    paused = walk.wait(lambda s: s.state == "paused")
    walk.wait(lambda s: s.t > paused.t + 4.0)
    assert walk.ask("resume").state == "done"
    walk.ask("throttle", "off")


async def test_the_replay_shows_what_stood_on_the_live_screen(
    database: Database, make_walk: MakeWalk
) -> None:
    database.run(f"{SHOP.create}; {SHOP.fill}")
    walk = make_walk(SHOP.body(), limits=LIMITS)
    await asyncio.to_thread(lambda: walk.start(advance="manual", alone=False))
    dice = random.Random(20261128)
    pictures: list[Picture] = []
    async with watching(walk) as (screen, source):
        other = await connect(walk.runner.socket)
        observer = await connect(walk.runner.socket, role="observer")
        took_over = await other.ask("take-over", reason="my watch begins")
        assert took_over.state == "armed"
        pictures += await take_while(lambda: first_half(database, walk), screen, source, dice)
        await other.close()
        await observer.close()
        pictures.append(await picture(screen, source, MEDIUM))
    walk.kill()
    await asyncio.to_thread(lambda: walk.start(advance="manual", alone=False))
    async with watching(walk) as (screen, source):
        pictures += await take_while(lambda: second_half(walk), screen, source, dice)
        for _ in range(PICTURES):
            await asyncio.sleep(dice.uniform(0.0, 0.5))
            pictures.append(await picture(screen, source, dice.choice(SIZES)))
    assert (await asyncio.to_thread(lambda: walk.ask("abort", reason="seen enough"))).state == "done"
    await asyncio.to_thread(lambda: walk.end(1))
    recording = walk.recorded()
    assert recording.problems == ()
    # Random ones, and of each thing that the night had one that shows it.
    chosen = [pictures[0], *dice.sample(pictures[1:-1], PICTURES - 2), pictures[-1]]
    for seen in (
        "LOCK TIMEOUT",
        "nightly report",
        "replication lag",
        "HELD BACK",
        "root watch",
        "takes control in",
        "took control over",
        "PAUSED",
    ):
        showing = [one for one in pictures if seen in "\n".join(one.lines)]
        assert showing, seen
        chosen.append(dice.choice(showing))
    await compare(recording, chosen)
