"""Which pictures there are: what they show, at which size, after which keys."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from console.recording import Recording
from console.tui.app import ConsoleApp
from console.tui.glyphs import ASCII, UNICODE
from console.tui.player import Player
from console.tui.replay.source import ReplaySource
from console.tui.source import Source
from tests.screenshots.moments import MOMENTS, MomentSource
from tests.screenshots.pictures import write

FOLDER = Path(__file__).parents[2] / "screenshots"
SMALL, MEDIUM, LARGE = (80, 24), (120, 40), (200, 60)


@dataclass(frozen=True)
class Shot:
    """One picture."""

    moment: str
    """Which moment of the session: a name of `MOMENTS`."""
    size: tuple[int, int] = MEDIUM
    keys: tuple[str, ...] = ()
    replay: bool = False
    """Shown as a replay of the session."""
    database: str = "postgresql"
    ascii: bool = False
    few_colours: bool = False


SHOTS: dict[str, Shot] = {
    "backfill": Shot("backfill"),
    "backfill-80x24": Shot("backfill", SMALL),
    "backfill-200x60": Shot("backfill", LARGE),
    "advance": Shot("waiting", MEDIUM, ("n",)),
    "pile-up": Shot("pile-up"),
    "pile-up-80x24": Shot("pile-up", SMALL),
    "pile-up-200x60": Shot("pile-up", LARGE),
    "throttled": Shot("throttled"),
    "parked": Shot("parked"),
    "gate": Shot("gate"),
    "completed": Shot("completed"),
    "replay": Shot("backfill", replay=True),
    "replay-80x24": Shot("backfill", SMALL, replay=True),
    "replay-find": Shot("backfill", MEDIUM, ("slash", *"lock"), replay=True),
    "replay-on-screen": Shot("throttled", MEDIUM, ("O",), replay=True),
    "help": Shot("backfill", MEDIUM, ("question_mark",)),
    "menu": Shot("parked", MEDIUM, ("m", "down", "down")),
    "roll-back": Shot("parked", MEDIUM, ("b",)),
    "session": Shot("pile-up", MEDIUM, ("h",)),
    "unread": Shot("unread"),
    "mysql": Shot("pile-up", database="mysql"),
    "mariadb": Shot("throttled", database="mariadb"),
    "ascii": Shot("pile-up", SMALL, (), ascii=True, few_colours=True),
}


def source_of(shot: Shot, recording: Recording) -> Source | None:
    """What the picture is drawn from: a moment of the recording. None where it has no such moment."""
    at = MOMENTS[shot.moment](recording)
    if at is None:
        return None
    if not shot.replay:
        return MomentSource(recording, at)
    player = Player(recording, clock=lambda: 0.0)
    player.seek(at)
    player.play()
    return ReplaySource(player, "placed_on.jsonl")


async def settle(pilot: Pilot[None]) -> None:
    """Until everything that was posted has been drawn."""
    for _ in range(4):
        await pilot.pause()


async def picture(shot: Shot, source: Source) -> str:
    """The picture as an SVG."""
    app = ConsoleApp(source, glyphs=ASCII if shot.ascii else UNICODE, few_colours=shot.few_colours)
    async with app.run_test(size=shot.size) as pilot:
        await settle(pilot)
        for key in shot.keys:
            await pilot.press(key)
            await settle(pilot)
        app.redraw()
        await settle(pilot)
        return app.export_screenshot(title="column-console", simplify=True)


def take(name: str, recording: Recording, folder: Path = FOLDER) -> list[Path]:
    """Take the picture; the files written, none where the recording has no such moment."""
    shot = SHOTS[name]
    source = source_of(shot, recording)
    if source is None:
        return []
    return write(asyncio.run(picture(shot, source)), folder / name)
