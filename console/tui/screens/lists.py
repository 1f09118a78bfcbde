"""The dialogs that are lists: the menu of all actions, preflight's findings, the help, the demo's trouble."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from textual import on

from console.tui import actions
from console.tui.lines import Line, fit, left, line, paragraph
from console.tui.replay.moments import WORDS
from console.tui.screens.dialog import Dialog
from console.tui.view import View
from console.tui.widgets.buttons import Chip
from console.tui.widgets.pane import Pane
from console.words import duration, plural, size


class Picking(Dialog):
    """A list of which one line is picked and opened."""

    picks = True

    @property
    def first_focus(self) -> str:
        """The list, of which nothing is picked yet."""
        return "#text"

    @on(Pane.Opened)
    def _opened(self, event: Pane.Opened) -> None:
        event.stop()
        self.chosen(event.key)

    @on(Pane.Clicked)
    def _clicked(self, event: Pane.Clicked) -> None:
        """One click is enough: what is dangerous asks once more."""
        event.stop()
        self.chosen(event.key)

    def chosen(self, key: str) -> None:
        """A line was opened."""


class Menu(Picking):
    """Every action, with its key, its help, and why not where it can't be used now."""

    heading = "Menu"
    groups: tuple[actions.Group, ...] = ("replay", "work", "more")

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """One line an action."""
        lines: list[Line] = []
        for action in self._actions():
            reason = self.console_app.why_not(action.name)
            colour = (
                "dim" if reason else {"irreversible": "err", "careful": "warn"}.get(action.danger, "strong")
            )
            text = f"not now: {reason}" if reason else action.help
            name = actions.label(action, view.session)
            row = line(
                (f" {action.shown_key:>6} ", "key"),
                " ",
                (left(name, 18), colour),
                (text, "dim" if reason else ""),
                key=action.name,
            )
            lines.append(fit(row, width, view.glyphs.ellipsis))
        return lines

    def _actions(self) -> list[actions.Action]:
        app = self.console_app
        return [
            action
            for action in actions.of_mode(app.source.mode)
            if action.group in self.groups and app.offers(action.name)
        ]

    def chosen(self, key: str) -> None:
        """Do it, or say why not."""
        reason = self.console_app.why_not(key)
        if reason:
            self.console_app.tell(reason, "warning")
            return
        self.dismiss(None)
        self.app.call_later(self.console_app.press, key)


class Findings(Dialog):
    """What preflight found, the worst first."""

    heading = "What preflight found"

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """Severity in a word, what was seen, what to do."""
        preflight = view.session.preflight
        if preflight is None:
            return [line(("preflight has not looked yet", "label"))]
        words = {"blocker": ("BLOCKER", "err"), "warning": ("WARNING", "warn"), "note": ("note", "label")}
        lines: list[Line] = []
        for finding in preflight.findings:
            word, style = words[finding.severity]
            lines.append(line((f"{word:<8} ", style), (finding.code, "label")))
            lines += paragraph(finding.seen, width, "", "  ")
            if finding.remedy:
                lines += paragraph(f"to mend it: {finding.remedy}", width, "ok", "  ")
            lines.append(Line())
        if not preflight.findings:
            lines += [line(("nothing", "ok")), Line()]
        estimate = preflight.estimate
        if estimate is not None:
            lines.append(
                line(
                    ("estimate ", "label"),
                    f"{plural(estimate.rows, 'row')}, {size(estimate.wal_bytes)} of log, "
                    f"{size(estimate.disk_bytes)} of disk, "
                    f"{duration(estimate.seconds_low)} to {duration(estimate.seconds_high)}",
                )
            )
        return lines


