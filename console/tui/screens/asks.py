"""The dialogs that ask the runner for something: skip a gate, roll back, stop, cancel, throttle, note."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from console.tui.draw import gate
from console.tui.draw.current import own_throttle
from console.tui.draw.phase import heading
from console.tui.draw.statement import sql
from console.tui.lines import Line, line, paragraph
from console.tui.screens.dialog import Asking, Dialog, easy
from console.tui.view import View
from console.tui.widgets.buttons import Chip

THROTTLE = re.compile(
    r"(?P<amount>off|\d+(\.\d+)?\s*%|\d[\d,_]*\s*rows/s)(\s+for\s+(?P<length>\d+\s*(s|m|min|h)))?",
    re.IGNORECASE,
)


class SkipGate(Asking):
    """Go on against the evidence."""

    action = "skip-gate"
    heading = "Skip the gate"
    confirm_label = "Skip it"
    danger = "careful"
    prompt = "the reason, which is recorded"
    carries_phase = True

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """What the evidence says."""
        current = view.session.current
        what = "This goes on although the evidence is not there. Your name and your reason are recorded."
        lines = paragraph(what, width)
        if current is not None:
            lines += [Line(), *gate.draw(view, view.phase, current, width)]
        return lines

    def reason(self) -> str:
        """As typed."""
        return self.typed


class SkipRows(Asking):
    """Leave the failing rows out."""

    action = "skip-rows"
    heading = "Skip the failing rows"
    confirm_label = "Skip them"
    danger = "careful"
    carries_phase = True

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """Which rows, and what becomes of them."""
        lines = paragraph(
            "These rows keep NULL. They are listed in the report, and stand in the way of NOT NULL.", width
        )
        for keys in view.session.keys:
            if keys.what == "failing":
                lines += [Line(), *paragraph(", ".join(keys.keys), width, "strong", "  ")]
                if keys.total > len(keys.keys):
                    lines.append(line((f"  and {keys.total - len(keys.keys)} more", "label")))
                lines += paragraph(keys.text, width, "warn", "  ")
        return lines


class RollBack(Asking):
    """Undo every phase."""

    action = "roll-back"
    heading = "Roll back"
    confirm_label = "Roll back"
    danger = "irreversible"

    def __init__(self, table: str) -> None:
        super().__init__()
        self.must_match = table
        self.prompt = f"type {easy(table)}"

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """Which phases are undone, and how, the last first."""
        lines = paragraph("This undoes what was done, the last phase first, and ends the session:", width)
        undone = 0
        for state in reversed(view.session.phases):
            phase = view.plan_of(state.name)
            if phase is None or state.state in ("ahead", "left-out", "undone"):
                continue
            if not phase.undo and phase.undo_text == "nothing to undo":
                continue
            undone += 1
            lines += heading(phase.title)
            lines += paragraph(phase.undo_text, width, "warn", "  ")
            for statement in phase.undo:
                lines += sql(statement.sql, width, "    ")
                if statement.lock:
                    lines += paragraph(f"takes {statement.lock}", width, "label", "    ")
        if not undone:
            lines += [Line(), line(("  nothing was done yet that has to be undone", "label"))]
        return lines

    def arguments(self) -> tuple[str, ...]:
        """The table's name: the runner looks at it too."""
        return (self.must_match,)


class Abort(Asking):
    """End the session, leave everything as it is."""

    action = "abort"
    heading = "Stop here"
    confirm_label = "Stop here"
    danger = "careful"

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """What stays."""
        return [
            *paragraph(
                "The batch or statement that runs is finished or given up, then the runner ends. Everything that was "
                "done stays: the column, the trigger, the rows filled so far, and how far the backfill is.",
                width,
            ),
            Line(),
            *paragraph("Running the same change file again takes it up where it stopped.", width, "label"),
        ]


class CancelStatement(Asking):
    """Cancel our own statement."""

    action = "cancel-statement"
    heading = "Cancel our statement"
    confirm_label = "Cancel the statement"
    close_label = "Let it run"
    danger = "careful"
    carries_phase = True

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """Which statement."""
        running = view.session.statement
        if running is None or running.outcome is not None:
            return [line(("no statement is running any more", "label"))]
        return [
            *paragraph("The server is asked to cancel this statement of ours. The phase then parks.", width),
            Line(),
            *sql(running.sql, width),
        ]


class LeaveDemo(Dialog):
    """Asks once before a demo is left half-way: it ends with its screen."""

    heading = "Leave the demo"
    close_label = "Stay"
    danger = "careful"

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """What goes with it."""
        return [
            *paragraph(
                "The walk is not through. Leaving takes the whole demo down: servers, traffic, session.",
                width,
            ),
            *paragraph("With --keep it would stay.", width, "label"),
        ]

    def buttons(self) -> Iterable[Chip]:
        """The button that leaves."""
        yield Chip("leave", "", "Leave, take it down", id="confirm", classes="-careful")

    def pressed(self, name: str) -> None:
        """Leave."""
        self.app.exit()


class Throttle(Asking):
    """The operator's own throttle, typed."""

    action = "throttle"
    heading = "Throttle the backfill"
    confirm_label = "Set"
    enter_acts = True
    prompt = "50%   or   2000 rows/s   or   off   (for 10m)"

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """What holds now, and what can be typed."""
        return [
            line(("now  ", "label"), (own_throttle(view), "strong")),
            Line(),
            *paragraph("A percentage of the free pace, rows per second at most, or off.", width),
            *paragraph("With a length of time behind it (50% for 10m) it ends by itself.", width, "label"),
        ]

    def why_not(self, view: View) -> str:
        """It must be one of the three forms."""
        refused = super().why_not(view)
        if refused:
            return refused
        return "" if self.arguments() else "type a percentage, rows/s or off"

    def arguments(self) -> tuple[str, ...]:
        """As the runner takes it: `50%` `for` `10m`."""
        return throttle_arguments(self.typed)


def throttle_arguments(text: str) -> tuple[str, ...]:
    """What was typed as the words of the action; empty where it is none of the forms.

    >>> throttle_arguments("50 %"), throttle_arguments("2,000 rows/s for 10 m"), throttle_arguments("OFF")
    (('50%',), ('2000rows/s', 'for', '10m'), ('off',))
    >>> throttle_arguments("0.5%"), throttle_arguments("101%"), throttle_arguments("fast")
    ((), (), ())
    """
    found = THROTTLE.fullmatch(text.strip())
    if not found:
        return ()
    amount = re.sub(r"[\s,_]", "", found["amount"].lower())
    if amount.endswith("%") and not 1 <= float(amount[:-1]) <= 100:
        return ()
    if found["length"]:
        return amount, "for", re.sub(r"\s|in$", "", found["length"].lower())
    return (amount,)


class Note(Asking):
    """A remark for the recording."""

    action = "note"
    heading = "Note"
    confirm_label = "Write it down"
    enter_acts = True
    prompt = "what you want to remember"

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """Where it goes."""
        return paragraph("Goes into the log and the recording, with your name and the time.", width, "label")

    def arguments(self) -> tuple[str, ...]:
        """The text."""
        return (self.typed,)
