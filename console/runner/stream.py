"""The stream of events: each is stamped, folded into the session, and handed to whoever keeps or shows it."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec.structs import replace

from console import events
from console.session import Session, apply

Sink = Callable[[events.Event], None]


class Stream:
    """Stamps events with the session's clock `t` and their place `s`. Sinks must neither block nor raise."""

    def __init__(self, session: Session | None = None) -> None:
        self.session = session or Session()
        began = self.session.t
        if self.session.header is not None:
            # A session that is taken up again: the time between its runners passed for it too.
            began = max(began, time.time() - self.session.header.started_unix)
        self._origin = time.monotonic() - began
        self._unix_origin = time.time() - began
        self._sinks: list[Sink] = []
        self.state_s = 0
        """The place of the last event that said what the work does or waits for."""

    def now(self) -> float:
        """The session's clock: seconds since it began, monotonic."""
        return round(time.monotonic() - self._origin, 3)

    def from_unix(self, unix: float) -> float:
        """A server's wall-clock time on the session's clock, as far as the two clocks agree."""
        return round(unix - self._unix_origin, 3)

    def add(self, sink: Sink) -> None:
        """Hands each event from now on to `sink`."""
        self._sinks.append(sink)

    def emit(self, event: events.Event) -> None:
        """Stamps and folds `event`, and hands it on."""
        stamped = replace(event, t=self.now(), s=self.session.s + 1)
        self.session = apply(self.session, stamped)
        if isinstance(stamped, events.StateChanged):
            self.state_s = stamped.s
        for sink in self._sinks:
            sink(stamped)

    def log(self, text: str, level: str = "info") -> None:
        """A line of narration."""
        match level:
            case "error" | "warning" | "info":
                self.emit(events.Log(level=level, text=text))
            case _:
                raise ValueError(level)
