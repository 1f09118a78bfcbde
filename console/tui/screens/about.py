"""About a recording: what it is of, what it spans, and whether all of it is there."""

from __future__ import annotations

from collections.abc import Sequence

from console.events import Header
from console.tui.clock import stopwatch, wall
from console.tui.lines import Line, left, line, paragraph
from console.tui.player import Player
from console.tui.replay.moments import WORDS
from console.tui.screens.dialog import Dialog
from console.tui.view import Playing, View
from console.words import count, plural


class About(Dialog):
    """Everything that can be said of the recording itself."""

    heading = "About this recording"

    def __init__(self, player: Player) -> None:
        super().__init__()
        self._player = player

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """What, when, how much, and what is missing."""
        player, playing = self._player, view.playing
        header = player.tape.header
        assert playing is not None
        first, last = wall(header, 0.0), wall(header, player.duration)
        rows = [
            (
                "of",
                f"{header.title} on {header.server.name}" if header else "not known: the header is damaged",
            ),
            ("session", header.session if header else ""),
            ("runs", str(runs) if (runs := sum(1 for _ in player.tape.of(Header))) > 1 else ""),
            ("begun by", f"{header.owner} on {header.host}" if header else ""),
            ("written by", header.product if header else ""),
            ("from", f"{first:%Y-%m-%d %H:%M:%S %Z}" if header else ""),
            ("to", f"{last:%Y-%m-%d %H:%M:%S %Z}, {stopwatch(player.duration)} long"),
            ("events", f"{count(playing.events)}, with {plural(len(player.tape.points), 'sample')}"),
        ]
        lines = [line((left(name, 12), "label"), value) for name, value in rows if value]
        kinds = [moment.kind for moment in player.moments]
        said = [
            f"{kinds.count(kind)} {word}" if word.endswith("s") else plural(kinds.count(kind), word)
            for kind, (_, word) in WORDS.items()
            if kind in kinds
        ]
        lines += _labelled("marked", ", ".join(said) or "nothing", width)
        if playing.written:
            lines += _labelled("written", "STILL: G follows it as it grows", width, "warn")
        lines.append(Line())
        lines += _chain(playing, width)
        if playing.cut_off:
            why = "NO END: its runner died, or lines were taken off the tail"
            lines += _labelled("to the end", why, width, "warn")
        if not playing.problems:
            lines.append(line(("whole       ", "label"), ("all of it can be read", "ok")))
        else:
            lines.append(line((f"MISSING     {plural(len(playing.problems), 'place')}", "err")))
            for problem in playing.problems:
                lines += paragraph(problem, width, "warn", "  ")
            lines += paragraph(
                "What is missing is missing on the screen too: totals and charts are put right by the next snapshot "
                "that can be read, lines of the log are not.",
                width,
                "label",
            )
        lines += [Line(), *paragraph("It is read only: replaying never writes to it.", width, "label")]
        return lines


def _chain(playing: Playing, width: int) -> list[Line]:
    """Whether it is as it was written."""
    chain = playing.chain
    if chain is None:
        return _labelled("as written", "being looked at", width)
    lines = _labelled(
        "as written", chain.verdict, width, "ok" if chain.holds else "err" if chain.broken else "warn"
    )
    for place in chain.breaks:
        lines += paragraph(str(place), width, "warn", "  ")
    return lines


def _labelled(name: str, text: str, width: int, style: str = "") -> list[Line]:
    """A text behind its name, on as many lines as it takes."""
    rows = paragraph(text, max(10, width - 12), style)
    return [
        Line((*line((left(name if number == 0 else "", 12), "label")).spans, *row.spans))
        for number, row in enumerate(rows)
    ]
