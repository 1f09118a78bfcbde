"""Makes the pictures in `screenshots/`: `python -m tests.screenshots [--recording FILE] [NAME ...]`.

Of the screen, and of the report in a browser (`report...`). They show a real session: one that is recorded before, or
one that is walked on a demo now, which takes some minutes.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from console.recording import Recording, RecordingError
from tests.screenshots import reports
from tests.screenshots.shots import SHOTS, take
from tests.screenshots.sitting import sit


def main() -> int:
    """All of them, or those named."""
    known = {name: shot.database for name, shot in SHOTS.items()} | dict.fromkeys(reports.LOOKS, "postgresql")
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("--recording", metavar="FILE", help="draw them from this session")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    given = parser.parse_args()
    if unknown := [name for name in given.names if name not in known]:
        parser.error(f"there is no picture {unknown[0]}; there are {', '.join(known)}")
    wanted = {name: known[name] for name in given.names or known}
    try:
        given_one = Recording.open(given.recording) if given.recording else None
    except RecordingError as error:
        print(error, file=sys.stderr)
        return 2
    missing = []
    with tempfile.TemporaryDirectory() as folder:
        for database in dict.fromkeys(wanted.values()):
            recording = given_one or sit(Path(folder) / f"{database}.jsonl", database)
            names = [name for name, shown in wanted.items() if given_one or shown == database]
            missing += [name for name in names if not _taken(name, recording)]
            if given_one:
                break
    for name in missing:
        print(f"{name}: the recording has no such moment; the picture stays as it was", file=sys.stderr)
    return 0


def _taken(name: str, recording: Recording) -> bool:
    written = take(name, recording) if name in SHOTS else reports.take(name, recording)
    for path in written:
        print(path)
    return bool(written)


if __name__ == "__main__":
    sys.exit(main())
