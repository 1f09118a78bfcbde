"""What a panel is drawn from: a session, the time at which it is drawn, and how. Nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from console.plan import Phase
from console.recording.chain import Chain
from console.session import PhaseView, Session
from console.tui.glyphs import UNICODE, Glyphs
from console.tui.replay.track import Track
from console.tui.source import Mode

OLD = 3.0
"""Seconds after which a reading, taken each second, is drawn as old: the runner trusts none older either."""


@dataclass(frozen=True)
class Playing:
    """Where a replay is."""

    running: bool
    speed: float
    position: float
    """The play head, on the session's clock `t`."""
    duration: float
    event: int
    """Events passed so far."""
    events: int
    track: Track
    """The whole session, for the time line."""
    skips: bool = False
    """Quiet stretches are left out while it plays."""
    written: bool = False
    """The recording is still being written."""
    follows: bool = False
    """The play head stays at its end."""
    problems: tuple[str, ...] = ()
    """What is missing from the recording."""
    chain: Chain | None = None
    """Whether it is as it was written; None: not looked at yet."""
    opening: str = ""
    """What is still to be read of the recording, in words; empty: nothing."""

    @property
    def cut_off(self) -> bool:
        """Nobody writes it any more, and it does not tell how the session ended."""
        return self.chain is not None and not self.chain.ended and not self.written


@dataclass(frozen=True)
class View:
    """One picture of a session."""

    session: Session
    now: float
    mode: Mode = "live"
    title: str = ""
    glyphs: Glyphs = UNICODE
    link: str = ""
    """Why no more events come; empty while they may."""
    me: str = ""
    """What this screen is called in the session's events; empty where that is not known."""
    way_back: str = ""
    """Where the link is lost: what to type."""
    playing: Playing | None = None

    @property
    def phase(self) -> Phase | None:
        """The plan of the phase that runs, or that is next."""
        return self.plan_of(self.session.phase)

    def plan_of(self, name: str) -> Phase | None:
        """The plan of a phase, or None."""
        phases = self.session.plan.phases if self.session.plan else ()
        return next((phase for phase in phases if phase.name == name), None)

    @property
    def current(self) -> PhaseView | None:
        """How far the phase is that runs, or that is next."""
        return self.session.current

    def age(self, at: float | None) -> float | None:
        """Seconds since `at`, None where there was no such time."""
        return None if at is None else max(0.0, self.now - at)

    def is_old(self, at: float | None) -> bool:
        """Whether a reading taken at `at` is too old to be trusted at a glance."""
        age = self.age(at)
        return age is None or age > OLD

    def stands(self, at: float | None, reading: str = "") -> bool:
        """Whether a figure read at `at` may be shown as what is: its reading is neither old nor failed.

        At the end of a session the last one stands for good.
        """
        if self.session.ended is not None:
            return at is not None
        return reading not in self.session.failures and not self.is_old(at)


Level = Literal["info", "warning", "error"]
