"""Who asks without a screen gets no events: what became of its asks that were answered as still open, it is told."""

from __future__ import annotations

from console.events import OPEN_STATES, ActionChanged, Event

MOST = 64
"""Asks of one client, still to come to their result, that are followed."""


class Results:
    """The asks of one client.

    >>> from console.events import Owner
    >>> results, ana = Results(), Owner(name="ana", uid=1000)
    >>> armed, done = (ActionChanged(id="a", action="advance", state=s, owner=ana) for s in ("armed", "done"))
    >>> results.asked("a")
    >>> [told.state for told in results.answered(armed)], [told.state for told in results.happened(done)]
    (['armed'], ['done'])

    A result that overtakes the answer is told after it:

    >>> results.asked("a")
    >>> results.happened(done), [told.state for told in results.answered(armed)]
    ([], ['armed', 'done'])
    """

    def __init__(self) -> None:
        self._early: dict[str, ActionChanged | None] = {}
        """Of each ask: its result, where that came before its answer."""
        self._answered: set[str] = set()

    def asked(self, id_: str) -> None:
        """Follow an ask."""
        if len(self._early) < MOST:
            self._early[id_] = None

    def answered(self, answer: ActionChanged) -> list[ActionChanged]:
        """What is to be told now that an ask has its answer: that, and perhaps the result."""
        result = self._early.get(answer.id)
        if answer.state in OPEN_STATES and result is None:
            if answer.id in self._early:
                self._answered.add(answer.id)
            return [answer]
        self._forget(answer.id)
        return [answer, result] if answer.state in OPEN_STATES and result is not None else [answer]

    def happened(self, event: Event) -> list[ActionChanged]:
        """What is to be told of an event: the result that it is."""
        if not isinstance(event, ActionChanged) or event.id not in self._early or event.state in OPEN_STATES:
            return []
        if event.id not in self._answered:
            self._early[event.id] = event
            return []
        self._forget(event.id)
        return [event]

    def _forget(self, id_: str) -> None:
        self._early.pop(id_, None)
        self._answered.discard(id_)