MEANINGS = (
    ("WAITING", "warn", "nothing runs; a person, or evidence, takes it on"),
    ("RUNNING", "ok", "a phase is being carried out"),
    ("PAUSED", "warn", "someone paused it, at the end of a batch"),
    ("PARKED", "err", "it met trouble, kept everything, and waits for a person"),
    ("ENDED", "on-dim", "the session is over"),
    ("STOPS", "err", "this reason holds the backfill still"),
    ("SLOWS", "warn", "this reason makes the backfill slower"),
    ("OLD", "warn", "a reading that should be taken each second was not: don't trust it"),
    ("OURS", "ours", "our own session, in the tree of lock waits"),
    ("CONFLICT", "err", "a query on the replica holds up what it replays"),
)


class Help(Dialog):
    """All keys, and what the words mean."""

    heading = "Help"

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """From the registry, group by group."""
        lines: list[Line] = []
        for group, title in actions.GROUPS.items():
            here = [
                action
                for action in actions.of_mode(view.mode)
                if action.group == group and self.console_app.offers(action.name)
            ]
            if not here:
                continue
            lines.append(line((title, "title")))
            for action in here:
                keys = " ".join(actions.shown(key) for key in action.key.split(","))
                rows = paragraph(self.console_app.help_of(action), max(10, width - 28))
                head = line((f" {keys:>7} ", "key"), " ", (left(action.label, 17), "strong"), " ")
                lines.append(Line((*head.spans, *rows[0].spans)))
                lines += [line(" " * 28, *row.spans) for row in rows[1:]]
            lines.append(Line())
        if view.playing is not None:
            lines.append(line(("On the time line", "title")))
            letters = [f"{letter} {word}" for letter, word in WORDS.values()]
            lines += paragraph(", ".join([*letters, "! lag over its limit"]), width, "", "  ")
            lines += [
                line("  a click goes there; where two are in one cell, the one named first is shown"),
                Line(),
            ]
        lines.append(line(("In a panel", "title")))
        lines.append(line("  arrows pick a line, Enter or a second click opens it, Tab goes on, Esc lets go"))
        lines += [Line(), line(("What the words mean", "title"))]
        lines += [line((f"  {left(word, 10)}", style), meaning) for word, style, meaning in MEANINGS]
        return lines


class TroubleMenu(Picking):
    """What can be done to the demo, to see how the console takes it."""

    heading = "Cause trouble in the demo"

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[Mapping[str, Any]] = []
        self._said = ("asking the demo ...", "label")

    def on_mount(self) -> None:
        """Ask what there is."""
        self.console_app.trouble_status(self.told)

    def told(self, status: Mapping[str, Any]) -> None:
        """The demo has answered."""
        found = status.get("troubles", ())
        if isinstance(found, Mapping):
            found = [{"name": name, **entry} for name, entry in found.items()]
        first = not self._entries
        self._entries = list(found)
        text = str(status.get("text") or "Enter causes it; again ends it")
        self._said = (text, "err" if status.get("ok") is False else "label")
        self.redraw()
        if first and self._entries:
            self.query_one("#text", Pane).pick(str(self._entries[0].get("name", "")))

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """Two lines each: title and whether it is active, and what it does."""
        lines: list[Line] = []
        for entry in self._entries:
            active = bool(entry.get("active"))
            mark = view.glyphs.checked if active else view.glyphs.unchecked
            title, name = str(entry.get("title", "")), str(entry.get("name", ""))
            word = ("ACTIVE", "warn") if active else ("", "")
            lines.append(line((f" {mark} ", word[1]), (left(title, 30), "strong"), word, key=name))
            lines += paragraph(str(entry.get("help", "")), width, "label", "     ")
        return lines

    def verdict(self, view: View) -> tuple[str, str]:
        """What the demo said last."""
        return self._said

    def chosen(self, key: str) -> None:
        """Cause it, or end it; the demo answers with what there is then."""
        self._said = ("...", "label")
        self.redraw()
        self.console_app.trouble_do(key, self.told)

    def buttons(self) -> Iterable[Chip]:
        """None: the list is the buttons."""
        return ()
