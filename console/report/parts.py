"""The lists of a report: phases, actions, keys, each gathered from a recording's events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from console import events
from console.change import Frozen
from console.recording import Recording
from console.session import PhaseState, Session
from console.words import plain

WallClock = Callable[[int, float], str]
"""The wall clock at a position and a time of the recording."""


class PhaseDone(Frozen, frozen=True):
    """A phase, with the last outcome that counts, and the time it took over all runs."""

    name: str
    outcome: PhaseState
    """`ahead` and `running` where the session did not come to its end."""
    seconds: float
    text: str = ""
    evidence: tuple[events.Evidence, ...] = ()
    title: str = ""
    purpose: str = ""
    gate: bool = False
    """It waits for people outside."""
    at: str = ""
    """When it began for the first time, on the wall clock; empty where it never did."""
    t: float | None = None
    """The same on the session's clock."""
    until: float | None = None
    """When its last outcome was known."""


class Turn(Frozen, frozen=True):
    """An action: who, what, when, why, and what became of it."""

    who: str
    claims: str
    what: str
    when: str
    t: float
    reason: str
    result: events.ActionState
    text: str
    phase: str
    """The phase in which it was asked for."""


class Keys(Frozen, frozen=True):
    """Keys of rows that stand out."""

    what: Literal["different", "failing", "skipped"]
    total: int
    keys: tuple[str, ...]
    text: str


def phases(recording: Recording, final: Session, wall: WallClock) -> tuple[PhaseDone, ...]:
    """Each phase of the plan, in its order."""
    outcomes: dict[str, events.PhaseEnded] = {}
    seconds: dict[str, float] = {}
    began: dict[str, tuple[int, float]] = {}
    last: dict[str, float] = {}
    for position, event in recording.of(events.Header, events.PhaseBegan, events.PhaseEnded):
        if isinstance(event, events.Header):
            # What an earlier runner was at when it went ended with the last that it said.
            _add_left(seconds, last, recording.times[max(0, position - 2)])
        if isinstance(event, events.PhaseBegan):
            began.setdefault(event.phase, (position, event.t))
            last[event.phase] = event.t
        if not isinstance(event, events.PhaseEnded):
            continue
        # In older recordings one that was stopped does not say how long it took.
        took = event.seconds or event.t - last.get(event.phase, event.t)
        last.pop(event.phase, None)
        seconds[event.phase] = seconds.get(event.phase, 0.0) + took
        before = outcomes.get(event.phase)
        # A later run that finds a phase done says nothing new of it.
        if event.outcome == "already-done" and before is not None and before.outcome in ("passed", "skipped"):
            continue
        outcomes[event.phase] = event
    planned = {str(phase.name): phase for phase in final.plan.phases} if final.plan else {}
    done = []
    for view in final.phases:
        outcome, text, evidence = view.state, view.text, view.evidence
        ended = outcomes.get(view.name)
        if ended is not None and view.state == "already-done":
            outcome, text, evidence = ended.outcome, ended.text, ended.evidence or evidence
        plan = planned.get(view.name)
        start = began.get(view.name)
        done.append(
            PhaseDone(
                name=view.name,
                outcome=outcome,
                seconds=round(seconds.get(view.name, 0.0), 3),
                text=text,
                evidence=evidence,
                title=view.title,
                purpose=plan.purpose if plan else "",
                gate=plan is not None and plan.does == "gate",
                at=wall(*start) if start else "",
                t=start[1] if start else None,
                until=ended.t if ended and start else None,
            )
        )
    return tuple(done)


def _add_left(seconds: dict[str, float], began: dict[str, float], t: float) -> None:
    """Count the time of phases that were begun and did not end, as far as `t`."""
    for phase, begin in began.items():
        seconds[phase] = seconds.get(phase, 0.0) + max(0.0, t - begin)
    began.clear()


def actions(recording: Recording, wall: WallClock) -> tuple[Turn, ...]:
    """Each action once, with its last state, in the order in which they were asked for."""
    turns: dict[str, Turn] = {}
    phase = ""
    for position, event in recording.of(events.ActionChanged, events.PhaseBegan):
        if isinstance(event, events.PhaseBegan):
            phase = event.phase
        elif isinstance(event, events.ActionChanged):
            before = turns.get(event.id)
            turn = Turn(
                who=event.owner.name,
                claims=event.owner.claims,
                what=" ".join((event.action, *event.arguments)),
                when=before.when if before else wall(position, event.t),
                t=before.t if before else event.t,
                reason=event.reason,
                result=event.state,
                text=event.text,
                phase=before.phase if before else phase,
            )
            turns[event.id] = turn
    return tuple(turns.values())


def keys(recording: Recording) -> tuple[Keys, ...]:
    """The last list of keys that differ and that fail, and every list of those left out."""
    listed: list[Keys] = []
    for _, event in recording.of(events.KeysListed):
        if isinstance(event, events.KeysListed):
            if event.what != "skipped":
                listed = [one for one in listed if one.what != event.what]
            listed.append(
                Keys(
                    what=event.what,
                    total=event.total,
                    keys=tuple(map(plain, event.keys)),
                    text=plain(event.text),
                )
            )
    return tuple(listed)
