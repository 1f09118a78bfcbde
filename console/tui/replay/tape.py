"""What the player needs of a recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from console.events import Event, Header
from console.recording.chain import Chain
from console.session import LogLine, Point, Session


class Tape(Protocol):
    """A recording; `console.recording.Recording` is one. Position n lies after n events."""

    @property
    def header(self) -> Header | None:
        """What, where, when and by whom; None where that is damaged."""
        ...

    @property
    def events(self) -> Sequence[Event]:
        """Every event, in order."""
        ...

    @property
    def times(self) -> Sequence[float]:
        """When each happened, never falling."""
        ...

    @property
    def points(self) -> Sequence[Point]:
        """The whole session's points of the charts."""
        ...

    @property
    def log(self) -> Sequence[LogLine]:
        """The whole narration."""
        ...

    @property
    def log_positions(self) -> Sequence[int]:
        """The position just after the event that each line narrates."""
        ...

    @property
    def problems(self) -> Sequence[object]:
        """What is missing from it, each said by its `str`."""
        ...

    @property
    def chain(self) -> Chain:
        """Whether it is as it was written; takes a while when first asked for."""
        ...

    @property
    def duration(self) -> float:
        """Seconds."""
        ...

    def at_event(self, position: int) -> Session:
        """The session after so many events."""
        ...

    def of(self, *kinds: type[Event]) -> Iterator[tuple[int, Event]]:
        """The events of these kinds, each with the position just after it."""
        ...
