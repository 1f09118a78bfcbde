"""The documents of the recording and the protocol name what there is, with the figures that hold."""

from __future__ import annotations

import re
from pathlib import Path

from console import events
from console.directories import SOCKET_PATH_BYTES
from console.link.connection import LINES_PER_SECOND, MOST_ASKS, MOST_GARBAGE, MOST_LINES, Patience
from console.link.outbox import MOST_BYTES, MOST_EVENTS
from console.link.protocol import FROM_CLIENT, HEARTBEAT, TO_CLIENT, FromClient, FromServer, Hello
from console.link.server import MOST_CLIENTS, MOST_OF_OTHERS
from console.recording.recorder import SNAPSHOT_EACH, SYNC_PATIENCE
from console.runner.book import LONGEST_TEXT
from console.runner.desk import SETTLES
from console.runner.lease import COUNTDOWN, STALE

DOCS = Path(__file__).parents[2] / "docs"


def test_every_kind_of_event_is_described() -> None:
    described = set(re.findall(r"`([a-z-]+)`", (DOCS / "recording.md").read_text().split("## Snapshots")[0]))
    assert set(events.KINDS) <= described


def test_every_field_of_the_protocol_is_described() -> None:
    text = (DOCS / "protocol.md").read_text()
    for struct in (Hello, FromServer, FromClient):
        missing = [name for name in struct.__struct_fields__ if not re.search(rf'[`"]{name}["`]', text)]
        assert missing == []


def test_the_actions_that_are_named_are_those_that_there_are() -> None:
    """Of those about people; the others are in the help of `send`."""
    text = (DOCS / "protocol.md").read_text()
    named = set(
        re.findall(r"^\| `([a-z-]+)", text.split("| action | who |")[1].split("\n\n")[0], re.MULTILINE)
    )
    about_people = {"note", "cancel", "approve", "withdraw"}
    about_people |= {"request-control", "hand-over", "release-control", "take-over"}
    assert named == about_people


def test_the_threat_model_has_the_bounds_that_hold() -> None:
    text = " ".join((DOCS / "security.md").read_text().split())
    patience = Patience()
    for words in (
        f"| {FROM_CLIENT // 1024} kB; longer",
        f"{MOST_LINES} at once, then {LINES_PER_SECOND:g} a second",
        f"{MOST_ASKS} at once by a client; {patience.asks} in a row by a user",
        f"{patience.screens} in a row by a user",
        f"{MOST_CLIENTS} at once, of which {MOST_OF_OTHERS} for other users",
        f"{MOST_GARBAGE} lines, then it is hung up on",
        f"{MOST_EVENTS} events or {MOST_BYTES // 1024} kB",
        f"{patience.progress:g} s, {patience.word:g} s, {patience.greeting:g} s",
        f"cut to {LONGEST_TEXT:,} characters",
    ):
        assert words in text


def test_the_figures_hold() -> None:
    text = " ".join((DOCS / "protocol.md").read_text().split())
    figures = {
        "says nothing for {:g} s": Patience().word,
        "reads nothing for {:g} s": Patience().progress,
        "each {:g} s: it is still there": HEARTBEAT,
        "at most {:g} MB": TO_CLIENT / 1024 / 1024,
        "at most {:g} kB": FROM_CLIENT / 1024,
        "{:g} events": MOST_EVENTS,
        "or {:g} kB": MOST_BYTES / 1024,
        "after {:g} of them": MOST_GARBAGE,
        "at most {:g} are served": MOST_CLIENTS,
        "({:g} bytes)": SOCKET_PATH_BYTES,
        "{:g} of them for other users": MOST_OF_OTHERS,
        "with one line, within {:g} s": Patience().greeting,
        "{:g} lines a second": LINES_PER_SECOND,
        "after a first {:g};": MOST_LINES,
        "may ask {:g} things at once": Patience().asks,
        "attach {:g} screens": Patience().screens,
        "after {:g} s, announced to all": COUNTDOWN,
        "no word for {:g} s; control stays": STALE,
        "the result where there is one within {:g} s": SETTLES,
    }
    assert [
        words.format(figure) for words, figure in figures.items() if words.format(figure) not in text
    ] == []
    assert (SNAPSHOT_EACH, SYNC_PATIENCE) == (60, 0.25), (
        "a minute, and a quarter of a second, says recording.md"
    )
