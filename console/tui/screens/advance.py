"""The panel before *Advance*: what will run, what it locks, what could go wrong now, how to undo it.

Its default is Cancel. A phase that can't be undone asks for the table's name.
"""

from __future__ import annotations

from collections.abc import Sequence

from console.tui.draw import gate, phase, risks
from console.tui.lines import Line, line
from console.tui.screens.dialog import Asking, easy
from console.tui.view import View
from console.words import plural


class AdvanceDialog(Asking):
    """Asks before a phase begins, and before a gate is passed."""

    action = "advance"
    confirm_label = "Advance"
    danger = "careful"
    carries_phase = True

    def __init__(self, name: str, title: str, table: str, *, irreversible: bool) -> None:
        super().__init__()
        self._shown_phase = name
        self.heading = f"Advance: {title}"
        if irreversible:
            self.danger = "irreversible"
            self.prompt = f"this can't be undone: type {easy(table)}"
            self.must_match = table

    def lines(self, view: View, width: int, height: int) -> Sequence[Line]:
        """The phase, with the evidence so far."""
        plan = view.plan_of(self._shown_phase)
        if plan is None:
            return [line(("the plan has no such phase any more", "warn"))]
        lines = phase.draw(view, plan, width, now=True)
        current = view.session.view(self._shown_phase)
        if current is not None and current.evidence:
            lines = [*gate.draw(view, plan, current, width), Line(), *lines]
        return lines

    def why_not(self, view: View) -> str:
        """A gate without its evidence is not passed from here."""
        session = view.session
        if session.waits_for == "evidence" and session.phase == self._shown_phase:
            seen = session.current.evidence if session.current else ()
            missing = gate.missing(session.current)
            if missing or not seen:
                of = f"{missing} of {len(seen)} not there yet" if seen else "nothing was looked at yet"
                return f"waits for evidence: {of} (s skips the gate, with a reason)"
        return super().why_not(view)

    def arguments(self) -> tuple[str, ...]:
        """The table's name, where it had to be typed: the runner looks at it too."""
        return (self.must_match,) if self.must_match else ()

    def verdict(self, view: View) -> tuple[str, str]:
        """Why it can't advance, or what the button will do."""
        reason = self.why_not(view)
        if reason:
            return reason, "warn"
        wrong = risks.worth_a_look(view, view.plan_of(self._shown_phase))
        if wrong:
            return (
                f"{plural(wrong, 'thing')} could go wrong now, see above: Tab to Advance, then Enter",
                "warn",
            )
        return "ready: Tab or right to Advance, then Enter", "label"
