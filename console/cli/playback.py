"""`replay` and `export`: what can be had of a recording, which is only read."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from console import directories
from console.cli.errors import DONE, UNFINISHED, USAGE, CommandError, can_be_written
from console.cli.say import Progress, data, tell
from console.damaged import damaged_sessions
from console.directories import AmbiguousName, DirectoryError
from console.recording import Problem, Recording, RecordingError

if TYPE_CHECKING:
    from console.recording.names import Names

LARGE = 2_000_000
"""Bytes of a recording whose first picture does not wait until all of it is read."""
SIZE = re.compile(r"(\d{1,4})x(\d{1,4})")
LEAST, MOST = (80, 24), (400, 200)
"""Columns and rows of a cast: what the screen needs, and what a player can show."""


def opened(name: str, *, redact: bool = False, verified: bool = True) -> Recording:
    """The recording at a path, or of a session. What is missing from it is told. Raises CommandError.

    With `redact`, without the names of people and hosts, and without literals. Unless it is not to be `verified` now,
    it is told, too, whether it is as it was written.
    """
    recording = _opened(found(name), verified=verified)
    return _nameless(recording)[0] if redact else recording


def opened_together(*names: str, redact: bool = False) -> tuple[Recording, ...]:
    """Recordings that are shown beside each other; with `redact`, whoever is in several has one word in all of them."""
    recordings = [_opened(found(name)) for name in names]
    return _nameless(*recordings) if redact else tuple(recordings)


def _opened(path: Path, *, verified: bool = True) -> Recording:
    try:
        recording = Recording.open(path)
    except RecordingError as error:
        raise CommandError(str(error), USAGE) from None
    for problem in recording.problems:
        tell(f"{path}, {problem}", "warning")
    if verified and recording.chain.broken:
        tell(f"{path}: {recording.chain.verdict}", "warning")
    return recording


def _nameless(*recordings: Recording, names: Names | None = None) -> tuple[Recording, ...]:
    tell(
        "replaced are the people and hosts that the recording knows; remarks, notes and queries are free text and may "
        "name others: read them before you hand it on"
    )
    from console.recording.names import Names
    from console.recording.rewritten import without_names

    known = names or Names.of(*recordings)
    return tuple(_rewritten(recording, lambda plain: without_names(plain, known)) for recording in recordings)


def found(name: str) -> Path:
    """The recording at a path, or of a session. Raises CommandError."""
    path = Path(name)
    if not path.exists() and directories.SESSION_ID.fullmatch(name):
        try:
            path = Path(directories.find_session(name).session.recording)
        except AmbiguousName as error:
            raise CommandError(str(error), USAGE) from None
        except DirectoryError as error:
            saved = _in_damaged(name)
            if saved is None:
                raise CommandError(f"there is no file {name}. {error}", USAGE) from None
            path = saved
    return path


def _in_damaged(name: str) -> Path | None:
    """The recording of a session whose folder does not say any more what it is; that is told."""
    with contextlib.suppress(DirectoryError):
        for damaged in damaged_sessions():
            if damaged.id == name and damaged.recording:
                tell(f"session {name}: {damaged.why}; its recording is there all the same", "warning")
                return Path(damaged.recording)
    return None


def _rewritten(recording: Recording, how: Callable[[Recording], Recording]) -> Recording:
    try:
        return how(recording)
    except RecordingError as error:
        raise CommandError(str(error), UNFINISHED) from None


def replay(name: str | None, at: str | None, speed: float, *, redact: bool = False) -> int:
    """Plays it through the screen; without a name, the session that is picked from a list."""
    from console.cli.screen import pick, play

    if name is None:
        name = pick()
        if name is None:
            return DONE
    path = found(name)
    if redact:
        return _replay_nameless(path, at, speed)
    large = path.exists() and path.stat().st_size >= LARGE
    head = Recording.head(path) if large else None
    if head is None:
        # Whether it is as it was written, the screen says once its first picture stands.
        return play(opened(str(path), verified=False), lambda: Recording.open(path), at, speed)
    missing: list[Problem] = []

    def whole() -> Recording:
        recording = Recording.open(path).filled()
        missing[:] = recording.problems
        return recording

    status = play(head, whole, at, speed, begun=True)
    for problem in missing:
        tell(f"{path}, {problem}", "warning")
    return status


def _replay_nameless(path: Path, at: str | None, speed: float) -> int:
    """It may be written still, so it is gone through each time that it is read; who has a word keeps it."""
    from console.cli.screen import play
    from console.recording.names import Names
    from console.recording.rewritten import without_names

    plain = _opened(path, verified=False)
    names = Names.of(plain)

    def again() -> Recording:
        grown = Recording.open(path)
        names.gather(grown)
        return without_names(grown, names)

    (shown,) = _nameless(plain, names=names)
    return play(shown, again, at, speed)


def export_csv(name: str, output: str | None, *, redact: bool) -> int:
    """The series of samples and batches, as CSV."""
    from console.report.series import series

    recording = opened(name, redact=redact)
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(series(recording))
    return put(written.getvalue(), output, recording)


def export_cast(name: str, output: str | None, *, size: str, speed: float, redact: bool) -> int:
    """The replay as a terminal recording, for asciinema."""
    found = SIZE.fullmatch(size)
    columns, rows = (int(found[1]), int(found[2])) if found else (0, 0)
    if not (LEAST[0] <= columns <= MOST[0] and LEAST[1] <= rows <= MOST[1]):
        raise CommandError(
            f"--size {size!r} is none of a terminal: write 120x40, from {LEAST[0]}x{LEAST[1]} to {MOST[0]}x{MOST[1]}",
            USAGE,
        )
    if output is not None:
        can_be_written(Path(output).absolute())
    recording = opened(name, redact=redact)
    if not redact:
        from console.recording.rewritten import checked

        recording = _rewritten(recording, checked)
    # Read when Textual is imported: what a cast shows does not depend on the terminal in which it is made.
    os.environ["TEXTUAL_COLOR_SYSTEM"] = "256"
    from console.tui.cast import cast

    progress = Progress()

    async def made() -> str:
        lines = cast(
            recording,
            Path(recording.path).name,
            size=(columns, rows),
            speed=speed,
            progress=lambda done, total: progress("frames drawn", done, total),
        )
        return "".join([line.decode() async for line in lines])

    try:
        text = asyncio.run(made())
    finally:
        progress.close()
    return put(text, output, recording)


def put(text: str, output: str | None, *read: Recording) -> int:
    """Onto standard output, or into the file that was named; never into a recording that was `read` for it."""
    if output is None:
        data(text)
        return DONE
    path = Path(output).absolute()
    can_be_written(path)
    if path.exists() and any(path.samefile(recording.path) for recording in read):
        raise CommandError(
            f"{path} is the recording itself, which is never written: name another file", USAGE
        )
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} can't be written ({error.strerror})", UNFINISHED) from None
    tell(f"written to {path}")
    return DONE
