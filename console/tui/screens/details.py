"""The dialogs that show one thing in full: a phase and its statements, a line of the log, a database session."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from console.events import LockWait
from console.session import LogLine
from console.tui.clock import clock
from console.tui.draw import gate, phase
from console.tui.draw.statement import sql
from console.tui.lines import Line, left, line, paragraph, whole
from console.tui.screens.dialog import Asking, Dialog
from console.tui.view import View
from console.tui.waits import find, waits
from console.tui.widgets.buttons import Chip
from console.words import age, duration


class PhaseDetails(Dialog):
    """A phase of the plan, and what became of its statements."""

    def __init__(self, name: str, title: str) -> None:
        super().__init__()
        self._shown_phase = name
        self.heading = title

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """The plan, the evidence, the tries."""
        plan = view.plan_of(self._shown_phase)
        if plan is None:
            return [line(("the plan has no such phase", "warn"))]
        lines = phase.draw(view, plan, width, now=False)
        current = view.session.view(self._shown_phase)
        if current is not None and current.evidence:
            lines += [*phase.heading("What was shown"), *gate.draw(view, plan, current, width)]
        tries = [said for said in view.session.statements if said.phase == self._shown_phase]
        if tries:
            lines += phase.heading("What became of it")
        for said in tries[-40:]:
            words = f"{said.name}, try {said.attempt}: {said.outcome} after {duration(said.seconds)}"
            lines += paragraph(f"{clock(view.session.header, said.began)}  {words}", width, "", "  ")
            if said.text:
                lines += paragraph(said.text, width, "err", "            ")
        return lines


class LogDetails(Dialog):
    """A line of the log, however long."""

    heading = "Log"

    def __init__(self, entry: LogLine) -> None:
        super().__init__()
        self._entry = entry

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """The whole text."""
        entry = self._entry
        head = line((clock(view.session.header, entry.t), "label"), "  ", entry.level)
        return [head, Line(), *whole(entry.text, width)]


class SessionDetails(Dialog):
    """A database session that holds or waits, with what can be done to it."""

    def __init__(self, pid: int, started: float) -> None:
        super().__init__()
        self._pid = pid
        self._started = started
        self.heading = f"Session {pid}"

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """Who it is, what it does, whom it blocks."""
        wait = find(view.session, self._pid)
        if wait is None or wait.session.started != self._started:
            return [line(("it is gone: it neither waits nor holds anything back any more", "ok"))]
        return about(view, wait, width)

    def buttons(self) -> Iterable[Chip]:
        """Cancel its query, or end it: each asks once more."""
        yield Chip("cancel-session", "", "Cancel its query ...", classes="-careful")
        yield Chip("terminate-session", "", "End the session ...", classes="-irreversible")

    def update(self, view: View) -> None:
        """Neither is for our own session, nor for one that is gone."""
        wait = find(view.session, self._pid)
        reason = self.console_app.why_not("abort")
        if wait is None or wait.session.started != self._started:
            reason = "the session is gone"
        elif wait.session.ours:
            reason = "it is ours: k cancels our statement"
        for chip in self.query(Chip):
            if chip.name != "close":
                chip.say(chip.label, reason)

    def pressed(self, name: str) -> None:
        """Ask once more."""
        self.app.push_screen(EndSession(name, self._pid, self._started))


def about(view: View, wait: LockWait, width: int) -> list[Line]:
    """A database session in full."""
    session = wait.session
    began = session.transaction_began
    blocked = [other for other in waits(view.session) if session.pid in other.blocked_by]
    rows = [
        ("process id", str(session.pid) + (" (our own statement)" if session.ours else "")),
        ("user", session.user),
        ("application", session.application),
        ("state", session.state),
        ("transaction", "" if began is None else f"open for {age(view.now - began)}"),
        ("waits for", f"{wait.mode} on {wait.on}, for {age(view.now - wait.began)}" if wait.mode else ""),
        ("holds", "" if wait.mode else wait.on),
        ("behind", ", ".join(map(str, wait.blocked_by))),
        ("blocks", ", ".join(str(other.session.pid) for other in blocked)),
    ]
    lines = [line((left(name, 14), "label"), value) for name, value in rows if value]
    return [*lines, Line(), *sql(session.query, width, "  ")]


class EndSession(Asking):
    """Cancels another's query or ends its session: names it, says what it costs, and asks."""

    danger = "irreversible"

    def __init__(self, action: str, pid: int, started: float) -> None:
        super().__init__()
        self.action = action
        self._pid = pid
        self._started = started
        ends = action == "terminate-session"
        self.heading = f"End session {pid}" if ends else f"Cancel the query of session {pid}"
        self.confirm_label = "End the session" if ends else "Cancel its query"
        self.close_label = "Leave it alone"
        self._cost = (
            "Its connection is closed and its transaction is rolled back: what it did since it began is lost, and its "
            "application sees a broken connection."
            if ends
            else "The query that it runs is cancelled. A session that is idle in its transaction runs none and keeps "
            "its locks: only ending it frees them."
        )

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """What it costs, and who it is."""
        wait = find(view.session, self._pid)
        shown = about(view, wait, width) if wait is not None else [line(("it is gone", "ok"))]
        same = "The server is asked again whether it is still this session: by its process id and its start."
        return [*paragraph(self._cost, width, "warn"), *paragraph(same, width, "label"), Line(), *shown]

    def why_not(self, view: View) -> str:
        """Not for one that is gone, nor for our own."""
        wait = find(view.session, self._pid)
        if wait is None or wait.session.started != self._started:
            return "the session is gone"
        return "it is ours" if wait.session.ours else self.console_app.why_not("abort")

    def arguments(self) -> tuple[str, ...]:
        """The process id, and its start as Unix time: the pair that cannot be mistaken."""
        return str(self._pid), repr(self._started)
